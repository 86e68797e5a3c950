import { describe, expect, test } from 'vitest'
import { atToken, fail } from '../../support/faults.ts'
import {
  expiredTab,
  factsOf,
  failure,
  fresh,
  refreshes,
  renewedNow,
  sentTokens,
  usersMe,
} from '../../support/refreshes.ts'
import { anotherTab, listen, signedInTab } from '../../support/world.ts'

describe('things that happen while a refresh is under way', () => {
  test('leaving the page, which must not abort the request', async () => {
    const inits: (RequestInit | undefined)[] = []
    const world = await expiredTab()
    const { fetch } = world.server
    const auth = world.client(world.browser.openTab(), {
      fetch: (input, init) => {
        if ((input as string).endsWith('/token')) inits.push(init)
        return fetch(input, init)
      },
    })
    const events = listen(auth)
    await auth.getAccessToken()
    expect(inits).toMatchObject([{ keepalive: true }])
    const requests = events.filter(({ name }) => name === 'request').map(({ facts }) => facts)
    expect(requests).toContainEqual(expect.objectContaining({ what: 'refresh' }))
  })

  test('signing out; the new tokens are dropped, and revoked (A-53)', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const call = failure(world.auth.fetch(usersMe))
    await world.until(() => held.count)
    await world.auth.signOut({ redirect: false })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    const revocations = world.server.requestsTo('/revoke').length
    held.release()
    expect(await call).toMatchObject({ code: 'session_ended', sessionEnded: true })
    await world.until(() => world.server.requestsTo('/revoke').length > revocations)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).not.toHaveProperty('refreshToken')
    expect(factsOf(world.heard, 'token-refreshed')).toEqual([])
  })

  test('another user signing in; the new tokens of the first are dropped and revoked, and her call is not sent with a token of the other (A-54)', async () => {
    const world = await expiredTab()
    fail(world, ['slow-headers', { ...atToken, milliseconds: 5000, times: 1 }])
    const call = failure(world.auth.fetch(usersMe))
    await world.until(() => refreshes(world).length)
    await world.server.signInTo(world.client(world.browser.openTab()), 'grace')
    await world.clock.advance(5000)
    expect(await call).toMatchObject({ code: 'session_ended' })
    await world.until(() => world.server.revoked.length)
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    expect(world.server.requestsTo('/users/me')).toEqual([])
    expect(world.server.revoked).toMatchObject([{ username: 'ada', reason: 'revoked-by-client' }])
    expect(await (await world.auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
  })

  test('the same user signing in again: the call goes on with the new session', async () => {
    const world = await expiredTab()
    fail(world, ['slow-headers', { ...atToken, milliseconds: 5000, times: 1 }])
    const call = world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    await world.server.signInTo(world.auth)
    await world.clock.advance(5000)
    expect((await call).status).toBe(200)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test("the caller's abort ends only the caller's wait", async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const reason = new Error('navigated away')
    const controller = new AbortController()
    const call = world.auth.refresh({ signal: controller.signal })
    await world.until(() => held.count)
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    held.release()
    await renewedNow(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('close(): the rotated token is still saved, and nothing is left running', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const call = world.auth.refresh()
    await world.until(() => held.count)
    world.auth.close()
    held.release()
    await call
    await world.clock.settle()
    expect(world.storedSession()!.refreshToken).not.toBe(sentTokens(world)[0])
    expect(world.clock.timers).toBe(0)
    expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
  })
})

describe('after close()', () => {
  test('no timer, lock, listener or channel is left, even with a back-off running', async () => {
    const world = await expiredTab()
    fail(world, ['network-error', atToken])
    await failure(world.auth.fetch(usersMe))
    expect(world.clock.timers).toBe(1)
    world.auth.close()
    expect(world.clock.timers).toBe(0)
    expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
    world.tab.wake()
    await world.clock.advance(3_600_000)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('messages of other tabs are ignored', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const heard = listen(other)
    other.close()
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    expect(heard).toEqual([])
  })

  test('a check that a wake-up has begun sends nothing', async () => {
    const world = await expiredTab()
    world.tab.wake()
    world.auth.close()
    await world.clock.advance(60_000)
    expect(refreshes(world)).toEqual([])
  })

  test('a client that is closed before it starts opens nothing', async () => {
    const world = await signedInTab()
    const other = world.client(world.browser.openTab())
    other.close()
    await other.start()
    await world.auth.refresh()
    await world.clock.settle()
    expect(other.getSession()).toEqual({ status: 'unknown' })
    expect(world.clock.timers).toBe(0)
  })
})
