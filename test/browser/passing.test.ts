import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { PkceClient } from 'pkce-client'
import { allShow, expired, openApp, sessionOf, signOut, started } from './app.ts'
import type { App } from './app.ts'
import { engineNames, launch } from './browser.ts'
import { goBack, waitForNavigations } from './history.ts'

declare const auth: PkceClient

describe.each(engineNames)('what passes, in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterEach(() => waitForNavigations(true))
  afterAll(() => browser.close())

  async function newPerson(): Promise<BrowserContext> {
    const person = await browser.newContext()
    onTestFinished(() => person.close())
    return person
  }

  test('offline, nobody is signed out; online again, the session recovers by itself and at once', async () => {
    const app = await openApp()
    const person = await newPerson()
    const tabs = await app.signedIn(person, 2)
    const [page] = tabs as [Page]
    // The server asks for five minutes of patience, which the network's return cuts short.
    app.server.fault('try-later', { path: '/token', times: 1, retryAfter: 300 })
    expect(await app.call(page, expired)).toBe('server_error')
    await allShow(tabs, 'signed-in stale')
    await person.setOffline(true)
    const offline = app.server.requests.length
    expect(await app.call(page)).toBe('server_error')
    expect(await page.evaluate(() => navigator.onLine)).toBe(false)
    expect(app.server.requests.length).toBe(offline)
    await person.setOffline(false)
    await allShow(tabs, 'signed-in')
    expect(app.refreshes()).toBe(2)
    expect(await app.call(page)).toBe(200)
  })

  test('a refresh without a network fails for now, keeps the session, and succeeds when the network is back', async () => {
    const app = await openApp()
    const person = await newPerson()
    const tabs = await app.signedIn(person, 2)
    await person.setOffline(true)
    expect(await app.call(tabs[0]!, expired)).toBe('network')
    await allShow(tabs, 'signed-in stale')
    await person.setOffline(false)
    await allShow(tabs, 'signed-in')
    expect(await Promise.all(tabs.map((tab) => app.call(tab)))).toEqual([200, 200])
    expect(app.server.revoked).toEqual([])
  })

  /** Leaves the app for a page of the server, and calls `meanwhile` before coming back by the back button. */
  async function leaveAndComeBack(app: App, page: Page, meanwhile: () => Promise<unknown>) {
    await page.evaluate(() => Object.assign(globalThis, { isTheSamePage: true }))
    await page.goto(`${app.server.issuer}/.well-known/openid-configuration`)
    await meanwhile()
    await goBack(page)
    await page.waitForFunction(() => 'isTheSamePage' in globalThis)
  }

  test('a page from the back/forward cache shows the sign-out that happened meanwhile', async () => {
    const app = await openApp()
    const [page, other] = (await app.signedIn(await newPerson(), 2)) as [Page, Page]
    await leaveAndComeBack(app, page, () => signOut(other))
    await allShow([page], 'signed-out signed-out')
    expect(await app.call(page)).toBe('sign_in_required')
  })

  test('a page from the back/forward cache uses the token that another tab got meanwhile', async () => {
    const app = await openApp()
    const [page, other] = (await app.signedIn(await newPerson(), 2)) as [Page, Page]
    await leaveAndComeBack(app, page, () => app.call(other, expired))
    expect(await app.call(page, expired)).toBe(200)
    expect(app.refreshes()).toBe(1)
    await signOut(other)
    await allShow([page], 'signed-out signed-out')
  })

  /** The page sends its refresh token, and is loaded again before the answer comes. */
  async function reloadWhileRefreshing(app: App, page: Page): Promise<void> {
    const held = app.server.hold('/token')
    onTestFinished(() => held.release())
    await page.evaluate(() => void auth.refresh().catch(() => {}))
    await expect.poll(() => held.count).toBe(1)
    await page.reload()
    await started(page)
    held.release()
  }

  test('reloaded during a refresh, a page stays signed in where the server has a grace period', async () => {
    const app = await openApp({ reuseGraceSeconds: 60 })
    const [page] = (await app.signedIn(await newPerson(), 1)) as [Page]
    await reloadWhileRefreshing(app, page)
    expect(await sessionOf(page)).toBe('signed-in')
    expect(await app.call(page, expired)).toBe(200)
    expect(app.refreshes()).toBe(2)
    expect(await sessionOf(page)).toBe('signed-in')
  })

  test('reloaded during a refresh, a page is signed in for the moment, and says why when it is not any more', async () => {
    const app = await openApp()
    const [page] = (await app.signedIn(await newPerson(), 1)) as [Page]
    await reloadWhileRefreshing(app, page)
    expect(await app.call(page)).toBe(200)
    expect(await app.call(page, expired)).toBe('session_ended')
    expect(await sessionOf(page)).toBe('signed-out refresh-response-lost')
  })

  test('reloaded before the server has seen the refresh, a page stays signed in', async () => {
    const app = await openApp()
    const [page] = (await app.signedIn(await newPerson(), 1)) as [Page]
    app.server.fault('hang', { path: '/token', times: 1 })
    await page.evaluate(() => void auth.refresh().catch(() => {}))
    await expect.poll(() => app.refreshes()).toBe(1)
    await page.reload()
    await started(page)
    expect(await app.call(page, expired)).toBe(200)
    expect(await sessionOf(page)).toBe('signed-in')
  })
})
