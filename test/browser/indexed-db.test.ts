import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type * as PkceClientGlobal from 'pkce-client'
import { engineNames, launch } from './browser.ts'
import { servePage } from './page/serve.ts'

declare const pkceClient: typeof PkceClientGlobal

describe.each(engineNames)('indexedDbStore in %s', (engine) => {
  let browser: Browser
  let site: Awaited<ReturnType<typeof servePage>>
  beforeAll(async () => {
    browser = await launch(engine)
    site = await servePage({ clients: [] })
    // Getting a browser may take a while.
  }, 600_000)
  afterAll(async () => {
    await browser.close()
    await site.close()
  })

  /** So many tabs of one person, who has never been here before. */
  async function openTabs(count: number): Promise<{ person: BrowserContext; tabs: Page[] }> {
    const person = await browser.newContext()
    const tabs = await Promise.all(Array.from({ length: count }, () => person.newPage()))
    await Promise.all(tabs.map((tab) => tab.goto(site.url)))
    return { person, tabs }
  }

  const read = (tab: Page) => tab.evaluate(async () => pkceClient.indexedDbStore().get('a'))

  test('what one tab set the other ones get, and it lies there encrypted, with a key that nobody can export', async () => {
    const { person, tabs } = await openTabs(2)
    await tabs[0]!.evaluate(async () => pkceClient.indexedDbStore().set('a', 'Ægir 🌊'))
    expect(await read(tabs[1]!)).toBe('Ægir 🌊')
    const found = await tabs[1]!.evaluate(async () => {
      const result = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve) => (request.onsuccess = () => resolve(request.result)))
      const database = await result(indexedDB.open('pkce-client'))
      const records = database.transaction('records').objectStore('records')
      const { key, ciphertext } = (await result(records.get('a'))) as {
        key: CryptoKey
        ciphertext: ArrayBuffer
      }
      const exported = await crypto.subtle.exportKey('raw', key).then(
        () => 'exported',
        () => 'refused',
      )
      return { exported, isCryptoKey: key instanceof CryptoKey, size: ciphertext.byteLength }
    })
    // Ten bytes of text in UTF-8, and the tag.
    expect(found).toEqual({ exported: 'refused', isCryptoKey: true, size: 10 + 16 })
    await person.close()
  })

  test('eight tabs that begin at the same moment leave one value, whole, and all read the same', async () => {
    const { person, tabs } = await openTabs(8)
    await Promise.all(
      tabs.map((tab, index) =>
        tab.evaluate(async (own) => {
          const store = pkceClient.indexedDbStore()
          for (let round = 0; round < 10; round += 1) await store.set('a', `${own} ${round}`)
        }, index),
      ),
    )
    const values = new Set(await Promise.all(tabs.map(read)))
    expect([...values]).toEqual([expect.stringMatching(/^\d 9$/)])
    await person.close()
  })

  test('nobody who deletes the database is kept waiting, and the tabs go on with an empty one', async () => {
    const { person, tabs } = await openTabs(2)
    await tabs[0]!.evaluate(async () => pkceClient.indexedDbStore().set('a', 'before'))
    const deletion = await tabs[1]!.evaluate(
      () =>
        new Promise<string>((resolve) => {
          const request = indexedDB.deleteDatabase('pkce-client')
          request.onsuccess = () => resolve('deleted')
          request.onblocked = () => resolve('blocked')
        }),
    )
    expect(deletion).toBe('deleted')
    expect((await read(tabs[0]!)) ?? 'nothing').toBe('nothing')
    await tabs[0]!.evaluate(async () => pkceClient.indexedDbStore().set('a', 'after'))
    expect(await read(tabs[1]!)).toBe('after')
    await person.close()
  })

  test('a page that cannot open the database, because it is being deleted and another page holds it open, does not wait for it (F11)', async () => {
    const { person, tabs } = await openTabs(3)
    const [holder, deleter, app] = tabs as [Page, Page, Page]
    await holder.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const request = indexedDB.open('pkce-client')
          request.onupgradeneeded = () => request.result.createObjectStore('records')
          request.onsuccess = () => {
            Object.assign(window, { held: request.result })
            resolve()
          }
        }),
    )
    await deleter.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const request = indexedDB.deleteDatabase('pkce-client')
          request.onblocked = () => resolve()
        }),
    )
    const began = await app.evaluate(async () => {
      const auth = new pkceClient.PkceClient({
        ...{ issuer: 'https://login.example.com', clientId: 'app', redirectUri: location.href },
        store: pkceClient.indexedDbStore(),
      })
      const failures: string[] = []
      auth.on('storage-failed', ({ error }) => failures.push(error.code))
      const { session } = await auth.start()
      return { session, failures }
    })
    expect(began).toEqual({ session: { status: 'signed-out' }, failures: ['storage_unavailable'] })
    await holder.evaluate(() => (window as unknown as { held: IDBDatabase }).held.close())
    await app.evaluate(async () => pkceClient.indexedDbStore().set('a', 'after'))
    expect(await read(deleter)).toBe('after')
    await person.close()
  })
})
