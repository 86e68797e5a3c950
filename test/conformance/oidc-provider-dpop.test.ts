import { IDBFactory } from 'fake-indexeddb'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { PkceClient, dpop, pushedRequests } from 'pkce-client'
import { createCookieJar, createFakeBrowser, createFakeClock } from 'pkce-client/testing'
import { fullScope, spa, startCertifiedServer } from '../support/certified-server.ts'
import type { CertifiedServer } from '../support/certified-server.ts'
import { visit } from '../support/visitor.ts'

// The built package, with DPoP and pushed requests, against oidc-provider, a certified server that nobody here wrote.

const app = 'https://app.example.com'

describe.each([
  ['without nonces', false],
  ['with nonces', true],
])('at oidc-provider, %s', (_, nonces) => {
  let server: CertifiedServer
  beforeAll(async () => {
    server = await startCertifiedServer(() => app, { isDemanding: nonces })
  })
  afterAll(() => server.close())
  beforeEach(() => void vi.stubGlobal('indexedDB', new IDBFactory()))

  async function signedIn() {
    const browser = createFakeBrowser({ clock: createFakeClock(Date.now()), origin: app })
    const tab = browser.openTab()
    const newClient = () =>
      new PkceClient({
        issuer: server.issuer,
        clientId: spa,
        redirectUri: `${app}/callback`,
        scope: fullScope,
        resources: [server.api],
        use: [dpop(), pushedRequests()],
        ...tab.ports,
      })
    newClient()
      .signIn({ prompt: 'consent' })
      .catch(() => {})
    await expect.poll(() => tab.navigations.length).toBe(1)
    tab.load((await visit(tab.navigations[0]!, { jar: createCookieJar() })).href)
    const auth = newClient()
    await auth.start()
    return { auth, tab, newClient }
  }

  test('a user signs in by a pushed request, with tokens that are bound to a key (C-43, C-95, C-97)', async () => {
    const before = server.asked.length
    const { auth, tab } = await signedIn()
    expect([...new URL(tab.navigations[0]!).searchParams.keys()]).toEqual([
      'client_id',
      'request_uri',
    ])
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', claims: { sub: 'ada' } })
    const sent = server.asked
      .slice(before)
      .filter((request) => /POST \/(?:request|token)/.test(request))
    const once = ['POST /request', 'POST /token']
    // Each page asks for a nonce of its own.
    expect(sent).toEqual(nonces ? once.flatMap((request) => [request, request]) : once)
  })

  test('the server takes the proofs at its userinfo endpoint, and refreshes with the same key (C-78, C-91)', async () => {
    const { auth } = await signedIn()
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'ada', name: 'ada of the test' })
    await auth.refresh()
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'ada' })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
  })

  test('with another key the token is refused', async () => {
    const { auth } = await signedIn()
    const token = await auth.getAccessToken()
    const bare = await fetch(`${server.issuer}/me`, { headers: { authorization: `DPoP ${token}` } })
    expect(bare.ok).toBe(false)
    const bearer = await fetch(`${server.issuer}/me`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(bearer.ok).toBe(false)
  })
})
