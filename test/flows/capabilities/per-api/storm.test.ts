import { describe, expect, test } from 'vitest'
import type { PkceClient } from '../../../../src/index.ts'
import {
  asked,
  bills,
  entries,
  orders,
  reports,
  signedInToApis,
  tokenRequests,
  tokensAt,
} from '../../../support/apis.ts'
import { expectNoTokenSentTwice, refreshes } from '../../../support/refreshes.ts'
import { anotherTab } from '../../../support/world.ts'
import type { World } from '../../../support/world.ts'

const thousand = Array.from({ length: 1000 })
const apis = [orders, bills]

/** The calls of one tab, to two APIs in turn. */
const calls = (auth: PkceClient) =>
  thousand.map((_, index) => auth.fetch(`${apis[index % 2]!}users/me`))

const okay = (answers: Response[]) => answers.filter(({ ok }) => ok).length

/** Both tokens are there, and have expired. */
async function expired() {
  const world = await signedInToApis()
  await world.auth.fetch(`${bills}users/me`)
  await world.clock.advance(900_000)
  return world
}

/** The most token requests that were under way at one time, from now on. */
function watchGrants(world: World): { most: number } {
  const watched = { most: 0 }
  let now = 0
  const { fetch } = world.options
  world.options.fetch = async (input, init) => {
    const isGrant = (input as string).endsWith('/token')
    if (isGrant) watched.most = Math.max(watched.most, (now += 1))
    try {
      return await fetch!(input, init)
    } finally {
      if (isGrant) now -= 1
    }
  }
  return watched
}

describe('two APIs whose tokens expire at once', () => {
  test('1,000 calls: two token requests, one after the other, 1,000 answers OK (C-17, C-82)', async () => {
    const world = await expired()
    const grants = watchGrants(world)
    const auth = world.client()
    await auth.start()
    const sent = tokenRequests(world).length
    expect(okay(await Promise.all(calls(auth)))).toBe(1000)
    expect(asked(world, sent)).toHaveLength(2)
    expect(asked(world, sent)).toEqual(
      expect.arrayContaining([{ resource: orders }, { resource: bills }]),
    )
    expect(grants.most).toBe(1)
    expectNoTokenSentTwice(world)
    for (const api of apis) expect(new Set(tokensAt(world, api).slice(-500)).size).toBe(1)
  })

  test('1,000 calls that the APIs answer 401: two token requests', async () => {
    const world = await signedInToApis()
    await world.auth.fetch(`${bills}users/me`)
    await world.clock.advance(60_000)
    world.server.expireAccessTokens()
    const sent = tokenRequests(world).length
    expect(okay(await Promise.all(calls(world.auth)))).toBe(1000)
    expect(tokenRequests(world)).toHaveLength(sent + 2)
    expectNoTokenSentTwice(world)
  })

  test.each([2, 8])('%d tabs: two token requests, one after the other', async (count) => {
    const world = await expired()
    const grants = watchGrants(world)
    const clients = [world.client()]
    await clients[0]!.start()
    while (clients.length < count) clients.push((await anotherTab(world)).auth)
    const sent = tokenRequests(world).length
    const answers = await Promise.all(clients.flatMap(calls))
    expect(okay(answers)).toBe(count * 1000)
    expect(tokenRequests(world)).toHaveLength(sent + 2)
    expect(grants.most).toBe(1)
    expectNoTokenSentTwice(world)
  })

  test('the first request fails on the way: the second waits as well, and both are made later', async () => {
    const world = await expired()
    world.server.fault('try-later', { path: '/token', times: 1 })
    const outcomes = await Promise.allSettled(calls(world.auth))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(tokenRequests(world)).toHaveLength(3)
    await world.clock.advance(120_000)
    expect(okay(await Promise.all(calls(world.auth)))).toBe(1000)
    expect(world.server.revoked).toEqual([])
  })

  test('the session ends with the first request: one token request, all calls reject', async () => {
    const world = await expired()
    world.server.revokeSessions()
    const sent = tokenRequests(world).length
    const outcomes = await Promise.allSettled(calls(world.auth))
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(tokenRequests(world).length - sent).toBeLessThanOrEqual(2)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('the user signs out meanwhile: no token comes back, and no call goes out', async () => {
    const world = await expired()
    const held = world.server.hold('/token')
    const outcomes = Promise.allSettled(calls(world.auth))
    await world.until(() => held.count === 1)
    const before = tokensAt(world, bills).length
    const leaving = world.auth.signOut({ redirect: false, revoke: false })
    await world.clock.settle()
    held.release()
    await leaving
    for (const { status } of await outcomes) expect(status).toBe('rejected')
    expect(tokensAt(world, bills)).toHaveLength(before)
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out', access: {} })
    expect(refreshes(world).length).toBeLessThanOrEqual(2)
  })
})

test('a third API that is refused costs the other two nothing', async () => {
  const world = await signedInToApis([entries.orders, entries.bills, entries.reports])
  world.server.fault('token-refused', { on: 'refresh', api: 'reports', as: '400 invalid_target' })
  const [refused, ...answers] = await Promise.allSettled([
    world.auth.fetch(`${reports}echo`),
    ...calls(world.auth),
  ])
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'server_error' } })
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1000)
  expect(refreshes(world)).toHaveLength(2)
  expect(tokensAt(world, reports)).toEqual([])
})

test('a day of renewals in two tabs: no token is ever sent to the other API (A-41)', async () => {
  const world = await signedInToApis()
  const other = await anotherTab(world)
  for (let round = 0; round < 20; round += 1) {
    await world.clock.advance(450_000)
    await Promise.all([
      world.auth.fetch(`${bills}users/me`),
      other.auth.fetch(`${orders}users/me`),
      other.auth.fetch(`${bills}users/me`),
      world.auth.refresh(),
    ])
  }
  const [atOrders, atBills] = apis.map((api) => new Set(tokensAt(world, api)))
  for (const token of atOrders!) expect(atBills).not.toContain(token)
  expectNoTokenSentTwice(world)
})
