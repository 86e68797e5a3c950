import { describe, expect, test } from 'vitest'
import { askSession, origin } from '../../support/web-app.ts'
import type { Visitor } from '../../../src/testing/index.ts'
import {
  attackedApp,
  cookiesOf,
  evil,
  raw,
  sessionOf,
  sibling,
  someoneAt,
  whoIs,
} from './support.ts'
import type { App } from './support.ts'

const proxied = {
  scope: 'openid orders:read orders:write',
  proxy: { '/api/': 'https://api.example.com/' },
  refreshEndpoint: true,
}
const logout = `${origin}/auth/logout`
const order = `${origin}/api/orders`

/** Everything a page of another origin can make a browser send. */
const attempts: [string, (tab: Visitor, url: string) => Promise<unknown>][] = [
  ['a form', (tab, url) => tab.submit({ action: url, fields: { a: '1' } })],
  [
    'a form in plain text that looks like JSON',
    (tab, url) =>
      tab.submit({ action: url, encoding: 'text/plain', fields: { '{"item":"': '"}' } }),
  ],
  [
    'a form in parts',
    (tab, url) => tab.submit({ action: url, encoding: 'multipart/form-data', fields: { a: '1' } }),
  ],
  ['a form that sends GET', (tab, url) => tab.submit({ action: url, method: 'GET' })],
  ['a link', (tab, url) => tab.follow(url)],
  ['an image', (tab, url) => tab.embed('image', url)],
  ['a frame', (tab, url) => tab.embed('frame', url)],
  [
    'a script that does not look at the answer',
    (tab, url) =>
      tab.fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'a=1' }),
  ],
  [
    'a script with JSON',
    (tab, url) =>
      tab.fetch(url, {
        method: 'POST',
        credentials: 'include',
        headers: { 'content-type': 'application/json' },
        body: '{"item":"x"}',
      }),
  ],
  [
    'a script with a header of ours',
    (tab, url) =>
      tab.fetch(url, { method: 'POST', credentials: 'include', headers: { 'x-csrf-token': 'x' } }),
  ],
  [
    'a script with DELETE',
    (tab, url) => tab.fetch(url, { method: 'DELETE', credentials: 'include' }),
  ],
]

describe.each([
  ['another site', evil],
  ['another host of our site', sibling],
])('from %s', (_, from) => {
  test.each(attempts)('%s signs nobody out, and orders nothing (C-115)', async (_name, attempt) => {
    for (const sameSite of ['strict', 'lax'] as const) {
      const app = attackedApp({ options: { ...proxied, cookie: { sameSite } } })
      const ada = await someoneAt(app)
      for (const url of [logout, order, `${origin}/auth/refresh_token`]) {
        await attempt(ada.openTab(from), url).catch(() => undefined)
      }
      expect(await whoIs(ada)).toBe('user-ada')
      expect(app.server.requestsTo('/orders').filter(({ method }) => method !== 'GET')).toEqual([])
      expect(app.server.requestsTo('/revoke')).toEqual([])
    }
  })

  test('nobody reads an answer of the API, the session, or a token (C-115)', async () => {
    const app = attackedApp({ options: proxied })
    const ada = await someoneAt(app)
    const tab = ada.openTab(from)
    for (const path of ['/api/orders', '/auth/session', '/me']) {
      const reading = tab.fetch(`${origin}${path}`, { credentials: 'include' })
      await expect(reading).rejects.toThrow('Failed to fetch')
    }
    expect(app.server.requestsTo('/orders')).toEqual([])
  })
})

describe('a page of the app itself', () => {
  const send = (tab: Visitor, token: string | undefined, url = order) =>
    tab.fetch(url, {
      method: 'POST',
      headers: { ...(token !== undefined && { 'x-csrf-token': token }) },
      body: '{}',
    })

  test('needs the token of its session, and gets on with it (C-115)', async () => {
    const app = attackedApp({ options: proxied })
    const [ada, grace] = [await someoneAt(app), await someoneAt(app, 'grace')]
    const { csrf } = await askSession(ada)
    const { csrf: hers } = await askSession(grace)
    for (const wrong of [
      undefined,
      '',
      'x',
      hers,
      csrf!.slice(1),
      `${csrf!}x`,
      csrf!.toUpperCase(),
    ]) {
      expect((await send(ada, wrong)).status).toBe(403)
    }
    expect((await send(ada, csrf)).status).not.toBe(403)
    expect(app.server.requestsTo('/orders')).toHaveLength(1)
  })

  test('has another token after each sign-in (C-115)', async () => {
    const app = attackedApp({ options: proxied })
    const ada = await someoneAt(app)
    const { csrf } = await askSession(ada)
    await ada.goto('/auth/login')
    expect((await send(ada, csrf)).status).toBe(403)
  })

  test('in an old browser, which says nothing of who asks, needs it for reading as well (C-115)', async () => {
    const app = attackedApp({ options: proxied })
    const ada = await someoneAt(app)
    const { csrf } = await askSession(ada)
    const cookie = `__Host-Http-pkce=${sessionOf(ada)}`
    const read = async (headers: Record<string, string>) =>
      (await app.auth.handle(raw('/api/orders', { headers: { cookie, ...headers } })))!.status
    expect(await read({})).toBe(403)
    expect(await read({ 'x-csrf-token': csrf! })).toBe(200)
    expect(await read({ origin: 'https://evil.example', 'x-csrf-token': csrf! })).toBe(403)
    expect(await read({ origin: 'null', 'x-csrf-token': csrf! })).toBe(403)
    expect(await read({ 'sec-fetch-site': 'same-site', 'x-csrf-token': csrf! })).toBe(403)
  })
})

/** Mallory has signed in in her own browser, and keeps the answer for somebody else's. */
async function answerOfMallory(app: App): Promise<string> {
  const mallory = app.visit()
  await mallory.goto('/auth/login')
  return app.server.authorize(mallory.page.url, { username: 'grace', jar: mallory.jar })
}

describe('login CSRF', () => {
  test("the attacker's own answer does not sign the victim in (A-04)", async () => {
    const app = attackedApp()
    const answer = await answerOfMallory(app)
    const victim = app.visit()
    const page = await victim.openTab(evil).follow(answer)
    expect([page.status, page.text.includes('transaction_not_found')]).toEqual([400, true])
    expect(await whoIs(victim)).toBeUndefined()
    expect(cookiesOf(victim)).toEqual([])
    expect(app.server.requestsTo('/token')).toEqual([])
  })

  test("nor does it replace the victim's session (A-10)", async () => {
    const app = attackedApp()
    const answer = await answerOfMallory(app)
    const victim = await someoneAt(app)
    const page = await victim.openTab(evil).follow(answer)
    expect(page.url).toBe(`${origin}/`)
    expect(await whoIs(victim)).toBe('user-ada')
    expect(app.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a sign-in that began under one session does not end under that of another person (A-10)', async () => {
    const app = attackedApp({ options: { cookie: { sameSite: 'lax' } } })
    const victim = await someoneAt(app)
    await victim.goto('/auth/login?prompt=login')
    const mallory = await someoneAt(app, 'grace')
    victim.jar.store(
      new URL(origin),
      `__Host-Http-pkce=${sessionOf(mallory)}; Secure; HttpOnly; SameSite=Lax; Path=/`,
    )
    const page = await victim.signIn('ada')
    expect([page.status, page.text.includes('callback_invalid')]).toEqual([400, true])
    expect(await whoIs(mallory)).toBe('user-grace')
  })

  test('somebody who is sent to sign in by another site chooses nothing but where to go (A-04)', async () => {
    const app = attackedApp()
    const victim = app.visit()
    const query = 'returnTo=/orders&login_hint=mallory&prompt=consent&acr_values=none&scope=openid'
    const { url } = await victim.openTab(evil).follow(`${origin}/auth/login?${query}`)
    const { searchParams } = new URL(url)
    expect(searchParams.get('scope')).toBe('openid profile offline_access')
    for (const name of ['login_hint', 'prompt', 'acr_values'])
      expect(searchParams.get(name)).toBeNull()
  })
})
