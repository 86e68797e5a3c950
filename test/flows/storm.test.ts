import { expect, test } from 'vitest'
import { expiredTab, refreshes, sentTokens, usersMe } from '../support/refreshes.ts'
import { signedInTab } from '../support/world.ts'

const thousand = Array.from({ length: 1000 })

const okay = (answers: Response[]) => answers.filter(({ ok }) => ok).length

test('1,000 calls on an expired token: one token request, 1,000 answers OK (A-43)', async () => {
  const world = await expiredTab()
  const answers = await Promise.all(thousand.map(() => world.auth.fetch(usersMe)))
  expect(okay(answers)).toBe(1000)
  expect(refreshes(world)).toHaveLength(1)
  expect(world.server.requestsTo('/users/me')).toHaveLength(1000)
})

test('1,000 calls that the server answers 401, all late: one token request, 1,000 answers OK (A-43)', async () => {
  const world = await signedInTab()
  await world.clock.advance(60_000)
  world.server.expireAccessTokens()
  const held = world.server.hold('/users/me')
  const calls = thousand.map(() => world.auth.fetch(usersMe))
  await world.until(() => held.count === 1000)
  held.release()
  expect(okay(await Promise.all(calls))).toBe(1000)
  expect(refreshes(world)).toHaveLength(1)
  expect(world.server.requestsTo('/users/me')).toHaveLength(2000)
})

test.each([0, 1000])(
  '1,000 calls that the server answers 401 %d ms after the sign-in: one token request, 1,000 answers OK (A-43, F12)',
  async (age) => {
    const world = await signedInTab()
    await world.clock.advance(age)
    world.server.expireAccessTokens()
    const answers = await Promise.all(thousand.map(() => world.auth.fetch(usersMe)))
    expect(okay(answers)).toBe(1000)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.requestsTo('/users/me')).toHaveLength(2000)
  },
)

test('401s that arrive after the refresh is long over are sent again with the token there is (A-44)', async () => {
  const world = await signedInTab()
  await world.clock.advance(60_000)
  world.server.expireAccessTokens()
  const held = world.server.hold('/users/me')
  const late = thousand.slice(500).map(() => world.auth.fetch(usersMe))
  await world.until(() => held.count === 500)
  const prompt = thousand.slice(500).map(() => world.auth.fetch('https://api.example.com/echo'))
  expect(okay(await Promise.all(prompt))).toBe(500)
  expect(refreshes(world)).toHaveLength(1)
  held.release()
  expect(okay(await Promise.all(late))).toBe(500)
  expect(refreshes(world)).toHaveLength(1)
})

test('1,000 calls, the refresh answer late as well, and half of the callers gone by then', async () => {
  const world = await expiredTab()
  const held = world.server.hold('/token')
  const controller = new AbortController()
  const leaving = thousand
    .slice(500)
    .map(() => world.auth.fetch(usersMe, { signal: controller.signal }))
  const staying = thousand.slice(500).map(() => world.auth.fetch(usersMe))
  const left = Promise.allSettled(leaving)
  await world.until(() => held.count)
  controller.abort(new Error('gone'))
  held.release()
  expect(okay(await Promise.all(staying))).toBe(500)
  for (const outcome of await left)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'gone' } })
  expect(refreshes(world)).toHaveLength(1)
})

test('1,000 calls to an API that answers 401 for ever: one refresh, each call sent twice at most (A-42)', async () => {
  const world = await signedInTab()
  await world.clock.advance(60_000)
  world.server.fault('api-401', {})
  const answers = await Promise.all(thousand.map(() => world.auth.fetch(usersMe)))
  expect(answers.every(({ status }) => status === 401)).toBe(true)
  expect(refreshes(world)).toHaveLength(1)
  expect(world.server.requestsTo('/users/me')).toHaveLength(2000)
  await world.auth.fetch(usersMe)
  expect(refreshes(world)).toHaveLength(1)
})

test('1,000 calls on a session that the server has ended: one token request, and the end is told once', async () => {
  const world = await expiredTab()
  world.server.revokeSessions()
  const outcomes = await Promise.allSettled(thousand.map(() => world.auth.fetch(usersMe)))
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
  expect(refreshes(world)).toHaveLength(1)
  expect(world.heard.filter(({ name }) => name === 'signed-out')).toHaveLength(1)
  expect(world.heard.filter(({ name }) => name === 'refresh-failed')).toHaveLength(1)
  expect(world.heard.filter(({ name }) => name === 'sign-in-required')).toHaveLength(1)
})

test('a week of expiries, 401s and passing failures: the server never sees a spent token', async () => {
  const world = await signedInTab()
  for (let day = 0; day < 6; day += 1) {
    await world.clock.advance(21 * 3_600_000)
    if (day % 2) world.server.fault('try-later', { path: '/token', times: 1 })
    else world.server.expireAccessTokens()
    await Promise.allSettled(thousand.slice(990).map(() => world.auth.fetch(usersMe)))
    world.tab.wake()
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  }
  expect(new Set(sentTokens(world)).size).toBe(6)
  expect(world.server.revoked).toEqual([])
})
