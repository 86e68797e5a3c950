import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import type { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { engineNames, launch } from './browser.ts'
import { servePage } from './page/serve.ts'

// A global of the page.
declare const auth: PkceClient

/** The token endpoint sets the cookie on another origin than the page's, so that `fetch` sends credentials to it. */
const appText = `
  const [options] = JSON.parse(document.getElementById('options').textContent).clients
  globalThis.auth = new pkceClient.PkceClient({
    ...options,
    redirectUri: new URL('/callback', location.origin).href,
    scope: 'openid profile offline_access',
    store: pkceClient.memoryStore(),
    use: [pkceClient.backEndRefresh({ url: options.issuer + '/refresh_token' })],
    fetch: (input, init) =>
      fetch(input, String(input).endsWith('/token') ? { ...init, credentials: 'include' } : init),
  })
  const show = () => (document.title = auth.getSession().status)
  auth.subscribe(show)
  void auth.start().then(show, ({ code }) => (document.title = code))
`

describe.each(engineNames)('backEndRefresh() in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterAll(() => browser.close())

  const isShown = (page: Page, title: string) =>
    page.waitForFunction((text) => document.title === text, title)

  const reload = async (page: Page, title: string) => {
    await page.reload()
    await isShown(page, title)
  }

  async function signedIn() {
    const client = { clientId: 'app', kind: 'internal', refreshTokenIn: 'cookie' } as const
    const server = createAuthServer({
      clients: [{ ...client, redirectUris: ['http://127.0.0.1/callback'] }],
    })
    const door = await server.listen()
    const { url, close } = await servePage({
      clients: [{ issuer: door.url, clientId: 'app', resources: [door.apiUrl] }],
      script: appText,
    })
    const person = await browser.newContext()
    person.setDefaultTimeout(15_000)
    onTestFinished(async () => {
      await person.close()
      await Promise.all([close(), door.close()])
    })
    const page = await person.newPage()
    await page.goto(url)
    await isShown(page, 'signed-out')
    await page.evaluate(() => void auth.signIn())
    await page.getByLabel('Username').fill('ada')
    await page.getByLabel('Password').fill('lovelace')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await isShown(page, 'signed-in')
    const callApi = () =>
      page.evaluate(async (api) => (await auth.fetch(`${api}users/me`)).status, door.apiUrl)
    return { server, door, person, page, callApi }
  }

  /** Everything that script of the page could read without a request. */
  const readable = (page: Page) =>
    page.evaluate(async () => {
      const databases = await indexedDB.databases()
      const stored = JSON.stringify([localStorage, sessionStorage])
      return { stored, cookie: document.cookie, databases }
    })

  test('a reload stays signed in by the cookie, and no token is in any storage', async () => {
    const { server, person, page, callApi } = await signedIn()
    const [cookie] = (await person.cookies()).filter(({ path }) => path === '/refresh_token')
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    await reload(page, 'signed-in')
    expect(await callApi()).toBe(200)
    for (const path of ['/authorize', '/token']) expect(server.requestsTo(path)).toHaveLength(1)
    // Once when nobody was signed in, and once after the reload.
    const asked = server.requestsTo('/refresh_token').filter(({ method }) => method === 'POST')
    expect(asked).toHaveLength(2)
    const { stored, ...rest } = await readable(page)
    expect(rest).toEqual({ cookie: '', databases: [] })
    const token = await page.evaluate(() => auth.getAccessToken())
    for (const secret of [token, cookie!.value]) expect(stored).not.toContain(secret)
    expect(stored).not.toMatch(/access_?token|refresh_?token/i)
  })

  test('the rotated cookie serves one reload after the other', async () => {
    const { page, callApi } = await signedIn()
    for (let time = 1; time <= 3; time++) await reload(page, 'signed-in')
    expect(await callApi()).toBe(200)
  })

  test('signed out by the route of the back end, a reload is signed out', async () => {
    const { door, person, page } = await signedIn()
    await reload(page, 'signed-in')
    const status = await page.evaluate(async (issuer) => {
      const answer = await fetch(`${issuer}/refresh_token/sign_out`, {
        method: 'POST',
        credentials: 'include',
        headers: { 'content-type': 'application/json', 'x-requested-with': 'test' },
        body: '{}',
      })
      return answer.status
    }, door.url)
    expect(status).toBe(200)
    expect((await person.cookies()).filter(({ path }) => path === '/refresh_token')).toEqual([])
    await reload(page, 'signed-out')
  })
})
