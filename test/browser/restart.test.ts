import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BrowserContext, Page } from 'playwright-core'
import { expired, openApp, sessionOf, signOut } from './app.ts'
import { engineNames, launchProfile } from './browser.ts'

const stores = [
  { name: 'localStorage', store: undefined },
  { name: 'IndexedDB', store: 'indexed-db' as const },
]
const cases = engineNames.flatMap((engine) => stores.map((store) => ({ engine, ...store })))

describe.each(cases)('a session in $name, when $engine is closed and opened again', (it) => {
  const client = it.store && { store: it.store }

  /** Opens the browser of one person, again and again. */
  function somebody(): () => Promise<BrowserContext> {
    const folder = mkdtempSync(join(tmpdir(), 'pkce-client-'))
    // A browser that was just closed may still be writing.
    onTestFinished(() => rmSync(folder, { recursive: true, maxRetries: 10 }))
    return async () => {
      const person = await launchProfile(it.engine, folder)
      onTestFinished(() => person.close())
      return person
    }
  }

  test('is still there, and so is its refresh token', async () => {
    const app = await openApp({}, client)
    const openBrowser = somebody()
    const before = await openBrowser()
    const [page] = (await app.signedIn(before, 1)) as [Page]
    expect(await app.call(page, expired)).toBe(200)
    await before.close()

    const after = await openBrowser()
    const sent = app.server.requests.length
    const again = await app.open(after)
    expect(await sessionOf(again)).toBe('signed-in')
    expect(app.server.requests.length).toBe(sent)
    expect(await app.call(again)).toBe(200)
    // The token is from a tab whose clock was that much ahead.
    expect(await app.call(again, 2 * expired)).toBe(200)
    expect(app.refreshes()).toBe(2)
    expect(app.server.revoked).toEqual([])
  }, 120_000)

  test('stays ended when somebody has signed out', async () => {
    const app = await openApp({}, client)
    const openBrowser = somebody()
    const before = await openBrowser()
    const [page] = (await app.signedIn(before, 1)) as [Page]
    await signOut(page)
    await before.close()

    const again = await app.open(await openBrowser())
    expect(await sessionOf(again)).toBe('signed-out signed-out')
    expect(await app.call(again)).toBe('sign_in_required')
  }, 120_000)
})
