import { describe, expect, test } from 'vitest'
import type { PkceClient } from '../../src/index.ts'
import { createQuickClock } from '../session/chaos/quick-clock.ts'
import { atToken, fail, status } from '../support/faults.ts'
import type { FaultRow } from '../support/faults.ts'
import { expiredTab, failure, recovered, refreshes, usersMe } from '../support/refreshes.ts'
import { signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const page = { body: '<html>', headers: { 'content-type': 'text/html' } }
const minute = 60_000

const outages: FaultRow[] = [
  ['a network error', ['network-error', atToken]],
  ['silence', ['hang', atToken]],
  ['408', status(408)],
  ['429', status(429)],
  ['500', status(500)],
  ['502', status(502)],
  ['503', status(503)],
  ['504', status(504)],
  ['the page of a captive portal', ['respond', { ...atToken, ...page }]],
  ['an answer that CORS hides', ['no-cors', atToken]],
  ['an empty body', status(200)],
]

/** Four tabs of one session whose access token has expired. */
async function fourTabs() {
  const world = await expiredTab({ clock: createQuickClock(1), server: { rotation: false } })
  const others = [1, 2, 3].map(() => world.client(world.browser.openTab()))
  await Promise.all(others.map((auth) => auth.start()))
  return Object.assign(world, { clients: [world.auth, ...others] })
}

/** For one minute every tab makes ten calls every other second; how many refresh requests that costs. */
async function busyMinute(world: World & { clients: PkceClient[] }) {
  const before = refreshes(world).length
  const failures: Promise<unknown>[] = []
  for (let second = 0; second < 60; second += 2) {
    for (const auth of world.clients)
      for (let call = 0; call < 10; call += 1) failures.push(failure(auth.fetch(usersMe)))
    await world.clock.advance(2000)
  }
  return { sent: refreshes(world).length - before, failures }
}

describe('a token endpoint that is out for minutes, four tabs and 1,200 calls a minute', () => {
  test.each(outages)(
    '%s: ten requests in the first minute, three in each later one, and the session is kept',
    async (_, fault) => {
      const world = await fourTabs()
      const mend = fail(world, fault)
      const first = await busyMinute(world)
      const later = [await busyMinute(world), await busyMinute(world), await busyMinute(world)]
      expect(first.sent).toBeGreaterThan(1)
      expect(first.sent).toBeLessThanOrEqual(10)
      for (const { sent } of later) expect(sent).toBeLessThanOrEqual(3)
      await world.clock.advance(minute)
      for (const { failures } of [first, ...later])
        for (const error of await Promise.all(failures))
          expect(error).toMatchObject({ retryable: true, sessionEnded: false })
      for (const auth of world.clients)
        expect(auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })

      mend()
      // The last request of the silent server may still be waited for.
      await world.clock.advance(15_000)
      world.tab.wake()
      for (const auth of world.clients) await recovered(world, auth)
    },
    60_000,
  )

  test.each(outages)(
    '%s while the access token is still good: calls go on, one probe at a time',
    async (_, fault) => {
      const world = await signedInTab({ clock: createQuickClock(1), server: { rotation: false } })
      await world.clock.advance(845_000)
      fail(world, fault)
      for (let second = 0; second < 10; second += 1) {
        const answers = await Promise.all([1, 2, 3].map(() => world.auth.fetch(usersMe)))
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
        await world.clock.advance(1000)
      }
      expect(refreshes(world).length).toBeGreaterThan(0)
      expect(refreshes(world).length).toBeLessThanOrEqual(7)
    },
    60_000,
  )
})
