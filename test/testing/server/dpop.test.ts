import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { createAuthServer } from '../../../src/testing/index.ts'
import type { AuthServer, AuthServerOptions } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  callApi,
  challengeOf,
  claimsOf,
  discover,
  errorOf,
  exchange,
  internalApp,
  obtainCode,
  open,
  post,
  production,
  redirectOf,
  refresh,
  sandbox,
  signIn,
  strictServer,
  through,
  verifier,
} from '../support.ts'
import type { Tokens } from '../support.ts'
import { boundApp, inClaims, newKeys, proof, thumbprint } from './dpop-support.ts'
import type { Alter } from './dpop-support.ts'

const keys = await newKeys()
const otherKeys = await newKeys()
const usersMe = 'https://api.example.com/users/me'
const tokenUrl = 'https://login.example.com/token'

const withoutNonces = (options: AuthServerOptions = {}) =>
  strictServer({ dpopNonce: false, ...options })

const demanding = (client: object = {}) => ({
  clients: [
    {
      clientId: sandbox.clientId,
      redirectUris: [sandbox.redirectUri],
      dpopBound: true,
      ...client,
    },
  ],
})

describe('bound tokens', () => {
  it.each(['opaque', 'HS256', 'RS256'] as const)(
    '%s: are of the type DPoP (S-37)',
    async (format) => {
      const server = strictServer({ accessTokenFormat: format })
      const app = boundApp(server, keys)
      const tokens = await app.signIn()
      expect(tokens.token_type).toBe('DPoP')
      if (format !== 'opaque')
        expect(claimsOf(tokens.access_token)['cnf']).toEqual({ jkt: await thumbprint(keys) })
      expect((await app.call(usersMe, tokens.access_token)).status).toBe(200)
    },
  )

  it('are understood by another client, nonces and all (S-37, S-38)', async () => {
    const server = createAuthServer()
    const as = await discover(server)
    const client = { client_id: production.clientId }
    const handle = oauth.DPoP({}, keys)
    const how = { ...through(server), DPoP: handle }
    const jkt = await handle.calculateThumbprint()
    const url = authorizationUrl(server, { ...internalApp, dpop_jkt: jkt })
    const callback = new URL(await server.authorize(url))
    const parameters = oauth.validateAuthResponse(as, client, callback, 'a state')
    const ask = () =>
      oauth.authorizationCodeGrantRequest(
        ...([as, client, oauth.None(), parameters, production.redirectUri] as const),
        verifier,
        how,
      )
    const read = async () =>
      oauth.processAuthorizationCodeResponse(as, client, await ask(), { expectedNonce: 'a nonce' })
    const demanded: unknown = await read().catch((error: unknown) => error)
    expect(oauth.isDPoPNonceError(demanded)).toBe(true)
    const tokens = await read()
    expect(tokens.token_type).toBe('dpop')
    const renewed = await oauth.processRefreshTokenResponse(
      as,
      client,
      await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token!, how),
    )
    const api = () =>
      oauth.protectedResourceRequest(
        ...([renewed.access_token, 'GET', new URL(usersMe), undefined, undefined, how] as const),
      )
    expect(oauth.isDPoPNonceError(await api().catch((error: unknown) => error))).toBe(true)
    expect((await api()).status).toBe(200)
    const about = await oauth.userInfoRequest(as, client, renewed.access_token, how)
    expect(await oauth.processUserInfoResponse(as, client, 'user-ada', about)).toMatchObject({
      name: 'Ada Lovelace',
    })
  })

  it('come without a proof for no client that must have them (S-37)', async () => {
    const server = strictServer(demanding())
    const code = await obtainCode(server)
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_request'])
    const app = boundApp(server, keys)
    const tokens = await app.exchange(code)
    expect(await tokens.clone().json()).toMatchObject({ token_type: 'DPoP' })
    const { refresh_token: token } = (await tokens.json()) as Tokens
    expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_request'])
    expect((await app.refresh(token)).status).toBe(200)
  })

  it('of a public client are refreshed with the same key only (S-37)', async () => {
    const server = strictServer()
    const app = boundApp(server, keys)
    const { refresh_token: token } = await app.signIn()
    expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
    const thief = boundApp(server, otherKeys)
    expect(await errorOf(thief.refresh(token))).toEqual([400, 'invalid_grant'])
    expect(await (await app.refresh(token)).json()).toMatchObject({ token_type: 'DPoP' })
  })

  it('of a confidential client may be refreshed with another key (S-37)', async () => {
    const server = strictServer(demanding({ clientSecret: 'hush' }))
    const secret = { client_secret: 'hush' }
    const code = await obtainCode(server)
    const first = (await (await boundApp(server, keys).exchange(code, secret)).json()) as Tokens
    const other = boundApp(server, otherKeys)
    const { access_token: token } = (await (
      await other.refresh(first.refresh_token, secret)
    ).json()) as Tokens
    expect((await other.call(usersMe, token)).status).toBe(200)
    expect((await boundApp(server, keys).call(usersMe, token)).status).toBe(401)
  })

  it('are not to be had by a cookie', async () => {
    const client = { clientId: 'c', redirectUris: [production.redirectUri] }
    const both = { ...client, refreshTokenIn: 'cookie', dpopBound: true } as const
    expect(() => strictServer({ clients: [both] })).toThrow('cannot have dpopBound')
    const server = strictServer()
    const { refresh_token: token } = await boundApp(server, keys).signIn()
    const headers = { authorization: `Bearer ${token}` }
    const attempt = server.fetch(`${server.issuer}/refresh_token`, { method: 'POST', headers })
    expect((await attempt).status).toBe(401)
  })
})

describe('dpop_jkt', () => {
  it('binds the code to the key (S-18, S-37)', async () => {
    const server = strictServer()
    const code = await obtainCode(server, { dpop_jkt: await thumbprint(keys) })
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_grant'])
    const thief = boundApp(server, otherKeys)
    expect(await errorOf(thief.exchange(code))).toEqual([400, 'invalid_grant'])
    expect((await boundApp(server, keys).exchange(code)).status).toBe(200)
  })

  it.each(['x', `${'a'.repeat(42)}=`, 'a'.repeat(44)])(
    '%s is no thumbprint (S-37)',
    async (jkt) => {
      const server = strictServer()
      const answer = await open(server, authorizationUrl(server, { dpop_jkt: jkt }))
      expect(redirectOf(answer).get('error')).toBe('invalid_request')
    },
  )

  async function pushWith(server: AuthServer, pair: CryptoKeyPair, dpopJkt?: string) {
    const url = new URL(authorizationUrl(server, { dpop_jkt: dpopJkt }))
    return boundApp(server, pair).post('/par', Object.fromEntries(url.searchParams))
  }

  it('need not be said when the request is pushed with a proof (S-37)', async () => {
    const server = strictServer()
    const pushed = await pushWith(server, keys)
    const { request_uri: uri } = (await pushed.json()) as { request_uri: string }
    const search = new URLSearchParams({ client_id: sandbox.clientId, request_uri: uri })
    const callback = await server.authorize(`${server.issuer}/authorize?${search.toString()}`)
    const code = new URL(callback).searchParams.get('code')!
    const thief = boundApp(server, otherKeys)
    expect(await errorOf(thief.exchange(code))).toEqual([400, 'invalid_grant'])
    expect((await boundApp(server, keys).exchange(code)).status).toBe(200)
  })

  it('is the key of the proof that the request is pushed with (S-37)', async () => {
    const server = strictServer()
    const jkt = await thumbprint(keys)
    expect((await pushWith(server, keys, jkt)).status).toBe(201)
    const mismatch = pushWith(server, otherKeys, jkt)
    expect(await errorOf(mismatch)).toEqual([400, 'invalid_dpop_proof'])
  })

  it('a proof that is wrong is refused there too (S-35)', async () => {
    const server = strictServer()
    const fields = Object.fromEntries(new URL(authorizationUrl(server)).searchParams)
    const attempt = post(server, '/par', fields, { dpop: 'x' })
    expect(await errorOf(attempt)).toEqual([400, 'invalid_dpop_proof'])
  })
})

describe('the API', () => {
  async function signedIn() {
    const server = withoutNonces()
    const app = boundApp(server, keys)
    const { access_token: token } = await app.signIn()
    return { server, app, token }
  }

  it('takes a bound token by no other scheme (S-38)', async () => {
    const { server, app, token } = await signedIn()
    for (const response of [
      await app.call(usersMe, token, { scheme: 'Bearer' }),
      await callApi(server, '/users/me', token),
      await post(server, '/userinfo', { access_token: token }),
    ]) {
      expect(response.status).toBe(401)
      expect(challengeOf(response)).toMatch(/^DPoP algs="[^"]+", error="invalid_token"/)
    }
  })

  it('takes no other token by the scheme DPoP (S-38)', async () => {
    const { server, app } = await signedIn()
    const { access_token: bearer } = await signIn(server)
    const response = await app.call(usersMe, bearer)
    expect([response.status, challengeOf(response)]).toEqual([
      401,
      expect.stringMatching(/^DPoP .*error="invalid_token"/),
    ])
  })

  it.each<[string, string, Alter]>([
    ['the hash of another token', 'invalid_dpop_proof', inClaims('ath', 'x')],
    ['no hash', 'invalid_dpop_proof', inClaims('ath', undefined)],
    ['another method', 'invalid_dpop_proof', inClaims('htm', 'POST')],
  ])('refuses a proof with %s (S-38)', async (_, error, alter) => {
    const { app, token } = await signedIn()
    const response = await app.call(usersMe, token, { alter })
    expect([response.status, challengeOf(response)]).toEqual([
      401,
      expect.stringContaining(`error="${error}"`),
    ])
  })

  it('refuses a proof by another key, and no proof (S-38)', async () => {
    const { server, token } = await signedIn()
    const thief = await boundApp(server, otherKeys).call(usersMe, token)
    expect([thief.status, challengeOf(thief)]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
    const headers = { authorization: `DPoP ${token}` }
    const bare = await server.fetch(usersMe, { headers })
    expect([bare.status, challengeOf(bare)]).toEqual([
      401,
      expect.stringContaining('error="invalid_dpop_proof"'),
    ])
  })

  it('takes each proof once (S-38)', async () => {
    const { server, token } = await signedIn()
    const dpop = await proof({ keys, url: usersMe, method: 'GET', token })
    const headers = { authorization: `DPoP ${token}`, dpop }
    expect((await server.fetch(usersMe, { headers })).status).toBe(200)
    expect((await server.fetch(usersMe, { headers })).status).toBe(401)
  })

  it('says by the scheme of the request which scope is missing (S-38, S-40)', async () => {
    const server = withoutNonces()
    const app = boundApp(server, keys)
    const { access_token: token } = await app.signIn({ scope: 'openid' })
    const response = await app.call('https://api.example.com/orders', token)
    expect(response.status).toBe(403)
    expect(challengeOf(response)).toMatch(/^DPoP .*error="insufficient_scope".*scope="orders:read"/)
  })

  it('names both schemes where a client must use DPoP, and no error without a token (S-38, S-39)', async () => {
    const server = strictServer(demanding())
    const challenge = challengeOf(await callApi(server, '/users/me'))
    expect(challenge).toBe('Bearer, DPoP algs="ES256 RS256 PS256"')
  })
})

describe('faults', () => {
  it('dpop-nonce-for-ever: no nonce is good enough', async () => {
    const server = withoutNonces()
    const app = boundApp(server, keys)
    server.fault('dpop-nonce-for-ever', { path: '/token' })
    const code = await obtainCode(server)
    expect(await errorOf(app.exchange(code))).toEqual([400, 'use_dpop_nonce'])
    expect(app.nonces['server']).toHaveLength(43)
    server.clearFaults()
    const tokens = (await (await app.exchange(code)).json()) as Tokens
    server.fault('dpop-nonce-for-ever', { path: '/users/me', times: 1 })
    expect((await app.call(usersMe, tokens.access_token)).status).toBe(200)
    expect(server.requestsTo('/users/me')).toHaveLength(2)
  })

  it('dpop-nonce-rotates: each answer brings a new one, and the old ones are refused', async () => {
    const server = strictServer()
    const app = boundApp(server, keys)
    const { refresh_token: token } = await app.signIn()
    server.fault('dpop-nonce-rotates')
    const before = app.nonces['server']
    const renewed = (await (await app.refresh(token)).json()) as Tokens
    expect(app.nonces['server']).not.toBe(before)
    expect(server.requestsTo('/token')).toHaveLength(3)
    app.nonces['server'] = before
    expect((await app.refresh(renewed.refresh_token)).status).toBe(200)
    expect(server.requestsTo('/token')).toHaveLength(5)
  })

  it('dpop-nonce-hidden: the nonce is there, and a page cannot see it', async () => {
    const server = strictServer()
    server.fault('dpop-nonce-hidden', { path: '/token', times: 1 })
    const headers = { dpop: await proof({ keys, url: tokenUrl }), origin: 'http://localhost:3000' }
    const code = await obtainCode(server)
    const fields = { grant_type: 'authorization_code', client_id: sandbox.clientId, code }
    const hidden = await post(server, '/token', fields, headers)
    expect(hidden.headers.has('dpop-nonce')).toBe(false)
    expect(hidden.headers.get('access-control-expose-headers')).toBe(
      'WWW-Authenticate, Retry-After, Date',
    )
    expect(await errorOf(hidden)).toEqual([400, 'use_dpop_nonce'])
    expect((await post(server, '/token', fields, headers)).headers.has('dpop-nonce')).toBe(true)
  })

  it('dpop-bearer-answer: the proof is ignored', async () => {
    const server = strictServer()
    const app = boundApp(server, keys)
    server.fault('dpop-bearer-answer', { on: 'refresh' })
    const tokens = await app.signIn()
    expect(tokens.token_type).toBe('DPoP')
    const renewed = (await (await app.refresh(tokens.refresh_token)).json()) as Tokens
    expect(renewed.token_type).toBe('Bearer')
    expect((await callApi(server, '/users/me', renewed.access_token)).status).toBe(200)
  })
})
