import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type * as PkceClientGlobal from 'pkce-client'
import { openApp, ripe, sessionOf, started } from './app.ts'
import { engineNames, launch } from './browser.ts'

declare const auth: PkceClientGlobal.PkceClient

/** The private keys that lie in IndexedDB, and whether one of them can be taken out. */
const keysOf = (page: Page) =>
  page.evaluate(async () => {
    const result = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => (request.onsuccess = () => resolve(request.result)))
    const database = await result(indexedDB.open('pkce-client-keys'))
    const pairs = (await result(
      database.transaction('records').objectStore('records').getAll(),
    )) as CryptoKeyPair[]
    database.close()
    return Promise.all(
      pairs.map(({ privateKey }) =>
        crypto.subtle.exportKey('jwk', privateKey).then(
          () => 'exported',
          () => 'refused',
        ),
      ),
    )
  })

describe.each(engineNames)('DPoP in %s', (engine) => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch(engine)
    // Getting a browser may take a while.
  }, 600_000)
  afterAll(() => browser.close())

  const clients = [
    {
      clientId: 'app',
      redirectUris: ['http://127.0.0.1/callback'],
      kind: 'internal' as const,
      dpopBound: true,
    },
  ]
  const openBound = () => openApp({ clients }, { use: ['dpop'] })

  // A context of playwright is a private window: nothing of it is on disk.
  const newPerson = (): Promise<BrowserContext> => browser.newContext()

  test('four tabs that make a key at once get one, and nobody can take it out (C-96)', async () => {
    const app = await openBound()
    const person = await newPerson()
    const tabs = await Promise.all(Array.from({ length: 4 }, () => app.open(person)))
    const thumbprints = await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(async () => {
          const { url } = await auth.createAuthorizationUrl()
          return url.searchParams.get('dpop_jkt')
        }),
      ),
    )
    expect(new Set(thumbprints).size).toBe(1)
    expect(thumbprints[0]).toMatch(/^[\w-]{43}$/)
    expect(await keysOf(tabs[3]!)).toEqual(['refused'])
    await person.close()
  })

  test('signed in, after a reload and in another tab, the API takes the proofs (C-78)', async () => {
    const app = await openBound()
    const person = await newPerson()
    const [page, other] = await app.signedIn(person, 2)
    expect(await app.call(page!)).toBe(200)
    expect(await app.call(other!)).toBe(200)
    await page!.reload()
    await started(page!)
    expect(await app.call(page!)).toBe(200)
    app.server.expireAccessTokens()
    expect(await app.call(page!, ripe)).toBe(200)
    expect(await page!.evaluate(async () => (await auth.getUserInfo()).sub)).toBe('user-ada')
    await person.close()
  })

  test('a session whose key was cleared ends, and says why', async () => {
    const app = await openBound()
    const person = await newPerson()
    const [page] = await app.signedIn(person, 1)
    await page!.evaluate(
      () =>
        new Promise((resolve) => {
          indexedDB.deleteDatabase('pkce-client-keys').onsuccess = resolve
        }),
    )
    await page!.reload()
    await started(page!)
    expect(await app.call(page!)).toBe('session_ended')
    expect(await sessionOf(page!)).toBe('signed-out key-lost')
    await person.close()
  })
})
