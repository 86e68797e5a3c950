import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import type { AuthServer, AuthServerOptions, FaultOptions } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  callApi,
  claimsOf,
  discover,
  errorOf,
  exchange,
  obtainCode,
  open,
  post,
  redirectOf,
  refresh,
  sandbox,
  signIn,
  signInWithAnotherClient,
  strictServer,
  through,
} from '../support.ts'
import type { Overrides, Tokens } from '../support.ts'

const orders = 'https://api.example.com/'
const bills = 'https://bills.example.com/'
const graphScope = 'api://graph/read'
const scope = 'openid offline_access orders:read'

/** One server, with an API of each of the ways to name one. */
const everyStyle: AuthServerOptions = {
  accessTokenFormat: 'HS256',
  otherApis: [
    { url: bills },
    { url: 'https://graph.example.com/v1/', audience: 'api://graph', scopes: [graphScope] },
    { url: 'https://api.example.com/reports/', audience: 'reports' },
  ],
}

function call(server: AuthServer, url: string, token: string): Promise<Response> {
  return server.fetch(url, { headers: { authorization: `Bearer ${token}` } })
}

async function renewed(server: AuthServer, { refresh_token: token }: Tokens, asked: Overrides) {
  const response = await refresh(server, token, asked)
  return { status: response.status, tokens: (await response.json()) as Tokens }
}

const audienceOf = ({ access_token: token }: Tokens) => claimsOf(token)['aud']

describe('a second API', () => {
  it('has the routes of the first, below its own base', async () => {
    const server = strictServer(everyStyle)
    for (const base of [bills, 'https://graph.example.com/v1/', 'https://api.example.com/reports/'])
      expect(await (await server.fetch(`${base}public`)).json()).toMatchObject({ method: 'GET' })
    expect((await server.fetch('https://graph.example.com/public')).status).toBe(404)
    expect(server.requests.map(({ to, path }) => [to, path])).toEqual([
      ...Array<string[]>(3).fill(['api', '/public']),
      ['api', '/../public'],
    ])
  })

  it('is told where it is, and what its tokens are for', () => {
    expect(strictServer(everyStyle).otherApis).toMatchObject([
      { url: bills, audience: bills },
      { url: 'https://graph.example.com/v1/', audience: 'api://graph' },
      { url: 'https://api.example.com/reports/', audience: 'reports' },
    ])
    expect(strictServer({ otherApis: [{}, {}] }).otherApis.map(({ url }) => url)).toEqual([
      'https://api-2.example.com/',
      'https://api-3.example.com/',
    ])
    expect(strictServer().otherApis).toEqual([])
  })

  it.each([
    [{ url: 'http://bills.example.com/' }, 'must use https'],
    [{ url: '/bills/' }, 'is not a URL'],
    [{ uri: bills }, 'An API has no option uri'],
  ])('is refused as %j', (api, complaint) => {
    expect(() => strictServer({ otherApis: [api as object] })).toThrow(complaint)
  })

  it.each(['opaque', 'HS256', 'RS256'] as const)(
    'refuses the %s tokens of the first, and the first refuses its own (S-42)',
    async (accessTokenFormat) => {
      const server = strictServer({ ...everyStyle, accessTokenFormat })
      const first = await signIn(server, { resource: [orders, bills] })
      const { tokens: second } = await renewed(server, first, { resource: bills })
      const statuses = async (token: string) => [
        (await call(server, `${orders}users/me`, token)).status,
        (await call(server, `${bills}users/me`, token)).status,
      ]
      expect(await statuses(first.access_token)).toEqual([200, 401])
      expect(await statuses(second.access_token)).toEqual([401, 200])
    },
  )

  it('may hold the server in a folder of its own', async () => {
    const server = strictServer({
      issuer: 'https://one.example/login',
      apiUrl: 'https://one.example/',
    })
    const { access_token: token } = await signIn(server)
    expect((await call(server, 'https://one.example/users/me', token)).status).toBe(200)
    const wellKnown = 'https://one.example/.well-known/oauth-authorization-server/login'
    expect(await (await server.fetch(wellKnown)).json()).toMatchObject({ issuer: server.issuer })
    expect((await server.fetch('https://one.example/loginx')).status).toBe(404)
    const both = strictServer({ issuer: 'https://one.example', apiUrl: 'https://one.example/' })
    expect((await discover(both)).issuer).toBe('https://one.example')
  })

  it('is at its own port for a browser', async () => {
    const server = strictServer({ otherApis: [{}, { audience: 'reports' }, { url: bills }] })
    const { otherApiUrls, close } = await server.listen()
    try {
      expect(new Set(otherApiUrls).size).toBe(3)
      const [first, second] = otherApiUrls
      expect(server.otherApis).toMatchObject([
        { url: first, audience: first },
        { url: second, audience: 'reports' },
        { url: bills, audience: bills },
      ])
      expect(await (await fetch(`${first!}public`)).json()).toMatchObject({
        url: `${first!}public`,
      })
      const { access_token: token } = await signIn(server, { audience: 'reports' })
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(`${first!}users/me`, { headers })).status).toBe(401)
      expect((await fetch(`${second!}users/me`, { headers })).status).toBe(200)
    } finally {
      await close()
    }
  })
})

describe('resource indicators (RFC 8707)', () => {
  it('the first one named is what the token is for, each other by a refresh', async () => {
    const server = strictServer(everyStyle)
    const first = await signIn(server, { resource: [bills, orders] })
    expect(audienceOf(first)).toBe(bills)
    const second = await renewed(server, first, { resource: orders })
    expect(audienceOf(second.tokens)).toBe(orders)
    const third = await renewed(server, second.tokens, { resource: bills })
    expect(audienceOf(third.tokens)).toBe(bills)
    const unnamed = await renewed(server, third.tokens, {})
    expect(audienceOf(unnamed.tokens)).toBe(bills)
  })

  it('may be chosen when the code is exchanged', async () => {
    const server = strictServer(everyStyle)
    const code = await obtainCode(server, { resource: [orders, bills] })
    const response = await exchange(server, code, { resource: bills })
    expect(audienceOf((await response.json()) as Tokens)).toBe(bills)
  })

  it('may be pushed', async () => {
    const server = strictServer(everyStyle)
    const parameters = new URL(authorizationUrl(server, { resource: bills })).searchParams
    const pushed = await post(server, '/par', Object.fromEntries(parameters))
    const { request_uri: uri } = (await pushed.json()) as { request_uri: string }
    const search = new URLSearchParams({ client_id: sandbox.clientId, request_uri: uri })
    const callback = await server.authorize(`${server.issuer}/authorize?${search.toString()}`)
    const response = await exchange(server, new URL(callback).searchParams.get('code')!)
    expect(audienceOf((await response.json()) as Tokens)).toBe(bills)
  })

  it('are understood by another client', async () => {
    const server = strictServer(everyStyle)
    const extra = { resource: [orders, bills] }
    const { as, client, tokens } = await signInWithAnotherClient(server, sandbox, extra)
    const response = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.None(),
      tokens.refresh_token!,
      { ...through(server), additionalParameters: { resource: bills } },
    )
    const answer = await oauth.processRefreshTokenResponse(as, client, response)
    expect(claimsOf(answer.access_token)['aud']).toBe(bills)
  })

  it.each([
    ['that nobody knows', 'https://other.example.com/'],
    ['without its slash', 'https://bills.example.com'],
    ['with a fragment', `${bills}#x`],
    ['that is no URL', 'reports'],
  ])('one %s is refused: invalid_target (S-12)', async (_, resource) => {
    const server = strictServer(everyStyle)
    const url = authorizationUrl(server, { resource })
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_target')
    const code = await obtainCode(server)
    expect(await errorOf(exchange(server, code, { resource }))).toEqual([400, 'invalid_target'])
  })

  it.each([
    ['that was not named at the sign-in', { resource: orders }, { resource: bills }],
    ['when none was named at the sign-in', {}, { resource: bills }],
    ['beside another one', { resource: [orders, bills] }, { resource: [orders, bills] }],
  ] as [string, Overrides, Overrides][])(
    'one %s gets no token, and the refresh token stays good',
    async (_, atSignIn, asked) => {
      const server = strictServer(everyStyle)
      const tokens = await signIn(server, atSignIn)
      const attempt = refresh(server, tokens.refresh_token, asked)
      expect(await errorOf(attempt)).toEqual([400, 'invalid_target'])
      expect((await renewed(server, tokens, {})).status).toBe(200)
    },
  )
})

describe('scopes that pick the API, as at Entra', () => {
  const both = { scope: `${scope} ${graphScope}` }

  it('are in the metadata, and may be asked for', async () => {
    const { scopes_supported: known } = await discover(strictServer(everyStyle))
    expect(known).toContain(graphScope)
  })

  it('the first API of the scopes is what the token is for; it lacks the scopes of the others', async () => {
    const server = strictServer(everyStyle)
    const first = await signIn(server, both)
    expect(audienceOf(first)).toBe(orders)
    expect(first.scope).toBe(scope)
    const graphFirst = await signIn(server, { scope: `openid ${graphScope} orders:read` })
    expect(audienceOf(graphFirst)).toBe('api://graph')
  })

  it('at a refresh, a scope of another API gets its token', async () => {
    const server = strictServer(everyStyle)
    const first = await signIn(server, both)
    const second = await renewed(server, first, { scope: `openid offline_access ${graphScope}` })
    expect(audienceOf(second.tokens)).toBe('api://graph')
    expect(second.tokens.scope).toBe(`openid offline_access ${graphScope}`)
    const url = 'https://graph.example.com/v1/echo'
    expect((await call(server, url, second.tokens.access_token)).status).toBe(200)
    const third = await renewed(server, second.tokens, {})
    expect([audienceOf(third.tokens), third.tokens.scope]).toEqual([orders, scope])
  })

  it('of two APIs in one token request are refused', async () => {
    const server = strictServer(everyStyle)
    const { refresh_token: token } = await signIn(server, both)
    expect(await errorOf(refresh(server, token, both))).toEqual([400, 'invalid_scope'])
  })

  it('of another API than the one named are refused when none is left', async () => {
    const server = strictServer(everyStyle)
    const { refresh_token: token } = await signIn(server, { ...both, resource: orders })
    const asked = { scope: graphScope, resource: orders }
    expect(await errorOf(refresh(server, token, asked))).toEqual([400, 'invalid_scope'])
  })

  it.each(['openid', 'openid orders:read'])(
    'that are for no other API change nothing: %s',
    async (less) => {
      const server = strictServer(everyStyle)
      const first = await signIn(server, { resource: [bills, orders] })
      const second = await renewed(server, first, { scope: less })
      expect([audienceOf(second.tokens), second.tokens.scope]).toEqual([bills, less])
    },
  )

  it('count as consent to name their API as a resource later', async () => {
    const server = strictServer({ otherApis: [{ url: bills, scopes: [graphScope] }] })
    const first = await signIn(server, both)
    expect((await renewed(server, first, { resource: bills })).status).toBe(200)
  })
})

describe('the parameter audience, as at Auth0', () => {
  it('names the API, at the sign-in and at a refresh', async () => {
    const server = strictServer(everyStyle)
    const first = await signIn(server, { audience: orders })
    expect(audienceOf(first)).toBe(orders)
    const second = await renewed(server, first, { audience: 'reports' })
    expect(audienceOf(second.tokens)).toBe('reports')
    const url = 'https://api.example.com/reports/users/me'
    expect((await call(server, url, second.tokens.access_token)).status).toBe(200)
    expect((await callApi(server, '/users/me', second.tokens.access_token)).status).toBe(401)
  })

  it('is refused when nobody knows it: invalid_target', async () => {
    const server = strictServer(everyStyle)
    const url = authorizationUrl(server, { audience: 'nobody' })
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_target')
    const { refresh_token: token } = await signIn(server)
    const attempt = refresh(server, token, { audience: 'nobody' })
    expect(await errorOf(attempt)).toEqual([400, 'invalid_target'])
  })
})

describe('faults for one API', () => {
  const named = { resource: [orders, bills] }

  it.each<[NonNullable<FaultOptions['token-refused']['as']>, number, object]>([
    ['400 invalid_target', 400, { error: 'invalid_target' }],
    ['400 consent_required', 400, { error: 'consent_required' }],
    ['400 interaction_required', 400, { error: 'interaction_required' }],
    ['400 invalid_grant suberror', 400, { error: 'invalid_grant', suberror: 'consent_required' }],
  ])('token-refused as %s: the others get their tokens', async (as, status, body) => {
    const server = strictServer(everyStyle)
    const tokens = await signIn(server, named)
    server.fault('token-refused', { api: bills, as })
    const refused = await refresh(server, tokens.refresh_token, { resource: bills })
    expect([refused.status, await refused.json()]).toEqual([status, body])
    expect((await renewed(server, tokens, { resource: orders })).status).toBe(200)
  })

  it('strikes the API that a request means without naming it', async () => {
    const server = strictServer(everyStyle)
    server.fault('token-refused', { api: orders, as: '400 invalid_scope' })
    expect(await errorOf(exchange(server, await obtainCode(server)))).toEqual([
      400,
      'invalid_scope',
    ])
    const code = await obtainCode(server, { resource: bills })
    expect((await exchange(server, code)).status).toBe(200)
  })

  it('strikes by audience at a refresh by scope, and changes ID tokens and answers too', async () => {
    const server = strictServer(everyStyle)
    const first = await signIn(server, { scope: `${scope} ${graphScope}` })
    const api = 'api://graph'
    server.fault('other-resource', { api })
    server.fault('id-token-sub-wrong', { api, on: 'refresh' })
    server.fault('try-later', { path: '/token', api, times: 1 })
    expect((await refresh(server, first.refresh_token, { scope: graphScope })).status).toBe(503)
    const plain = await renewed(server, first, {})
    expect(plain.tokens).not.toHaveProperty('resource')
    expect(claimsOf(plain.tokens.id_token)['sub']).toBe('user-ada')
    const asked = { scope: `openid ${graphScope}` }
    const { tokens: spoiled } = await renewed(server, plain.tokens, asked)
    expect(spoiled).toMatchObject({ resource: 'https://other.example.com/' })
    expect(claimsOf(spoiled.id_token)['sub']).toBe('user-mallory')
  })

  it('an audience that no API has, or a path that has none, is a mistake in the test', () => {
    const server = strictServer(everyStyle)
    expect(() => server.fault('token-refused', { api: 'nobody' })).toThrow(
      'No API has the audience nobody; there are https://api.example.com/, https://bills.example.com/,',
    )
    expect(() => server.fault('hang', { path: '/orders', api: bills })).toThrow(
      'Only the path /token can have the option "api"; the path is /orders.',
    )
  })
})
