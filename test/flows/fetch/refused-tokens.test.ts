import { describe, expect, test } from 'vitest'
import type { PkceClient } from '../../../src/index.ts'
import {
  expiredTab,
  factsOf,
  fresh,
  refreshes,
  renewedNow,
  usersMe,
} from '../../support/refreshes.ts'
import { anotherTab, appOrigin, listen, signedInTab } from '../../support/world.ts'

const statusOf = async (auth: PkceClient) => (await auth.fetch(usersMe)).status

/** Ada signed in a second ago, and the API accepts none of her tokens. */
async function refusedForEver() {
  const world = await signedInTab()
  await world.clock.advance(1000)
  world.server.fault('api-401', {})
  return world
}

describe('a token that the API refuses is refreshed once, whatever its age', () => {
  test.each([0, 1, 1000, 9999, 10_000])(
    'a token of %d ms is refreshed, and the call answered (F12)',
    async (age) => {
      const world = await signedInTab()
      await world.clock.advance(age)
      world.server.expireAccessTokens()
      expect(await statusOf(world.auth)).toBe(200)
      expect(refreshes(world)).toHaveLength(1)
      expect(world.server.requestsTo('/users/me')).toHaveLength(2)
    },
  )

  test('a token that a refresh has just brought, though no 401 was the reason, is refreshed as well (F12)', async () => {
    const world = await expiredTab()
    expect(await statusOf(world.auth)).toBe(200)
    world.server.expireAccessTokens()
    expect(await statusOf(world.auth)).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('getUserInfo() refreshes a new token as well (F12)', async () => {
    const world = await signedInTab()
    world.server.expireAccessTokens()
    expect(await world.auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a token from a refresh after a 401 is not refreshed again for ten seconds (F12)', async () => {
    const world = await refusedForEver()
    expect(await statusOf(world.auth)).toBe(401)
    await world.clock.advance(9999)
    expect(await statusOf(world.auth)).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.requestsTo('/users/me')).toHaveLength(3)
    await world.clock.advance(1)
    expect(await statusOf(world.auth)).toBe(401)
    expect(refreshes(world)).toHaveLength(2)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test('the ten seconds begin when the new token is there, however slow the answer was (F12)', async () => {
    const world = await refusedForEver()
    world.server.fault('slow-headers', { path: '/token', milliseconds: 12_000 })
    const call = statusOf(world.auth)
    await world.clock.advance(12_000)
    expect(await call).toBe(401)
    expect(await statusOf(world.auth)).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('neither in another tab nor after a reload (F12)', async () => {
    const world = await refusedForEver()
    const other = await anotherTab(world)
    expect(await statusOf(world.auth)).toBe(401)
    expect(await statusOf(other.auth)).toBe(401)
    const reloaded = world.load(world.tab, `${appOrigin}/`)
    expect(await statusOf(reloaded)).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(10_000)
    expect(await statusOf(reloaded)).toBe(401)
    expect(await statusOf(other.auth)).toBe(401)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('getUserInfo() and fetch share the ten seconds (F12)', async () => {
    const world = await refusedForEver()
    world.server.fault('respond', { path: '/userinfo', status: 401 })
    await expect(world.auth.getUserInfo()).rejects.toThrow('userinfo')
    expect(await statusOf(world.auth)).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
  })

  test.each(['the refresh', 'the call'])(
    'a refused call and another refresh share one request, and %s is first: it counts as one after a 401 (F12)',
    async (first) => {
      const world = await refusedForEver()
      const held = world.server.hold('/token')
      const begin = {
        'the refresh': () => world.auth.refresh(),
        'the call': () => statusOf(world.auth),
      }
      const [one, other] =
        first === 'the call' ? [begin['the call'], begin['the refresh']] : Object.values(begin)
      const work = [one!()]
      await world.until(() => held.count)
      work.push(other!())
      await world.until(() => world.server.requestsTo('/users/me').length)
      await world.clock.settle()
      held.release()
      await Promise.all(work)
      expect(await statusOf(world.auth)).toBe(401)
      expect(refreshes(world)).toHaveLength(1)
    },
  )

  test('the next refresh for another reason is not taken for one after a 401 (F12)', async () => {
    const world = await signedInTab()
    world.server.expireAccessTokens()
    expect(await statusOf(world.auth)).toBe(200)
    await world.auth.refresh()
    world.server.expireAccessTokens()
    expect(await statusOf(world.auth)).toBe(200)
    expect(refreshes(world)).toHaveLength(3)
  })

  test('a refresh after a 401 that failed is no reason to wait, once the server is well (F12)', async () => {
    const world = await refusedForEver()
    world.server.fault('try-later', { path: '/token', times: 1, retryAfter: '' })
    await expect(world.auth.fetch(usersMe)).rejects.toMatchObject({ retryable: true })
    world.server.clearFaults()
    world.server.expireAccessTokens()
    await world.clock.advance(1000)
    expect(await statusOf(world.auth)).toBe(200)
    world.server.expireAccessTokens()
    expect(await statusOf(world.auth)).toBe(200)
  })

  test('a clock that was set back says nothing, and costs one refresh (F12)', async () => {
    const world = await refusedForEver()
    expect(await statusOf(world.auth)).toBe(401)
    world.clock.jump(-3_600_000)
    expect(await statusOf(world.auth)).toBe(401)
    expect(await statusOf(world.auth)).toBe(401)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a call is not sent again with the token it was refused with, though a refresh under way brought that (F12)', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    await other.auth.refresh()
    await world.clock.advance(900_000)
    // A new page begins to refresh and waits for the metadata; meanwhile another tab is done, and its token is refused.
    const held = world.server.hold('/.well-known/openid-configuration')
    const auth = world.load(world.tab, `${appOrigin}/`)
    await auth.start()
    const refreshing = auth.refresh()
    await world.until(() => held.count)
    await other.auth.refresh()
    await renewedNow(world, auth)
    world.server.expireAccessTokens()
    const call = statusOf(auth)
    await world.until(() => world.server.requestsTo('/users/me').length)
    await world.clock.settle()
    held.release()
    expect(await call).toBe(200)
    await refreshing
  })
})

describe('without a refresh token', () => {
  const online = { params: { scope: 'openid profile' } }

  test.each([0, 9999])(
    'a token of %d ms that is refused ends nothing: the caller gets the 401, and an event tells (F12)',
    async (age) => {
      const world = await signedInTab(online)
      const heard = listen(world.auth)
      await world.clock.advance(age)
      world.server.fault('api-401', {})
      expect(await statusOf(world.auth)).toBe(401)
      expect(world.auth.getSession()).toMatchObject(fresh)
      expect(factsOf(heard, 'sign-in-required')).toEqual([])
      const [failed] = factsOf(heard, 'refresh-failed')
      expect(failed!.error).toMatchObject({ code: 'sign_in_required', sessionEnded: false })
      expect(failed!.error.message).toContain('401')
      expect(failed!.error.message).toContain('offline_access')
    },
  )

  test('the event comes once for each token, however many calls are refused (F12)', async () => {
    const world = await signedInTab(online)
    const heard = listen(world.auth)
    world.server.fault('api-401', {})
    for (let call = 0; call < 5; call += 1) expect(await statusOf(world.auth)).toBe(401)
    expect(factsOf(heard, 'refresh-failed')).toHaveLength(1)
    const { url } = await world.auth.createAuthorizationUrl(online.params)
    await world.auth.handleCallback(await world.server.authorize(url))
    expect(await statusOf(world.auth)).toBe(401)
    expect(factsOf(heard, 'refresh-failed')).toHaveLength(2)
  })

  test('getUserInfo() does not end a new session either (F12)', async () => {
    const world = await signedInTab(online)
    world.server.fault('respond', { path: '/userinfo', status: 401 })
    await expect(world.auth.getUserInfo()).rejects.toMatchObject({ code: 'server_error' })
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test('a refused token of ten seconds or more ends the session, as before (F12)', async () => {
    const world = await signedInTab(online)
    await world.clock.advance(10_000)
    world.server.fault('api-401', {})
    expect(await statusOf(world.auth)).toBe(401)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })
})
