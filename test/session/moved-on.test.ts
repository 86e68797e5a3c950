import { describe, expect, test } from 'vitest'
import type { PkceClient, PkceClientOptions, SignedInSession, Store } from '../../src/index.ts'
import { localLock } from '../../src/tabs/local-lock.ts'
import {
  expiredTab,
  factsOf,
  failure,
  recovered,
  refreshes,
  renewedNow,
  usersMe,
} from '../support/refreshes.ts'
import { anotherTab, appOrigin, listen, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const key = 'pkce:https://login.example.com|production-app'

const at = { path: '/token' }

/** A tab that hears nothing of the others. */
const deaf: Partial<PkceClientOptions> = {
  channel: { open: () => ({ post: () => undefined, close: () => undefined }) },
}

test('a page back from the back/forward cache makes its calls in the name it shows, whenever it finds that somebody else has signed in', async () => {
  const world = await signedInTab()
  const other = await anotherTab(world, deaf)
  other.tab.ports.host.navigate('https://elsewhere.example/')
  await world.clock.advance(845_000)
  await world.server.signInTo(world.auth, 'grace')
  other.tab.restoreFromBackForwardCache()
  const subject = () => (other.auth.getSession() as SignedInSession).claims!.sub
  const shown: string[] = []
  const calls: Promise<Response>[] = []
  for (let moment = 0; moment < 30; moment += 1) {
    shown.push(subject())
    calls.push(other.auth.fetch(usersMe))
    await Promise.resolve()
  }
  const answers = await Promise.all(calls.map(async (call) => (await call).json()))
  expect(answers.map(({ sub }: { sub: string }) => sub)).toEqual(shown)
  expect([shown[0], subject()]).toEqual(['user-ada', 'user-grace'])
})

describe('a request that was wrong in one tab', () => {
  const forbidden = { ...at, status: 403, times: 1 }

  test('is tried again there once another tab has renewed the session', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    world.server.fault('respond', forbidden)
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    await failure(other.auth.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(1)
    other.tab.wake()
    await recovered(world, other.auth)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('does not keep that tab from looking at the store, where the tokens of another one are', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world, deaf)
    world.server.fault('respond', forbidden)
    await failure(other.auth.fetch(usersMe))
    world.tab.wake()
    await renewedNow(world, world.auth)
    expect((await other.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('is not the reason given when the next session is held back', async () => {
    const world = await expiredTab()
    world.server.fault('respond', forbidden)
    await failure(world.auth.fetch(usersMe))
    await world.server.signInTo(world.auth)
    const other = await anotherTab(world)
    await world.clock.advance(900_000)
    world.server.fault('try-later', { ...at, retryAfter: 300 })
    await failure(other.auth.fetch(usersMe))
    await world.clock.settle()
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ retryable: true })
  })
})

describe('a back-off', () => {
  test.each<[string, Partial<PkceClientOptions>]>([
    ['is back from the back/forward cache', {}],
    ['hears nothing of the others', deaf],
  ])('that a tab which %s finds in the store does not count when it is woken', async (_, how) => {
    const world = await signedInTab()
    const other = await anotherTab(world, how)
    other.tab.ports.host.navigate('https://elsewhere.example/')
    await world.clock.advance(900_000)
    const mend = world.server.fault('try-later', { ...at, retryAfter: 300 })
    await failure(world.auth.fetch(usersMe))
    world.tab.close()
    mend()
    other.tab.restoreFromBackForwardCache()
    await world.until(() => refreshes(world).length === 2)
    await recovered(world, other.auth)
  })

  test('is a minute when the server answers that the request is wrong; the doubt about the one before stays', async () => {
    const world = await expiredTab()
    const mend = world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    expect(world.auth.getSession()).toMatchObject({ stale: true })
    mend()
    world.server.fault('respond', { ...at, status: 403, times: 1 })
    world.tab.wake()
    await world.until(() => refreshes(world).length === 3)
    await world.clock.settle()
    world.server.revokeSessions()
    await world.clock.advance(59_000)
    expect(refreshes(world)).toHaveLength(3)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
    await world.clock.advance(1000)
    expect(world.auth.getSession()).toMatchObject({ reason: 'refresh-response-lost' })
  })

  test('ends by itself although the clock was set back meanwhile', async () => {
    const world = await expiredTab()
    const mend = world.server.fault('try-later', { ...at, retryAfter: 60 })
    await failure(world.auth.fetch(usersMe))
    mend()
    world.clock.jump(-30_000)
    await world.clock.advance(60_600)
    await recovered(world, world.auth)
  })
})

describe('a refresh whose answer nobody has seen', () => {
  async function interrupted() {
    const world = await signedInTab({ server: { reuseGraceSeconds: 30 } })
    const other = await anotherTab(world)
    await world.clock.advance(845_000)
    const held = world.server.hold('/token')
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    await world.until(() => held.count)
    return Object.assign(world, { other, held })
  }

  test('because of a reload is repeated within the grace period of the server, without a call', async () => {
    const world = await interrupted()
    world.other.tab.close()
    const next = world.load(world.tab, `${appOrigin}/`)
    world.held.release()
    await next.start()
    await world.clock.advance(600_000)
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(next.getSession()).toMatchObject({ status: 'signed-in', stale: false })
  })

  test('because the tab was closed is repeated by another one, without a call', async () => {
    const world = await interrupted()
    world.tab.close()
    world.held.release()
    await world.clock.advance(600_000)
    expect((await world.other.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
  })
})

describe('a page that is frozen with a lock in its hands', () => {
  test('two tabs that have lost patience with it do not send the same token: the second waits for the first', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const { lock } = world.browser.openTab().ports
    lock.request(`${key}|grant|`, {}, () => new Promise(() => undefined)).catch(() => undefined)
    const held = world.server.hold('/token')
    const first = world.auth.fetch(usersMe)
    await world.clock.advance(1000)
    const second = other.auth.fetch(usersMe)
    await world.clock.advance(29_400)
    await world.until(() => held.count)
    await world.clock.advance(1000)
    held.release()
    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.revoked).toEqual([])
  }, 60_000)

  test('a tab that takes over and freezes as well is not waited for without end', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const { lock } = world.browser.openTab().ports
    lock.request(`${key}|grant|`, {}, () => new Promise(() => undefined)).catch(() => undefined)
    world.server.fault('hang', { ...at, times: 1 })
    void world.auth.fetch(usersMe)
    await world.clock.advance(1000)
    const second = other.auth.fetch(usersMe)
    await world.clock.advance(29_400)
    await world.until(() => refreshes(world).length)
    world.tab.freeze()
    await world.clock.advance(31_000)
    expect((await second).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
    expect(world.server.revoked).toEqual([])
  }, 60_000)

  test.each<[string, (auth: PkceClient) => Promise<unknown>, string | undefined]>([
    ['a sign-out', (auth) => auth.signOut({ redirect: false, revoke: false }), 'signed-out'],
    ['newer tokens', (auth) => auth.refresh().then(() => auth.refresh()), undefined],
  ])(
    'one that was frozen in the middle of saving does not undo %s that came meanwhile',
    async (_, meanwhile, signedOut) => {
      const world = await signedInTab({ server: { reuseGraceSeconds: 600 } })
      const { tab, auth, frozen } = await freezesInTheStore(world)
      await world.clock.advance(900_000)
      const call = auth.fetch(usersMe).catch(() => undefined)
      await world.until(frozen)
      const work = meanwhile(world.auth)
      await world.clock.advance(62_000)
      await work
      const session = world.auth.getSession()
      tab.resume()
      await call
      await world.clock.settle()
      expect(world.auth.getSession()).toEqual(session)
      expect(auth.getSession()).toEqual(session)
      expect(world.storedSession()?.signedOut).toBe(signedOut)
      expect((await anotherTab(world)).auth.getSession()).toEqual(session)
    },
    60_000,
  )

  test('one that was about to save a renewed session does not undo the sign-out that came meanwhile', async () => {
    const world = await signedInTab()
    const { tab, auth, frozen } = await freezesWhileItSaves(world)
    await world.clock.advance(900_000)
    const call = failure(auth.fetch(usersMe))
    await world.until(frozen)
    const leaving = world.auth.signOut({ redirect: false, revoke: false })
    // The frozen tab may still have its place in the line as well.
    await world.clock.advance(65_000)
    await leaving
    tab.resume()
    expect(await call).toMatchObject({ code: 'session_ended' })
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out' })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })
})

test('a refresh that fails after the person has signed out has not failed: the session is over', async () => {
  const world = await expiredTab()
  world.server.fault('try-later', { ...at, retryAfter: 300 })
  const held = world.server.hold('/token')
  const call = failure(world.auth.fetch(usersMe))
  await world.until(() => held.count)
  await world.auth.signOut({ redirect: false, revoke: false })
  held.release()
  expect(await call).toMatchObject({ code: 'session_ended', sessionEnded: true })
  expect(factsOf(world.heard, 'refresh-failed')).toEqual([])
})

/** A tab that is frozen when its store has begun to write the renewed session, and has not yet done so. */
async function freezesInTheStore(world: World) {
  const tab = world.browser.openTab()
  const { store, host } = tab.ports
  let frozen = false
  const slow: Store = {
    ...store,
    async set(name, value) {
      const { gen, pending } = JSON.parse(value) as { gen: number; pending?: object }
      if (!frozen && gen === 2 && !pending) {
        frozen = true
        tab.freeze()
      }
      await host.whenShown()
      await store.set(name, value)
    },
  }
  const auth = world.client(tab, { store: slow })
  await auth.start()
  return { tab, auth, frozen: () => frozen }
}

/** A tab that is frozen between reading the session and writing it, once it has the answer of the token endpoint. */
async function freezesWhileItSaves(world: World) {
  const tab = world.browser.openTab()
  const { store, host } = tab.ports
  let state: 'running' | 'answered' | 'frozen' = 'running'
  const slow: Store = {
    ...store,
    async get(name) {
      const value = await store.get(name)
      if (state === 'answered') {
        state = 'frozen'
        tab.freeze()
      }
      await host.whenShown()
      return value
    },
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const answer = await world.server.fetch(input, init)
    if ((input as string).endsWith('/token')) state = 'answered'
    return answer
  }
  const auth = world.client(tab, { store: slow, fetch })
  await auth.start()
  return { tab, auth, frozen: () => state === 'frozen' }
}

describe('where there are neither Web Locks nor BroadcastChannel', () => {
  test('each tab still sends one refresh at a time', async () => {
    const world = await expiredTab()
    const { auth } = await anotherTab(world, { lock: localLock(), ...deaf })
    const answers = await Promise.all([1, 2, 3, 4].map(() => auth.fetch(usersMe)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a tab whose token another one has spent finds the new ones in the store, and nobody is signed out', async () => {
    const world = await expiredTab()
    const one = await anotherTab(world, { lock: localLock(), ...deaf })
    let asked = 0
    let refuse!: (answer: Response) => void
    const refusal = new Promise<Response>((resolve) => (refuse = resolve))
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (input !== 'https://login.example.com/token') return world.server.fetch(input, init)
      asked += 1
      return refusal
    }
    const two = await anotherTab(world, { lock: localLock(), ...deaf, fetch })
    const heard = listen(two.auth)
    const held = world.server.hold('/token')
    const first = one.auth.fetch(usersMe)
    await world.until(() => held.count)
    const second = two.auth.fetch(usersMe)
    await world.until(() => asked)
    held.release()
    expect((await first).status).toBe(200)
    refuse(Response.json({ error: 'invalid_grant' }, { status: 400 }))
    expect((await second).status).toBe(200)
    expect(two.auth.getSession()).toEqual(one.auth.getSession())
    expect([asked, refreshes(world).length]).toEqual([1, 1])
    expect(factsOf(heard, 'signed-out')).toEqual([])
  })
})
