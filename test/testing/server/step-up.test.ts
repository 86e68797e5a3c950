import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  callApi,
  challengeOf,
  claimsOf,
  hiddenFields,
  internalApp,
  open,
  redirectOf,
  refresh,
  signIn,
  strictServer,
} from '../support.ts'
import type { Tokens } from '../support.ts'
import { boundApp, newKeys } from './dpop-support.ts'

async function refusalOf(response: Response) {
  const { error } = (await response.json()) as { error?: string }
  return [response.status, error, challengeOf(response)]
}

const weak = (asked: string) => [
  401,
  'insufficient_user_authentication',
  `Bearer error="insufficient_user_authentication", ${asked}`,
]

describe('the API', () => {
  it('demands a second factor, and takes it (S-43)', async () => {
    const server = strictServer()
    const { access_token: weakToken } = await signIn(server)
    const refusal = await callApi(server, '/step-up?acr_values=mfa', weakToken)
    expect(await refusalOf(refusal)).toEqual(weak('acr_values="mfa"'))
    const { access_token: token } = await signIn(server, { acr_values: 'mfa' })
    expect((await callApi(server, '/step-up?acr_values=mfa', token)).status).toBe(200)
  })

  it('takes one of several (S-43)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    expect((await callApi(server, '/step-up?acr_values=mfa+pwd', token)).status).toBe(200)
    const refusal = await callApi(server, '/step-up?acr_values=gold+mfa', token)
    expect(await refusalOf(refusal)).toEqual(weak('acr_values="gold mfa"'))
  })

  it('demands a recent sign-in, and a refresh makes it no younger (S-43)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    server.clock.pass(60)
    expect((await callApi(server, '/step-up?max_age=60', tokens.access_token)).status).toBe(200)
    server.clock.pass(1)
    const refusal = await callApi(server, '/step-up?max_age=60', tokens.access_token)
    expect(await refusalOf(refusal)).toEqual(weak('max_age="60"'))
    const renewed = (await (await refresh(server, tokens.refresh_token)).json()) as Tokens
    const again = await callApi(server, '/step-up?max_age=60', renewed.access_token)
    expect(again.status).toBe(401)
  })

  it('demands scope with 403, after it is sure of the user (S-43, S-40)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server, { scope: 'openid orders:read' })
    const wide = '/step-up?scope=orders:read+orders:write'
    expect(await refusalOf(await callApi(server, wide, token))).toEqual([
      403,
      'insufficient_scope',
      'Bearer error="insufficient_scope", scope="orders:read orders:write"',
    ])
    const both = await callApi(server, `${wide}&acr_values=mfa&max_age=5`, token)
    expect(await refusalOf(both)).toEqual(weak('acr_values="mfa", max_age="5"'))
    const narrow = await callApi(server, '/step-up?scope=orders:read', token)
    expect(narrow.status).toBe(200)
  })

  it('says nothing of it to a token that is no good (S-43)', async () => {
    const response = await callApi(strictServer(), '/step-up?acr_values=mfa', 'made up')
    expect(await refusalOf(response)).toContain('invalid_token')
  })

  it('returns what was sent, for any method (S-43)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    const response = await callApi(server, '/step-up', token, { method: 'PUT', body: 'x' })
    expect(await response.json()).toMatchObject({ method: 'PUT', body: 'x' })
  })

  it('asks by the scheme of the request (S-43, S-38)', async () => {
    const server = strictServer({ dpopNonce: false })
    const app = boundApp(server, await newKeys())
    const { access_token: token } = await app.signIn()
    const response = await app.call(`${server.api.url}step-up?acr_values=mfa`, token)
    expect(challengeOf(response)).toMatch(
      /^DPoP algs="[^"]+", error="insufficient_user_authentication", acr_values="mfa"$/,
    )
  })

  it('reads in an access token that is a JWT when and how the user signed in (S-43)', async () => {
    const server = strictServer({ accessTokenFormat: 'RS256' })
    const now = Math.floor(server.clock.now() / 1000)
    const { access_token: token } = await signIn(server, { acr_values: 'mfa' })
    expect(claimsOf(token)).toMatchObject({ acr: 'mfa', auth_time: now })
  })
})

describe('the second factor', () => {
  async function atCodePage(server: AuthServer, overrides: object = {}) {
    const browse = server.withCookies(createCookieJar())
    const url = authorizationUrl(server, { ...internalApp, acr_values: 'mfa', ...overrides })
    const login = await browse(url)
    const fields = hiddenFields(await login.text())
    const send = (path: string, more: Record<string, string>) =>
      browse(server.issuer + path, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ ...fields, ...more }),
      })
    const answer = await send('/login', { username: 'ada', password: 'lovelace' })
    const page = answer.headers.get('location')!
    return { browse, send, page, url }
  }

  it('is asked for after the password, at an address that a reload can load (S-43)', async () => {
    const server = strictServer()
    const { browse, page, send } = await atCodePage(server)
    expect(page).toMatch(/^https:\/\/login\.example\.com\/second_factor\?interaction=/)
    for (const shown of [await browse(page), await browse(page)])
      expect(await shown.text()).toContain('Enter your code')
    const answer = redirectOf(await send('/second_factor', { code: '123456' }))
    expect(answer.get('code')).toHaveLength(43)
    expect((await browse(page)).status).toBe(400)
  })

  it('a wrong code leads nowhere, and the right one may follow (S-43)', async () => {
    const { send } = await atCodePage(strictServer())
    const wrong = await send('/second_factor', { code: '654321' })
    expect([wrong.status, await wrong.text()]).toEqual([401, expect.stringContaining('Wrong code')])
    const answer = redirectOf(await send('/second_factor', { code: '123456' }))
    expect(answer.get('code')).toHaveLength(43)
  })

  it('cannot be left out by going to the consent page (S-43)', async () => {
    const server = strictServer()
    const { browse, send, page } = await atCodePage(server, {
      client_id: 'sandbox-app',
      redirect_uri: 'http://localhost:3000/callback',
    })
    const consent = page.replace('/second_factor', '/consent')
    expect(await (await browse(consent)).text()).toContain('Enter your code')
    expect((await send('/consent', { decision: 'allow' })).status).toBe(400)
    const next = await send('/second_factor', { code: '123456' })
    expect(next.headers.get('location')).toContain('/consent?interaction=')
    const answer = redirectOf(await send('/consent', { decision: 'allow' }))
    expect(answer.get('code')).toHaveLength(43)
  })

  it.each([
    ['after its session has ended', (server: AuthServer) => server.revokeSessions('ada')],
    [
      'eleven minutes later',
      (server: AuthServer) => (server as ReturnType<typeof strictServer>).clock.pass(660),
    ],
  ])('is not taken %s', async (_, happens) => {
    const server = strictServer()
    const { send } = await atCodePage(server)
    happens(server)
    expect((await send('/second_factor', { code: '123456' })).status).toBe(400)
  })

  it('is all that is asked of a user who signed in with a password before (S-43)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await server.authorize(authorizationUrl(server, internalApp), { jar })
    server.clock.pass(100)
    const url = authorizationUrl(server, { ...internalApp, acr_values: 'mfa' })
    const page = await server.withCookies(jar)(url)
    expect(await page.text()).toContain('Enter your code')
    const callback = await server.authorize(url, { jar, password: 'not asked for' })
    expect(new URL(callback).searchParams.get('code')).toHaveLength(43)
  })

  it('makes the sign-in a new one, and is remembered (S-43, S-08)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await server.authorize(authorizationUrl(server, internalApp), { jar })
    server.clock.pass(100)
    const tokens = await signIn(server, { ...internalApp, acr_values: 'mfa' }, { jar })
    expect(claimsOf(tokens.id_token)).toMatchObject({
      acr: 'mfa',
      amr: ['pwd', 'otp', 'mfa'],
      auth_time: Math.floor(server.clock.now() / 1000),
    })
    const silent = authorizationUrl(server, { ...internalApp, acr_values: 'mfa', prompt: 'none' })
    const answer = await server.withCookies(jar)(silent, { redirect: 'manual' })
    expect(redirectOf(answer).get('code')).toHaveLength(43)
    const later = await signIn(server, internalApp, { jar })
    expect(claimsOf(later.id_token)['acr']).toBe('mfa')
  })

  it('cannot be shown without a page: interaction_required (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await server.authorize(authorizationUrl(server, internalApp), { jar })
    const url = authorizationUrl(server, { ...internalApp, acr_values: 'mfa', prompt: 'none' })
    const answer = await server.withCookies(jar)(url, { redirect: 'manual' })
    expect(redirectOf(answer).get('error')).toBe('interaction_required')
    expect(redirectOf(await open(server, url)).get('error')).toBe('login_required')
  })

  it('is a code of the user, and not needed where a password will do (S-43)', async () => {
    const users = [{ username: 'eve', password: 'x', sub: 'user-eve', oneTimeCode: '42' }]
    const server = strictServer({ users })
    const url = authorizationUrl(server, { ...internalApp, acr_values: 'mfa' })
    expect(new URL(await server.authorize(url)).searchParams.has('code')).toBe(true)
    await expect(server.authorize(url, { oneTimeCode: '123456' })).rejects.toThrow('Wrong code')
    const preferring = authorizationUrl(server, { ...internalApp, acr_values: 'pwd mfa' })
    const callback = await server.authorize(preferring, { oneTimeCode: 'not asked for' })
    expect(new URL(callback).searchParams.has('code')).toBe(true)
  })

  it('is told on the page while people can open it, and not else', async () => {
    const server = strictServer()
    const { browse, page } = await atCodePage(server)
    expect(await (await browse(page)).text()).not.toContain('123456')
    const listening = strictServer()
    const { close } = await listening.listen()
    try {
      const { browse: visit, page: there } = await atCodePage(listening)
      expect(await (await visit(there)).text()).toContain('The code is <code>123456</code>')
    } finally {
      await close()
    }
  })
})

describe('faults', () => {
  it('insufficient-for-ever: a second factor is not enough', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server, { acr_values: 'mfa' })
    server.fault('insufficient-for-ever')
    for (const path of ['/users/me', '/step-up?acr_values=mfa'])
      expect(await refusalOf(await callApi(server, path, token))).toEqual(weak('acr_values="mfa"'))
    const headers = { authorization: `Bearer ${token}` }
    expect((await server.fetch(`${server.issuer}/userinfo`, { headers })).status).toBe(200)
  })

  it('insufficient-for-ever: asks as told, at one path, so many times', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    server.fault('insufficient-for-ever', { path: '/orders', maxAge: 5, times: 1 })
    server.fault('insufficient-for-ever', { path: '/echo', scope: 'a b' })
    const challenge = async (path: string) => refusalOf(await callApi(server, path, token))
    expect(await challenge('/orders')).toEqual(weak('max_age="5"'))
    expect((await callApi(server, '/orders', token)).status).toBe(200)
    expect(await challenge('/echo')).toEqual([
      403,
      'insufficient_scope',
      'Bearer error="insufficient_scope", scope="a b"',
    ])
  })

  it('challenge-hidden: the challenge is there, and a page cannot see it', async () => {
    const server = strictServer()
    server.fault('challenge-hidden', { times: 1 })
    const origin = { headers: { origin: 'https://app.example.com' } }
    expect((await callApi(server, '/public', undefined, origin)).status).toBe(200)
    const hidden = await callApi(server, '/users/me', undefined, origin)
    expect([hidden.status, hidden.headers.has('www-authenticate')]).toEqual([401, false])
    expect(hidden.headers.get('access-control-expose-headers')).toBe(
      'DPoP-Nonce, Retry-After, Date',
    )
    const shown = await callApi(server, '/users/me', undefined, origin)
    expect(shown.headers.has('www-authenticate')).toBe(true)
  })
})
