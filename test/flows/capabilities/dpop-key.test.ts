import { IDBFactory, IDBObjectStore } from 'fake-indexeddb'
import { describe, expect, test, vi } from 'vitest'
import { dpop, memoryStore } from '../../../src/index.ts'
import type { PkceClient } from '../../../src/index.ts'
import { api, echo } from '../../support/api-calls.ts'
import { boundTab, loseKeys, proofOf, withIndexedDb } from '../../support/dpop.ts'
import { request } from '../../support/indexed-db.ts'
import { keepingPage } from '../../support/navigators.ts'
import { createWorld, listen, rejection, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

withIndexedDb()

async function storedKeys(): Promise<CryptoKeyPair[]> {
  const database = await request(indexedDB.open('pkce-client-keys'))
  const keys = await request(database.transaction('records').objectStore('records').getAll())
  database.close()
  return keys as CryptoKeyPair[]
}

const keysIn = ({ server }: Pick<World, 'server'>) =>
  new Set(
    server.requests
      .filter(({ headers }) => headers['dpop'] !== undefined)
      .map((request) => proofOf(request).header.jwk.x),
  )

/** A page of the app, loaded after the key was lost. */
async function nextPage(world: World): Promise<PkceClient> {
  const auth = world.load(world.tab, '/')
  await auth.start()
  return auth
}

describe('the key', () => {
  test('cannot be exported (C-96)', async () => {
    await boundTab()
    const [pair] = await storedKeys()
    expect(pair!.privateKey.extractable).toBe(false)
    for (const format of ['jwk', 'pkcs8'] as const)
      await expect(crypto.subtle.exportKey(format, pair!.privateKey)).rejects.toThrow()
  })

  test('is one for all tabs and pages, and stays for the next sign-in (C-78)', async () => {
    const world = await boundTab()
    const other = world.client(world.browser.openTab())
    await other.start()
    await other.fetch(echo)
    await (await nextPage(world)).refresh()
    await world.signIn()
    expect(await storedKeys()).toHaveLength(1)
    expect(keysIn(world).size).toBe(1)
  })

  test('is one where four tabs make one at once', async () => {
    const world = createWorld({ client: { use: [dpop()] } })
    const urls = await Promise.all(
      Array.from({ length: 4 }, async () =>
        world.client(world.browser.openTab(), { use: [dpop()] }).createAuthorizationUrl(),
      ),
    )
    expect(new Set(urls.map(({ url }) => url.searchParams.get('dpop_jkt'))).size).toBe(1)
    expect(await storedKeys()).toHaveLength(1)
  })

  test('is another for another session key', async () => {
    const world = createWorld({ client: { use: [dpop()] } })
    for (const sessionKey of ['work', 'home'])
      await world.client(world.tab, { sessionKey, use: [dpop()] }).createAuthorizationUrl()
    expect(await storedKeys()).toHaveLength(2)
  })

  test('is not made before somebody signs in', async () => {
    const auth = createWorld({ client: { use: [dpop()] } }).client()
    await auth.start()
    expect(await indexedDB.databases()).not.toContainEqual(
      expect.objectContaining({ name: 'pkce-client-keys' }),
    )
  })
})

describe('a session whose key is gone', () => {
  test.each<[string, (auth: PkceClient) => Promise<unknown>]>([
    ['a call to an API', (auth) => auth.fetch(echo)],
    ['a refresh', (auth) => auth.refresh()],
    ['a question about the user', (auth) => auth.getUserInfo()],
  ])('ends at %s; nothing is sent (C-78)', async (_, use) => {
    const world = await boundTab()
    loseKeys()
    const auth = await nextPage(world)
    const heard = listen(auth)
    const before = world.server.requests.filter(({ path }) => !path.includes('well-known')).length
    expect(await rejection(use(auth))).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'key-lost' })
    const after = world.server.requests.filter(({ path }) => !path.includes('well-known')).length
    expect(after - before).toBe(0)
    expect(heard.filter(({ name }) => name === 'signed-out')).toHaveLength(1)
    expect(await storedKeys().catch(() => [])).toEqual([])
  })

  test('tells many calls, and all tabs, at once', async () => {
    const world = await boundTab()
    const other = world.client(world.browser.openTab())
    await other.start()
    loseKeys()
    const auth = await nextPage(world)
    const heard = listen(auth)
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => rejection(auth.fetch(echo))),
    )
    expect(new Set(outcomes).size).toBe(1)
    expect(heard.filter(({ name }) => name === 'sign-in-required')).toHaveLength(1)
    await world.until(() => other.getSession().status === 'signed-out')
    expect(other.getSession()).toEqual({ status: 'signed-out', reason: 'key-lost' })
    expect(world.server.requestsTo('/echo')).toEqual([])
  })

  test('ends when the user signs in again, with a new key, and that works', async () => {
    const world = await boundTab()
    loseKeys()
    const auth = await world.signIn()
    expect((await auth.fetch(echo)).status).toBe(200)
    expect(keysIn(world).size).toBe(2)
  })

  test('lives on in the page that has the key in its memory', async () => {
    const world = await boundTab()
    await world.auth.fetch(echo)
    loseKeys()
    await world.auth.refresh()
    expect((await world.auth.fetch(echo)).status).toBe(200)
  })

  test('that the page still knows is kept again by the next sign-in, for the pages to come', async () => {
    const world = await boundTab()
    loseKeys()
    await world.auth.signIn({
      navigator: keepingPage(async ({ url }) => new URL(await world.server.authorize(url))),
    })
    const auth = await nextPage(world)
    expect((await auth.fetch(echo)).status).toBe(200)
    expect(keysIn(world).size).toBe(1)
  })

  test('that another tab made for a new sign-in is used by this tab too', async () => {
    const world = await boundTab()
    const old = world.auth
    await old.fetch(echo)
    loseKeys()
    const other = world.load(world.browser.openTab(), '/')
    await other.start()
    await other.signIn({
      navigator: keepingPage(async ({ url }) => new URL(await world.server.authorize(url))),
    })
    await world.until(() => old.getSession().status === 'signed-in')
    await world.clock.settle()
    expect((await old.fetch(echo)).status).toBe(200)
    await old.refresh()
    expect((await other.fetch(echo)).status).toBe(200)
    expect(keysIn(world).size).toBe(2)
  })

  test('of bearer tokens is not lost: it gets a key', async () => {
    const world = await signedInTab()
    const auth = world.client(world.tab, { use: [dpop()] })
    await auth.start()
    expect((await auth.fetch(echo)).status).toBe(200)
  })
})

/** The ways in which a browser has no place for keys. */
const withoutKeys: [string, () => void][] = [
  ['is missing', () => void vi.stubGlobal('indexedDB', undefined)],
  [
    'is blocked',
    () => {
      const factory = new IDBFactory()
      factory.open = () => {
        throw new DOMException('The operation is insecure.', 'SecurityError')
      }
      vi.stubGlobal('indexedDB', factory)
    },
  ],
  [
    'takes no keys',
    () =>
      void vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
        throw new DOMException('The object can not be cloned.', 'DataCloneError')
      }),
  ],
]

describe.each(withoutKeys)('where IndexedDB %s', (_, arrange) => {
  const unavailable = {
    code: 'storage_unavailable',
    message: expect.stringMatching(/IndexedDB.*memoryStore/) as string,
  }

  test('nobody is sent away for a session that is kept', async () => {
    arrange()
    const world = createWorld({ client: { use: [dpop()] } })
    expect(await rejection(world.client().signIn())).toMatchObject(unavailable)
    expect(world.tab.navigations).toEqual([])
    const kept = keepingPage(async () => undefined)
    expect(await rejection(world.client().signIn({ navigator: kept }))).toMatchObject(unavailable)
  })

  test('nobody is sent away with a key in memory', async () => {
    arrange()
    const world = createWorld({ client: { use: [dpop()] } })
    const auth = world.client(world.tab, { store: memoryStore() })
    expect(await rejection(auth.signIn())).toMatchObject(unavailable)
    expect(world.tab.navigations).toEqual([])
  })

  test('a session in memory has its key there, where the page stays', async () => {
    arrange()
    const world = createWorld({ client: { use: [dpop()] } })
    const navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)))
    const auth = world.client(world.tab, { navigator, store: memoryStore() })
    await auth.signIn()
    await auth.refresh()
    expect((await auth.fetch(`${api}/users/me`)).status).toBe(200)
    expect(keysIn(world).size).toBe(1)
  })
})

describe('a program without a page, as in Node', () => {
  test('signs in with a key in memory', async () => {
    vi.stubGlobal('indexedDB', undefined)
    const world = createWorld({ client: { use: [dpop()] } })
    const store = memoryStore()
    const auth = world.client(world.tab, { store, transactionStore: memoryStore() })
    const { url } = await auth.createAuthorizationUrl()
    await auth.handleCallback(await world.server.authorize(url))
    expect((await auth.fetch(echo)).status).toBe(200)
  })
})

describe('an IndexedDB that fails for a while', () => {
  test('ends no session; what needs the key rejects, and works again later', async () => {
    const world = await boundTab()
    const working = indexedDB
    vi.stubGlobal('indexedDB', undefined)
    const auth = await nextPage(world)
    expect(await rejection(auth.fetch(echo))).toMatchObject({ code: 'storage_unavailable' })
    expect(await rejection(auth.refresh())).toMatchObject({ code: 'storage_unavailable' })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
    expect(world.server.requestsTo('/echo')).toEqual([])
    // Nothing was sent, and the record does not say that the refresh token may be spent.
    expect(world.storedSession()).toMatchObject({ pending: { unknown: 0, failures: 1 } })
    vi.stubGlobal('indexedDB', working)
    expect((await auth.fetch(echo)).status).toBe(200)
    await world.clock.advance(5000)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
  })

  test('that never answers is given up after five seconds', async () => {
    const factory = new IDBFactory()
    factory.open = () => ({}) as IDBOpenDBRequest
    vi.stubGlobal('indexedDB', factory)
    const world = createWorld({ client: { use: [dpop()] } })
    const outcome = rejection(world.client().createAuthorizationUrl())
    for (let second = 0; second < 12; second += 1) await world.clock.advance(1000)
    expect(await outcome).toMatchObject({ code: 'storage_unavailable' })
  })
})
