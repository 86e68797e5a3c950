import { describe, expect, test } from 'vitest'
import { atToken } from '../../support/faults.ts'
import { expiredTab, failure, recovered, refreshes, usersMe } from '../../support/refreshes.ts'
import { anotherTab } from '../../support/world.ts'
import type { SignedInOptions } from '../../support/world.ts'

describe('all tabs share one back-off', () => {
  async function fiveTabs(options: SignedInOptions = {}) {
    const world = await expiredTab(options)
    const others = await Promise.all(Array.from({ length: 4 }, () => anotherTab(world)))
    return Object.assign(world, {
      clients: [world.auth, ...others.map(({ auth }) => auth)],
      others,
    })
  }

  test('five tabs without a network make one request per step', async () => {
    const world = await fiveTabs()
    world.server.fault('network-error', atToken)
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
    const mend = world.server.fault('network-error', atToken)
    await failure(world.auth.fetch(usersMe))
    mend()
    await world.clock.advance(1100)
    for (const auth of world.clients) await recovered(world, auth)
    expect(refreshes(world)).toHaveLength(3)
  })

  test('tabs that wake at once make one request', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('try-later', { ...atToken, retryAfter: 300 })
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    mend()
    for (const tab of world.browser.tabs) tab.wake()
    for (const auth of world.clients) await recovered(world, auth)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('while one tab tries again, calls in the others wait for what comes of it', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('network-error', atToken)
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

  test('while one tab tries and fails, calls in the others wait, and fail with it', async () => {
    const world = await fiveTabs()
    const mend = world.server.fault('network-error', atToken)
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    mend()
    world.server.fault('try-later', { ...atToken, retryAfter: 60 })
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
    world.server.fault('network-error', atToken)
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
    const mend = world.server.fault('network-error', atToken)
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    world.tab.close()
    mend()
    await world.clock.advance(1100)
    await recovered(world, world.others[0]!.auth)
  })
})
