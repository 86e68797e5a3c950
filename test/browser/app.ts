import { expect, onTestFinished } from 'vitest'
import type { BrowserContext, Page } from 'playwright-core'
import type { PkceClient, PkceClientError } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import type { AuthServer, AuthServerOptions } from 'pkce-client/testing'
import { servePage } from './page/serve.ts'
import type { PageOptions } from './page/serve.ts'

// Globals of the page.
declare const auth: PkceClient
declare let ahead: number

/** Seconds after which the access token has expired, and seconds after which a 401 is not for a brand-new one. */
export const expired = 61
export const ripe = 11

/** One app with a server of its own, which any number of tabs may open. Driven by calls, not by buttons. */
export interface App {
  readonly server: AuthServer
  readonly url: string
  /** A tab with the app in it, which knows its session. */
  open(person: BrowserContext): Promise<Page>
  /** That many tabs of somebody who has just signed in. */
  signedIn(person: BrowserContext, tabs: number): Promise<Page[]>
  /** Calls the API, with the clock of the tab this many seconds later than before; the status, or the error's code. */
  call(page: Page, later?: number): Promise<number | string>
  /** How often a refresh token was sent. */
  refreshes(): number
}

/** Opens it for the test that is running. */
export async function openApp(
  options: AuthServerOptions = {},
  client: Partial<PageOptions['clients'][number]> = {},
): Promise<App> {
  const clientId = 'app'
  const redirectUris = ['http://127.0.0.1/callback']
  const server = createAuthServer({
    accessTokenLifetime: 60,
    clients: [{ clientId, redirectUris, kind: 'internal' }],
    ...options,
  })
  const door = await server.listen()
  const scope = { scope: 'openid profile offline_access' }
  const others = server.otherApis.map(({ url, audience }) => ({ url, resource: audience }))
  // With several APIs, each has a token of its own.
  const resources = others.length
    ? [{ url: door.apiUrl, resource: door.apiUrl }, ...others]
    : [door.apiUrl]
  const { url, close } = await servePage({
    clients: [{ issuer: door.url, clientId, resources, ...scope, ...client }],
  })
  onTestFinished(async () => {
    await Promise.all([close(), door.close()])
  })

  const me = `${door.apiUrl}users/me`
  const app: App = {
    server,
    url,
    async open(person) {
      const page = await person.newPage()
      await page.addInitScript(() => {
        const now = Date.now.bind(Date)
        Object.assign(globalThis, { ahead: 0 })
        Date.now = () => now() + ahead * 1000
      })
      await page.goto(url)
      await started(page)
      return page
    },
    async signedIn(person, tabs) {
      const page = await app.open(person)
      await page.evaluate(() => void auth.signIn())
      await page.getByLabel('Username').fill('ada')
      await page.getByLabel('Password').fill('lovelace')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForURL(`${url}callback`)
      await started(page)
      const pages = [page]
      while (pages.length < tabs) pages.push(await app.open(person))
      await allShow(pages, 'signed-in')
      return pages
    },
    call: (page, later = 0) =>
      page.evaluate(
        async ([address, seconds]) => {
          ahead += seconds
          try {
            return (await auth.fetch(address)).status
          } catch (error) {
            return (error as PkceClientError).code
          }
        },
        [me, later] as const,
      ),
    refreshes: () =>
      server.requestsTo('/token').filter(({ form }) => form?.['grant_type'] === 'refresh_token')
        .length,
  }
  return app
}

/** Waits until the app in the tab has started. */
export async function started(page: Page): Promise<void> {
  await page.waitForFunction(() => auth.getSession().status !== 'unknown')
  await page.evaluate(() => auth.start().catch(() => {}))
}

/** The session in one line, such as 'signed-in stale' or 'signed-out expired'. */
export const sessionOf = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const session = auth.getSession()
    const more =
      session.status === 'signed-in'
        ? session.stale && 'stale'
        : 'reason' in session && session.reason
    return [session.status, more].filter(Boolean).join(' ')
  })

/** Waits until all the tabs show the same. */
export async function allShow(pages: readonly Page[], text: string): Promise<void> {
  const expected = pages.map(() => text)
  await expect.poll(() => Promise.all(pages.map(sessionOf)), { timeout: 20_000 }).toEqual(expected)
}

/** Ends the session from this tab, without leaving the page. */
export const signOut = (page: Page): Promise<void> =>
  page.evaluate(() => auth.signOut({ redirect: false }))

/** How many requests for locks wait in the tab's browser. */
export const waitingForLocks = (page: Page): Promise<number> =>
  page.evaluate(async () => (await navigator.locks.query()).pending?.length ?? 0)
