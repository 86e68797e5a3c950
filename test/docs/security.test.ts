import { expect, test } from 'vitest'
import { PkceClient, memoryStore } from 'pkce-client'
import type { PkceClientOptions } from 'pkce-client'
import { createAuthServer, createFakeBrowser, createFakeClock } from 'pkce-client/testing'
import type { FakeTab } from 'pkce-client/testing'

// The claims of docs/security.md about what is written where.

function setUp() {
  const clock = createFakeClock()
  const server = createAuthServer({ clock })
  const browser = createFakeBrowser({ clock })
  const tab = browser.openTab()
  const answers: string[] = []
  const client = (page: FakeTab, options: Partial<PkceClientOptions> = {}) =>
    new PkceClient({
      issuer: server.issuer,
      clientId: 'production-app',
      redirectUri: 'https://app.example.com/callback',
      scope: 'openid profile offline_access',
      resources: [server.api.url],
      ...page.ports,
      async fetch(input, init) {
        const response = await server.fetch(input, init)
        if (response.headers.get('content-type')?.includes('json'))
          answers.push(await response.clone().text())
        return response
      },
      ...options,
    })
  /** Every token that was given out so far. */
  const tokens = () =>
    answers.flatMap((text) =>
      Object.entries(JSON.parse(text) as object)
        .filter(([name]) => ['access_token', 'refresh_token', 'id_token'].includes(name))
        .map(([, token]) => token as string),
    )
  const local = () => [...browser.local].join()
  const session = async () => {
    const values: (string | null | undefined)[] = []
    for (const key of await tab.sessionStore.keys('')) values.push(await tab.sessionStore.get(key))
    return values.join()
  }
  return { clock, server, browser, tab, client, tokens, local, session }
}

test('localStorage holds the tokens while somebody is signed in, and none afterwards', async () => {
  const { server, tab, client, tokens, local } = setUp()
  const auth = client(tab)
  await server.signInTo(auth)
  expect(tokens()).toHaveLength(3)
  for (const token of tokens()) expect(local()).toContain(token)
  await auth.signOut({ redirect: false })
  for (const token of tokens()) expect(local()).not.toContain(token)
})

test('with sessionStorage, what is in localStorage holds no token', async () => {
  const { server, tab, client, tokens, local, session } = setUp()
  await server.signInTo(client(tab, { store: tab.sessionStore }))
  for (const token of tokens()) {
    expect(local()).not.toContain(token)
    expect(await session()).toContain(token)
  }
})

test('with memoryStore, no token is in any storage (C-116, A-78)', async () => {
  const { server, tab, client, tokens, local, session } = setUp()
  const auth = client(tab, { store: memoryStore() })
  await server.signInTo(auth)
  await auth.refresh()
  expect(tokens().length).toBeGreaterThan(4)
  for (const token of tokens()) expect(local() + (await session())).not.toContain(token)
})

test('of a tab and its copy, the first to renew keeps the session, the other ends as tab-copied', async () => {
  const { server, tab, client } = setUp()
  const original = client(tab, { store: tab.sessionStore })
  await server.signInTo(original)
  const copy = tab.duplicate()
  const other = client(copy, { store: copy.sessionStore })
  await other.start()
  expect(other.getSession().status).toBe('signed-in')
  await original.refresh()
  const sent = server.requestsTo('/token').length
  await expect(other.refresh()).rejects.toMatchObject({ code: 'session_ended' })
  expect(other.getSession()).toMatchObject({ status: 'signed-out', reason: 'tab-copied' })
  expect(server.requestsTo('/token')).toHaveLength(sent)
  expect(original.getSession().status).toBe('signed-in')
})

test('the PKCE secret is gone from storage once the answer has come, and the address is clean before it is sent', async () => {
  const { server, tab, client, clock, local } = setUp()
  void client(tab).signIn()
  await clock.settle()
  tab.load(await server.authorize(tab.url))
  expect(tab.url).toContain('code=')
  const shown: string[] = []
  const seen: typeof fetch = (input, init) => {
    shown.push(tab.url)
    return server.fetch(input, init)
  }
  await client(tab, { fetch: seen }).start()
  const secret = server.requestsTo('/token')[0]!.form!['code_verifier']!
  expect(secret).toHaveLength(43)
  expect(local()).not.toContain(secret)
  expect(new Set(shown)).toEqual(new Set(['https://app.example.com/callback']))
})

test('of two sign-ins begun without a click that came to nothing, no third one follows', async () => {
  const { tab, client, clock } = setUp()
  for (const outcome of ['leaves', 'leaves', 'refused']) {
    const left = tab.navigations.length
    const done = client(tab).signIn()
    done.catch(() => {})
    await clock.settle()
    expect(tab.navigations.length - left).toBe(outcome === 'leaves' ? 1 : 0)
    if (outcome === 'refused') await expect(done).rejects.toMatchObject({ code: 'redirect_loop' })
    else tab.load('https://app.example.com/')
  }
})
