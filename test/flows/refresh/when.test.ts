import { describe, expect, test } from 'vitest'
import { fail } from '../../support/faults.ts'
import type { Fault } from '../../support/faults.ts'
import {
  expiredTab,
  failure,
  refreshes,
  renewedNow,
  stale,
  usersMe,
} from '../../support/refreshes.ts'
import { createWorld, signedInTab } from '../../support/world.ts'

describe('expires_in', () => {
  test.each<[string, Fault, number | undefined]>([
    ['absent', ['expires-in', { on: 'refresh' }], undefined],
    ['0', ['expires-in', { on: 'refresh', value: 0 }], undefined],
    ['negative', ['expires-in', { on: 'refresh', value: -1 }], undefined],
    ['"3600"', ['expires-in', { on: 'refresh', value: '3600' }], 3600],
    ['"3600abc"', ['expires-in', { on: 'refresh', value: '3600abc' }], undefined],
    ['null', ['expires-in', { on: 'refresh', value: null }], undefined],
    ['[]', ['expires-in', { on: 'refresh', value: [] }], undefined],
    ['1e12', ['expires-in', { on: 'refresh', value: 1e12 }], 365 * 86_400],
    ['1e999', ['expires-in', { on: 'refresh', raw: '1e999' }], 365 * 86_400],
    ['true', ['expires-in', { on: 'refresh', value: true }], undefined],
    ['half a second', ['expires-in', { on: 'refresh', value: 0.5 }], 0.5],
  ])('%s (A-56, G4)', async (_, fault, seconds) => {
    const world = await expiredTab()
    fail(world, fault)
    const session = await world.auth.refresh()
    expect(session.expiresAt).toBe(
      seconds === undefined ? undefined : world.clock.now() + seconds * 1000,
    )
    expect(world.clock.timers).toBe(0)
  })

  test('NaN is not JSON, so the outcome is unknown and the session is kept (A-56)', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['expires-in', { on: 'refresh', raw: 'NaN' }])
    await failure(world.auth.refresh())
    expect(world.auth.getSession()).toMatchObject(stale)
  })

  test.each(['sign-in', 'refresh'] as const)(
    'a token of unknown lifetime, from a %s, is used until a 401 (C-46, A-56, G4)',
    async (on) => {
      const world = createWorld()
      world.server.fault('expires-in', { on, times: 1 })
      const auth = await world.signIn()
      if (on === 'refresh') await auth.refresh()
      const before = refreshes(world).length
      await world.clock.advance(850_000)
      expect((await auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(before)
      await world.clock.advance(100_000)
      expect((await auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(before + 1)
      expect(world.server.requestsTo('/users/me')).toHaveLength(3)
    },
  )

  test('tokens that live for a second are refreshed when used, and never in a loop (A-57)', async () => {
    const world = await signedInTab({ expiresIn: 1 })
    await world.clock.advance(60_000)
    expect(refreshes(world)).toEqual([])
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })
})

describe('when a token is refreshed', () => {
  test('a token is refreshed ahead of time while the caller goes on with the current one', async () => {
    const world = await signedInTab()
    await world.clock.advance(841_000)
    const held = world.server.hold('/token')
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    await world.until(() => held.count)
    held.release()
    await renewedNow(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a token is not refreshed before the last minute of its life', async () => {
    const world = await signedInTab()
    await world.clock.advance(839_999)
    await world.auth.fetch(usersMe)
    await world.clock.settle()
    expect(refreshes(world)).toEqual([])
    await world.clock.advance(1)
    await world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length === 1)
  })

  test('a token with a short life is refreshed a quarter of it ahead', async () => {
    const world = await signedInTab({ expiresIn: 40 })
    await world.clock.advance(29_000)
    await world.auth.fetch(usersMe)
    await world.clock.settle()
    expect(refreshes(world)).toEqual([])
    await world.clock.advance(1000)
    await world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length === 1)
  })

  test('an unused session sends nothing, for days', async () => {
    const world = await signedInTab()
    await world.clock.advance(3 * 86_400_000)
    expect(refreshes(world)).toEqual([])
    expect(world.clock.timers).toBe(0)
  })

  test('a token that is due is refreshed when the page wakes', async () => {
    const world = await expiredTab()
    world.tab.wake()
    await renewedNow(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a token that is not due is left alone when the page wakes', async () => {
    const world = await signedInTab()
    world.tab.wake()
    await world.clock.settle()
    expect(refreshes(world)).toEqual([])
  })

  test('minValidity returns a token that lasts that long', async () => {
    const world = await signedInTab()
    await world.clock.advance(700_000)
    const first = await world.auth.getAccessToken({ minValidity: 100 })
    expect(refreshes(world)).toEqual([])
    expect(await world.auth.getAccessToken({ minValidity: 300 })).not.toBe(first)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a minValidity longer than tokens live refreshes once in ten seconds, and not at each call', async () => {
    const world = await signedInTab({ expiresIn: 60 })
    const ask = () => world.auth.getAccessToken({ minValidity: 120 })
    await world.clock.advance(10_000)
    const token = await ask()
    for (let call = 0; call < 50; call += 1) expect(await ask()).toBe(token)
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(10_000)
    expect(await ask()).not.toBe(token)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a token that lives for seconds only is not returned after them', async () => {
    const world = await signedInTab({ expiresIn: 5 })
    const first = await world.auth.getAccessToken({ minValidity: 60 })
    await world.clock.advance(5000)
    expect(await world.auth.getAccessToken({ minValidity: 60 })).not.toBe(first)
  })

  test('a clock that jumps an hour ahead costs one refresh, and one that jumps back nothing (A-55)', async () => {
    const world = await signedInTab()
    world.clock.jump(3_600_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    world.clock.jump(-3_600_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a page that slept past the expiry refreshes and goes on (A-55)', async () => {
    const world = await signedInTab()
    world.tab.freeze()
    await world.clock.advance(8 * 3_600_000)
    world.tab.resume()
    world.tab.wake()
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('refresh() replaces a token that is still good, and calls at the same time share it', async () => {
    const world = await signedInTab()
    await Promise.all([world.auth.refresh(), world.auth.refresh(), world.auth.refresh()])
    expect(refreshes(world)).toHaveLength(1)
  })
})
