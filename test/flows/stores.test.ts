import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import type { PkceClient, Store } from '../../src/index.ts'
import {
  expiredTab,
  factsOf,
  failure,
  recovered,
  refreshedAsStoreFails,
  refreshes,
  sentTokens,
  stale,
  usersMe,
} from '../support/refreshes.ts'
import {
  anotherTab,
  appOrigin,
  createWorld,
  listen,
  signedInTab,
  usualSessionKey,
} from '../support/world.ts'
import type { World } from '../support/world.ts'

const key = usualSessionKey

/** A store whose every answer takes a while, by the clock of the world. */
function slowStore(world: Pick<World, 'clock'>, { shared = true } = {}) {
  const values = new Map<string, string>()
  const later = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => void world.clock.setTimeout(() => resolve(work()), 100))
  const store: Store = {
    shared,
    get: (name) => later(() => values.get(name) ?? null),
    set: (name, value) => later(() => void values.set(name, value)),
    remove: (name) => later(() => void values.delete(name)),
  }
  return { store, values }
}

/** Lets the clock run until the work is done. */
async function inTime<T>(world: Pick<World, 'clock'>, work: Promise<T>): Promise<T> {
  const state = { done: false }
  const finished = work.finally(() => (state.done = true))
  finished.catch(() => undefined)
  for (let step = 0; step < 100 && !state.done; step += 1) await world.clock.advance(100)
  return finished
}

/** While the page is in the back/forward cache, storage works again and the other tab renews the session twice. */
async function missTwoRenewals(
  world: Awaited<ReturnType<typeof signedInTab>>,
  other: PkceClient,
): Promise<void> {
  world.tab.ports.host.navigate('https://elsewhere.example/')
  await world.clock.settle()
  world.browser.failStorage()
  await other.refresh()
  await other.refresh()
  world.tab.restoreFromBackForwardCache()
  await world.clock.settle()
}

describe('a store that fails', () => {
  test.each(['set', 'get', 'all'] as const)(
    'when the refreshed tokens cannot be saved (%s) they are used in this tab, and it says so (A-76)',
    async (kind) => {
      const world = await expiredTab()
      await refreshedAsStoreFails(world, () => world.browser.failStorage(kind))
      expect((await world.auth.fetch(usersMe)).status).toBe(200)
      expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
      expect(refreshes(world)).toHaveLength(1)
      expect(factsOf(world.heard, 'storage-failed')).toMatchObject([
        { error: { code: 'storage_unavailable', sessionEnded: false } },
      ])
    },
  )

  test.each(['set', 'get', 'all'] as const)(
    'a tab that cannot tell the others that it sends the refresh token (%s) does not send it (F11)',
    async (kind) => {
      const world = await expiredTab()
      world.browser.failStorage(kind)
      for (let hour = 0; hour < 3; hour += 1) {
        expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ retryable: true })
        expect(world.auth.getSession()).toMatchObject(stale)
        await world.clock.advance(3_600_000)
      }
      expect(refreshes(world)).toHaveLength(0)
      world.browser.failStorage()
      world.tab.wake()
      await recovered(world, world.auth)
      expect((await world.auth.fetch(usersMe)).status).toBe(200)
      expect(factsOf(world.heard, 'storage-failed')).toHaveLength(1)
    },
  )

  test('a session begun while it fails lives in this tab alone, and is refreshed there (F11)', async () => {
    const world = createWorld()
    world.browser.failStorage('all')
    const auth = world.client(world.tab, { transactionStore: memoryStore() })
    await world.server.signInTo(auth)
    for (let hour = 0; hour < 3; hour += 1) {
      await world.clock.advance(3_600_000)
      expect((await auth.fetch(usersMe)).status).toBe(200)
    }
    expect(new Set(sentTokens(world)).size).toBe(3)
    world.browser.failStorage()
    world.tab.wake()
    await world.until(() => world.storedSession()?.refreshToken)
    expect((await anotherTab(world)).auth.getSession()).toEqual(auth.getSession())
    // From now on others have it too.
    world.browser.failStorage('all')
    await world.clock.advance(3_600_000)
    expect(await failure(auth.fetch(usersMe))).toMatchObject({ retryable: true })
  })

  test('a page that starts without storage is signed out, and does not throw (A-76)', async () => {
    const world = await signedInTab()
    world.browser.failStorage('all')
    const next = world.load(world.tab, `${appOrigin}/`)
    expect(await next.start()).toMatchObject({ session: { status: 'signed-out' } })
  })

  test('a tab that cannot read what is stored does not write over a sign-out in another one', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    const held = world.server.hold('/token')
    const call = failure(other.fetch(usersMe))
    await world.until(() => held.count)
    await world.auth.signOut({ redirect: false })
    world.browser.failStorage('get')
    held.release()
    await Promise.allSettled([call])
    world.browser.failStorage()
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out', access: {} })
  })

  test('when storage works again the next renewal is saved, and a reload finds it', async () => {
    const world = await expiredTab()
    await refreshedAsStoreFails(world, () => world.browser.failStorage('set'))
    world.browser.failStorage()
    await world.clock.advance(900_000)
    await world.auth.fetch(usersMe)
    const next = world.load(world.tab, `${appOrigin}/`)
    await world.clock.advance(900_000)
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(new Set(sentTokens(world)).size).toBe(3)
    expect(world.server.revoked).toEqual([])
  })

  test('what could not be saved is saved as soon as storage works, before another tab sends the spent token', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    await refreshedAsStoreFails(world, () => world.browser.failStorage('set'))
    world.browser.failStorage()
    world.tab.wake()
    await world.clock.settle()
    expect((await other.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.revoked).toEqual([])
  })

  test('signing out works without storage: this tab is signed out, and the server told', async () => {
    const world = await signedInTab()
    world.browser.failStorage('set')
    await world.auth.signOut({ redirect: false })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.server.revoked).toMatchObject([{ reason: 'revoked-by-client' }])
    world.tab.wake()
    await world.clock.settle()
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })

  test('a sign-out that could not be saved is saved as soon as storage works', async () => {
    const world = await signedInTab()
    world.browser.failStorage('set')
    await world.auth.signOut({ redirect: false })
    world.browser.failStorage()
    world.tab.wake()
    await world.clock.settle()
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out', access: {} })
  })

  test('a sign-out that could not be saved is not undone by a tab that renews meanwhile, and ends there as well', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    world.browser.failStorage('set')
    await world.auth.signOut({ redirect: false, revoke: false })
    await missTwoRenewals(world, other)
    const over = { status: 'signed-out', reason: 'signed-out' }
    expect(world.auth.getSession()).toEqual(over)
    expect(other.getSession()).toEqual(over)
  })

  test('a tab that cannot read what is stored, and is refused, does not end the session that another one has renewed', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    world.tab.ports.host.navigate('https://elsewhere.example/')
    await world.clock.settle()
    await other.fetch(usersMe)
    world.browser.failStorage('get')
    const refused = { status: 400, body: { error: 'invalid_grant' } }
    world.server.fault('respond', { path: '/token', ...refused, times: 1 })
    world.tab.restoreFromBackForwardCache()
    await failure(world.auth.fetch(usersMe))
    world.browser.failStorage()
    world.tab.wake()
    await world.clock.settle()
    expect(other.getSession()).toMatchObject({ status: 'signed-in' })
    expect(world.auth.getSession()).toEqual(other.getSession())
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('two tabs on a store that says it saves, and does not, do not wake each other for ever', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    const other = await anotherTab(world)
    world.browser.local.set = () => world.browser.local
    for (const { fetch } of [world.auth, other.auth])
      expect((await fetch(usersMe)).status).toBe(200)
    await world.clock.settle()
    const before = world.browser.posted.length
    for (const tab of world.browser.tabs) tab.wake()
    await world.clock.settle()
    await world.clock.settle()
    expect(world.browser.posted.length - before).toBeLessThan(5)
  })

  test('an end that only this tab has seen does not end the session that the others have renewed', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    world.server.fault('respond', {
      path: '/token',
      status: 400,
      body: { error: 'invalid_grant' },
      times: 1,
    })
    await refreshedAsStoreFails(world, () => world.browser.failStorage('set'))
    expect(world.auth.getSession()).toMatchObject({ reason: 'ended-by-server' })
    await missTwoRenewals(world, other)
    expect(world.auth.getSession()).toEqual(other.getSession())
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('a sign-in that cannot be saved counts in this tab, over the session that is stored', async () => {
    const world = await signedInTab()
    const { url } = await world.auth.createAuthorizationUrl()
    const callback = await world.server.authorize(url, { username: 'grace' })
    world.browser.failStorage('set')
    const heard = listen(world.auth)
    const inMemory = { transactionStore: memoryStore() }
    const auth = world.client(world.tab, inMemory)
    expect(callback).toContain('code=')
    await auth.start()
    const later = await auth.createAuthorizationUrl()
    await auth.handleCallback(await world.server.authorize(later.url, { username: 'grace' }))
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    world.tab.wake()
    await world.clock.settle()
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    expect(await (await auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
    expect(factsOf(heard, 'signed-out')).toEqual([])
  })
})

describe('stores of all kinds', () => {
  test('with memoryStore() nothing is written anywhere, before or after a refresh (C-116, A-78)', async () => {
    const world = await signedInTab({ client: {}, overrides: { store: memoryStore() } })
    await world.auth.refresh()
    const tokens = [await world.auth.getAccessToken(), ...sentTokens(world)]
    const written = [...world.browser.local.values()].join('\n')
    for (const token of tokens) expect(written).not.toContain(token)
    expect(world.browser.local.has(key)).toBe(false)
  })

  test('with memoryStore() each client has its own session', async () => {
    const world = createWorld()
    const [ada, grace] = [
      world.client(world.tab, { store: memoryStore() }),
      world.client(world.tab, { store: memoryStore() }),
    ]
    await world.server.signInTo(ada, 'ada')
    await world.server.signInTo(grace, 'grace')
    await ada.signOut({ redirect: false })
    expect(grace.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    expect(await (await grace.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
  })

  test.each([true, false])(
    'a store that answers late (shared: %s) works like any other',
    async (shared) => {
      const world = createWorld()
      const { store, values } = slowStore(world, { shared })
      const auth = world.client(world.tab, { store })
      await inTime(world, auth.start())
      await inTime(world, world.server.signInTo(auth))
      await world.clock.advance(900_000)
      const answers = await inTime(
        world,
        Promise.all(Array.from({ length: 10 }, () => auth.fetch(usersMe))),
      )
      expect(answers.every(({ ok }) => ok)).toBe(true)
      expect(refreshes(world)).toHaveLength(1)
      await inTime(world, auth.signOut({ redirect: false }))
      expect(values.get(key)).toContain('"signedOut":"signed-out"')
    },
  )

  test('a look at a store that answers late does not undo a sign-in that was made meanwhile', async () => {
    const world = createWorld()
    const { store, values } = slowStore(world)
    const auth = world.client(world.tab, { store })
    await inTime(world, auth.start())
    await inTime(world, world.server.signInTo(auth, 'ada'))
    const { url } = await auth.createAuthorizationUrl()
    const callback = await world.server.authorize(url, { username: 'grace' })
    // A store that reads what was there when it was asked, and says so late.
    const get = store.get.bind(store)
    let late: (() => void) | undefined
    store.get = (name) => {
      const then = values.get(name)
      store.get = get
      return new Promise((resolve) => (late = () => resolve(then)))
    }
    world.tab.wake()
    await world.until(() => late)
    await inTime(world, auth.handleCallback(callback))
    late!()
    await world.clock.advance(1000)
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('two clients with one store and session key share one session; sessionKey keeps them apart', async () => {
    const world = await signedInTab()
    const same = world.client(world.tab)
    const apart = world.client(world.tab, { sessionKey: 'second' })
    await Promise.all([same.start(), apart.start()])
    expect(same.getSession()).toEqual(world.auth.getSession())
    expect(apart.getSession()).toEqual({ status: 'signed-out' })
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    expect(same.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })
})

describe('subscribers', () => {
  test('a session keeps its reference while nothing changed', async () => {
    const world = await signedInTab()
    const before = world.auth.getSession()
    world.tab.wake()
    await world.clock.settle()
    await world.auth.fetch(usersMe)
    expect(world.auth.getSession()).toBe(before)
    expect(Object.isFrozen(before)).toBe(true)
  })

  test('one change, one call; and none after unsubscribing', async () => {
    const world = await signedInTab()
    let calls = 0
    const stop = world.auth.subscribe(() => (calls += 1))
    await world.clock.advance(1000)
    await world.auth.refresh()
    expect(calls).toBe(1)
    stop()
    await world.auth.signOut({ redirect: false })
    expect(calls).toBe(1)
  })

  test('the same listener subscribed twice is called twice, and leaves one at a time', async () => {
    const world = await signedInTab()
    let calls = 0
    const listener = () => (calls += 1)
    const stop = world.auth.subscribe(listener)
    world.auth.subscribe(listener)
    stop()
    stop()
    await world.auth.signOut({ redirect: false })
    expect(calls).toBe(1)
  })

  test('a listener that leaves while it is called does not cost the others their call', async () => {
    const world = await signedInTab()
    const called: string[] = []
    const stop = world.auth.subscribe(() => {
      called.push('first')
      stop()
    })
    world.auth.subscribe(() => called.push('second'))
    await world.auth.signOut({ redirect: false })
    expect(called).toEqual(['first', 'second'])
  })

  test('before start() the session is unknown, and the same object for everybody', () => {
    const world = createWorld()
    expect(world.client().getSession()).toBe(world.client().getSession())
    expect(world.client().getSession()).toEqual({ status: 'unknown' })
  })
})
