import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clientSecret, createTokenVerifier } from '../../src/server/index.ts'
import { cacheIntrospection } from '../../src/server/introspection-cache.ts'
import { createFakeClock } from '../../src/testing/index.ts'
import {
  apiAudience,
  challengeOf,
  createIssuer,
  createKey,
  issuerUrl,
  macJwt,
  refusalOf,
  verifierAt,
  withToken,
} from '../support/issuer.ts'
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
const minute = 60_000
const down = () => Response.json({}, { status: 500 })

describe('the keys of the server', () => {
  test('a new one counts at once, when the last request for keys was a minute ago', async () => {
    const { verify } = verifier()
    await verify(withToken(await issuer.token()))
    issuer.keys.unshift(other)
    await clock.advance(minute)
    const token = await issuer.token({}, { key: other })
    await Promise.all(Array.from({ length: 10 }, () => verify(withToken(token))))
    expect(issuer.askedFor('/jwks')).toBe(2)
  })

  test('are asked for once a minute at most, however many names are made up', async () => {
    const v = verifier()
    await v.verify(withToken(await issuer.token()))
    for (let i = 0; i < 51; i++) {
      const token = await issuer.token({}, { header: { kid: `made-up-${i}` } })
      expect((await refusalOf(v, token)).status).toBe(401)
      await clock.advance(minute / 25)
    }
    expect(issuer.askedFor('/jwks')).toBe(3)
    await v.verify(withToken(await issuer.token()))
  })

  test('one that is gone counts no longer after ten minutes', async () => {
    const v = verifier()
    await v.verify(withToken(await issuer.token()))
    issuer.keys.splice(0, 1, other)
    await clock.advance(10 * minute)
    expect((await refusalOf(v, await issuer.token())).status).toBe(401)
  })

  test('count for an hour while new ones cannot be had, and are asked for once a minute', async () => {
    const v = verifier()
    await v.verify(withToken(await issuer.token()))
    issuer.odd.set('/jwks', down)
    await clock.advance(10 * minute)
    for (let i = 0; i < 5; i++) await v.verify(withToken(await issuer.token()))
    expect(issuer.askedFor('/jwks')).toBe(2)
    await clock.advance(50 * minute)
    expect(challengeOf(await refusalOf(v, await issuer.token()))).toEqual([503, null])
    issuer.odd.clear()
    await v.verify(withToken(await issuer.token()))
  })

  test('a name that is not there is no reason to refuse a token while the keys cannot be asked for', async () => {
    const v = verifier()
    await v.verify(withToken(await issuer.token()))
    issuer.odd.set('/jwks', down)
    await clock.advance(minute)
    for (let i = 0; i < 3; i++) {
      const error = await refusalOf(v, await issuer.token({}, { key: other }))
      expect([error.status, error.code]).toEqual([503, 'server_error'])
    }
    expect(issuer.askedFor('/jwks')).toBe(2)
  })

  test.each([
    ['no answer', () => Promise.reject(new TypeError('fetch failed')), 'network'],
    ['500', down, 'server_error'],
    ['429', () => new Response(null, { status: 429 }), 'rate_limited'],
    ['404', () => new Response(null, { status: 404 }), 'server_error'],
    ['a page', () => new Response('<html>'), 'server_error'],
    ['no keys', () => Response.json({}), 'server_error'],
    ['keys that are none', () => Response.json({ keys: ['a'] }), 'server_error'],
    [
      'a redirect',
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } }),
      'server_error',
    ],
  ])('%s: the API answers 503 and says when to try again', async (_, answer, code) => {
    issuer.odd.set('/jwks', answer)
    const v = verifier()
    const error = await refusalOf(v, await issuer.token())
    expect([error.code, error.status, error.retryable]).toEqual([code, 503, true])
    const response = error.challenge()
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toEqual({
      error: code,
      message: 'The access token could not be verified; try again later.',
    })
    issuer.odd.clear()
    await v.verify(withToken(await issuer.token()))
  })

  test('metadata that cannot be had, or of another server: 503, and the next request asks again', async () => {
    const v = verifier()
    issuer.odd.set('/.well-known/openid-configuration', down)
    expect((await refusalOf(v, await issuer.token())).status).toBe(503)
    issuer.odd.clear()
    issuer.metadata['issuer'] = 'https://evil.example'
    expect((await refusalOf(v, await issuer.token())).code).toBe('issuer_mismatch')
    issuer.metadata['issuer'] = issuerUrl
    issuer.metadata['jwks_uri'] = 'http://login.example.com/jwks'
    expect((await refusalOf(v, await issuer.token())).code).toBe('discovery_failed')
    issuer.metadata['jwks_uri'] = `${issuerUrl}/jwks`
    await v.verify(withToken(await issuer.token()))
  })

  test('a server that signs nobody in has keys as well', async () => {
    // Such as the one of a CI service: no authorization endpoint, no PKCE.
    expect(issuer.metadata).not.toHaveProperty('authorization_endpoint')
    await verifier().verify(withToken(await issuer.token()))
  })
})

describe('a server that signs with HS256', () => {
  const secret = 'a secret of 32 bytes, or of more'
  const header = { alg: 'HS256' }

  test('shares a secret with the API, which asks for no keys', async () => {
    const { verify } = verifier({ secret })
    const claims = issuer.claims()
    expect(await verify(withToken(await macJwt({ header, claims }, secret)))).toEqual(claims)
    const bytes = verifier({ secret: new TextEncoder().encode(secret) })
    expect(await bytes.verify(withToken(await macJwt({ header, claims }, secret)))).toEqual(claims)
    expect(issuer.asked).toEqual([])
  })

  test('is judged as any other (S-42)', async () => {
    const v = verifier({ secret })
    const make = (claims: object, more = {}) =>
      macJwt({ header: { ...header, ...more }, claims }, secret)
    for (const token of [
      await macJwt({ header, claims: issuer.claims() }, `${secret}!`),
      await make(issuer.claims({ aud: 'other' })),
      await make(issuer.claims({ iss: 'https://evil.example' })),
      await make(issuer.claims({ exp: undefined })),
      await make(issuer.claims({ exp: issuer.now() - 31 })),
      await make(issuer.claims({ nbf: issuer.now() + 31 })),
      await make(issuer.claims({ nonce: 'n' })),
      await make(issuer.claims(), { crit: ['b64'] }),
      await make(issuer.claims(), { alg: 'none' }),
      await make(issuer.claims(), { alg: 'HS512' }),
      await issuer.token(),
    ])
      expect((await refusalOf(v, token)).status).toBe(401)
    expect(issuer.asked).toEqual([])
  })
})

describe('opaque tokens', () => {
  const introspection = { clientId: 'orders-api', clientAuthentication: clientSecret('a-secret') }
  const active = (odd = {}) => ({
    active: true,
    sub: 'ada',
    scope: 'orders:read',
    exp: issuer.now() + 900,
    ...odd,
  })

  test('the server says whether they are active, to an API that authenticates (C-110)', async () => {
    issuer.opaque.set('good', active({ aud: apiAudience }))
    const v = verifier({ introspection })
    expect(await v.verify(withToken('good'), { scopes: ['orders:read'] })).toMatchObject({
      sub: 'ada',
    })
    expect((await refusalOf(v, 'good', { scopes: ['orders:write'] })).status).toBe(403)
    expect((await refusalOf(v, 'unknown')).message).toBe(
      'The access token is not valid: the server says that it is not active.',
    )
  })

  test('JWTs are verified without asking about them', async () => {
    const v = verifier({ introspection })
    await v.verify(withToken(await issuer.token()))
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  test.each([
    ['active that is not true', { active: 'true' }, 503],
    ['active that is a number', { active: 1 }, 503],
    ['no active', { active: undefined }, 503],
    ['inactive', { active: false }, 401],
    ['another issuer', { iss: 'https://evil.example' }, 401],
    ['another audience', { aud: ['https://bills.example.com/'] }, 401],
    ['expired', { exp: 1 }, 401],
    ['an end in words', { exp: 'never' }, 401],
    ['not valid yet', { nbf: 4_000_000_000 }, 401],
    ['bound to a key', { cnf: { jkt: 'k' } }, 401],
    ['a token for DPoP', { token_type: 'DPoP' }, 401],
    ['a refresh token', { token_type: 'refresh_token' }, 401],
    ['a refresh token of Hydra', { token_use: 'refresh_token' }, 401],
  ])('are never accepted by an answer with %s', async (_, odd, status) => {
    issuer.opaque.set('token', active(odd))
    expect((await refusalOf(verifier({ introspection }), 'token')).status).toBe(status)
  })

  test.each([
    ['no answer', () => Promise.reject(new TypeError('fetch failed'))],
    ['500', down],
    ['401', () => Response.json({ error: 'invalid_client' }, { status: 401 })],
    ['a page', () => new Response('<html>')],
    [
      'a JWT that nobody checked',
      () =>
        new Response('a.b.c', {
          headers: { 'content-type': 'application/token-introspection+jwt' },
        }),
    ],
  ])('the API answers 503 where the server has %s, and asks again next time', async (_, answer) => {
    issuer.opaque.set('token', active())
    issuer.odd.set('/introspect', answer)
    const v = verifier({ introspection })
    expect(challengeOf(await refusalOf(v, 'token'))).toEqual([503, null])
    issuer.odd.clear()
    await v.verify(withToken('token'))
  })

  test('a wrong secret of the API is no fault of the token', async () => {
    issuer.opaque.set('token', active())
    const wrong = { ...introspection, clientAuthentication: clientSecret('wrong') }
    const error = await refusalOf(verifier({ introspection: wrong }), 'token')
    expect([error.status, error.code]).toEqual([503, 'server_error'])
    expect(error.message).not.toContain('wrong')
  })

  test('an answer counts for 30 seconds, and not beyond the end of the token', async () => {
    issuer.opaque.set('token', active())
    issuer.opaque.set('short', active({ exp: issuer.now() + 10 }))
    const v = verifier({ introspection })
    const ask = async (token: string) => v.verify(withToken(token))
    await Promise.all([ask('token'), ask('token'), ask('short')])
    expect(issuer.askedFor('/introspect')).toBe(2)
    await clock.advance(9000)
    await Promise.all([ask('token'), ask('short')])
    expect(issuer.askedFor('/introspect')).toBe(2)
    // Revoked at the server, but not noticed yet.
    issuer.opaque.clear()
    await clock.advance(20_000)
    await ask('token')
    expect((await refusalOf(v, 'short')).status).toBe(401)
    expect(issuer.askedFor('/introspect')).toBe(3)
    await clock.advance(1000)
    expect((await refusalOf(v, 'token')).status).toBe(401)
  })

  test('a flood of made-up tokens does not fill the memory', async () => {
    let asked = 0
    const ask = cacheIntrospection(async () => {
      asked += 1
      return { active: false }
    }, clock)
    await ask('first')
    await Promise.all(Array.from({ length: 10_000 }, (_, at) => ask(`made-up-${at}`)))
    await ask('made-up-0')
    expect(asked).toBe(10_001)
    await ask('first')
    expect(asked).toBe(10_002)
  })

  test('a server without an introspection endpoint is a mistake that is named', async () => {
    delete issuer.metadata['introspection_endpoint']
    const error = await refusalOf(verifier({ introspection }), 'token')
    expect(error.message).toContain('introspection_endpoint is missing')
    const metadata = { introspection_endpoint: `${issuerUrl}/introspect` }
    issuer.opaque.set('token', active())
    const byHand = verifier({ introspection, metadata })
    await byHand.verify(withToken('token'))
    expect((await refusalOf(byHand, await issuer.token())).message).toContain(
      'jwks_uri of its issuer',
    )
  })
})

describe('the profile of RFC 9068', () => {
  const right = { client_id: 'my-spa', jti: 'id' }
  const header = { typ: 'at+jwt' }

  test('takes tokens that have all it wants (S-42)', async () => {
    const { verify } = verifier({ profile: 'rfc9068' })
    expect(await verify(withToken(await issuer.token(right, { header })))).toMatchObject(right)
  })

  test.each([
    ['another type', {}, { typ: 'JWT' }],
    ['no type', {}, { typ: undefined }],
    ['no client', { client_id: undefined }, header],
    ['no name of its own', { jti: undefined }, header],
    ['no subject', { sub: undefined }, header],
    ['no time of issue', { iat: undefined }, header],
    ['another audience', { aud: 'other' }, header],
    ['expired', { exp: 1 }, header],
  ])('refuses %s', async (_, claims, head) => {
    const token = await issuer.token({ ...right, ...claims }, { header: head })
    expect((await refusalOf(verifier({ profile: 'rfc9068' }), token)).status).toBe(401)
  })

  test('refuses a foreign signature', async () => {
    const token = await issuer.token(right, { header: { ...header, kid: 'key-1' }, key: other })
    expect((await refusalOf(verifier({ profile: 'rfc9068' }), token)).status).toBe(401)
  })
})

describe('Microsoft Entra', () => {
  const [contoso, fabrikam] = [
    '11111111-2222-3333-4444-555555555555',
    '99999999-2222-3333-4444-555555555555',
  ]
  const login = 'https://login.microsoftonline.com'
  const at = (tenant: string) => `${login}/${tenant}/v2.0`

  test('for many tenants: each token names its own, and no other server (S-42)', async () => {
    const metadata = { issuer: at('{tenantid}'), jwks_uri: `${login}/keys` }
    issuer.odd.set('/organizations/v2.0/.well-known/openid-configuration', () =>
      Response.json(metadata),
    )
    issuer.odd.set('/keys', () => Response.json({ keys: [key.jwk] }))
    const v = verifier({ issuer: at('organizations') })
    for (const tid of [contoso, fabrikam])
      expect(await v.verify(withToken(await issuer.token({ iss: at(tid), tid })))).toMatchObject({
        tid,
      })
    for (const iss of [
      at('organizations'),
      at('{tenantid}'),
      `${at(contoso)}/`,
      `https://evil.example/${contoso}/v2.0`,
      at('a'),
    ])
      expect((await refusalOf(v, await issuer.token({ iss }))).status).toBe(401)
  })

  test('for one tenant: nobody of another one gets in', async () => {
    const metadata = { jwks_uri: `${issuerUrl}/jwks` }
    const v = verifier({ issuer: at(contoso), metadata })
    await v.verify(withToken(await issuer.token({ iss: at(contoso) })))
    expect((await refusalOf(v, await issuer.token({ iss: at(fabrikam) }))).status).toBe(401)
  })

  test('a token of version 1 is refused with what to do in the portal', async () => {
    const v = verifier({ issuer: at(contoso), metadata: { jwks_uri: `${issuerUrl}/jwks` } })
    const token = await issuer.token({ iss: `https://sts.windows.net/${contoso}/` })
    expect((await refusalOf(v, token)).message).toBe(
      "The access token is not valid: it is of version 1; set requestedAccessTokenVersion to 2 in the manifest of the API's registration.",
    )
  })
})

describe('a verifier that is made wrongly says so at once', () => {
  const usual = { issuer: issuerUrl, audience: apiAudience }

  test.each([
    [{ issuer: 'login.example.com' }, 'issuer must be an absolute https URL'],
    [{ issuer: undefined }, 'issuer must be an absolute https URL'],
    [{ audience: undefined }, 'audience must be a non-empty string, or a list of them'],
    [{ audience: [] }, 'audience must be'],
    [{ audience: [''] }, 'audience must be'],
    [{ audience: ['a', ''] }, 'audience must be'],
    [{ audience: '' }, 'audience must be'],
    [{ audience: 7 }, 'audience must be'],
    [{ audience: [7] }, 'audience must be'],
    [
      { algorithms: ['none'] },
      'algorithms must be a list of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, Ed25519, EdDSA, HS256; it is ["none"].',
    ],
    [{ algorithms: ['RS256', 'none'] }, 'algorithms must be'],
    [{ algorithms: [] }, 'algorithms must be'],
    [{ algorithms: 'RS256' }, 'algorithms must be'],
    [{ algorithms: ['HS256'] }, 'algorithms must be a list of RS256'],
    [{ secret: 'x'.repeat(31) }, 'secret must be a string or bytes, at least 32 bytes long.'],
    [{ secret: 1 }, 'secret must be a string or bytes'],
    [{ secret: { length: 32 } }, 'secret must be a string or bytes'],
    [{ secret: new Uint8Array(31) }, 'secret must be a string or bytes'],
    [{ secret: 'x'.repeat(32), algorithms: ['RS256'] }, 'algorithms must be a list of HS256'],
    [
      { secret: 'x'.repeat(32), profile: 'rfc9068' },
      'profile must be left out where there is a secret',
    ],
    [{ profile: 'at+jwt' }, "profile must be 'rfc9068'"],
    [{ introspection: {} }, 'introspection.clientId must be a non-empty string'],
    [{ introspection: { clientId: 'a' } }, 'introspection.clientAuthentication must be a function'],
    [
      { introspection: { clientId: 'a', secret: 'b' } },
      'There is no option secret, only clientId, clientAuthentication.',
    ],
    [{ audiences: ['a'] }, 'There is no option audiences'],
  ])('%j', (odd, message) => {
    expect(() => createTokenVerifier({ ...usual, ...odd } as never)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringContaining(message),
      }),
    )
  })

  test('and a secret may have 32 bytes in fewer characters', () => {
    expect(createTokenVerifier({ ...usual, secret: 'ß'.repeat(16) })).toHaveProperty('verify')
  })

  test('and may restrict the algorithms', async () => {
    await verifier({ algorithms: ['RS256'] }).verify(withToken(await issuer.token()))
    const strict = verifier({ algorithms: ['ES256', 'PS256'] })
    expect((await refusalOf(strict, await issuer.token())).message).toContain(
      'its algorithm is "RS256", and it may be ES256, PS256',
    )
  })
})
