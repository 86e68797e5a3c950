import { IDBFactory } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { PkceClient, PkceClientError, Store } from '../../src/index.ts'
import type { AuthServerOptions, FakeTab } from '../../src/testing/index.ts'
import { request } from '../support/indexed-db.ts'
import { refreshes, sentTokens, usersMe } from '../support/refreshes.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

/** Milliseconds after which the other tabs see what one of them has written. */
const delay = 400

interface LateWorld extends World {
  /** Both signed in as Ada, with an access token that has expired. */
  readonly tabs: [PkceClient, PkceClient]
  /** The pages they are in. */
  readonly pages: [FakeTab, FakeTab]
  /** What was written last. */
  stored(): string
  /** Called at each write, which is complete when this is. */
  onWrite: (value?: string) => void | Promise<void>
  /** Keeps the token endpoint's answers from the second tab until the function is called. */
  holdAnswers(): () => void
}

/** Two tabs in different processes: the lock arrives at once, and what was written under it later. */
async function lateWorld(server: AuthServerOptions = {}): Promise<LateWorld> {
  const world = createWorld({ server })
  const { open, stored } = lateStore(world, async (value) => late.onWrite(value))
  let held = Promise.resolve()
  const slowFetch: typeof fetch = async (input, init) => {
    const answer = await world.server.fetch(input, init)
    if (answer.url.endsWith('/token')) await held
    return answer
  }
  const pages = [world.tab, world.browser.openTab()] as LateWorld['pages']
  const tabs = [world.server.fetch, slowFetch].map((fetch, index) =>
    world.client(pages[index], { store: open(), fetch }),
  ) as LateWorld['tabs']
  const late: LateWorld = Object.assign(world, {
    tabs,
    pages,
    stored,
    onWrite: () => {},
    holdAnswers() {
      let release = () => {}
      held = new Promise((resolve) => (release = resolve))
      return () => release()
    },
  })
  await world.server.signInTo(tabs[0])
  await world.clock.advance(delay)
  for (const auth of tabs) await auth.start()
  await world.clock.advance(900_000)
  return late
}

const signedOut = { status: 'signed-out', reason: 'signed-out' }

function lateStore({ clock }: World, onWrite: (value?: string) => Promise<void>) {
  const writes: { by: object; at: number; key: string; value: string | undefined }[] = []
  const open = (): Store => {
    const by = {}
    const set = async (key: string, value?: string) => {
      writes.push({ by, at: clock.now(), key, value })
      await onWrite(value)
    }
    const isSeen = (write: (typeof writes)[number]) =>
      write.by === by || write.at + delay <= clock.now()
    return {
      shared: true,
      get: (key) => writes.filter((write) => write.key === key && isSeen(write)).at(-1)?.value,
      set,
      remove: set,
    }
  }
  return { open, stored: () => writes.at(-1)!.value! }
}

/** What an app sees of a call. */
async function statusOf(call: Promise<Response>): Promise<number | string> {
  try {
    return (await call).status
  } catch (error) {
    return (error as PkceClientError).code
  }
}

const timeout = 15_000

describe('a lock that reaches the next tab before the store does (F25)', () => {
  beforeEach(() => vi.stubGlobal('indexedDB', new IDBFactory()))

  test('two tabs that renew at once send one token request, and both stay signed in (F25)', async () => {
    const world = await lateWorld()
    const calls = world.tabs.map((auth) => statusOf(auth.fetch(usersMe)))
    await world.clock.advance(2000)
    expect(await Promise.all(calls)).toEqual([200, 200])
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.revoked).toEqual([])
  })

  test('a tab that forces a renewal right after another one has renewed does not send the old token (F25)', async () => {
    const world = await lateWorld()
    await world.tabs[0].refresh()
    const second = world.tabs[1].refresh()
    await world.clock.advance(2000)
    expect(await second).toMatchObject({ status: 'signed-in' })
    expect(new Set(sentTokens(world)).size).toBe(refreshes(world).length)
    expect(world.server.revoked).toEqual([])
  })

  test('an answer that comes after the sign-out of another tab does not bring the session back (F25)', async () => {
    const world = await lateWorld()
    const release = world.holdAnswers()
    const call = statusOf(world.tabs[1].fetch(usersMe))
    await world.until(() => refreshes(world).length)
    await world.clock.advance(delay)
    await world.tabs[0].signOut({ redirect: false, revoke: false })
    release()
    await world.clock.advance(2000)
    expect(await call).toBe('session_ended')
    for (const auth of world.tabs) expect(auth.getSession()).toMatchObject(signedOut)
  })

  test('an answer that comes after somebody else has signed in in another tab does not overwrite their session (F25)', async () => {
    const world = await lateWorld()
    const release = world.holdAnswers()
    const call = statusOf(world.tabs[1].fetch(usersMe))
    await world.until(() => refreshes(world).length)
    await world.clock.advance(delay)
    await world.server.signInTo(world.tabs[0], 'grace')
    release()
    await world.clock.advance(2000)
    expect(await call).toBe('session_ended')
    for (const auth of world.tabs)
      expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('a write that was announced and never came is waited for once, and for less time than a request may take (F25)', async () => {
    const world = await lateWorld()
    const { sid } = JSON.parse(world.stored()) as { sid: string }
    await announce({ sid, gen: 7 })
    const call = statusOf(world.tabs[0].fetch(usersMe))
    await world.clock.advance(timeout / 4)
    expect(refreshes(world)).toHaveLength(0)
    await world.clock.advance(timeout / 4)
    expect(refreshes(world)).toHaveLength(1)
    expect(await call).toBe(200)
    await world.clock.advance(900_000)
    expect(await statusOf(world.tabs[1].fetch(usersMe))).toBe(200)
  })

  test('a tab that is closed the moment it has written does not make the next one send the spent token (F25)', async () => {
    const world = await lateWorld()
    world.onWrite = (value) => {
      if ((JSON.parse(value!) as { gen: number }).gen < 2) return
      world.pages[0].close()
      return new Promise(() => {})
    }
    void world.tabs[0].refresh()
    await world.until(() => world.browser.tabs.length === 1)
    world.onWrite = () => {}
    const call = statusOf(world.tabs[1].fetch(usersMe))
    await world.clock.advance(2000)
    expect(await call).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a page that freezes between saying that it will write and writing does not overwrite what others did meanwhile (F25)', async () => {
    const world = await lateWorld({ reuseGraceSeconds: 600 })
    const held = world.server.hold('/token')
    void world.tabs[0].refresh()
    await world.until(() => held.count)
    const open = indexedDB.open.bind(indexedDB)
    vi.spyOn(indexedDB, 'open')
      .mockImplementationOnce(open)
      .mockImplementationOnce(() => {
        world.pages[0].freeze()
        return {} as IDBOpenDBRequest
      })
    held.release()
    const call = statusOf(world.tabs[1].fetch(usersMe))
    await world.clock.advance(5 * timeout)
    expect(await call).toBe(200)
    const stored = world.stored()
    world.pages[0].resume()
    await world.clock.advance(timeout)
    expect(world.stored()).toBe(stored)
  })

  test('an IndexedDB that never answers delays the first renewal of a page and no other (F25)', async () => {
    const world = await lateWorld()
    vi.stubGlobal('indexedDB', { open: () => ({}) })
    const first = statusOf(world.tabs[0].fetch(usersMe))
    await world.clock.advance(timeout / 4)
    expect(await first).toBe(200)
    await world.clock.advance(900_000)
    expect(await statusOf(world.tabs[0].fetch(usersMe))).toBe(200)
  })

  test('a store that each tab has of its own needs no IndexedDB (F25)', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { store: world.tab.sessionStore })
    await world.server.signInTo(auth)
    await auth.refresh()
    expect(await indexedDB.databases()).toEqual([])
  })
})

/** What a tab says before it writes. */
async function announce(mark: { sid: string; gen: number }): Promise<void> {
  const database = await request(indexedDB.open('pkce-client-order'))
  const records = database.transaction('records', 'readwrite').objectStore('records')
  const [key] = await request(records.getAllKeys())
  await request(records.put(mark, key))
  database.close()
}
