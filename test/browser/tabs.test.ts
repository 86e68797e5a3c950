import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { PkceClient } from 'pkce-client'
import type { Held } from 'pkce-client/testing'
import { allShow, expired, openApp, ripe, sessionOf, signOut, waitingForLocks } from './app.ts'
import type { App } from './app.ts'
import { engineNames, launch } from './browser.ts'

declare const auth: PkceClient

const eight = 8

describe.each(engineNames)('tabs of one session in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
  }, 600_000)
  afterAll(() => browser.close())

  async function newPerson(): Promise<BrowserContext> {
    const person = await browser.newContext()
    onTestFinished(() => person.close())
    return person
  }

  /** Each tab has a process of its own where the engine lets us look; in Firefox they share a few. */
  async function expectProcesses(count: number): Promise<void> {
    if (engine !== 'chromium') return
    const devtools = await browser.newBrowserCDPSession()
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer')
    expect(renderers.length).toBeGreaterThanOrEqual(count)
  }

  function hold(app: App): Held {
    const held = app.server.hold('/token')
    onTestFinished(() => held.release())
    return held
  }

  /** The first tab has sent the refresh token and has no answer; the other one waits for the lock. */
  async function refreshing(app: App, [holder, waiter]: Page[]) {
    const before = app.refreshes()
    const first = app.call(holder!, expired).catch(() => 'gone')
    await expect.poll(() => app.refreshes()).toBe(before + 1)
    const second = app.call(waiter!, expired)
    await expect.poll(() => waitingForLocks(waiter!)).toBe(1)
    return { first, second }
  }

  test('8 tabs that need a new token at the same moment send one token request, 50 times', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), eight)
    await expectProcesses(eight)
    const answers = tabs.map(() => 200)
    for (let round = 1; round <= 50; round++) {
      // In turns because the time is over, and because the server refuses the token before that.
      const refused = round % 2 === 0
      if (refused) app.server.expireAccessTokens()
      const seconds = refused ? ripe : expired
      expect(await Promise.all(tabs.map((tab) => app.call(tab, seconds)))).toEqual(answers)
      expect(app.refreshes()).toBe(round)
    }
    await allShow(tabs, 'signed-in')
    expect(app.server.revoked).toEqual([])
  }, 180_000)

  test('tabs that do nothing but renew never send a refresh token twice', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), 2)
    await expectProcesses(2)
    const renew = async () => {
      for (let time = 1; time <= 100; time++) await auth.refresh()
    }
    await Promise.all(tabs.map((tab) => tab.evaluate(renew)))
    await allShow(tabs, 'signed-in')
    const sent = app.server.requestsTo('/token').map(({ form }) => form?.['refresh_token'])
    expect(new Set(sent).size).toBe(sent.length)
  }, 180_000)

  test('a sign-out in one of 8 tabs signs out all of them', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), eight)
    await signOut(tabs[3]!)
    await allShow(tabs, 'signed-out signed-out')
    const sent = app.server.requests.length
    const answers = await Promise.all(tabs.map((tab) => app.call(tab)))
    expect(new Set(answers)).toEqual(new Set(['sign_in_required']))
    expect(app.server.requests.length).toBe(sent)
  })

  test('a refresh that ends after the sign-out of another tab does not bring the session back', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), 2)
    const held = hold(app)
    const late = app.call(tabs[0]!, expired)
    await expect.poll(() => held.count).toBe(1)
    await tabs[1]!.evaluate(() => auth.signOut({ redirect: false, revoke: false }))
    held.release()
    expect(await late).toBe('session_ended')
    await allShow(tabs, 'signed-out signed-out')
    const reopened = await app.open(tabs[0]!.context())
    expect(await sessionOf(reopened)).toBe('signed-out signed-out')
  })

  test('no refresh of two tabs outruns the sign-out of a third', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), 3)
    const [leaving, ...others] = tabs
    for (let time = 1; time <= 10; time++) {
      const renewing = others.map((tab) =>
        tab.evaluate(async () => {
          for (;;) await auth.refresh()
        }),
      )
      const endings = Promise.allSettled(renewing)
      const before = app.refreshes()
      await expect.poll(() => app.refreshes()).toBeGreaterThan(before)
      await leaving!.evaluate(() => auth.signOut({ redirect: false, revoke: false }))
      for (const { status } of await endings) expect(status).toBe('rejected')
      await allShow(tabs, 'signed-out signed-out')
      // The server still knows the person.
      await leaving!.evaluate(() => void auth.signIn())
      await allShow(others, 'signed-in')
      await leaving!.waitForURL(`${app.url}callback`)
      await allShow(tabs, 'signed-in')
    }
  }, 120_000)

  test('a tab that is closed while it refreshes does not keep the others out', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), 3)
    app.server.fault('hang', { path: '/token', times: 1 })
    const { second } = await refreshing(app, tabs)
    await tabs.shift()!.close()
    expect(await second).toBe(200)
    expect(await app.call(tabs[1]!, expired)).toBe(200)
    await allShow(tabs, 'signed-in')
  })

  test('a tab that is closed after the server has rotated its token: a server with a grace period keeps the others signed in', async () => {
    const app = await openApp({ reuseGraceSeconds: 60 })
    const tabs = await app.signedIn(await newPerson(), 2)
    const held = hold(app)
    const { second } = await refreshing(app, tabs)
    await tabs.shift()!.close()
    held.release()
    expect(await second).toBe(200)
    await allShow(tabs, 'signed-in')
  })

  test('a tab that is closed after the server has rotated its token: a strict server ends the session, and every tab says why', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), 3)
    const held = hold(app)
    const { second } = await refreshing(app, tabs)
    await tabs.shift()!.close()
    held.release()
    expect(await second).toBe('session_ended')
    await allShow(tabs, 'signed-out refresh-response-lost')
  })

  // Nothing can crash or stop a tab of Firefox from outside.
  if (engine !== 'chromium') return

  test('a tab that crashes while it refreshes does not keep the others out', async () => {
    const app = await openApp()
    const tabs = await app.signedIn(await newPerson(), 2)
    app.server.fault('hang', { path: '/token', times: 1 })
    const { second } = await refreshing(app, tabs)
    const [crashing, other] = tabs as [Page, Page]
    const devtools = await crashing.context().newCDPSession(crashing)
    const crashed = crashing.waitForEvent('crash')
    devtools.send('Page.crash').catch(() => {})
    await crashed
    expect(await second).toBe(200)
    expect(await sessionOf(other)).toBe('signed-in')
  })

  test('a tab that stands still while it refreshes loses the lock to the others, and agrees with them when it goes on', async () => {
    const app = await openApp({}, { timeout: 1000 })
    const tabs = await app.signedIn(await newPerson(), 2)
    app.server.fault('hang', { path: '/token', times: 1 })
    const { first, second } = await refreshing(app, tabs)
    // A page that Playwright looks at is never frozen. Stopped by a debugger, it runs no timer and no callback either.
    const devtools = await tabs[0]!.context().newCDPSession(tabs[0]!)
    const stopped = new Promise((resolve) => devtools.once('Debugger.paused', resolve))
    await devtools.send('Debugger.enable')
    await devtools.send('Debugger.pause')
    await stopped
    expect(await second).toBe(200)
    const refreshes = app.refreshes()
    await devtools.send('Debugger.resume')
    expect(await first).toBe(200)
    await allShow(tabs, 'signed-in')
    expect(app.refreshes()).toBe(refreshes)
    expect(app.server.revoked).toEqual([])
  })
})
