import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTokenVerifier } from '../../src/server/index.ts'
import { createFakeClock } from '../../src/testing/index.ts'
import {
  apiAudience,
  challengeOf,
  createIssuer,
  createKey,
  issuerUrl,
  macJwt,
  refusalOf,
  signJwt,
  verifierAt,
  withToken,
} from '../support/issuer.ts'
import { signedInTab } from '../support/world.ts'
import type { TokenVerifierOptions } from '../../src/server/index.ts'
import type { FakeClock } from '../../src/testing/index.ts'
import type { Issuer, IssuerKey } from '../support/issuer.ts'

let key: IssuerKey
let other: IssuerKey
let clock: FakeClock
let issuer: Issuer

beforeAll(async () => {
  ;[key, other] = await Promise.all([createKey('key-1'), createKey('key-2')])
})
beforeEach(() => {
  clock = createFakeClock()
  issuer = createIssuer(clock, key)
})

const verifier = (options?: Partial<TokenVerifierOptions>) => verifierAt(issuer, options)

describe('an API that verifies the JWTs of its server', () => {
  test('knows who calls, after a sign-in at the reference server (S-42)', async () => {
    const world = await signedInTab({ server: { accessTokenFormat: 'RS256' } })
    const { verify } = createTokenVerifier({
      issuer: world.server.issuer,
      audience: world.server.api.url,
      clock: world.clock,
      fetch: world.server.fetch,
    })
    const claims = await verify(withToken(await world.auth.getAccessToken()))
    expect(claims).toMatchObject({ iss: world.server.issuer, aud: world.server.api.url })
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: claims.sub } })
    world.server.rotateKeys()
    const refreshed = await world.auth.refresh().then(() => world.auth.getAccessToken())
    await world.clock.advance(60_000)
    expect(await verify(withToken(refreshed))).toMatchObject({ sub: claims.sub })
  })

  test('asks for metadata and keys once, for any number of requests', async () => {
    const { verify } = verifier()
    expect(issuer.asked).toEqual([])
    const token = await issuer.token()
    await Promise.all(Array.from({ length: 20 }, () => verify(withToken(token))))
    await verify(withToken(await issuer.token({ sub: 'grace' })))
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  test('needs no metadata where it is told where the keys are', async () => {
    const { verify } = verifier({ metadata: { jwks_uri: `${issuerUrl}/jwks` } })
    await verify(withToken(await issuer.token()))
    expect(issuer.asked).toEqual(['/jwks'])
  })

  test('may have several names, and so may a token', async () => {
    const { verify } = verifier({ audience: ['api://orders', apiAudience] })
    const aud = ['api://bills', 'api://orders']
    expect(await verify(withToken(await issuer.token({ aud })))).toMatchObject({ aud })
    expect(await verify(withToken(await issuer.token()))).toMatchObject({ aud: apiAudience })
  })

  test('takes claims as they are, whatever the letters', async () => {
    const odd = { name: 'Zoë 愛', roles: ['a'], typ: 'at+jwt' }
    const token = await issuer.token(odd, { header: { typ: 'at+jwt' } })
    expect(await verifier().verify(withToken(token))).toEqual(issuer.claims(odd))
  })

  test('takes the scheme in any letter case, and clocks that differ by half a minute', async () => {
    const { verify } = verifier()
    const token = await issuer.token({ exp: issuer.now() - 29, nbf: issuer.now() + 29 })
    const headers = { authorization: `bEARER  ${token}` }
    expect(await verify(new Request('https://api.example.com/', { headers }))).toBeTruthy()
  })
})

describe('a token that is not for this API is refused (S-40, S-42)', () => {
  const now = () => Math.floor(createFakeClock().now() / 1000)
  const forged: [string, Record<string, unknown>, Record<string, unknown>, string][] = [
    [
      'no audience',
      { aud: undefined },
      {},
      'its aud is missing, and not "https://api.example.com/"',
    ],
    [
      'another audience',
      { aud: 'https://bills.example.com/' },
      {},
      'its aud is "https://bills.example.com/", and not "https://api.example.com/"',
    ],
    [
      'an audience that only begins so',
      { aud: `${apiAudience}v2` },
      {},
      'its aud is "https://api.example.com/v2", and not "https://api.example.com/"',
    ],
    [
      'no issuer',
      { iss: undefined },
      {},
      'its iss is missing, and not "https://login.example.com"',
    ],
    [
      'another issuer',
      { iss: 'https://evil.example' },
      {},
      'its iss is "https://evil.example", and not "https://login.example.com"',
    ],
    [
      'the issuer with a slash',
      { iss: `${issuerUrl}/` },
      {},
      'its iss is "https://login.example.com/", and not "https://login.example.com"',
    ],
    ['no end', { exp: undefined }, {}, 'it has no exp'],
    ['an end in words', { exp: '2099' }, {}, 'it has no exp'],
    ['expired', { exp: now() - 31 }, {}, 'it has expired'],
    ['not valid yet', { nbf: now() + 31 }, {}, 'it is not valid yet'],
    ['odd times', { nbf: 'now' }, {}, 'it is not valid yet'],
    [
      'an ID token, by its nonce',
      { nonce: 'n' },
      {},
      'it is an ID token, which is for the client only',
    ],
    [
      'an ID token, by its at_hash',
      { at_hash: 'h' },
      {},
      'it is an ID token, which is for the client only',
    ],
    [
      'an ID token of Keycloak',
      { typ: 'ID' },
      {},
      'it is an ID token, which is for the client only',
    ],
    [
      'an ID token of Cognito',
      { token_use: 'id' },
      {},
      'it is an ID token, which is for the client only',
    ],
    [
      'a logout token',
      {},
      { typ: 'logout+jwt' },
      'its typ is "logout+jwt", which is another kind of token',
    ],
    ['a proof', {}, { typ: 'dpop+jwt' }, 'its typ is "dpop+jwt", which is another kind of token'],
    [
      'a type that is no text',
      {},
      { typ: ['JWT'] },
      'its typ is ["JWT"], which is another kind of token',
    ],
    [
      'bound by DPoP',
      { cnf: { jkt: 'k' } },
      {},
      'it is bound to a key (cnf), and was sent as a bearer token',
    ],
    [
      'bound to a certificate',
      { cnf: { 'x5t#S256': 'k' } },
      {},
      'it is bound to a key (cnf), and was sent as a bearer token',
    ],
    [
      'a critical extension',
      {},
      { crit: ['exp'] },
      'its header has crit, and no extension is known',
    ],
    ['alg none', {}, { alg: 'none' }, 'its algorithm is "none", and it may be RS256, '],
    ['alg None', {}, { alg: 'None' }, 'its algorithm is "None", and it may be RS256, '],
    ['no algorithm', {}, { alg: undefined }, 'its algorithm is missing, and it may be RS256, '],
    ['another algorithm than the key has', {}, { alg: 'PS256' }, 'no applicable keys found'],
    ['a claim named error', { error: 'x' }, {}, 'it has a claim named error'],
  ]

  test.each(forged)('%s', async (_, claims, header, why) => {
    const error = await refusalOf(verifier(), await issuer.token(claims, { header }))
    expect(error.code).toBe('access_token_invalid')
    expect(error.message).toMatch(/^The access token is not valid: /)
    expect(error.message).toContain(why)
    expect(challengeOf(error)).toEqual([401, 'Bearer error="invalid_token"'])
  })

  test('a signature by somebody else, under the name of the key', async () => {
    const header = { alg: 'RS256', kid: 'key-1' }
    const token = await signJwt({ header, claims: issuer.claims() }, other)
    const error = await refusalOf(verifier(), token)
    expect(error.message).toContain('JWT signature verification failed')
  })

  test('other claims under the signature of a real token', async () => {
    const [header, , signature] = (await issuer.token()).split('.')
    const claims = Buffer.from(JSON.stringify(issuer.claims({ sub: 'admin' }))).toString(
      'base64url',
    )
    const error = await refusalOf(verifier(), `${header}.${claims}.${signature}`)
    expect(error.message).toContain('JWT signature verification failed')
  })

  test('no signature at all', async () => {
    const [header, claims] = (await issuer.token()).split('.')
    expect((await refusalOf(verifier(), `${header}.${claims}.`)).code).toBe('access_token_invalid')
  })

  test.each(['HS256', 'RS256'])('the public key used as a secret, alg %s', async (alg) => {
    const spki = Buffer.from(await crypto.subtle.exportKey('spki', key.pair.publicKey))
    const pem = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----`
    for (const secret of [pem, new Uint8Array(spki), JSON.stringify(key.jwk)]) {
      const header = { alg, kid: 'key-1' }
      const error = await refusalOf(
        verifier(),
        await macJwt({ header, claims: issuer.claims() }, secret),
      )
      expect(error.code).toBe('access_token_invalid')
    }
  })

  test('a key in the header of the token itself', async () => {
    const header = {
      alg: 'RS256',
      kid: 'key-2',
      jwk: other.jwk,
      jku: 'https://evil.example/jwks',
      x5u: 'https://evil.example/',
    }
    const error = await refusalOf(
      verifier(),
      await signJwt({ header, claims: issuer.claims() }, other),
    )
    expect(error.message).toContain('no applicable keys found')
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  test.each([
    ['no JWT', 'abc'],
    ['two parts', 'a.b'],
    ['five parts', 'a.b.c.d.e'],
    ['parts that are no JSON', 'YQ.YQ.YQ'],
    ['a list as header', 'WzFd.e30.YQ'],
    ['null as claims', 'e30.bnVsbA.YQ'],
  ])('%s', async (_, token) => {
    const error = await refusalOf(verifier(), token)
    expect(error.message).toBe(
      'The access token is not valid: it is not a JWT, and there is no option introspection.',
    )
    expect(issuer.asked).toEqual([])
  })

  test.each([
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer "a"',
    'Bearer é',
    `Bearer ${'a'.repeat(16_385)}`,
  ])('a header that holds no token: %.20s', async (authorization) => {
    const request = new Request('https://api.example.com/', { headers: { authorization } })
    const error = await refusalOf(verifier(), request)
    expect(challengeOf(error)).toEqual([401, 'Bearer error="invalid_token"'])
    expect(error.message).toBe(
      'The access token is not valid: it is empty, too long, or has characters that no token has.',
    )
  })

  test('a token of 16,384 characters is not too long', async () => {
    const error = await refusalOf(verifier(), 'a'.repeat(16_384))
    expect(error.message).toContain('it is not a JWT')
  })
})

describe('the answer of the API', () => {
  test('names no error where no token was sent, nor in the query (S-39, S-41)', async () => {
    const token = await issuer.token()
    for (const request of [
      new Request('https://api.example.com/orders'),
      new Request(`https://api.example.com/orders?access_token=${token}`),
      new Request('https://api.example.com/', { headers: { authorization: `Basic ${token}` } }),
      new Request('https://api.example.com/', { headers: { authorization: `DPoP ${token}` } }),
      new Request('https://api.example.com/', { headers: { authorization: `Bearer${token}` } }),
      new Request('https://api.example.com/', {
        headers: { authorization: `Negotiate Bearer ${token}` },
      }),
      new Request('https://api.example.com/', {
        method: 'POST',
        body: new URLSearchParams({ access_token: token }),
      }),
    ]) {
      const error = await refusalOf(verifier(), request)
      expect(error.code).toBe('access_token_invalid')
      expect(error.message).toBe('The request has no bearer token.')
      expect(challengeOf(error)).toEqual([401, 'Bearer'])
    }
  })

  test('is 400 where there are two tokens (S-40)', async () => {
    const token = await issuer.token()
    const twice = new Headers([
      ['authorization', `Bearer ${token}`],
      ['authorization', `Bearer ${token}`],
    ])
    for (const request of [
      new Request('https://api.example.com/', { headers: twice }),
      new Request(`https://api.example.com/?a=1&access_token=${token}`, {
        headers: { authorization: `Bearer ${token}` },
      }),
    ]) {
      const error = await refusalOf(verifier(), request)
      expect(challengeOf(error)).toEqual([400, 'Bearer error="invalid_request"'])
      expect(error.code).toBe('access_token_invalid')
      expect(error.message).toBe('The request has more than one access token.')
      expect(await error.challenge().json()).toEqual({
        error: 'access_token_invalid',
        message: 'The request must have one access token, in the Authorization header.',
      })
    }
  })

  test('is 403 and says which scopes the call needs (S-40)', async () => {
    const scopes = ['orders:read', 'orders:delete', 'orders:list']
    const error = await refusalOf(verifier(), await issuer.token(), { scopes })
    expect(error).toMatchObject({ code: 'insufficient_scope', name: 'AccessTokenError' })
    expect(error.message).toBe(
      'The access token lacks the scope orders:delete orders:list; the client must ask for it at the sign-in.',
    )
    expect(challengeOf(error)).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="orders:read orders:delete orders:list"',
    ])
    expect(await error.challenge().json()).toEqual({
      error: 'insufficient_scope',
      message: 'The access token lacks a scope that the request needs.',
    })
  })

  test('is JSON that tells nothing about the token, and is kept by no cache', async () => {
    const answer = (
      await refusalOf(verifier(), await issuer.token({ aud: 'secret-api' }))
    ).challenge()
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toEqual({
      error: 'access_token_invalid',
      message: 'The request needs a valid access token.',
    })
  })

  test.each([
    ['scope', { scope: 'a b c' }],
    ['a list of scopes', { scope: ['a', 'b'] }],
    ['scp', { scope: undefined, scp: 'b a' }],
    ['a list in scp', { scope: undefined, scp: ['a', 'b'] }],
  ])('counts %s', async (_, claims) => {
    const { verify } = verifier()
    const token = await issuer.token(claims)
    expect(await verify(withToken(token), { scopes: ['a', 'b'] })).toBeTruthy()
    for (const scopes of [['a', 'd'], ['A']])
      expect((await refusalOf({ verify }, token, { scopes })).status).toBe(403)
  })

  test('a mistake in the scopes is the mistake of the API', async () => {
    const request = withToken(await issuer.token())
    await expect(verifier().verify(request, { scopes: 'orders:read' as never })).rejects.toThrow(
      'scopes must be a list of scopes; it is "orders:read".',
    )
    await expect(verifier().verify(request, { scopes: ['a', 'b"'] })).rejects.toThrow(
      'scopes must be',
    )
  })
})
