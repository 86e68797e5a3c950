import { expect, test } from 'vitest'
import { clientSecret, createTokenVerifier } from '../../src/server/index.ts'
import { challengeOf, refusalOf, withToken } from '../support/issuer.ts'
import { signedInTab } from '../support/world.ts'
import type { TokenVerifierOptions } from '../../src/server/index.ts'
import type { AuthServerOptions } from '../../src/testing/index.ts'

const api = { clientId: 'orders-api', clientSecret: 'the secret of the API' }
const sharedSecret = 'a secret of 32 bytes, or of more'

const introspection = {
  clientId: api.clientId,
  clientAuthentication: clientSecret(api.clientSecret),
}

/** What a server issues, and how an API that takes such tokens is set up. */
const kinds: Record<string, [AuthServerOptions, Partial<TokenVerifierOptions>]> = {
  'RS256, at+jwt': [{ accessTokenFormat: 'RS256' }, { profile: 'rfc9068' }],
  'ES256, JWT': [{ accessTokenFormat: 'ES256', accessTokenType: 'JWT' }, {}],
  HS256: [
    { accessTokenFormat: 'HS256', accessTokenSecret: sharedSecret },
    { secret: sharedSecret },
  ],
  opaque: [{ accessTokenFormat: 'opaque' }, { introspection }],
}

test.each(Object.keys(kinds))(
  'an API lets in whoever signed in, and nobody once the token is over: %s (S-42, C-110)',
  async (kind) => {
    const [of, options] = kinds[kind]!
    const redirectUris = ['https://app.example.com/callback']
    const world = await signedInTab({
      server: {
        ...of,
        clients: [
          { clientId: 'production-app', kind: 'internal', redirectUris },
          { ...api, kind: 'internal', redirectUris },
        ],
      },
    })
    const { issuer, fetch } = world.server
    const audience = world.server.api.url
    const verifier = createTokenVerifier({
      issuer,
      audience,
      fetch,
      clock: world.clock,
      ...options,
    })
    const token = await world.auth.getAccessToken()
    expect(await verifier.verify(withToken(token))).toMatchObject({ iss: issuer })

    const elsewhere = createTokenVerifier({
      ...{ issuer, fetch, clock: world.clock, ...options },
      audience: 'https://bills.example.com/',
    })
    expect((await refusalOf(elsewhere, token)).status).toBe(401)
    await world.clock.advance(931_000)
    expect(challengeOf(await refusalOf(verifier, token))).toEqual([
      401,
      'Bearer error="invalid_token"',
    ])
  },
)
