import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Page } from 'playwright-core'
import { createAuthServer } from 'pkce-client/testing'
import type { AuthServer } from 'pkce-client/testing'
import { engineNames, launchShown } from './browser.ts'
import type { ShownBrowser } from './browser.ts'
import { servePage } from './page/serve.ts'

const script = readFileSync(new URL('page/windows.js', import.meta.url), 'utf8')

/** Serves a page on another site than 127.0.0.1: localhost. */
async function servePlainPage(html: string): Promise<string> {
  const site = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(html)
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    site.close()
    site.closeAllConnections()
  })
  return `http://localhost:${(site.address() as AddressInfo).port}/`
}

interface Place {
  /** Headers of every page of the app. */
  headers?: Record<string, string>
  inMemory?: boolean
  /** Where answers come back: at the app itself, or at the page that only hands them on. */
  redirectPath?: 'callback' | 'relay'
}

describe.each(engineNames)('a popup in %s', (engine) => {
  let browser: ShownBrowser
  let server: AuthServer
  let door: Awaited<ReturnType<AuthServer['listen']>>

  beforeAll(async () => {
    browser = await launchShown(engine)
    server = createAuthServer({
      clients: [
        {
          clientId: 'app',
          kind: 'internal',
          redirectUris: ['http://127.0.0.1/callback', 'http://127.0.0.1/relay'],
        },
      ],
    })
    door = await server.listen()
  }, 600_000)
  afterAll(async () => {
    await browser.close()
    await door.close()
  })

  async function serve({ headers, inMemory, redirectPath = 'callback' }: Place = {}) {
    const person = await browser.newPerson()
    const client = { issuer: door.url, clientId: 'app', resources: [door.apiUrl] }
    const clients = [{ ...client, scope: 'openid profile offline_access' }]
    const site = await servePage({
      script: script.replace(
        '...clients[0]',
        `...clients[0], redirectUri: new URL('/${redirectPath}', location.origin).href`,
      ),
      clients,
      ...(headers && { headers }),
      ...(inMemory && { inMemory }),
    })
    onTestFinished(async () => {
      server.clearFaults()
      await Promise.all(person.pages().map((page) => page.close()))
      await site.close()
    })
    person.setDefaultTimeout(15_000)
    return { person, url: site.url }
  }

  async function open(place?: Place) {
    const { person, url } = await serve(place)
    const page = await person.newPage()
    await page.goto(url)
    await shows(page, 'signed-')
    return { person, page, url }
  }

  const shows = (page: Page, text: string) =>
    page.getByRole('status').filter({ hasText: text }).waitFor()
  const outcomes = (page: Page) => page.getByRole('listitem').allInnerTexts()
  const press = (page: Page, name: string) =>
    page.getByRole('button', { name, exact: true }).click()

  /** Clicks, and waits for the login page in the window. */
  async function click(page: Page, name = 'Sign in'): Promise<Page> {
    const opened = page.waitForEvent('popup')
    await press(page, name)
    const window = await opened
    await window.getByLabel('Password').waitFor()
    return window
  }

  async function logIn(window: Page): Promise<void> {
    await window.getByLabel('Username').fill('ada')
    await window.getByLabel('Password').fill('lovelace')
    await window.getByRole('button', { name: 'Sign in' }).click()
  }

  const closed = (window: Page) => window.isClosed() || window.waitForEvent('close')
  const sleep = (milliseconds: number) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds))

  const isolated = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  }
  const apps: [string, Record<string, string>][] = [
    ['no policy', {}],
    ['same-origin', { 'cross-origin-opener-policy': 'same-origin' }],
    ['same-origin-allow-popups', { 'cross-origin-opener-policy': 'same-origin-allow-popups' }],
    ['cross-origin isolation', isolated],
  ]

  describe.each([
    ['cuts the window off', true],
    ['leaves the window its opener', false],
  ])('whose login page %s', (_, cutsOff) => {
    test.each(apps)('signs in to an app with %s, and closes (A-23)', async (_, headers) => {
      if (!cutsOff) server.fault('no-coop')
      const { page } = await open({ headers })
      const window = await click(page)
      await logIn(window)
      await shows(page, 'signed-in Ada Lovelace')
      await closed(window)
      expect(await outcomes(page)).toEqual(['signed in'])
    })

    test.each([
      ['the app', 'callback'],
      ['a static page', 'relay'],
    ] as const)(
      'signs in with memoryStore(), and %s at the redirect URI',
      async (_, redirectPath) => {
        if (!cutsOff) server.fault('no-coop')
        const { page } = await open({ inMemory: true, redirectPath })
        const window = await click(page)
        await logIn(window)
        await shows(page, 'signed-in Ada Lovelace')
        await closed(window)
      },
    )

    test('is noticed within two seconds when the user closes it (A-23)', async () => {
      if (!cutsOff) server.fault('no-coop')
      const { page } = await open()
      const window = await click(page)
      await window.close()
      await page.bringToFront()
      await expect.poll(() => outcomes(page), { timeout: 2_500 }).toEqual(['popup_closed'])
    })

    test('is waited for while the user takes five seconds (A-23)', async () => {
      if (!cutsOff) server.fault('no-coop')
      const { page } = await open()
      const window = await click(page)
      await sleep(5_000)
      expect(await outcomes(page)).toEqual([])
      await logIn(window)
      await shows(page, 'signed-in Ada Lovelace')
      expect(await outcomes(page)).toEqual(['signed in'])
    })
  })

  test('that is left alone finishes later, and the page adopts the session (A-23)', async () => {
    const { page } = await open()
    const window = await click(page)
    await page.bringToFront()
    await page.getByRole('status').click()
    await expect.poll(() => outcomes(page), { timeout: 5_000 }).toEqual(['popup_closed'])
    await logIn(window)
    await shows(window, 'signed-in Ada Lovelace')
    await shows(page, 'signed-in Ada Lovelace')
  })

  test('opens once for two clicks at once', async () => {
    const { person, page } = await open()
    const opened = page.waitForEvent('popup')
    await page.evaluate(() => {
      const button = document.querySelector('button')!
      button.click()
      button.click()
    })
    const window = await opened
    await window.getByLabel('Password').waitFor()
    await expect.poll(() => outcomes(page)).toEqual(['sign_in_cancelled'])
    await sleep(500)
    expect(person.pages().filter((one) => one !== page)).toEqual([window])
    await logIn(window)
    await shows(page, 'signed-in Ada Lovelace')
    expect(await outcomes(page)).toEqual(['sign_in_cancelled', 'signed in'])
  })

  /** A page whose script signs in by itself. Playwright counts as a user for five seconds, whenever it looks at a page. */
  async function byItself(label: string): Promise<Page> {
    const { person, url } = await serve()
    const page = await person.newPage()
    await page.goto(`${url}?by-itself=${label}`)
    await sleep(8_000)
    return page
  }

  test('that nobody clicked for is blocked: popup_blocked', async () => {
    const page = await byItself('Sign in')
    await expect.poll(() => outcomes(page), { timeout: 5_000 }).toEqual(['popup_blocked'])
  })

  test('that nobody clicked for is blocked: the fallback leaves the page', async () => {
    const page = await byItself('Sign in, or leave')
    await logIn(page)
    await shows(page, 'signed-in Ada Lovelace')
  })

  test('an app in a frame of another site signs in with a popup', async () => {
    const { person, url } = await open({ inMemory: true })
    const outside = await person.newPage()
    await outside.goto(
      await servePlainPage(`<iframe src="${url}" width="600" height="400"></iframe>`),
    )
    const frame = outside.frameLocator('iframe')
    server.fault('no-coop')
    const opened = person.waitForEvent('page')
    const button = frame.getByRole('button', { name: 'Sign in', exact: true })
    // What drives Firefox does not reach into frames of other sites with its mouse.
    await (engine === 'firefox'
      ? button.evaluate((one) => (one as HTMLElement).click())
      : button.click())
    const window = await opened
    await window.getByLabel('Password').waitFor()
    await logIn(window)
    await frame.getByRole('status').filter({ hasText: 'signed-in Ada Lovelace' }).waitFor()
  })

  describe('and a frame', () => {
    test.each(['callback', 'relay'] as const)(
      'sign in a user whom the server knows, on the same site, with /%s',
      async (redirectPath) => {
        const { page } = await open({ redirectPath })
        await press(page, 'Sign in silently')
        await expect.poll(() => outcomes(page)).toEqual(['login_required'])
        await logIn(await click(page))
        await shows(page, 'signed-in')
        await press(page, 'Sign in silently')
        await expect
          .poll(() => outcomes(page))
          .toEqual(['login_required', 'signed in', 'signed in'])
        expect(await page.locator('iframe').count()).toBe(0)
      },
    )

    test.each([
      ['a page in place of an answer', 'silent-page'],
      ['no answer at all', 'silent-hangs'],
    ] as const)('%s: iframe_blocked, and nothing visible follows (C-32)', async (_, fault) => {
      const { person, page } = await open()
      server.fault(fault)
      await press(page, 'Sign in silently')
      await expect.poll(() => outcomes(page), { timeout: 14_000 }).toEqual(['iframe_blocked'])
      expect(person.pages().filter((one) => one !== page && one.url() !== 'about:blank')).toEqual(
        [],
      )
      expect(await page.locator('iframe').count()).toBe(0)
    })
  })
})
