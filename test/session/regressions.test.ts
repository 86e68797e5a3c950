import { describe, expect, test } from 'vitest'
import type { Lock, PkceClient, Store } from '../../src/index.ts'
import type { AuthServerOptions, FakeTab } from '../../src/testing/index.ts'
import {
  expiredTab,
  failure,
  refreshedAsStoreFails,
  refreshes,
  usersMe,
} from '../support/refreshes.ts'
import { localLock } from '../../src/tabs/local-lock.ts'
import { anotherTab, createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { run } from './chaos/run.ts'

const key = 'pkce:https://login.example.com|production-app'

describe('stories that the chaos test has found, told again', () => {
  test('two tabs that cannot save what they know do not wake each other for ever', async () => {
    const world = await expiredTab({ server: { reuseGraceSeconds: 60 } })
    const other = await anotherTab(world)
    await refreshedAsStoreFails(world, () => world.browser.failStorage('set'))
    await failure(other.auth.fetch(usersMe))
    const before = world.browser.posted.length
    for (const tab of world.browser.tabs) tab.wake()
    await world.clock.settle()
    await world.clock.settle()
    expect(world.browser.posted.length - before).toBeLessThan(5)
    expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
  })

  test('a page that was frozen for longer than a request may take uses the answer that came meanwhile', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const call = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    world.tab.freeze()
    await world.clock.advance(60_000)
    held.release()
    world.tab.resume()
    expect((await call).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
  })

  test('three tabs, a slow store and a silent server: the last in line does not send while the one before it still waits for an answer', async () => {
    const world = createWorld()
    const store = slowStore(world)
    const clients = [1, 2, 3].map(() => world.client(world.browser.openTab(), { store }))
    const started = Promise.all(clients.map((auth) => auth.start()))
    await world.clock.advance(1000)
    await started
    const signedIn = world.server.signInTo(clients[0]!)
    await world.clock.advance(2000)
    await signedIn
    await world.clock.advance(900_000)
    world.server.fault('hang', { path: '/token' })
    const calls = clients.map((auth) => failure(auth.fetch(usersMe)))
    await world.clock.advance(90_000)
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ retryable: true })
    const times = refreshes(world).map((request) => request.at)
    expect(times.length).toBeGreaterThan(2)
    times.slice(1).forEach((time, n) => expect(time - times[n]!).toBeGreaterThanOrEqual(15_000))
  }, 60_000)

  test('a tab that was robbed of the lock before it sent does not send beside the one that has it', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const { lock } = world.browser.openTab().ports
    // One tab is frozen while it writes, another one takes its time refreshing.
    lock.request(`${key}|commit|`, {}, () => new Promise(() => undefined)).catch(() => undefined)
    let done = () => {}
    void lock.request(`${key}|grant|`, {}, () => new Promise<void>((resolve) => (done = resolve)))
    await world.clock.settle()
    const calls = [world.auth.fetch(usersMe), other.auth.fetch(usersMe)]
    await world.clock.advance(14_000)
    done()
    await world.clock.advance(29_900)
    const held = world.server.hold('/token')
    await world.clock.advance(1100)
    await world.until(() => held.count)
    expect(refreshes(world)).toHaveLength(1)
    held.release()
    await world.clock.advance(1000)
    for (const call of calls) expect((await call).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.revoked).toEqual([])
  }, 60_000)

  test('a tab that signs in as somebody else during a refresh leaves its copy no token that is spent', async () => {
    const world = await tabAndCopy()
    world.server.fault('slow-headers', { path: '/token', milliseconds: 5000, times: 1 })
    const call = failure(world.auth.refresh())
    await world.until(() => refreshes(world).length)
    await world.server.signInTo(world.auth, 'grace')
    await world.clock.advance(5000)
    await call
    expect(await failure(world.copy.refresh())).toMatchObject({ code: 'session_ended' })
    expect(world.copy.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('a tab whose storage was full while it renewed tells its copy as soon as there is room', async () => {
    const world = await tabAndCopy()
    world.browser.failStorage('set')
    await world.auth.refresh()
    world.browser.failStorage()
    world.tab.wake()
    await world.clock.settle()
    await failure(world.copy.refresh())
    expect(world.copy.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(world.server.revoked).toEqual([])
  })

  test('a tab that comes late with what it was given does not hide from it that its copy has gone further', async () => {
    const world = await tabAndCopy({ reuseGraceSeconds: 60 })
    world.server.fault('slow-headers', { path: '/token', milliseconds: 5000, times: 1 })
    const call = world.auth.refresh()
    await world.until(() => refreshes(world).length)
    world.tab.freeze()
    const copied = world.copy.refresh()
    await world.clock.advance(40_000)
    await copied
    await world.copy.refresh()
    world.tab.resume()
    await call
    await world.clock.advance(900_000)
    await failure(world.auth.fetch(usersMe))
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    expect((await world.copy.fetch(usersMe)).status).toBe(200)
    expect(world.server.revoked).toEqual([])
  }, 60_000)
})

test('two copies of a tab that froze while it refreshed do not both send its refresh token (F23)', async () => {
  const world = await tabAndCopy()
  world.server.fault('hang', { path: '/token', times: 1 })
  const frozen = failure(world.auth.refresh())
  await world.until(() => refreshes(world).length)
  world.tab.freeze()
  const copies = [1, 2].map(() => {
    const tab = world.tab.duplicate()
    return world.client(tab, { store: tab.sessionStore })
  })
  await Promise.all(copies.map((copy) => copy.start()))
  world.server.fault('slow-headers', { path: '/token', milliseconds: 5000 })
  const calls = copies.map((copy) => copy.refresh().catch((error: unknown) => error))
  await world.clock.advance(34_000)
  expect(refreshes(world)).toHaveLength(2)
  await world.clock.advance(60_000)
  const [, second] = await Promise.all(calls)
  expect(second).toMatchObject({ code: 'session_ended' })
  expect(copies.map((copy) => copy.getSession())).toMatchObject([
    { status: 'signed-in', stale: false },
    { status: 'signed-out', reason: 'tab-copied' },
  ])
  world.tab.resume()
  await world.clock.advance(60_000)
  await frozen
  expect(refreshes(world)).toHaveLength(2)
  expect(world.server.revoked).toEqual([])
}, 60_000)

test('a page that signs out while its lock is being let go does not send the refresh token any more', async () => {
  for (let turns = 0; turns < 60; turns += 1) {
    const world = createWorld()
    const sent: unknown[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      const form = new URLSearchParams(init?.body as URLSearchParams | undefined)
      if (form.has('refresh_token')) sent.push(world.storedSession()?.signedOut)
      return world.server.fetch(input, init)
    }
    const auth = world.client(world.tab, { fetch, lock: lateLock() })
    await world.server.signInTo(auth)
    const call = auth.refresh().catch(() => undefined)
    for (let turn = 0; turn < turns; turn += 1) await nextTurn()
    await auth.signOut({ redirect: false, revoke: false })
    await call
    expect(sent).not.toContain('signed-out')
  }
})

test('the chaos test sees that a copy is behind, also in a tab where a session has ended before', async () => {
  await run(
    {
      ...{
        world: 'a store for each tab',
        server: 'strict',
        store: 'prompt',
        storeFails: false,
        onDemand: false,
        dpop: false,
      },
      ...{ seed: 0, accessTokenLifetime: 900, channel: true },
    },
    [
      ['refreshes', 2, 4],
      ['the next one is processed and its answer lost', 0, 1],
      ['signs in', 2, 1],
      ['is duplicated', 2, 1],
      ['the server forgets the access token', 0, 1],
      ['refreshes', 2, 1],
    ],
  )
})

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** A lock whose holder hears some time after the others that it has let go, as with Web Locks. */
function lateLock(): Lock {
  const lock = localLock()
  return {
    async request(name, options, task) {
      const result = await lock.request(name, options, task)
      for (let turn = 0; turn < 10; turn += 1) await nextTurn()
      return result
    },
  }
}

interface Copied extends World {
  auth: PkceClient
  copy: PkceClient
}

/** Ada is signed in in a tab that keeps its session in its sessionStorage, and in a copy of it. */
async function tabAndCopy(server?: AuthServerOptions): Promise<Copied> {
  const world = createWorld(server && { server })
  const clientOf = (tab: FakeTab) => world.client(tab, { store: tab.sessionStore })
  const auth = clientOf(world.tab)
  await world.server.signInTo(auth)
  const copy = clientOf(world.tab.duplicate())
  await copy.start()
  return Object.assign(world, { auth, copy })
}

/** The localStorage of the world, each answer a tenth of a second late. */
function slowStore({ browser, clock }: World): Store {
  const later = <T>(work: () => T): Promise<T> =>
    new Promise((resolve) => void clock.setTimeout(() => resolve(work()), 100))
  return {
    shared: true,
    get: (name) => later(() => browser.local.get(name)),
    set: (name, value) => later(() => void browser.local.set(name, value)),
    remove: (name) => later(() => void browser.local.delete(name)),
  }
}
