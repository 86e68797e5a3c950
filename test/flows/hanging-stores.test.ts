import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import type { PkceClient, PkceClientOptions, TransactionStore } from '../../src/index.ts'
import {
  expiredTab,
  factsOf,
  failure,
  recovered,
  refreshes,
  stale,
  usersMe,
} from '../support/refreshes.ts'
import { anotherTab, createWorld, listen, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const signedOut = { status: 'signed-out', reason: 'signed-out' }

type Method = 'get' | 'set' | 'remove' | 'keys'

/** A store whose answers can be held: what is asked meanwhile is done when they are let go, or never. */
function heldStore(store: TransactionStore) {
  const waiting: (() => void)[] = []
  const asked: string[] = []
  let hanging: readonly Method[] = []
  const method =
    (name: Method) =>
    async (...given: [string, string]) => {
      asked.push(name)
      if (hanging.includes(name)) await new Promise<void>((resolve) => waiting.push(resolve))
      return (store[name] as (...all: string[]) => never)(...given)
    }
  return {
    asked,
    hang(...methods: Method[]) {
      hanging = methods
    },
    letGo() {
      hanging = []
      for (const goOn of waiting.splice(0)) goOn()
    },
    store: {
      shared: true,
      get: method('get'),
      set: method('set'),
      remove: method('remove'),
      keys: method('keys'),
    } as unknown as TransactionStore,
  }
}

/** Lets time pass until the work is done. */
async function inTime<T>({ clock }: World, work: Promise<T>): Promise<T> {
  let done = false as boolean
  const finished = work.finally(() => (done = true))
  finished.catch(() => undefined)
  for (let second = 0; second < 60 && !done; second += 1) await clock.advance(1000)
  expect(done).toBe(true)
  return finished
}

describe.each<[string, Method[]]>([
  ['nothing', ['get', 'set', 'remove', 'keys']],
  ['no reading', ['get']],
  ['no writing', ['set', 'remove']],
])('a store that answers %s', (_, methods) => {
  function hangingTab() {
    const world = createWorld()
    const held = heldStore(world.tab.ports.store)
    held.hang(...methods)
    const auth = world.client(world.tab, { store: held.store })
    return Object.assign(world, { held, auth, heard: listen(auth) })
  }

  test('delays start() by five seconds and no more, and the session is known (F11)', async () => {
    const { auth, clock } = hangingTab()
    const started = auth.start()
    await clock.advance(5001)
    expect((await started).session).toEqual({ status: 'signed-out' })
  })

  test('leaves the session in memory: sign-in, API calls, sign-out, and one event (F11)', async () => {
    const world = hangingTab()
    const { auth, server, heard } = world
    await inTime(world, server.signInTo(auth))
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(factsOf(heard, 'storage-failed')).toMatchObject([
      { error: { code: 'storage_unavailable', cause: { code: 'storage_unavailable' } } },
    ])
    await inTime(world, auth.signOut({ redirect: false }))
    expect(auth.getSession()).toEqual(signedOut)
    expect(server.revoked).toHaveLength(1)
    expect(factsOf(heard, 'storage-failed')).toHaveLength(1)
  })

  test('saves what it missed when it answers after all (F11)', async () => {
    const world = hangingTab()
    await inTime(world, world.server.signInTo(world.auth))
    world.held.letGo()
    await world.until(() => world.storedSession()?.refreshToken)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect((await anotherTab(world)).auth.getSession()).toEqual(world.auth.getSession())
  })

  test('does not keep people from being told where a sign-in cannot be remembered (F11)', async () => {
    const world = createWorld()
    const held = heldStore(world.tab.ports.store)
    held.hang(...methods, 'keys')
    const auth = world.client(world.tab, { transactionStore: held.store })
    const error = await failure(inTime(world, auth.signIn()))
    expect(error).toMatchObject({ code: 'storage_unavailable' })
    expect(world.tab.navigations).toEqual([])
  })
})

test('a store that answers late when a page begins: the session is found when the answer comes (F11)', async () => {
  const world = await signedInTab()
  const tab = world.browser.openTab()
  const held = heldStore(tab.ports.store)
  held.hang('get')
  const auth = world.client(tab, { store: held.store })
  await inTime(world, auth.start())
  expect(auth.getSession()).toEqual({ status: 'signed-out' })
  held.letGo()
  await world.until(() => auth.getSession().status === 'signed-in')
})

test('a store that has forgotten one call is used again for the next (F11)', async () => {
  const world = await signedInTab()
  const tab = world.browser.openTab()
  const held = heldStore(tab.ports.store)
  held.hang('get')
  const auth = world.client(tab, { store: held.store })
  await inTime(world, auth.start())
  held.hang()
  tab.wake()
  await world.until(() => auth.getSession().status === 'signed-in')
  await world.clock.advance(900_000)
  expect((await auth.fetch(usersMe)).status).toBe(200)
})

test('a session begun after the store failed lives in memory alone, and is refreshed there (F11)', async () => {
  const world = createWorld()
  const held = heldStore(world.tab.ports.store)
  held.hang('get', 'set')
  const auth = world.client(world.tab, { store: held.store })
  await inTime(world, auth.start())
  await inTime(world, world.server.signInTo(auth))
  await world.clock.advance(900_000)
  expect((await inTime(world, auth.fetch(usersMe))).status).toBe(200)
  expect(refreshes(world)).toHaveLength(1)
  expect(held.asked).not.toContain('set')
})

test('a tab that cannot write that it sends the refresh token does not send it (F11)', async () => {
  const world = await expiredTab()
  const tab = world.browser.openTab()
  const held = heldStore(tab.ports.store)
  const { auth } = await anotherTab(world, { ...tab.ports, store: held.store })
  held.hang('set')
  const error = await failure(inTime(world, auth.fetch(usersMe)))
  expect(error).toMatchObject({ code: 'storage_unavailable', retryable: true, sessionEnded: false })
  expect(auth.getSession()).toMatchObject(stale)
  expect(refreshes(world)).toHaveLength(0)
  // The others are not held up by it.
  expect((await inTime(world, world.auth.fetch(usersMe))).status).toBe(200)
  held.letGo()
  await recovered(world, auth)
  expect(auth.getSession()).toEqual(world.auth.getSession())
  expect((await auth.fetch(usersMe)).status).toBe(200)
  expect(refreshes(world)).toHaveLength(1)
})

describe('a write that comes after all', () => {
  /** Two tabs, of which the second refreshes and cannot save the result: the write hangs. */
  async function lateWrite(options: Partial<PkceClientOptions> = {}) {
    const world = await signedInTab()
    const tab = world.browser.openTab()
    const held = heldStore(tab.ports.store)
    const { auth: late } = await anotherTab(world, { ...tab.ports, ...options, store: held.store })
    await world.clock.advance(1000)
    const answer = world.server.hold('/token')
    const call = late.refresh()
    await world.until(() => answer.count)
    held.hang('set')
    answer.release()
    await world.clock.advance(6000)
    await call
    const before = held.asked.filter((name) => name === 'set').length
    const writes = () => held.asked.filter((name) => name === 'set').length - before
    return Object.assign(world, { lateTab: tab, late, held, writes })
  }

  const deaf: Partial<PkceClientOptions> = {
    channel: { open: () => ({ post: () => undefined, close: () => undefined }) },
  }

  /** The late write has come, and all tabs agree with what should be stored. */
  async function agreed(world: World, clients: PkceClient[], isRight: (record: object) => boolean) {
    await world.until(() => isRight(world.storedSession()!))
    for (const client of clients) {
      const { status } = client.getSession()
      expect(status).toBe(world.storedSession()?.signedOut ? 'signed-out' : 'signed-in')
    }
    await world.clock.settle()
    expect(world.storedSession()).toSatisfy(isRight)
  }

  type Story = [string, (world: Awaited<ReturnType<typeof lateWrite>>) => Promise<unknown>]

  test.each<[...Story, Partial<PkceClientOptions>]>([
    ['', async () => undefined, {}],
    ['a tab that hears nothing ', async () => undefined, deaf],
  ])('%sloses nothing: the other tabs get what was refreshed (F11)', async (_, __, how) => {
    const world = await lateWrite(how)
    world.held.letGo()
    await agreed(world, [world.auth, world.late], (record) => (record as { gen: number }).gen === 2)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(world.server.revoked).toEqual([])
  })

  const ended = (record: object) => 'signedOut' in record
  const graces = (record: object) => JSON.stringify(record).includes('user-grace')

  test.each<[...Story, (record: object) => boolean, Partial<PkceClientOptions>]>([
    ['a sign-out in another tab', ({ auth }) => auth.signOut({ redirect: false }), ended, {}],
    [
      'a sign-out in a tab it hears not',
      ({ auth }) => auth.signOut({ redirect: false }),
      ended,
      deaf,
    ],
    ['a sign-out in this tab', ({ late }) => late.signOut({ redirect: false }), ended, {}],
    ['a sign-in in another tab', ({ server, auth }) => server.signInTo(auth, 'grace'), graces, {}],
    ['a sign-in in this tab', ({ server, late }) => server.signInTo(late, 'grace'), graces, {}],
  ])('does not undo %s (F11)', async (_, meanwhile, isRight, how) => {
    const world = await lateWrite(how)
    await inTime(world, meanwhile(world))
    await world.clock.settle()
    expect(world.writes()).toBe(0)
    world.held.letGo()
    await world.clock.settle()
    // Tabs that hear nothing look when they are woken.
    for (const tab of how === deaf ? [world.tab, world.lateTab] : []) {
      tab.wake()
      await world.clock.settle()
    }
    await agreed(world, [world.auth, world.late], isRight)
    const next = await anotherTab(world)
    expect(next.auth.getSession()).toEqual(world.auth.getSession())
  })

  test('does not take the others back to an older generation (F11)', async () => {
    const world = await signedInTab({ server: { reuseGraceSeconds: 60 } })
    const tab = world.browser.openTab()
    const held = heldStore(tab.ports.store)
    const { auth: late } = await anotherTab(world, { ...tab.ports, store: held.store })
    held.hang('set')
    await world.clock.advance(900_000)
    await failure(inTime(world, late.fetch(usersMe)))
    expect((await inTime(world, world.auth.fetch(usersMe))).status).toBe(200)
    await world.auth.refresh()
    held.letGo()
    await world.clock.advance(70_000)
    expect(world.storedSession()).toMatchObject({ gen: 3 })
    expect(late.getSession()).toEqual(world.auth.getSession())
    expect(world.server.revoked).toEqual([])
  })

  test('that fails is made again (F11)', async () => {
    const world = await lateWrite()
    world.browser.failStorage('set')
    world.held.letGo()
    await world.clock.settle()
    world.browser.failStorage()
    world.tab.wake()
    for (const tab of world.browser.tabs) tab.wake()
    await agreed(world, [world.auth, world.late], (record) => (record as { gen: number }).gen === 2)
  })
})

test('a store that hangs for one tab leaves no timer behind when the tab is closed (F11)', async () => {
  const world = createWorld()
  const held = heldStore(world.tab.ports.store)
  held.hang('get', 'set', 'keys')
  const auth = world.client(world.tab, { store: held.store, transactionStore: memoryStore() })
  await inTime(world, world.server.signInTo(auth))
  auth.close()
  await world.clock.settle()
  expect(world.clock.timers).toBe(0)
  expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
})
