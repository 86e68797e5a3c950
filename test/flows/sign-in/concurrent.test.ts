import { describe, expect, test } from 'vitest'
import type { Host } from '../../../src/index.ts'
import { createWorld, listen, rejection, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

/** The page of a sign-in whose navigation shows nothing: a 204, a download, or an app that opened instead. */
function stuckPage(world: World, overrides: Partial<Host> = {}) {
  const visited: string[] = []
  const host: Host = {
    ...world.tab.ports.host,
    navigate: (url) => void visited.push(url),
    ...overrides,
  }
  return { auth: world.client(world.tab, { host }), visited }
}

const until = (world: World, code: Promise<unknown>) => {
  let settled: unknown
  void code.then((error) => (settled = error))
  return async (milliseconds: number) => {
    await world.clock.advance(milliseconds)
    await world.clock.settle()
    return settled
  }
}

describe('sign-ins by redirect of one page at once', () => {
  test('are one: the same promise, one transaction, one navigation (F8)', async () => {
    const world = createWorld()
    const auth = world.client()
    const events = listen(auth)
    const [first, second] = [auth.signIn({ appState: 1 }), auth.signIn({ appState: 2 })]
    expect(second).toBe(first)
    await world.until(() => world.tab.navigations.length > 0)
    const third = auth.signIn()
    expect(third).toBe(first)
    await world.clock.settle()
    expect(world.tab.navigations).toHaveLength(1)
    expect([...world.transactions().values()]).toMatchObject([{ appState: 1 }])
    expect(events.filter(({ name }) => name === 'sign-in-started')).toHaveLength(1)
  })

  test('count as one departure for the loop guard (F8)', async () => {
    const world = createWorld()
    for (let time = 0; time < 2; time += 1) {
      const auth = world.load(world.tab, '/')
      void auth.signIn()
      void auth.signIn()
      await world.until(() => world.tab.navigations.length === time + 1)
      await world.clock.settle()
    }
    expect(world.tab.navigations).toHaveLength(2)
  })

  test('reject together, and the next one departs (F8)', async () => {
    const world = createWorld()
    world.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    const auth = world.client()
    const errors = await Promise.all([rejection(auth.signIn()), rejection(auth.signIn())])
    expect(errors[0]).toMatchObject({ code: 'network' })
    expect(errors[1]).toBe(errors[0])
    world.server.clearFaults()
    await world.leave(world.tab, auth)
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('a wrong option of the second is refused, and does not end the first (F8)', async () => {
    const world = createWorld()
    const auth = world.client()
    void auth.signIn()
    const error = await rejection(auth.signIn({ maxAge: -1 }))
    expect(error).toMatchObject({ code: 'invalid_option' })
    await world.until(() => world.tab.navigations.length === 1)
  })

  test('an aborted one ends its own wait; the user is sent away for the other (F8)', async () => {
    const world = createWorld()
    const auth = world.client()
    const stop = new AbortController()
    const first = rejection(auth.signIn({ signal: stop.signal }))
    void auth.signIn()
    stop.abort(new Error('the first guard is gone'))
    expect(await first).toBe(stop.signal.reason)
    await world.until(() => world.tab.navigations.length === 1)
  })

  test('nobody is sent away once all have aborted (F8)', async () => {
    const world = createWorld()
    const auth = world.client()
    const stops = [new AbortController(), new AbortController()]
    const both = stops.map(({ signal }) => rejection(auth.signIn({ signal })))
    for (const stop of stops) stop.abort(new Error('gone'))
    expect(await Promise.all(both)).toEqual(stops.map(({ signal }) => signal.reason as unknown))
    await world.clock.settle()
    expect(world.tab.navigations).toHaveLength(0)
    await world.leave(world.tab, auth)
  })

  test('a click that joins one without a click is a click (F8)', async () => {
    const world = createWorld()
    for (let time = 0; time < 2; time += 1) {
      world.tab.load('/')
      await world.leave(world.tab, world.client())
    }
    const auth = world.load(world.tab, '/')
    void auth.signIn()
    world.tab.gesture = true
    void auth.signIn()
    await world.until(() => world.tab.navigations.length === 3)
  })
})

describe('a page that the sign-in did not leave', () => {
  test('rejects sign_in_cancelled when it is still visible after the timeout (F8)', async () => {
    const world = createWorld()
    const { auth, visited } = stuckPage(world)
    const signIn = rejection(auth.signIn())
    await world.until(() => visited.length === 1)
    const after = until(world, signIn)
    expect(await after(14_999)).toBeUndefined()
    expect(await after(1)).toMatchObject({ code: 'sign_in_cancelled' })
    const again = rejection(auth.signIn())
    await world.until(() => visited.length === 2)
    expect(await until(world, again)(15_000)).toMatchObject({ code: 'sign_in_cancelled' })
  })

  test('waits for as long as it is hidden, and for the timeout after that (F8)', async () => {
    const world = createWorld()
    let visible = false
    const { auth, visited } = stuckPage(world, { isVisible: () => visible })
    const signIn = rejection(auth.signIn())
    await world.until(() => visited.length === 1)
    const after = until(world, signIn)
    expect(await after(3_600_000)).toBeUndefined()
    visible = true
    world.tab.wake()
    expect(await after(14_999)).toBeUndefined()
    expect(await after(1)).toMatchObject({ code: 'sign_in_cancelled' })
  })

  test('keeps no timer for the page that was left and came back (F8)', async () => {
    const world = createWorld()
    const auth = world.client()
    const signIn = rejection(auth.signIn())
    await world.until(() => world.tab.navigations.length === 1)
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    expect(await signIn).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.clock.timers).toBe(0)
  })
})

describe('a sign-in while a sign-out is under way', () => {
  /** A guard that signs in as soon as the session is over, and a revocation that takes its time. */
  async function guardedPage(options: Parameters<typeof signedInTab>[0] = {}) {
    const world = await signedInTab(options)
    const revocation = world.server.hold('/revoke')
    const before = world.tab.navigations.length
    const signIns: Promise<unknown>[] = []
    world.auth.subscribe(() => {
      if (world.auth.getSession().status === 'signed-out')
        signIns.push(rejection(world.auth.signIn()))
    })
    return { world, revocation, signIns, navigations: () => world.tab.navigations.slice(before) }
  }

  test('does not happen when the sign-out leaves the page (F9)', async () => {
    const { world, revocation, signIns, navigations } = await guardedPage()
    const signingOut = world.auth.signOut()
    await world.until(() => revocation.count === 1)
    expect(signIns).toHaveLength(1)
    revocation.release()
    await signingOut
    await world.clock.settle()
    expect(navigations().map((url) => new URL(url).pathname)).toEqual(['/end_session'])
    expect(world.transactions().size).toBe(1)
  })

  test('is cancelled when the user comes back to the page from the sign-out (F9)', async () => {
    const { world, revocation, signIns } = await guardedPage()
    const signingOut = world.auth.signOut()
    await world.until(() => revocation.count === 1)
    revocation.release()
    await signingOut
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    expect(await signIns[0]).toMatchObject({ code: 'sign_in_cancelled' })
    await world.leave(world.tab, world.auth)
  })

  test('happens after a sign-out that does not leave the page (F9)', async () => {
    const { world, revocation, navigations } = await guardedPage()
    const signingOut = world.auth.signOut({ redirect: false })
    await world.until(() => revocation.count === 1)
    await world.clock.settle()
    expect(navigations()).toEqual([])
    revocation.release()
    await signingOut
    await world.until(() => navigations().length === 1)
    expect(new URL(navigations()[0]!).pathname).toBe('/authorize')
  })

  test('a sign-out called after a sign-in cancels it: the later wish counts (F9)', async () => {
    const world = await signedInTab()
    const auth = world.load(world.tab, '/')
    await auth.start()
    const discovery = world.server.hold('/.well-known/openid-configuration')
    const before = world.tab.navigations.length
    const signIn = rejection(auth.signIn())
    await world.until(() => discovery.count === 1)
    const signingOut = auth.signOut({ redirect: false })
    await world.clock.settle()
    discovery.release()
    await signingOut
    expect(await signIn).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.tab.navigations).toHaveLength(before)
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
  })
})

describe('tabs that sign in without a click', () => {
  test('five restored at once all depart: departures are counted per tab (F7)', async () => {
    const world = createWorld()
    const tabs = [world.tab, ...Array.from({ length: 4 }, () => world.browser.openTab())]
    for (const tab of tabs) await world.leave(tab, world.client(tab))
    expect(tabs.map(({ navigations }) => navigations.length)).toEqual([1, 1, 1, 1, 1])
  })

  test('each is stopped at its own third departure (F7)', async () => {
    const world = createWorld()
    for (const tab of [world.tab, world.browser.openTab()]) {
      for (let time = 0; time < 2; time += 1) {
        await world.leave(tab, world.client(tab))
        tab.load('/')
      }
      const error = await rejection(world.client(tab).signIn())
      expect(error).toMatchObject({ code: 'redirect_loop' })
    }
  })

  test('a departure counts also when the answer was seen and refused (F7)', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    for (let time = 0; time < 2; time += 1) {
      const callback = await world.depart()
      await rejection(world.load(world.tab, callback).start())
    }
    expect(await rejection(world.client().signIn())).toMatchObject({ code: 'redirect_loop' })
  })

  test('a sign-in of this tab that was finished in another one does not count (F7)', async () => {
    const world = createWorld()
    const other = world.browser.openTab()
    for (let time = 0; time < 3; time += 1) {
      const callback = await world.depart()
      expect(await world.load(other, callback).start()).toMatchObject({ kind: 'signed-in' })
      world.tab.load('/')
      await world.client().signOut({ redirect: false })
    }
    expect(world.tab.navigations).toHaveLength(3)
  })

  test('two clients of one page do not count for each other (F7)', async () => {
    const world = createWorld()
    for (const sessionKey of ['a', 'b', 'c']) {
      await world.leave(world.tab, world.client(world.tab, { sessionKey }))
      world.tab.load('/')
    }
    expect(world.tab.navigations).toHaveLength(3)
  })

  test.each(['{', 'null', '[1,2,3]', '[[7,"x"],[],null]', '{"__proto__":[]}'])(
    'a note edited to be %s counts nothing, and throws nothing (F7)',
    async (text) => {
      const world = createWorld()
      await world.leave(world.tab, world.client())
      world.tab.load('/')
      const [name] = await world.tab.sessionStore.keys('')
      expect(name).toContain('departures')
      await world.tab.sessionStore.set(name!, text)
      await world.leave(world.tab, world.client())
      expect(world.tab.navigations).toHaveLength(2)
    },
  )
})
