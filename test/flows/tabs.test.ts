import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import type { FakeTab } from '../../src/testing/index.ts'
import {
  expiredTab,
  factsOf,
  failure,
  recovered,
  refreshes,
  sentTokens,
  usersMe,
} from '../support/refreshes.ts'
import { anotherTab, appOrigin, createWorld, listen, signedInTab } from '../support/world.ts'
import type { SignedInOptions, World } from '../support/world.ts'

const at = { path: '/token' }
const key = 'pkce:https://login.example.com|production-app'
const day = 86_400_000

function expectNoTokenSentTwice(world: World): void {
  expect(new Set(sentTokens(world)).size).toBe(refreshes(world).length)
  expect(world.server.revoked).toEqual([])
}

describe('tabs that share one session', () => {
  test('two tabs that refresh at the same moment make one request, and both stay signed in (C-75)', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const answers = await Promise.all([world.auth.fetch(usersMe), other.auth.fetch(usersMe)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(refreshes(world)).toHaveLength(1)
    expect(other.auth.getSession()).toEqual(world.auth.getSession())
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
  })

  test('ten tabs with twenty calls each make one request (C-75)', async () => {
    const world = await expiredTab()
    const others = await Promise.all(Array.from({ length: 9 }, () => anotherTab(world)))
    const clients = [world.auth, ...others.map(({ auth }) => auth)]
    const calls = clients.flatMap((auth) => Array.from({ length: 20 }, () => auth.fetch(usersMe)))
    const answers = await Promise.all(calls)
    expect(answers.every(({ ok }) => ok)).toBe(true)
    expect(refreshes(world)).toHaveLength(1)
    expectNoTokenSentTwice(world)
  })

  test('tabs that refresh by turns for a day never send a spent token (A-51)', async () => {
    const world = await signedInTab()
    const clients = [world.auth, (await anotherTab(world)).auth, (await anotherTab(world)).auth]
    for (let hour = 0; hour < 24; hour += 1) {
      await world.clock.advance(3_600_000)
      expect((await clients[hour % 3]!.fetch(usersMe)).status).toBe(200)
    }
    expect(refreshes(world)).toHaveLength(24)
    expectNoTokenSentTwice(world)
  })

  test('a tab hears of a refresh in another one without a request of its own', async () => {
    const world = await signedInTab()
    const other = await anotherTab(world)
    const heard = listen(other.auth)
    await world.clock.advance(60_000)
    const session = await world.auth.refresh()
    await world.clock.settle()
    expect(other.auth.getSession()).toEqual(session)
    expect(heard.map(({ name }) => name)).toEqual(['session-changed'])
    expect(await other.auth.getAccessToken()).toBe(await world.auth.getAccessToken())
  })

  test('the end of a session reaches every tab, once', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const heard = listen(other.auth)
    world.server.revokeSessions()
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    expect(other.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(factsOf(heard, 'signed-out')).toHaveLength(1)
    await failure(other.auth.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(1)
  })

  test('signing out in one tab ends it in all, whatever they wait for', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const held = world.server.hold('/token')
    const call = failure(other.auth.fetch(usersMe))
    await world.until(() => held.count)
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    expect(other.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    held.release()
    expect(await call).toMatchObject({ code: 'session_ended' })
    await world.clock.settle()
    expect(other.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).not.toHaveProperty('refreshToken')
  })

  test('signing in in one tab signs all of them in', async () => {
    const world = await signedInTab()
    const other = await anotherTab(world)
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    const heard = listen(other.auth)
    await world.server.signInTo(world.auth, 'grace')
    await world.clock.settle()
    expect(factsOf(heard, 'signed-in')).toMatchObject([
      { session: { claims: { sub: 'user-grace' } } },
    ])
    expect((await other.auth.fetch(usersMe)).status).toBe(200)
  })

  test('a tab back from the back/forward cache, which hears no messages, sees that the session has ended', async () => {
    const world = await signedInTab()
    const other = await anotherTab(world)
    other.tab.ports.host.navigate('https://elsewhere.example/')
    await world.clock.settle()
    await world.auth.signOut({ redirect: false })
    other.tab.restoreFromBackForwardCache()
    await world.clock.settle()
    expect(other.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })

  test('a tab that hears no messages sees when it is woken that somebody else has signed in', async () => {
    const world = await signedInTab()
    const tab = world.browser.openTab()
    const auth = world.client(tab, {
      channel: { open: () => ({ post: () => undefined, close: () => undefined }) },
    })
    await auth.start()
    await world.server.signInTo(world.auth, 'grace')
    await world.clock.settle()
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    tab.wake()
    await world.clock.settle()
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('a tab that was told nothing looks before it sends, and never returns an expired token', async () => {
    const world = await signedInTab()
    const deaf = world.client(world.browser.openTab(), {
      channel: { open: () => ({ post: () => undefined, close: () => undefined }) },
    })
    await deaf.start()
    await world.clock.advance(900_000)
    await world.auth.refresh()
    await world.clock.advance(900_000)
    const token = await deaf.getAccessToken()
    expect(refreshes(world)).toHaveLength(2)
    expect(token).toBe(
      (world.storedSession()!.access as { default: { token: string } }).default.token,
    )
    expectNoTokenSentTwice(world)
  })
})

describe('a tab that goes away with the lock in its hands', () => {
  type Leave = (tab: FakeTab) => void
  test.each<[string, Leave]>([
    ['crashes', (tab) => tab.crash()],
    ['is closed', (tab) => tab.close()],
    ['is reloaded', (tab) => tab.load()],
  ])('it %s before its request arrived: another tab sends at once', async (_, leave) => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    world.server.fault('hang', { ...at, times: 1 })
    void world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    const call = other.auth.fetch(usersMe)
    await world.until(() => world.browser.locks.waiting)
    leave(world.tab)
    expect((await call).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
    expect(world.server.revoked).toEqual([])
  })

  test('it crashes after its request arrived: the loss is explained, in every tab', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const third = await anotherTab(world)
    const held = world.server.hold('/token')
    void world.auth.fetch(usersMe)
    await world.until(() => held.count)
    world.tab.crash()
    held.release()
    await failure(other.auth.fetch(usersMe))
    await world.clock.settle()
    const lost = { status: 'signed-out', reason: 'refresh-response-lost' }
    expect(other.auth.getSession()).toEqual(lost)
    expect(third.auth.getSession()).toEqual(lost)
  })

  test('it freezes before its request arrived: who has waited awake for half a minute takes over', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    world.server.fault('hang', { ...at, times: 1 })
    const first = world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    world.tab.freeze()
    const second = other.auth.fetch(usersMe)
    await world.clock.advance(29_000)
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(2000)
    expect((await second).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)

    world.tab.resume()
    await world.clock.advance(1000)
    expect((await first).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
    expect(world.auth.getSession()).toEqual(other.auth.getSession())
    await world.clock.settle()
    expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
  })

  test('it freezes with the answer under way: what it brings is taken up when it wakes', async () => {
    const world = await expiredTab({ server: { reuseGraceSeconds: 60 } })
    const other = await anotherTab(world)
    const held = world.server.hold('/token')
    const first = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    world.tab.freeze()
    held.release()
    const second = other.auth.fetch(usersMe)
    await world.clock.advance(31_000)
    expect((await second).status).toBe(200)
    world.tab.resume()
    expect((await first).status).toBe(200)
    expect(world.auth.getSession()).toEqual(other.auth.getSession())
  })

  test('a computer that sleeps for a minute: the waiting tab does not take its sleep for patience', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const held = world.server.hold('/token')
    const first = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    const second = other.auth.fetch(usersMe)
    await world.until(() => world.browser.locks.waiting)
    world.tab.freeze()
    other.tab.freeze()
    held.release()
    await world.clock.advance(60_000)
    other.tab.resume()
    await world.clock.advance(5000)
    world.tab.resume()
    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expectNoTokenSentTwice(world)
  })

  test('invalid_grant after another tab has moved the session on: adopted, and nobody is signed out', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const held = world.server.hold('/token')
    const first = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    world.tab.freeze()
    const second = other.auth.fetch(usersMe)
    world.server.fault('respond', {
      ...at,
      status: 400,
      body: { error: 'invalid_grant' },
      times: 1,
    })
    world.server.fault('slow-headers', { ...at, milliseconds: 5000, times: 1 })
    await world.clock.advance(31_000)
    expect(refreshes(world)).toHaveLength(2)
    held.release()
    await world.clock.settle()
    world.tab.resume()
    expect((await first).status).toBe(200)
    await world.clock.advance(5000)
    expect((await second).status).toBe(200)
    expect(other.auth.getSession()).toMatchObject({ status: 'signed-in', stale: false })
    expect(other.auth.getSession()).toEqual(world.auth.getSession())
  })
})

describe('a back-off is for all tabs', () => {
  async function fiveTabs(options: SignedInOptions = {}) {
    const world = await expiredTab(options)
    const others = await Promise.all(Array.from({ length: 4 }, () => anotherTab(world)))
    return Object.assign(world, {
      clients: [world.auth, ...others.map(({ auth }) => auth)],
      others,
    })
  }

  test('five tabs on a dead network make one request per step', async () => {
    const world = await fiveTabs()
    world.server.fault('network-error', at)
    await Promise.all(world.clients.map((auth) => failure(auth.fetch(usersMe))))
    expect(refreshes(world)).toHaveLength(2)
    await world.clock.settle()
    for (const auth of world.clients)
      expect(auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
    for (let second = 0; second < 60; second += 1) {
      await world.clock.advance(1000)
      await Promise.all(world.clients.map((auth) => failure(auth.fetch(usersMe))))
    }
    const times = refreshes(world)
      .slice(1)
      .map((request) => request.at)
    times.slice(1).forEach((time, step) => {
      expect(time - times[step]!).toBeGreaterThanOrEqual(Math.min(500 * 2 ** step, 30_000))
    })
    expect(times.length).toBeLessThan(10)
  })

  test('when the network is back, one probe brings all of them back', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    mend()
    await world.clock.advance(1100)
    for (const auth of world.clients) await recovered(world, auth)
    expect(refreshes(world)).toHaveLength(3)
  })

  test('all of them waking at once make one request', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('try-later', { ...at, retryAfter: 300 })
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    mend()
    for (const tab of world.browser.tabs) tab.wake()
    for (const auth of world.clients) await recovered(world, auth)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('while one tab tries again, calls in the others wait for what comes of it', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    mend()
    const held = world.server.hold('/token')
    world.tab.wake()
    await world.until(() => held.count)
    const calls = world.clients.map((auth) => auth.fetch(usersMe))
    await world.clock.advance(300)
    held.release()
    for (const call of calls) expect((await call).status).toBe(200)
    expect(refreshes(world)).toHaveLength(3)
  })

  test('while one tab tries in vain, calls in the others wait, and fail with it', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    mend()
    world.server.fault('try-later', { ...at, retryAfter: 60 })
    const held = world.server.hold('/token')
    world.tab.wake()
    await world.until(() => held.count)
    const calls = world.clients.map((auth) => failure(auth.fetch(usersMe)))
    held.release()
    for (const call of calls) expect(await call).toMatchObject({ retryable: true })
    for (const auth of world.clients) await failure(auth.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(3)
  })

  test('a tab that is opened while there is no network does not ask for the metadata with each call', async () => {
    const world = await fiveTabs()
    world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    const path = '/.well-known/openid-configuration'
    const before = world.server.requestsTo(path).length
    world.server.fault('network-error', { path })
    const other = await anotherTab(world)
    for (let call = 0; call < 10; call += 1) await failure(other.auth.fetch(usersMe))
    expect(world.server.requestsTo(path).length - before).toBe(1)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('the tab that made the last attempt may close: another one goes on trying', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    world.tab.close()
    mend()
    await world.clock.advance(1100)
    await recovered(world, world.others[0]!.auth)
  })
})

describe('a duplicated tab', () => {
  test('with the default store it stays signed in with the first', async () => {
    const world = await signedInTab()
    const copy = world.client(world.tab.duplicate())
    expect((await copy.start()).session).toEqual(world.auth.getSession())
    await world.clock.advance(900_000)
    const answers = await Promise.all([copy.fetch(usersMe), world.auth.fetch(usersMe)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(refreshes(world)).toHaveLength(1)
  })

  /** A world whose first tab keeps its session in its own sessionStorage. */
  async function ownSession() {
    const world = await signedInTab()
    await world.auth.signOut({ redirect: false })
    world.browser.local.delete(key)
    world.tab.load(`${appOrigin}/`)
    const auth = world.client(world.tab, { store: world.tab.sessionStore })
    await auth.start()
    await world.server.signInTo(auth)
    const copyOf = async (tab: FakeTab) => {
      const duplicate = tab.duplicate()
      const client = world.client(duplicate, { store: duplicate.sessionStore })
      await client.start()
      return { tab: duplicate, auth: client }
    }
    const revoked = world.server.revoked.length
    const expectNoneReused = () => {
      expect(new Set(sentTokens(world)).size).toBe(refreshes(world).length)
      expect(world.server.revoked).toHaveLength(revoked)
    }
    return Object.assign(world, { auth, copyOf, expectNoneReused })
  }

  test('with sessionStorage it is signed in until the other one refreshes, and then says: tab-copied', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    expect((await copy.auth.fetch(usersMe)).status).toBe(200)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    const error = await failure(copy.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    expect(refreshes(world)).toHaveLength(1)
    world.expectNoneReused()

    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    world.expectNoneReused()
  })

  test('both refreshing at once: one request, the other is the copy', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.clock.advance(900_000)
    const outcomes = await Promise.allSettled([world.auth.fetch(usersMe), copy.auth.fetch(usersMe)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(refreshes(world)).toHaveLength(1)
    world.expectNoneReused()
  })

  test('of three copies none ever sends a spent token', async () => {
    const world = await ownSession()
    const copies = [
      await world.copyOf(world.tab),
      await world.copyOf(world.tab),
      await world.copyOf(world.tab),
    ]
    await world.clock.advance(900_000)
    await world.auth.fetch(usersMe)
    for (const { auth } of copies) {
      await failure(auth.fetch(usersMe))
      expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    }
    world.expectNoneReused()
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    world.expectNoneReused()
  })

  test('a copy that is reloaded later notices as it starts', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.auth.refresh()
    copy.tab.load()
    const again = world.client(copy.tab, { store: copy.tab.sessionStore })
    expect((await again.start()).session).toEqual({ status: 'signed-out', reason: 'tab-copied' })
  })

  test('a copy can sign in anew, and both go on', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.auth.refresh()
    await failure(copy.auth.refresh())
    await world.server.signInTo(copy.auth, 'grace')
    await world.clock.advance(900_000)
    expect(await (await world.auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-ada' })
    expect(await (await copy.auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
    world.expectNoneReused()
  })

  test('a copy made while the refresh is under way waits for it, and sends nothing', async () => {
    const world = await ownSession()
    await world.clock.advance(900_000)
    const held = world.server.hold('/token')
    const call = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    const copy = await world.copyOf(world.tab)
    const copied = failure(copy.auth.fetch(usersMe))
    await world.clock.settle()
    held.release()
    expect((await call).status).toBe(200)
    await copied
    expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
    world.expectNoneReused()
  })

  test.each([true, false])(
    'a copy that fell behind sends nothing either when the first tab has signed out since (revoke: %s)',
    async (revoke) => {
      const world = await ownSession()
      const copy = await world.copyOf(world.tab)
      await world.auth.refresh()
      await world.auth.signOut({ redirect: false, revoke })
      await world.clock.advance(900_000)
      expect(await failure(copy.auth.fetch(usersMe))).toMatchObject({ code: 'session_ended' })
      expect(copy.auth.getSession()).toEqual({ status: 'signed-out', reason: 'tab-copied' })
      expect(refreshes(world)).toHaveLength(1)
    },
  )

  test('signing out of a copy that fell behind revokes nothing, and the first tab goes on', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    await world.auth.refresh()
    const sent = world.server.requestsTo('/revoke').length
    await copy.auth.signOut({ redirect: false })
    expect(copy.auth.getSession().status).toBe('signed-out')
    expect(world.server.requestsTo('/revoke')).toHaveLength(sent)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    world.expectNoneReused()
  })

  test('a copy goes on alone when the first tab was closed', async () => {
    const world = await ownSession()
    const copy = await world.copyOf(world.tab)
    world.tab.close()
    for (let renewal = 0; renewal < 2; renewal += 1) {
      await world.clock.advance(900_000)
      expect((await copy.auth.fetch(usersMe)).status).toBe(200)
    }
    world.expectNoneReused()
  })

  test('with memoryStore() it has no session, and the first one keeps its own', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { store: memoryStore() })
    await world.server.signInTo(auth)
    const copy = world.client(world.tab.duplicate(), { store: memoryStore() })
    expect((await copy.start()).session).toEqual({ status: 'signed-out' })
    await world.server.signInTo(copy, 'grace')
    await world.clock.advance(900_000)
    expect(await (await auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-ada' })
    expect(await (await copy.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
    await copy.signOut({ redirect: false })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(world.server.revoked.map(({ reason }) => reason)).not.toContain('refresh-token-reused')
  })

  test('with memoryStore() nothing is left in any storage to tell the tabs apart by', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { store: memoryStore() })
    await world.server.signInTo(auth)
    await auth.refresh()
    expect([...world.browser.local.keys()].filter((name) => !name.includes('|tx|'))).toEqual([])
  })

  /** What is in localStorage beside the sign-ins under way. */
  const marks = ({ browser }: World) =>
    [...browser.local].filter(([name]) => !name.includes('|tx|'))

  test('no token leaves sessionStorage: what the tabs share says only how often it changed, and when', async () => {
    const world = await ownSession()
    await world.auth.refresh()
    const mark = [expect.stringMatching(/\|gen\|/), `2 ${world.clock.now()}`]
    expect(marks(world)).toEqual([mark])
    await world.auth.signOut({ redirect: false })
    expect(marks(world)).toEqual([mark])
  })

  test('what the tabs share is swept by the next sign-in, of sessions that nobody has renewed for a month', async () => {
    const world = await ownSession()
    const names = () => marks(world).map(([name]) => name)
    const tab = world.browser.openTab()
    const other = world.client(tab, { store: tab.sessionStore })
    const [forgotten] = names()
    await world.clock.advance(29 * day)
    await world.server.signInTo(other)
    world.browser.local.set(`${key}|gen|no mark`, 'something else')
    const rest = names().filter((name) => name !== forgotten)
    expect(names()).toEqual([forgotten, ...rest])
    await world.clock.advance(2 * day)
    await world.server.signInTo(other, 'grace')
    expect(names()).toEqual([...rest, expect.stringMatching(/\|gen\|/)])
  })
})

describe('what the tabs tell each other', () => {
  test('no message carries a token (A-80)', async () => {
    const world = await signedInTab()
    await anotherTab(world)
    const secrets = [await world.auth.getAccessToken()]
    await world.auth.refresh()
    secrets.push(await world.auth.getAccessToken(), ...sentTokens(world))
    await world.auth.signOut({ redirect: false })
    expect(world.browser.posted.length).toBeGreaterThan(0)
    for (const message of world.browser.posted)
      for (const secret of secrets) expect(message).not.toContain(secret)
  })

  test('a message anybody made up is a hint to look, and changes nothing (A-80)', async () => {
    const world = await signedInTab()
    const before = world.auth.getSession()
    const heard = listen(world.auth)
    const stranger = world.browser.openTab().ports.channel.open(key, () => undefined)
    for (const message of ['changed', 'signed-out', '{"status":"signed-out"}', '', '__proto__'])
      stranger.post(message)
    await world.clock.settle()
    expect(world.auth.getSession()).toBe(before)
    expect(heard).toEqual([])
    expect(refreshes(world)).toEqual([])
  })
})
