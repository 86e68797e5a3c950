import { IDBFactory } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { indexedDbStore } from '../../src/index.ts'
import type { PkceClient } from '../../src/index.ts'
import {
  factsOf,
  failure,
  refreshedAsStoreFails,
  refreshes,
  sentTokens,
  usersMe,
} from '../support/refreshes.ts'
import { failingPlaces } from '../support/stores.ts'
import { appOrigin, createWorld, listen, rejection, usualSessionKey } from '../support/world.ts'

const key = usualSessionKey

/** The tokens that are stored, if any. */
function tokenIn(record: string | undefined): string | undefined {
  return (JSON.parse(record ?? '{}') as { refreshToken?: string }).refreshToken
}

describe.each(failingPlaces)('A-76, a store that fails: %s', (_, makePlace) => {
  /** Ada is signed in, with her session in the place. */
  async function signedIn() {
    const world = createWorld()
    const place = makePlace()
    const store = place.open()
    const auth = world.client(world.tab, { store })
    await auth.start()
    await world.server.signInTo(auth)
    /** The page is loaded anew, and finds what is stored. */
    const reload = async (): Promise<PkceClient> => {
      world.tab.load(`${appOrigin}/`)
      const next = world.client(world.tab, { store: place.open() })
      await next.start()
      return next
    }
    /** Waits, without letting time pass, until what is stored is as it should be. */
    const stored = async (isRight: (record?: string) => boolean) => {
      let record = await place.peek(key)
      for (let round = 0; round < 200 && !isRight(record); round += 1) {
        await world.clock.settle()
        record = await place.peek(key)
      }
      expect(record).toSatisfy(isRight)
    }
    return Object.assign(world, { place, auth, reload, stored, heard: listen(auth) })
  }

  test.each(['full', 'blocked'] as const)(
    'refreshed tokens that cannot be saved because it is %s are used in this tab, and saved when that is possible again',
    async (how) => {
      const world = await signedIn()
      const before = tokenIn(await world.place.peek(key))
      await world.clock.advance(900_000)
      await refreshedAsStoreFails(world, () => world.place.fail(how))
      expect((await world.auth.fetch(usersMe)).status).toBe(200)
      expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
      expect(factsOf(world.heard, 'storage-failed')).toMatchObject([
        { error: { code: 'storage_unavailable', sessionEnded: false } },
      ])

      world.place.fail()
      expect(tokenIn(await world.place.peek(key))).toBe(before)
      world.tab.wake()
      await world.stored((record) => tokenIn(record) !== before)
      const next = await world.reload()
      await world.clock.advance(900_000)
      expect((await next.fetch(usersMe)).status).toBe(200)
      expect(new Set(sentTokens(world)).size).toBe(2)
      expect(world.server.revoked).toEqual([])
    },
  )

  test.each(['full', 'blocked'] as const)(
    'while it is %s a session that other tabs may have is not refreshed, and one of this tab is (F11)',
    async (how) => {
      const world = await signedIn()
      const shared = world.place.open().shared === true
      world.place.fail(how)
      for (let hour = 1; hour < 4; hour += 1) {
        await world.clock.advance(3_600_000)
        const response = await world.auth.fetch(usersMe).catch(() => undefined)
        expect(response?.status).toBe(shared ? undefined : 200)
        expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: shared })
      }
      expect(sentTokens(world)).toHaveLength(shared ? 0 : 3)
      expect(factsOf(world.heard, 'storage-failed')).toHaveLength(1)
      world.place.fail()
      world.tab.wake()
      await world.clock.advance(100_000)
      expect((await (await world.reload()).fetch(usersMe)).status).toBe(200)
      expect(world.server.revoked).toEqual([])
    },
  )

  test.each(['full', 'blocked'] as const)(
    'one that is %s from the start: signed out, no throw, and a sign-in lives in this tab',
    async (how) => {
      const world = createWorld()
      const place = makePlace()
      place.fail(how)
      const auth = world.client(world.tab, { store: place.open() })
      const heard = listen(auth)
      expect(await auth.start()).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
      await world.server.signInTo(auth)
      await world.clock.advance(900_000)
      expect((await auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(1)
      expect(factsOf(heard, 'storage-failed')).toHaveLength(1)
      await auth.signOut({ redirect: false })
      expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
      place.fail()
      expect(tokenIn(await place.peek(key))).toBeUndefined()
    },
  )

  test('somebody else who signs in while it is blocked stays signed in when it works again', async () => {
    const world = await signedIn()
    world.place.fail('blocked')
    await world.server.signInTo(world.auth, 'grace')
    await world.clock.advance(900_000)
    await world.auth.refresh()
    world.place.fail()
    world.tab.wake()
    await world.stored((record) => record?.includes('user-grace') ?? false)
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    expect((await world.reload()).getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('a sign-out while it is full counts here, and is saved when that is possible again', async () => {
    const world = await signedIn()
    world.place.fail('full')
    await world.auth.signOut({ redirect: false })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'sign_in_required' })
    world.place.fail()
    world.tab.wake()
    await world.stored((record) => record?.includes('"signedOut":"signed-out"') ?? false)
    expect((await world.reload()).getSession().status).toBe('signed-out')
  })
})

describe('indexedDbStore in an app', () => {
  beforeEach(() => {
    vi.stubGlobal('indexedDB', new IDBFactory())
  })

  test('keeps the session and the sign-ins under way: a whole journey, and no token in localStorage', async () => {
    const world = createWorld()
    const overrides = { store: indexedDbStore(), transactionStore: indexedDbStore() }
    const auth = await world.signIn(world.tab, { overrides })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(world.browser.local.size).toBe(0)
    const next = world.load(world.tab, `${appOrigin}/`, overrides)
    expect((await next.start()).session).toMatchObject({ claims: { sub: 'user-ada' } })
  })

  test('8 tabs that find the token expired send one token request, and all are signed in', async () => {
    const world = createWorld()
    const tabs = Array.from({ length: 8 }, () =>
      world.client(world.browser.openTab(), { store: indexedDbStore() }),
    )
    await Promise.all(tabs.map((tab) => tab.start()))
    await world.server.signInTo(tabs[0]!)
    await world.until(() => tabs.every((tab) => tab.getSession().status === 'signed-in'))
    await world.clock.advance(900_000)
    const calls = tabs.map((tab) => tab.fetch(usersMe))
    const state = { done: false }
    const all = Promise.all(calls).finally(() => (state.done = true))
    while (!state.done) await world.clock.advance(20)
    expect((await all).map(({ status }) => status)).toEqual(Array(8).fill(200))
    expect(refreshes(world)).toHaveLength(1)
    await tabs[3]!.signOut({ redirect: false })
    await world.until(() => tabs.every((tab) => tab.getSession().status === 'signed-out'))
  })

  test.each([
    ['missing', undefined],
    ['null', null],
  ])('nobody is sent away to be forgotten where IndexedDB is %s (A-76)', async (_, absent) => {
    vi.stubGlobal('indexedDB', absent)
    const world = createWorld()
    const overrides = { store: indexedDbStore(), transactionStore: indexedDbStore() }
    const auth = world.client(world.tab, overrides)
    expect(await auth.start()).toMatchObject({ session: { status: 'signed-out' } })
    expect(await rejection(auth.signIn())).toMatchObject({ code: 'storage_unavailable' })
    expect(world.tab.navigations).toEqual([])
  })

  test('with sign-ins in localStorage, a browser without IndexedDB signs in to memory, and says so (A-76)', async () => {
    vi.stubGlobal('indexedDB', undefined)
    const world = createWorld()
    const callback = await world.depart(world.tab, { overrides: { store: indexedDbStore() } })
    const auth = world.load(world.tab, callback, { store: indexedDbStore() })
    const heard = listen(auth)
    expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
    expect(factsOf(heard, 'storage-failed')).toHaveLength(1)
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  test('the site data cleared while a tab is open: the tab goes on, and saves its session anew', async () => {
    const world = createWorld()
    const auth = await world.signIn(world.tab, { overrides: { store: indexedDbStore() } })
    indexedDB.deleteDatabase('pkce-client')
    await world.clock.advance(900_000)
    expect((await auth.fetch(usersMe)).status).toBe(200)
    const next = world.load(world.tab, `${appOrigin}/`, { store: indexedDbStore() })
    expect((await next.start()).session).toEqual(auth.getSession())
  })
})
