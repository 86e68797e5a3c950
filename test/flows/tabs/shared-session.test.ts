import { describe, expect, test } from 'vitest'
import {
  expectNoTokenSentTwice,
  expiredTab,
  factsOf,
  failure,
  refreshes,
  sentTokens,
  usersMe,
} from '../../support/refreshes.ts'
import { anotherTab, usualSessionKey, listen, signedInTab } from '../../support/world.ts'

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

  test('tabs that refresh in turn for a day never send a used token (A-51)', async () => {
    const world = await signedInTab()
    const clients = [world.auth, (await anotherTab(world)).auth, (await anotherTab(world)).auth]
    for (let hour = 0; hour < 24; hour += 1) {
      await world.clock.advance(3_600_000)
      expect((await clients[hour % 3]!.fetch(usersMe)).status).toBe(200)
    }
    expect(refreshes(world)).toHaveLength(24)
    expectNoTokenSentTwice(world)
  })

  test('a tab learns of a refresh in another one without a request of its own', async () => {
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

  test('a tab back from the back/forward cache, which received no messages, sees that the session has ended', async () => {
    const world = await signedInTab()
    const other = await anotherTab(world)
    other.tab.ports.host.navigate('https://elsewhere.example/')
    await world.clock.settle()
    await world.auth.signOut({ redirect: false })
    other.tab.restoreFromBackForwardCache()
    await world.clock.settle()
    expect(other.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })

  test('a tab that receives no messages sees when it wakes that another user has signed in', async () => {
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

  test('a tab that received no message reads the store before it sends, and never returns an expired token', async () => {
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

describe('messages between tabs', () => {
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

  test('a forged message makes a tab read the store, and changes nothing (A-80)', async () => {
    const world = await signedInTab()
    const before = world.auth.getSession()
    const heard = listen(world.auth)
    const stranger = world.browser.openTab().ports.channel.open(usualSessionKey, () => undefined)
    for (const message of ['changed', 'signed-out', '{"status":"signed-out"}', '', '__proto__'])
      stranger.post(message)
    await world.clock.settle()
    expect(world.auth.getSession()).toBe(before)
    expect(heard).toEqual([])
    expect(refreshes(world)).toEqual([])
  })
})
