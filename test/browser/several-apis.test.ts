import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import type { PkceClient, PkceClientError } from 'pkce-client'
import { allShow, expired, openApp, ripe } from './app.ts'
import type { App } from './app.ts'
import { engineNames, launch } from './browser.ts'

// Globals of the page.
declare const auth: PkceClient
declare const ahead: number

const eight = 8

/** Calls both APIs at once, with the clock of the tab this many seconds later than before. */
const callBoth = (page: Page, urls: readonly string[], later: number) =>
  page.evaluate(
    async ([addresses, seconds]) => {
      Object.assign(globalThis, { ahead: ahead + seconds })
      const call = async (url: string) => {
        try {
          return (await auth.fetch(`${url}users/me`)).status
        } catch (error) {
          return (error as PkceClientError).code
        }
      }
      return Promise.all(addresses.map(call))
    },
    [urls, later] as const,
  )

/** The tokens that an API has received. */
const tokensAt = ({ server }: App, api: string) =>
  server.requests
    .filter(({ url, method }) => url.startsWith(api) && method !== 'OPTIONS')
    .map(({ headers }) => headers.authorization)

describe.each(engineNames)('two APIs with a token each in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterAll(() => browser.close())

  test('8 tabs whose two tokens expire at once send two token requests, 20 times', async () => {
    const person = await browser.newContext()
    onTestFinished(() => person.close())
    const app = await openApp({ otherApis: [{}] })
    const tabs = await app.signedIn(person, eight)
    const apis = [app.server.api.url, app.server.otherApis[0]!.url]
    const all = () => tabs.map(() => [200, 200])
    const round = (later: number) => Promise.all(tabs.map((tab) => callBoth(tab, apis, later)))
    expect(await round(0)).toEqual(all())
    expect(app.refreshes()).toBe(1)
    for (let time = 1; time <= 20; time++) {
      // In turns because the time is over, and because the server refuses the tokens before that.
      const refused = time % 2 === 0
      if (refused) app.server.expireAccessTokens()
      expect(await round(refused ? ripe : expired)).toEqual(all())
      expect(app.refreshes()).toBe(1 + 2 * time)
    }
    await allShow(tabs, 'signed-in')
    expect(app.server.revoked).toEqual([])
    const [first, second] = apis.map((api) => new Set(tokensAt(app, api)))
    for (const token of first!) expect(second).not.toContain(token)
  }, 180_000)
})
