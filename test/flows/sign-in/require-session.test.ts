import { keepingPage } from '../../support/navigators.ts'
import { describe, expect, test } from 'vitest'
import type { PkceClient, SignedInSession } from '../../../src/index.ts'
import { anotherTab, createWorld, listen, rejection, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const account = 'https://app.example.com/account?tab=2#top'

/** A protected page: its guard is called when the page is loaded. */
function protectedPage(world: World, address = account): PkceClient {
  return world.load(world.tab, address)
}

/** Waits for the next departure of the tab; resolves to its URL. */
async function departure(world: World, before = world.tab.navigations.length): Promise<URL> {
  await world.until(() => world.tab.navigations.length > before)
  return new URL(world.tab.navigations.at(-1)!)
}

/** Whether the promise has settled after everything that needs no time. */
async function isPending(world: World, work: Promise<unknown>): Promise<boolean> {
  let settled = false
  const note = () => (settled = true)
  void work.then(note, note)
  await world.clock.settle()
  return !settled
}

const isSignedOutHere = { code: 'sign_in_required', sessionEnded: true }

describe('requireSession()', () => {
  test('resolves to the session of who is signed in, and starts the client', async () => {
    const world = await signedInTab()
    const auth = protectedPage(world)
    const session = await auth.requireSession()
    expect(session).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
    expect(session).toBe(auth.getSession() as SignedInSession)
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('several guards at once are one sign-in, also in a window', async () => {
    const world = createWorld()
    let opened = 0
    const navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)), {
      opened: () => (opened += 1),
    })
    const auth = world.client(world.tab, { navigator })
    const guards = [auth.requireSession(), auth.requireSession(), auth.requireSession()]
    expect(new Set(await Promise.all(guards)).size).toBe(1)
    expect(opened).toBe(1)
  })

  test('finishes the sign-in when the page is its answer', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    expect(await auth.requireSession()).toMatchObject({ status: 'signed-in' })
    expect((await auth.start()).kind).toBe('signed-in')
  })

  test('departs when nobody is signed in, and the user comes back to the address of now', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    const guard = auth.requireSession()
    const callback = await world.server.authorize(await departure(world, 0))
    expect(await isPending(world, guard)).toBe(true)
    const { returnTo } = await world.load(world.tab, callback).start()
    expect(returnTo).toBe(account)
  })

  test('takes the params of signIn()', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    void auth.requireSession({ returnTo: '/elsewhere', appState: 7, prompt: 'login' })
    const url = await departure(world, 0)
    expect(url.searchParams.get('prompt')).toBe('login')
    const back = await world.load(world.tab, await world.server.authorize(url)).start()
    expect(back).toMatchObject({ returnTo: 'https://app.example.com/elsewhere', appState: 7 })
  })

  test('refuses wrong params, also while somebody is signed in', async () => {
    const { auth } = await signedInTab()
    const error = await rejection(auth.requireSession({ maxAge: -1 }))
    expect(error).toMatchObject({ code: 'invalid_option' })
  })

  test('called by many guards at once departs once', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    for (let guard = 0; guard < 5; guard += 1) void auth.requireSession()
    await departure(world, 0)
    void auth.requireSession()
    await world.clock.settle()
    expect(world.tab.navigations).toHaveLength(1)
    expect(world.transactions().size).toBe(1)
  })

  test('shares its departure with signIn()', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    await auth.start()
    void auth.signIn()
    void auth.requireSession()
    await departure(world, 0)
    await world.clock.settle()
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('departs for a session that has expired while the page was open', async () => {
    const world = createWorld({ client: { scope: 'openid' }, server: { accessTokenLifetime: 60 } })
    await world.signIn()
    const auth = protectedPage(world)
    expect(await auth.requireSession()).toMatchObject({ status: 'signed-in' })
    await world.clock.advance(61_000)
    void auth.requireSession()
    await departure(world, 1)
  })

  test('does not depart when another tab has signed in meanwhile', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    await auth.start()
    const deaf = world.client(world.tab, {
      channel: { open: () => ({ post: () => undefined, close: () => undefined }) },
    })
    await deaf.start()
    const other = world.browser.openTab()
    await world.signIn(other)
    expect(await deaf.requireSession()).toMatchObject({ status: 'signed-in' })
    expect(world.tab.navigations).toHaveLength(0)
  })

  test('ends its wait with the reason of an aborted signal, and does not depart', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    const stop = new AbortController()
    const guard = rejection(auth.requireSession({ signal: stop.signal }))
    stop.abort(new Error('the route was left'))
    expect(await guard).toBe(stop.signal.reason)
    await world.clock.settle()
    expect(world.tab.navigations).toEqual([])
  })
})

describe('requireSession() after a sign-in that did not complete', () => {
  async function denied(world: World): Promise<PkceClient> {
    world.server.fault('callback-error', { error: 'access_denied' })
    const guarded = protectedPage(world)
    void guarded.requireSession()
    const callback = await world.server.authorize(await departure(world))
    world.server.clearFaults()
    return world.load(world.tab, callback)
  }

  test('rejects with the refusal for the guards of that moment; the next call departs', async () => {
    const world = createWorld()
    const auth = await denied(world)
    const errors = await Promise.all([
      rejection(auth.requireSession()),
      rejection(auth.requireSession()),
    ])
    for (const error of errors)
      expect(error).toMatchObject({ name: 'CallbackError', code: 'authorization_denied' })
    void auth.requireSession()
    await departure(world, 1)
  })

  test('departs when start() was rejected before, as its caller knows', async () => {
    const world = createWorld()
    const auth = await denied(world)
    await rejection(auth.start())
    void auth.requireSession()
    await departure(world, 1)
  })

  test('at the callback page returns to where the refused sign-in was to return to', async () => {
    const world = createWorld()
    const auth = await denied(world)
    await rejection(auth.requireSession())
    void auth.requireSession()
    const callback = await world.server.authorize(await departure(world, 1))
    expect((await world.load(world.tab, callback).start()).returnTo).toBe(account)
  })

  test('but from another address returns to that', async () => {
    const world = createWorld()
    const auth = await denied(world)
    await rejection(auth.requireSession())
    world.tab.ports.host.replaceUrl('/other')
    void auth.requireSession()
    const callback = await world.server.authorize(await departure(world, 1))
    expect((await world.load(world.tab, callback).start()).returnTo).toBe(
      'https://app.example.com/other',
    )
  })

  test('rejects sign_in_cancelled after Back; the next call departs', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    const guards = [rejection(auth.requireSession()), rejection(auth.requireSession())]
    await departure(world, 0)
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    for (const error of await Promise.all(guards))
      expect(error).toMatchObject({ code: 'sign_in_cancelled' })
    void auth.requireSession()
    await departure(world, 1)
  })

  test('resolves after Back to the page that was left, when the user has signed in since', async () => {
    const world = createWorld()
    const auth = protectedPage(world)
    const guard = auth.requireSession()
    await departure(world, 0)
    await world.clock.settle()
    await world.signIn(world.browser.openTab())
    world.tab.restoreFromBackForwardCache()
    expect(await guard).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('is stopped by the loop guard', async () => {
    const world = createWorld()
    for (let time = 0; time < 2; time += 1) await rejection((await denied(world)).start())
    const auth = protectedPage(world)
    expect(await rejection(auth.requireSession())).toMatchObject({ code: 'redirect_loop' })
    world.tab.gesture = true
    void auth.requireSession()
    await departure(world, 2)
  })

  test('five restored tabs all depart', async () => {
    const world = createWorld({ client: { scope: 'openid' }, server: { accessTokenLifetime: 60 } })
    await world.signIn()
    const tabs = Array.from({ length: 5 }, () => world.browser.openTab(account))
    await world.clock.advance(61_000)
    for (const tab of tabs) {
      const auth = world.client(tab)
      void auth.requireSession()
      void auth.requireSession()
      await world.until(() => tab.navigations.length === 1)
    }
  })
})

describe('requireSession() and signing out', () => {
  /** A page that asks for a session whenever it is over, as guards do. */
  async function guardedPage() {
    const world = await signedInTab({
      client: { postSignOutRedirectUri: 'https://app.example.com/' },
    })
    const auth = protectedPage(world)
    await auth.requireSession()
    const guards: Promise<unknown>[] = []
    auth.subscribe(() => {
      if (auth.getSession().status === 'signed-out') guards.push(rejection(auth.requireSession()))
    })
    const before = world.tab.navigations.length
    return { world, auth, guards, navigations: () => world.tab.navigations.slice(before) }
  }

  test('that leaves the page: the guard waits, and never departs', async () => {
    const { world, auth, guards, navigations } = await guardedPage()
    const revocation = world.server.hold('/revoke')
    const signingOut = auth.signOut()
    await world.until(() => revocation.count === 1)
    expect(guards).toHaveLength(1)
    expect(await isPending(world, guards[0]!)).toBe(true)
    revocation.release()
    await signingOut
    await world.clock.settle()
    expect(navigations().map((url) => new URL(url).pathname)).toEqual(['/end_session'])
    expect(await isPending(world, guards[0]!)).toBe(true)
  })

  test('and coming back to the page by Back: the guard rejects, and a click departs', async () => {
    const { world, auth, guards, navigations } = await guardedPage()
    world.tab.gesture = true
    await auth.signOut()
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    expect(await guards[0]).toMatchObject(isSignedOutHere)
    expect(await rejection(auth.requireSession())).toMatchObject(isSignedOutHere)
    world.tab.gesture = true
    void auth.requireSession()
    await world.until(() => navigations().length === 2)
    expect(new URL(navigations()[1]!).pathname).toBe('/authorize')
  })

  test('without leaving: rejects at the same address, also right after the click on the button', async () => {
    const { world, auth, guards, navigations } = await guardedPage()
    world.tab.gesture = true
    await auth.signOut({ redirect: false })
    expect(await guards[0]).toMatchObject(isSignedOutHere)
    expect(world.tab.ports.host.hasUserGesture()).toBe(true)
    expect(await rejection(auth.requireSession())).toMatchObject(isSignedOutHere)
    expect(navigations()).toEqual([])
  })

  test('without leaving: a second click while it is under way asks for nothing', async () => {
    const { world, auth, guards, navigations } = await guardedPage()
    const revocation = world.server.hold('/revoke')
    const signingOut = auth.signOut({ redirect: false })
    await world.until(() => revocation.count === 1)
    world.tab.gesture = true
    void auth.signOut({ redirect: false })
    revocation.release()
    await signingOut
    expect(await guards[0]).toMatchObject(isSignedOutHere)
    expect(navigations()).toEqual([])
  })

  test('without leaving: departs after a click', async () => {
    const { world, auth, navigations } = await guardedPage()
    await auth.signOut({ redirect: false })
    await world.clock.advance(60_000)
    world.tab.gesture = true
    void auth.requireSession()
    await world.until(() => navigations().length === 1)
  })

  test('without leaving: departs after a navigation', async () => {
    const { world, auth, navigations } = await guardedPage()
    await auth.signOut({ redirect: false })
    world.tab.ports.host.replaceUrl('/orders')
    void auth.requireSession()
    await world.until(() => navigations().length === 1)
  })

  test('without leaving: departs after a reload', async () => {
    const { world, auth, navigations } = await guardedPage()
    await auth.signOut({ redirect: false })
    void protectedPage(world).requireSession()
    await world.until(() => navigations().length === 1)
  })

  test('in another tab: rejects here, and departs after a click', async () => {
    const { world, auth, guards, navigations } = await guardedPage()
    const { auth: other } = await anotherTab(world)
    await other.signOut({ redirect: false })
    await world.until(() => guards.length === 1)
    expect(await guards[0]).toMatchObject(isSignedOutHere)
    expect(await rejection(auth.requireSession())).toMatchObject(isSignedOutHere)
    world.tab.gesture = true
    void auth.requireSession()
    await world.until(() => navigations().length === 1)
  })

  test('is forgotten once somebody has signed in again', async () => {
    const { world, auth, guards, navigations } = await guardedPage()
    await auth.signOut({ redirect: false })
    await guards[0]
    const other = world.browser.openTab()
    await world.signIn(other)
    await world.until(() => auth.getSession().status === 'signed-in')
    world.server.revokeSessions()
    await rejection(auth.refresh())
    expect(auth.getSession()).toMatchObject({ reason: 'ended-by-server' })
    await world.until(() => navigations().length === 1)
  })

  test('a session that ended otherwise departs without a click', async () => {
    const { world, auth, navigations } = await guardedPage()
    world.server.revokeSessions()
    await rejection(auth.refresh())
    await world.until(() => navigations().length === 1)
  })

  test('a rejected guard is no failed sign-in', async () => {
    const { auth, guards } = await guardedPage()
    const events = listen(auth)
    await auth.signOut({ redirect: false })
    await guards[0]
    expect(events.map(({ name }) => name)).not.toContain('sign-in-failed')
  })
})

describe('requireSession() where nobody can be sent away', () => {
  test('without an address rejects sign_in_required', async () => {
    const world = createWorld()
    const host = { ...world.tab.ports.host, url: () => undefined }
    const auth = world.client(world.tab, { host })
    expect(await rejection(auth.requireSession())).toMatchObject({ code: 'sign_in_required' })
    expect(world.server.requests).toEqual([])
    expect(world.tab.navigations).toEqual([])
  })

  test('in a prerendered page does not depart, until the page is shown', async () => {
    const world = createWorld()
    world.tab.prerendering = true
    const auth = protectedPage(world)
    const guard = auth.requireSession()
    await world.clock.advance(600_000)
    expect(await isPending(world, guard)).toBe(true)
    expect(world.server.requests).toEqual([])
    expect(world.tab.navigations).toEqual([])
    world.tab.activate()
    await departure(world, 0)
  })
})
