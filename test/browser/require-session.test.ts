import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import type { AuthServer } from 'pkce-client/testing'
import { engineNames, launch } from './browser.ts'
import { goBack, waitForNavigations } from './history.ts'
import { servePage } from './page/serve.ts'

// A global of the page.
declare const auth: PkceClient

let script: string

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [new URL('page/guarded.tsx', import.meta.url).pathname],
    bundle: true,
    format: 'iife',
    jsx: 'automatic',
    // StrictMode calls effects twice in development only.
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false,
  })
  script = outputFiles[0]!.text
})

describe.each(engineNames)('requireSession() in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterAll(() => browser.close())

  /** The app with a server of its own, and somebody with a new browser. */
  async function openApp() {
    const clientId = 'app'
    const server = createAuthServer({
      clients: [
        {
          clientId,
          redirectUris: ['http://127.0.0.1/callback'],
          postLogoutRedirectUris: ['http://127.0.0.1/'],
          kind: 'internal',
        },
      ],
    })
    const door = await server.listen()
    const scope = { scope: 'openid offline_access' }
    const page = await servePage({
      clients: [{ issuer: door.url, clientId, resources: [door.apiUrl], ...scope }],
      script,
    })
    const person = await browser.newContext()
    person.setDefaultTimeout(15_000)
    onTestFinished(async () => {
      waitForNavigations(true)
      await person.close()
      await Promise.all([page.close(), door.close()])
    })
    return { server, person, url: page.url }
  }

  const departures = (server: AuthServer) =>
    server.requestsTo('/authorize').filter(({ method }) => method === 'GET').length

  async function logIn(page: Page): Promise<void> {
    await page.getByLabel('Username').fill('ada')
    await page.getByLabel('Password').fill('lovelace')
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  const secrets = (page: Page, path = '/account') =>
    page.getByRole('heading', { name: `Secrets of ${path}` }).waitFor()

  const alert = (page: Page, code: string) =>
    page.getByRole('alert').filter({ hasText: code }).waitFor()

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })

  const atLogin = (page: Page) => page.getByLabel('Username').waitFor()

  /** Somebody who is signed in at the protected page. */
  async function signedIn(person: BrowserContext, url: string): Promise<Page> {
    const page = await person.newPage()
    await page.goto(`${url}account`)
    await logIn(page)
    await secrets(page)
    return page
  }

  test('StrictMode: two effects, one departure, and back to the page', async () => {
    const { server, person, url } = await openApp()
    const page = await signedIn(person, url)
    expect(page.url()).toBe(`${url}account`)
    expect(departures(server)).toBe(1)
    expect(server.requestsTo('/token')).toHaveLength(1)
    await page.reload()
    await secrets(page)
    expect(departures(server)).toBe(1)
  })

  test('Deny, then try again', async () => {
    const { server, person, url } = await openApp()
    const page = await person.newPage()
    server.fault('callback-error', { error: 'access_denied' })
    await page.goto(`${url}account`)
    await logIn(page)
    await alert(page, 'authorization_denied')
    expect(page.url()).toBe(`${url}callback`)
    server.clearFaults()
    await button(page, 'Try again').click()
    await secrets(page)
    expect(departures(server)).toBe(2)
  })

  test('a reload while the code is exchanged says so, and knows where the user was going (F18)', async () => {
    const { server, person, url } = await openApp()
    const page = await person.newPage()
    const token = server.hold('/token')
    await page.goto(`${url}account`)
    await logIn(page)
    await expect.poll(() => token.count, { timeout: 10_000 }).toBe(1)
    await page.reload()
    await alert(page, 'transaction_consumed')
    expect(await page.evaluate(() => history.state as unknown)).toBeNull()
    token.release()
    await button(page, 'Try again').click()
    await secrets(page)
    expect(page.url()).toBe(`${url}account`)
  })

  test('signing out of a protected page, leaving it: the sign-out page of the server is reached', async () => {
    const { server, person, url } = await openApp()
    const page = await signedIn(person, url)
    await button(page, 'Sign out').click()
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    expect(server.requestsTo('/end_session')).toHaveLength(1)
    expect(departures(server)).toBe(1)
    await button(page, 'Account').click()
    await atLogin(page)
  })

  test('signing out of a protected page without leaving it: no departure until a click', async () => {
    const { server, person, url } = await openApp()
    const page = await signedIn(person, url)
    await button(page, 'Sign out here').click()
    await alert(page, 'sign_in_required')
    const again = () =>
      page.evaluate(() =>
        auth.requireSession().catch((error: unknown) => (error as { code: string }).code),
      )
    expect(await again()).toBe('sign_in_required')
    expect(departures(server)).toBe(1)
    await button(page, 'Try again').click()
    await secrets(page)
    expect(departures(server)).toBe(2)
  })

  test('signing out without leaving, then another protected page: a departure', async () => {
    const { server, person, url } = await openApp()
    const page = await signedIn(person, url)
    await button(page, 'Sign out here').click()
    await alert(page, 'sign_in_required')
    await button(page, 'Orders').click()
    await secrets(page, '/orders')
    expect(departures(server)).toBe(2)
  })

  test('signing out in another tab: this one shows it, and departs after a click', async () => {
    const { server, person, url } = await openApp()
    const pages = [await signedIn(person, url), await person.newPage()] as const
    await pages[1].goto(`${url}account`)
    await secrets(pages[1])
    await button(pages[1], 'Sign out here').click()
    for (const page of pages) await alert(page, 'sign_in_required')
    expect(departures(server)).toBe(1)
    await button(pages[0], 'Try again').click()
    await secrets(pages[0])
    await secrets(pages[1])
    expect(departures(server)).toBe(2)
  })

  test('five restored tabs all come back signed in', async () => {
    const { server, person, url } = await openApp()
    const page = await signedIn(person, url)
    // The browser was closed for so long that only the server knows the user.
    await page.evaluate(() => localStorage.clear())
    await page.close()
    const tabs = await Promise.all(Array.from({ length: 5 }, () => person.newPage()))
    await Promise.all(tabs.map((tab) => tab.goto(`${url}account`)))
    for (const tab of tabs) await secrets(tab)
    expect(departures(server)).toBeLessThanOrEqual(6)
  })

  test('the Back button at the login page: the guard says so, and a click departs again', async () => {
    const { server, person, url } = await openApp()
    const page = await person.newPage()
    await page.goto(url)
    await button(page, 'Account').click()
    await atLogin(page)
    await goBack(page)
    // From the back/forward cache it is cancelled. A page that was loaded anew departs again by itself, as after a reload.
    const cancelled = alert(page, 'sign_in_cancelled').then(() => button(page, 'Try again').click())
    await Promise.race([cancelled, expect.poll(() => departures(server)).toBe(2)])
    await atLogin(page)
    await logIn(page)
    await secrets(page)
  })

  test('the Back button after signing out: nobody is sent away without a click', async () => {
    const { person, url } = await openApp()
    const page = await signedIn(person, url)
    await button(page, 'Sign out').click()
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    await goBack(page)
    const shown = alert(page, 'sign_in_required').then(() => button(page, 'Try again').click())
    await Promise.race([shown, atLogin(page)])
    await atLogin(page)
    await logIn(page)
    await secrets(page)
  })
})
