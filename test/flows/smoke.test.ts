import { expect, test } from 'vitest'
import { PkceClient } from 'pkce-client'
import { createAuthServer, createFakeBrowser, createFakeClock } from 'pkce-client/testing'

test('smoke', async () => {
  const clock = createFakeClock()
  const server = createAuthServer({ clock })
  const browser = createFakeBrowser({ clock })
  const tab = browser.openTab('https://app.example.com/')
  const options = {
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: 'https://app.example.com/callback',
    scope: 'openid profile offline_access',
    resources: [server.api.url],
    fetch: server.fetch,
  }
  const auth = new PkceClient({ ...options, ...tab.ports })
  expect(await auth.start()).toMatchObject({ kind: 'restored', session: { status: 'signed-out' } })
  void auth.signIn({ returnTo: '/here?x=1' })
  await clock.settle()
  console.log(tab.url)
  const callback = await server.authorize(tab.url)
  console.log(callback)
  tab.load(callback)
  const back = new PkceClient({ ...options, ...tab.ports })
  for (const e of ['request','refresh-failed','token-refreshed','storage-failed'] as const) back.on(e, (f) => console.log(e, f))
  const started = await back.start()
  console.log(started, tab.url)
  const me = await back.fetch('https://api.example.com/users/me')
  console.log(me.status, await me.json())
  await clock.advance(16 * 60_000)
  const answers = await Promise.all(Array.from({length: 1000}, () => back.fetch('https://api.example.com/users/me').then((r) => r.status)))
  console.log(new Set(answers), server.requests.length)
  server.expireAccessTokens()
  await clock.advance(11_000)
  const answers2 = await Promise.all(Array.from({length: 1000}, () => back.fetch('https://api.example.com/users/me').then((r) => r.status)))
  console.log(new Set(answers2), server.requests.length)
  console.log(await back.getUserInfo())
  await back.signOut()
  console.log(back.getSession(), tab.url, [...browser.local.values()])
})
