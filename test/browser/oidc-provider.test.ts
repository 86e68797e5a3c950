import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type * as library from 'pkce-client'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { fullScope, spa, startCertifiedServer } from '../support/certified-server.ts'
import type { CertifiedServer } from '../support/certified-server.ts'
import { engineNames, launch } from './browser.ts'
import { servePage } from './page/serve.ts'

// oidc-provider and its development pages, and the <script> build under a strict policy: real redirects, real clicks.

describe.each(engineNames)('at oidc-provider, with %s', (engine) => {
  let browser: Browser
  let server: CertifiedServer
  let site: Awaited<ReturnType<typeof servePage>>
  const people: BrowserContext[] = []

  beforeAll(async () => {
    browser = await launch(engine)
    server = await startCertifiedServer(async ({ issuer, api }) => {
      const signIn = { prompt: 'consent' }
      const client = { issuer, clientId: spa, scope: fullScope, resources: [api], signIn }
      site = await servePage({ clients: [client] })
      return site.url
    })
    // Getting a browser may take a while.
  }, 600_000)
  afterEach(async () => {
    await Promise.all(people.splice(0).map((person) => person.close()))
  })
  afterAll(async () => {
    await browser.close()
    await site.close()
    await server.close()
  })

  async function newPerson(): Promise<{ person: BrowserContext; page: Page }> {
    const person = await browser.newContext()
    people.push(person)
    person.setDefaultTimeout(10_000)
    await person.clock.install()
    return { person, page: await visit(person) }
  }

  async function visit(person: BrowserContext): Promise<Page> {
    const page = await person.newPage()
    // The pages of the server want a font from the Internet.
    await page.route('https://fonts.googleapis.com/**', (route) => route.abort())
    await page.goto(site.url)
    await shows(page, 'signed-')
    return page
  }

  const press = (page: Page, name: string) => page.getByRole('button', { name }).click()
  const shows = (page: Page, text: string) =>
    page.getByRole('status').filter({ hasText: text }).waitFor()
  const answers = async (page: Page, button: string, text: string) => {
    await press(page, button)
    await page.getByText(text, { exact: true }).waitFor()
  }

  async function logIn(page: Page) {
    await page.getByPlaceholder('Enter any login').fill('ada')
    await page.getByPlaceholder('and password').fill('lovelace')
    await press(page, 'Sign-in')
  }

  async function signedIn() {
    const { person, page } = await newPerson()
    await press(page, 'Sign in')
    await logIn(page)
    await press(page, 'Continue')
    await shows(page, 'signed-in ada')
    return { person, page }
  }

  /** What the server is asked meanwhile, without metadata. */
  async function asked(action: () => Promise<unknown>): Promise<string[]> {
    const before = server.asked.length
    await action()
    return server.asked.slice(before).filter((request) => !request.includes('.well-known'))
  }

  test('a person signs in, agrees, and is back at a clean address', async () => {
    const { page } = await signedIn()
    expect(page.url()).toBe(`${site.url}callback`)
    await answers(page, 'Call the API', '200 ada of the test')
  })

  test('a reload keeps the person signed in, and asks the server nothing', async () => {
    const { page } = await signedIn()
    const requests = await asked(async () => {
      await page.reload()
      await shows(page, 'signed-in ada')
    })
    expect(requests).toEqual([])
    await answers(page, 'Call the API', '200 ada of the test')
  })

  test('two tabs whose token has expired send one token request, and both go on', async () => {
    const { person, page } = await signedIn()
    const other = await visit(person)
    await shows(other, 'signed-in ada')
    for (let round = 0; round < 3; round += 1) {
      await person.clock.fastForward('16:00')
      const requests = await asked(() =>
        Promise.all(
          [page, other].map((tab) => answers(tab, 'Call the API', '200 ada of the test')),
        ),
      )
      expect(requests.filter((request) => request === 'POST /token')).toHaveLength(1)
    }
  })

  test('a refresh token sent once more by somebody else ends the session in every tab (S-26)', async () => {
    const { person, page } = await signedIn()
    const other = await visit(person)
    await shows(other, 'signed-in ada')
    const stolen = await page.evaluate(
      (key) => (JSON.parse(localStorage.getItem(key)!) as { refreshToken: string }).refreshToken,
      `pkce:${server.issuer}|${spa}`,
    )
    await person.clock.fastForward('16:00')
    await answers(page, 'Call the API', '200 ada of the test')
    const body = { grant_type: 'refresh_token', refresh_token: stolen, client_id: spa }
    const init = { method: 'POST', body: new URLSearchParams(body) }
    expect((await fetch(`${server.issuer}/token`, init)).status).toBe(400)
    await person.clock.fastForward('16:00')
    await press(other, 'Call the API')
    await shows(other, 'signed-out ended-by-server')
    await shows(page, 'signed-out ended-by-server')
  })

  test('the server tells about the person', async () => {
    const { page } = await signedIn()
    await answers(page, 'Ask the server', 'ada of the test')
  })

  test('signing out revokes, ends the session at the server, and comes back to the app', async () => {
    const { person, page } = await signedIn()
    const other = await visit(person)
    await shows(other, 'signed-in ada')
    const requests = await asked(async () => {
      await press(page, 'Leave the server')
      await press(page, 'Yes, sign me out')
      await page.waitForURL(site.url)
    })
    expect(requests.filter((request) => request === 'POST /token/revocation')).toHaveLength(2)
    await shows(page, 'signed-out')
    await shows(other, 'signed-out signed-out')
    await press(other, 'Sign in')
    await logIn(other)
  })

  test('a person who clicks Cancel is not signed in, and can change their mind', async () => {
    const { page } = await newPerson()
    await press(page, 'Sign in')
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('alert').filter({ hasText: 'authorization_denied' }).waitFor()
    await shows(page, 'signed-out')
    await press(page, 'Sign in')
    await logIn(page)
    await press(page, 'Continue')
    await shows(page, 'signed-in ada')
  })

  test('prompt=none signs in who is signed in at the server, without a page, and tells who is not', async () => {
    const { page } = await newPerson()
    await asksSilently(page)
    await page.getByRole('alert').filter({ hasText: 'login_required' }).waitFor()
    await shows(page, 'signed-out')
    await press(page, 'Sign in')
    await logIn(page)
    await press(page, 'Continue')
    await shows(page, 'signed-in ada')
    const requests = await asked(async () => {
      const exchanged = page.waitForResponse(`${server.issuer}/token`)
      await asksSilently(page)
      await exchanged
      await shows(page, 'signed-in ada')
    })
    expect(requests.filter((request) => /interaction/.test(request))).toEqual([])
    expect(requests.filter((request) => request === 'POST /token')).toHaveLength(1)
  })

  /** As an app does that wants to know whether somebody is signed in at the server. */
  async function asksSilently(page: Page) {
    const options = {
      issuer: server.issuer,
      clientId: spa,
      redirectUri: `${site.url}callback`,
      scope: fullScope,
    }
    const leaving = page.waitForRequest(/prompt=none/)
    await page.evaluate((given) => {
      const { pkceClient } = window as unknown as { pkceClient: typeof library }
      void new pkceClient.PkceClient(given).signIn({ prompt: 'none' })
    }, options)
    await leaving
  }
})
