import { describe, expect, test } from 'vitest'
import type { FakeTab } from '../../../src/testing/index.ts'
import { atToken } from '../../support/faults.ts'
import {
  expectNoTokenSentTwice,
  expiredTab,
  failure,
  refreshes,
  usersMe,
} from '../../support/refreshes.ts'
import { anotherTab } from '../../support/world.ts'

describe('a tab that crashes, freezes or sleeps while it holds the lock', () => {
  type Leave = (tab: FakeTab) => void
  test.each<[string, Leave]>([
    ['crashes', (tab) => tab.crash()],
    ['is closed', (tab) => tab.close()],
    ['is reloaded', (tab) => tab.load()],
  ])('it %s before its request arrived: another tab sends at once', async (_, leave) => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    world.server.fault('hang', { ...atToken, times: 1 })
    void world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    const call = other.auth.fetch(usersMe)
    await world.until(() => world.browser.locks.waiting)
    leave(world.tab)
    expect((await call).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
    expect(world.server.revoked).toEqual([])
  })

  test('it crashes after its request arrived: the session ends with the reason, in every tab', async () => {
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

  test('it freezes before its request arrived: a tab that has waited awake for half a minute takes over', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    world.server.fault('hang', { ...atToken, times: 1 })
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

  test('it freezes with the response under way: the response is used when it wakes', async () => {
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

  test('a computer that sleeps for a minute: the sleep does not count as waiting', async () => {
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
      ...atToken,
      status: 400,
      body: { error: 'invalid_grant' },
      times: 1,
    })
    world.server.fault('slow-headers', { ...atToken, milliseconds: 5000, times: 1 })
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
