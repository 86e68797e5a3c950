import { describe, expect, it } from 'vitest'
import { createAuthServer } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'
import {
  challengeOf,
  claimsOf,
  discover,
  errorOf,
  exchange,
  internalApp,
  obtainCode,
  post,
  sandbox,
  strictServer,
  verifier,
} from '../support.ts'
import type { Tokens } from '../support.ts'
import { boundApp, inClaims, inHeader, newKeys, proof } from './dpop-support.ts'
import type { Alter } from './dpop-support.ts'

const keys = await newKeys()
const otherKeys = await newKeys()
const usersMe = 'https://api.example.com/users/me'
const tokenUrl = 'https://login.example.com/token'

const withoutNonces = () => strictServer({ dpopNonce: false })

/** The server's word on a proof at the token endpoint. */
async function verdict(server: AuthServer, made: string): Promise<[number, string]> {
  const code = await obtainCode(server, internalApp)
  return errorOf(
    post(
      server,
      '/token',
      {
        grant_type: 'authorization_code',
        ...internalApp,
        code,
        code_verifier: verifier,
      },
      { dpop: made },
    ),
  )
}

describe('a DPoP proof', () => {
  const refused: [string, Alter][] = [
    ['of another type', inHeader('typ', 'JWT')],
    ['without a type', inHeader('typ', undefined)],
    ['without a key', inHeader('jwk', undefined)],
    ['with null for a key', inHeader('jwk', null)],
    [
      'with the private key',
      (header) => void (header['jwk'] = { ...(header['jwk'] as object), d: 'x' }),
    ],
    ['with a key of another kind', inHeader('jwk', { kty: 'oct', k: 'AAAA' })],
    ['without alg', inHeader('alg', undefined)],
    ['with alg none', inHeader('alg', 'none')],
    ['with alg HS256', inHeader('alg', 'HS256')],
    ['with an alg that is not its own', inHeader('alg', 'RS256')],
    ['without jti', inClaims('jti', undefined)],
    ['with an empty jti', inClaims('jti', '')],
    ['with a jti that is a number', inClaims('jti', 7)],
    ['without htm', inClaims('htm', undefined)],
    ['for another method', inClaims('htm', 'GET')],
    ['for a method in lower case', inClaims('htm', 'post')],
    ['without htu', inClaims('htu', undefined)],
    ['for a URL that is none', inClaims('htu', '/token')],
    ['for another path', inClaims('htu', 'https://login.example.com/par')],
    ['for another origin', inClaims('htu', 'https://x.example/token')],
    ['without iat', inClaims('iat', undefined)],
    ['with iat as text', (_, claims) => void (claims['iat'] = `${Number(claims['iat'])}`)],
    ['of two minutes ago', (_, claims) => void (claims['iat'] = Number(claims['iat']) - 120)],
    ['of the future', (_, claims) => void (claims['iat'] = Number(claims['iat']) + 120)],
    ['with the hash of a token that is not there', inClaims('ath', 'x')],
    ['with a nonce nobody gave', inClaims('nonce', 'x')],
  ]

  it.each(refused)('%s is refused (S-35)', async (_, alter) => {
    const made = await proof({ keys, url: tokenUrl, alter })
    expect(await verdict(withoutNonces(), made)).toEqual([400, 'invalid_dpop_proof'])
  })

  it.each<[string, (made: string) => string | Promise<string>]>([
    ['that is no JWT', () => 'proof'],
    ['twice in one header', (made) => `${made}, ${made}`],
    ['without its signature', (made) => made.slice(0, made.lastIndexOf('.') + 1)],
    [
      'signed by another key',
      async (made) => {
        const other = await proof({ keys: otherKeys, url: tokenUrl })
        return made.split('.').slice(0, 2).concat(other.split('.')[2]!).join('.')
      },
    ],
    [
      'whose claims were changed',
      (made) => {
        const [header, , signature] = made.split('.')
        const claims = { ...claimsOf(made), jti: 'another' }
        return [header, btoa(JSON.stringify(claims)).replace(/=+$/, ''), signature].join('.')
      },
    ],
  ])('%s is refused (S-35)', async (_, spoil) => {
    const made = await spoil(await proof({ keys, url: tokenUrl }))
    expect(await verdict(withoutNonces(), made)).toEqual([400, 'invalid_dpop_proof'])
  })

  it('is taken once (S-35)', async () => {
    const server = withoutNonces()
    const made = await proof({ keys, url: tokenUrl })
    expect(await verdict(server, made)).toEqual([200, undefined])
    expect(await verdict(server, made)).toEqual([400, 'invalid_dpop_proof'])
  })

  it('is taken once of two that arrive together (S-35)', async () => {
    const server = withoutNonces()
    const made = await proof({ keys, url: tokenUrl })
    const verdicts = await Promise.all([verdict(server, made), verdict(server, made)])
    expect(verdicts.map(([status]) => status).sort()).toEqual([200, 400])
  })

  it.each(['ES256', 'RS256', 'PS256'])(
    'may be signed with %s, as the metadata say (S-35)',
    async (alg) => {
      const server = withoutNonces()
      const app = boundApp(server, await newKeys(alg))
      expect(await app.signIn()).toMatchObject({ token_type: 'DPoP' })
      const { dpop_signing_alg_values_supported: algs } = await discover(server)
      expect(algs).toContain(alg)
    },
  )

  it.each<[string, Alter]>([
    ['the query and the fragment in htu are ignored', inClaims('htu', `${tokenUrl}?a=b#c`)],
    ['a minute is near enough', (_, claims) => void (claims['iat'] = Number(claims['iat']) - 50)],
    ['further claims are no matter', inClaims('exp', 1)],
  ])('%s (S-35)', async (_, alter) => {
    const made = await proof({ keys, url: tokenUrl, alter })
    expect(await verdict(withoutNonces(), made)).toEqual([200, undefined])
  })

  it('is no matter at an endpoint that takes none', async () => {
    const server = strictServer()
    const headers = { dpop: 'not a proof' }
    expect((await server.fetch(`${server.issuer}/jwks`, { headers })).status).toBe(200)
  })
})

describe('nonces', () => {
  it('are demanded by the server and by the API, each its own (S-36)', async () => {
    const server = strictServer()
    const app = boundApp(server, keys)
    const tokens = await app.signIn()
    const tokenCalls = server.requestsTo('/token')
    expect(tokenCalls).toHaveLength(2)
    expect((await app.call(usersMe, tokens.access_token)).status).toBe(200)
    expect(server.requestsTo('/users/me')).toHaveLength(2)
    expect(app.nonces['server']).not.toBe(app.nonces['https://api.example.com'])
  })

  it('the server says so with 400, the API with 401 and a challenge (S-36, S-38)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    const dpop = await proof({ keys, url: tokenUrl })
    const atServer = await exchange(server, code).then(() =>
      post(
        server,
        '/token',
        { grant_type: 'refresh_token', client_id: sandbox.clientId },
        { dpop },
      ),
    )
    expect(atServer.headers.get('dpop-nonce')).toHaveLength(43)
    expect(await errorOf(atServer)).toEqual([400, 'use_dpop_nonce'])
    const { access_token: token } = await boundApp(server, keys).signIn()
    const atApi = await server.fetch(usersMe, {
      headers: {
        authorization: `DPoP ${token}`,
        dpop: await proof({ keys, method: 'GET', url: usersMe, token }),
      },
    })
    expect([atApi.status, atApi.headers.get('dpop-nonce')?.length]).toEqual([401, 43])
    expect(challengeOf(atApi)).toMatch(/^DPoP algs="ES256 RS256 PS256", error="use_dpop_nonce"/)
  })

  it.each([
    ['server', 2, 1],
    ['api', 1, 2],
    [false, 1, 1],
  ] as const)('dpopNonce: %s (S-36)', async (dpopNonce, atServer, atApi) => {
    const server = strictServer({ dpopNonce })
    const app = boundApp(server, keys)
    const { access_token: token } = await app.signIn()
    expect((await app.call(usersMe, token)).status).toBe(200)
    expect(server.requestsTo('/token')).toHaveLength(atServer)
    expect(server.requestsTo('/users/me')).toHaveLength(atApi)
  })

  it('change after five minutes with an answer that is good, and the old one is good for a minute more (S-36)', async () => {
    const server = strictServer()
    const app = boundApp(server, keys)
    const tokens = await app.signIn()
    const old = app.nonces['server']
    server.clock.pass(5 * 60)
    const next = (await (await app.refresh(tokens.refresh_token)).json()) as Tokens
    expect(app.nonces['server']).not.toBe(old)
    expect(server.requestsTo('/token')).toHaveLength(3)
    app.nonces['server'] = old
    server.clock.pass(59)
    const last = (await (await app.refresh(next.refresh_token)).json()) as Tokens
    expect(server.requestsTo('/token')).toHaveLength(4)
    app.nonces['server'] = old
    server.clock.pass(1)
    expect((await app.refresh(last.refresh_token)).status).toBe(200)
    expect(server.requestsTo('/token')).toHaveLength(6)
  })

  it('say when a proof was made, however wrong the clock of the client is (S-35)', async () => {
    const app = boundApp(strictServer(), keys)
    const code = await obtainCode(strictServer())
    expect(await errorOf(app.exchange(code))).toEqual([400, 'invalid_grant'])
    const server = strictServer()
    const late = boundApp(server, keys)
    const exchanged = await late.exchange(await obtainCode(server), {}, (_, claims) => {
      claims['iat'] = Number(claims['iat']) - 86_400
    })
    expect(exchanged.status).toBe(200)
  })

  it('of the API are none of the server, and none of another API (S-36)', async () => {
    const server = strictServer({ otherApis: [{}] })
    const app = boundApp(server, keys)
    const { access_token: token } = await app.signIn()
    await app.call(usersMe, token)
    app.nonces['server'] = app.nonces['https://api.example.com']
    await app.exchange(await obtainCode(server))
    expect(server.requestsTo('/token')).toHaveLength(4)
    app.nonces['https://api-2.example.com'] = app.nonces['https://api.example.com']
    await app.call('https://api-2.example.com/users/me', token)
    expect(server.requestsTo('/users/me')).toHaveLength(4)
  })

  it('can be read by pages of other origins', async () => {
    const server = createAuthServer()
    const headers = { origin: 'https://app.example.com', dpop: 'x' }
    const response = await post(server, '/token', {}, headers)
    expect(response.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce')
  })
})
