import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PkceClient } from 'pkce-client'
import type { PkceClientOptions, SignInParams } from 'pkce-client'
import { createCookieJar, createFakeBrowser, createFakeClock } from 'pkce-client/testing'
import {
  fullScope,
  resourceServers,
  spa,
  startCertifiedServer,
} from '../support/certified-server.ts'
import type { CertifiedServer } from '../support/certified-server.ts'
import { visit } from '../support/visitor.ts'
import type { Visit } from '../support/visitor.ts'

// The built package against oidc-provider, a certified server that nobody here wrote.

const app = 'https://app.example.com'
const redirectUri = `${app}/callback`
let server: CertifiedServer

beforeAll(async () => {
  server = await startCertifiedServer(() => app)
})
afterAll(() => server.close())

/** A browser with one tab at the app, and a person who is not signed in anywhere. The network and the time are real. */
function open(options: Partial<PkceClientOptions> = {}) {
  const clock = createFakeClock(Date.now())
  const browser = createFakeBrowser({ clock, origin: app })
  const tab = browser.openTab()
  const jar = createCookieJar()
  const newClient = (where = tab, overrides: Partial<PkceClientOptions> = {}) =>
    new PkceClient({
      issuer: server.issuer,
      clientId: spa,
      redirectUri,
      postSignOutRedirectUri: `${app}/`,
      scope: fullScope,
      resources: [server.api],
      ...where.ports,
      ...options,
      ...overrides,
    })

  /** Loads the address in the tab, and starts the client of the new page. */
  async function load(url: string | URL, where = tab, overrides: Partial<PkceClientOptions> = {}) {
    where.load(String(url))
    const auth = newClient(where, overrides)
    return { auth, result: await auth.start() }
  }

  /** Clicks "Sign in", and plays the person at the server until they are sent back, or stuck. */
  async function leave(params: SignInParams = {}, person: Partial<Visit> = {}) {
    const before = tab.navigations.length
    newClient()
      .signIn(params)
      .catch(() => {})
    await expect.poll(() => tab.navigations.length).toBe(before + 1)
    return visit(tab.navigations.at(-1)!, { jar, ...person })
  }

  async function comeBack(params?: SignInParams, person?: Partial<Visit>) {
    return load(await leave(params, person))
  }

  return {
    ...{ clock, browser, tab, jar, newClient, load, leave, comeBack },
    signIn: async (person?: Partial<Visit>) =>
      (await comeBack({ prompt: 'consent', returnTo: '/basket' }, person)).auth,
    stored: () =>
      JSON.parse(browser.local.get(`pkce:${server.issuer}|${spa}`) ?? '{}') as {
        refreshToken?: string
        access: Record<string, { token: string }>
      },
  }
}

/** What the server is asked meanwhile. */
async function asked(action: () => Promise<unknown>): Promise<string[]> {
  const before = server.asked.length
  await action()
  return server.asked.slice(before)
}

/** Sends a refresh token as somebody would who got hold of it. */
async function spend(refreshToken: string): Promise<Record<string, string>> {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: spa,
  })
  const response = await fetch(`${server.issuer}/token`, { method: 'POST', body })
  return (await response.json()) as Record<string, string>
}

describe('signing in at oidc-provider', () => {
  test('gives a session with claims, refresh token and the way back to where the person was', async () => {
    const { tab, comeBack, stored } = open()
    const { auth, result } = await comeBack({ prompt: 'consent', returnTo: '/basket' })
    expect(result).toMatchObject({ kind: 'signed-in', returnTo: `${app}/basket` })
    expect(auth.getSession()).toMatchObject({
      status: 'signed-in',
      scope: fullScope,
      claims: { iss: server.issuer, sub: 'ada', aud: spa, nonce: expect.any(String) },
    })
    expect(stored().refreshToken).toBeTruthy()
    expect(tab.url).toBe(redirectUri)
  })

  test('takes one token request with the keys beside it, and no second discovery on the way back', async () => {
    const { leave, load } = open()
    const callback = await leave({ prompt: 'consent' })
    expect((await asked(() => load(callback))).sort()).toEqual(['GET /jwks', 'POST /token'])
  })

  test('gives a token that the API accepts', async () => {
    const auth = await open().signIn()
    const response = await auth.fetch(`${server.api}orders`)
    expect([response.status, await response.json()]).toEqual([
      200,
      { sub: 'ada', name: 'ada of the test' },
    ])
  })

  test('without prompt=consent gives no refresh token: the session lives as long as the access token (C-15)', async () => {
    const { comeBack, clock, stored } = open()
    const { auth } = await comeBack()
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', scope: 'openid profile' })
    expect(stored().refreshToken).toBeUndefined()
    await clock.advance(901_000)
    await expect(auth.getAccessToken()).rejects.toMatchObject({ code: 'session_ended' })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })

  test('needs no password again for somebody the server knows', async () => {
    const { comeBack } = open()
    await comeBack()
    const requests = await asked(async () => {
      expect((await comeBack({ prompt: 'none' })).result.kind).toBe('signed-in')
    })
    expect(requests.filter((request) => request.includes('interaction'))).toEqual([])
  })

  test('with maxAge is held to the time of authentication', async () => {
    const { auth } = await open().comeBack({ maxAge: 600 })
    expect(auth.getSession()).toMatchObject({ claims: { auth_time: expect.any(Number) } })
  })

  test('cannot be finished twice with one answer', async () => {
    const { leave, load } = open()
    const callback = await leave({ prompt: 'consent' })
    await load(callback)
    const again = await asked(async () => {
      expect((await load(callback)).result).toMatchObject({ kind: 'already-signed-in' })
    })
    expect(again).toEqual([])
  })
})

describe('a session at oidc-provider', () => {
  test('survives a reload without any request', async () => {
    const { signIn, load } = open()
    await signIn()
    const requests = await asked(async () => {
      const { auth, result } = await load('/')
      expect(result.kind).toBe('restored')
      expect(auth.getSession()).toMatchObject({ status: 'signed-in', claims: { sub: 'ada' } })
    })
    expect(requests).toEqual([])
  })

  test('is refreshed again and again, with another refresh token each time', async () => {
    const { signIn, stored } = open()
    const auth = await signIn()
    const tokens = [stored().refreshToken]
    for (let round = 0; round < 3; round += 1) {
      await auth.refresh()
      tokens.push(stored().refreshToken)
    }
    expect(new Set(tokens).size).toBe(4)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', claims: { sub: 'ada' } })
    expect((await auth.fetch(server.api)).status).toBe(200)
  })

  test('is refreshed by itself when the access token has expired, before the API is called', async () => {
    const { signIn, clock } = open()
    const auth = await signIn()
    await clock.advance(901_000)
    const requests = await asked(async () => {
      expect((await auth.fetch(`${server.api}orders`)).status).toBe(200)
    })
    expect(requests.filter((request) => !request.includes('.well-known'))).toEqual([
      'POST /token',
      'GET /api/orders',
    ])
  })

  test('is refreshed once for two tabs that need it at the same time', async () => {
    const { signIn, load, browser, clock } = open()
    const first = await signIn()
    const { auth: second } = await load('/', browser.openTab())
    await clock.advance(901_000)
    const requests = await asked(() =>
      Promise.all([first.fetch(server.api), second.fetch(server.api)]),
    )
    expect(requests.filter((request) => request === 'POST /token')).toHaveLength(1)
    expect(await second.getAccessToken()).toBe(await first.getAccessToken())
  })

  test('ends everywhere once a spent refresh token was sent by somebody else (S-26)', async () => {
    const { signIn, load, stored, browser } = open()
    const auth = await signIn()
    const { auth: other } = await load('/', browser.openTab())
    const spent = stored().refreshToken!
    await auth.refresh()
    expect(await spend(spent)).toMatchObject({ error: 'invalid_grant' })

    await expect(auth.refresh()).rejects.toMatchObject({
      code: 'session_ended',
      sessionEnded: true,
      cause: { error: 'invalid_grant' },
    })
    const over = { status: 'signed-out', reason: 'ended-by-server' }
    expect(auth.getSession()).toEqual(over)
    await expect.poll(() => other.getSession()).toEqual(over)
    expect(stored().refreshToken).toBeUndefined()
  })

  test('tells about the person at the userinfo endpoint', async () => {
    const auth = await open().signIn()
    expect(await auth.getUserInfo()).toEqual({ sub: 'ada', name: 'ada of the test' })
  })
})

describe('signing out at oidc-provider', () => {
  test('revokes refresh token and access token', async () => {
    const { signIn, stored } = open()
    const auth = await signIn()
    const { refreshToken, access } = stored()
    const authorization = `Bearer ${access['default']!.token}`
    const requests = await asked(() => auth.signOut({ redirect: false }))
    expect(requests.filter((request) => request === 'POST /token/revocation')).toHaveLength(2)
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(await spend(refreshToken!)).toMatchObject({ error: 'invalid_grant' })
    expect((await fetch(`${server.issuer}/me`, { headers: { authorization } })).status).toBe(401)
  })

  test('ends the session at the server, and comes back with a state that the app recognises', async () => {
    const { signIn, tab, jar, load, leave } = open()
    const auth = await signIn()
    await auth.signOut()
    const away = new URL(tab.navigations.at(-1)!)
    expect(away.origin + away.pathname).toBe(`${server.issuer}/session/end`)
    const back = await visit(away, { jar })
    expect(back).toMatchObject({ origin: app, pathname: '/' })
    expect(back.searchParams.get('state')).toBe(away.searchParams.get('state'))

    const { result } = await load(back)
    expect(result).toMatchObject({ kind: 'restored', session: { status: 'signed-out' } })
    expect(tab.url).toBe(`${app}/`)

    const silent = await leave({ prompt: 'none' })
    expect(silent.searchParams.get('error')).toBe('login_required')
  })
})

describe('two resource servers at oidc-provider', () => {
  const listed = () =>
    Object.entries(resourceServers).map(([path, resource]) => ({
      url: `${server.api}${path}`,
      resource,
    }))

  test('each takes the token that is for it, and not the other one (C-17, C-82)', async () => {
    const [stock, bills] = listed()
    const auth = await open({ resources: [stock!, bills!] }).signIn()
    const requests = await asked(async () => {
      for (const { url } of [stock!, bills!, stock!, bills!])
        expect((await auth.fetch(url)).status).toBe(200)
    })
    expect(requests.filter((request) => request === 'POST /token')).toHaveLength(1)
    const authorization = `Bearer ${await auth.getAccessToken({ for: stock!.url })}`
    expect((await fetch(bills!.url, { headers: { authorization } })).status).toBe(401)
  })

  test('both tokens expire at once: a thousand calls are two token requests, and no refresh token is spent twice', async () => {
    const entries = listed()
    const { signIn, clock, stored } = open({ resources: entries })
    const auth = await signIn()
    await auth.fetch(entries[1]!.url)
    await clock.advance(901_000)
    const before = stored().refreshToken
    const calls = Array.from({ length: 1000 }, (_, index) => index % 2)
    const requests = await asked(() =>
      Promise.all(calls.map((which) => auth.getAccessToken({ for: entries[which]!.url }))),
    )
    expect(requests.filter((request) => request === 'POST /token')).toHaveLength(2)
    expect(stored().refreshToken).not.toBe(before)
    for (const { url } of entries) expect((await auth.fetch(url)).status).toBe(200)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', claims: { sub: 'ada' } })
  })

  test('an API that was not there at the sign-in gets no token, and the first one goes on', async () => {
    const [stock, bills] = listed()
    const { signIn, load } = open({ resources: [stock!] })
    await signIn()
    const { auth } = await load('/', undefined, { resources: [stock!, bills!] })
    await expect(auth.fetch(bills!.url)).rejects.toMatchObject({
      code: 'server_error',
      error: 'invalid_target',
      sessionEnded: false,
    })
    expect((await auth.fetch(stock!.url)).status).toBe(200)
  })

  test('a resource it does not know is refused when the user is sent there', async () => {
    const [stock] = listed()
    const { leave, load } = open({ resources: [stock!, { url: server.api, resource: 'urn:x' }] })
    await expect(load(await leave())).rejects.toMatchObject({
      code: 'authorization_denied',
      cause: { error: 'invalid_target' },
    })
  })
})

describe('what oidc-provider refuses is a typed error', () => {
  test('prompt=none without a login', async () => {
    const { leave, load, tab, newClient } = open()
    const callback = await leave({ prompt: 'none', returnTo: '/basket', appState: 7 })
    await expect(load(callback)).rejects.toMatchObject({
      name: 'CallbackError',
      code: 'login_required',
      cause: { error: 'login_required' },
      returnTo: `${app}/basket`,
      appState: 7,
    })
    expect(tab.url).toBe(redirectUri)
    const auth = newClient()
    await auth.start()
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
  })

  test('a person who clicks Cancel', async () => {
    const { leave, load } = open()
    const callback = await leave({ prompt: 'consent' }, { cancels: true })
    await expect(load(callback)).rejects.toMatchObject({
      code: 'authorization_denied',
      cause: { error: 'access_denied', description: 'End-User aborted interaction' },
    })
  })

  test('a scope the client may not have', async () => {
    const { leave, load } = open({ scope: 'openid email' })
    await expect(load(await leave())).rejects.toMatchObject({
      code: 'authorization_denied',
      cause: { error: 'invalid_scope' },
    })
  })

  test.each([
    ['C-22', 'a code', { prompt: 'consent' }],
    ['C-23', 'an error', { prompt: 'none' }],
  ] as const)('%s: %s whose iss is missing or another server’s', async (_, __, params) => {
    for (const iss of ['', 'https://attacker.example', `${server.issuer}/`]) {
      const { leave, load } = open()
      const callback = await leave(params)
      if (iss) callback.searchParams.set('iss', iss)
      else callback.searchParams.delete('iss')
      const requests = await asked(() =>
        expect(load(callback)).rejects.toMatchObject({ code: 'issuer_mismatch' }),
      )
      expect(requests).toEqual([])
    }
  })

  test('a code that was used before, in the answer to another sign-in', async () => {
    const first = open()
    const used = await first.leave({ prompt: 'consent' })
    await first.load(used)
    const { leave, load } = open()
    const callback = await leave({ prompt: 'consent' })
    callback.searchParams.set('code', used.searchParams.get('code')!)
    await expect(load(callback)).rejects.toMatchObject({
      code: 'server_error',
      retryable: false,
      cause: { error: 'invalid_grant', status: 400 },
    })
  })

  test.each([
    ['a client it does not know', { clientId: 'nobody' }, 'invalid_client'],
    ['a redirect URI of nobody', { redirectUri: `${app}/other` }, 'invalid_redirect_uri'],
  ])('%s is told to the person there, and the app is not called', async (_, options, error) => {
    const { leave, load } = open(options)
    await expect(leave()).rejects.toThrow(new RegExp(`^400 .*${error}`, 's'))
    const { auth } = await load('/')
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
  })

  test('a client it does not know, when it wants tokens', async () => {
    const { leave, load, tab } = open({ clientId: 'nobody' })
    await expect(leave()).rejects.toThrow('invalid_client')
    const state = new URL(tab.navigations[0]!).searchParams.get('state')!
    const answer = new URLSearchParams({ code: 'some-code', state, iss: server.issuer })
    await expect(load(`${redirectUri}?${answer.toString()}`)).rejects.toMatchObject({
      code: 'server_error',
      retryable: false,
      cause: { error: 'invalid_client', status: 401 },
    })
  })
})
