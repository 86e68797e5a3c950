import { describe, expect, test } from 'vitest'
import { atToken, fail, refused, status } from '../../support/faults.ts'
import type { Fault, FaultRow } from '../../support/faults.ts'
import type { TokenRefusal } from '../../../src/testing/faults/refusals.ts'
import {
  expiredTab,
  factsOf,
  failure,
  fresh,
  kept,
  recovered,
  refreshes,
  stale,
  usersMe,
} from '../../support/refreshes.ts'
import { appOrigin, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const passing: FaultRow[] = [
  ['408', status(408)],
  ['429', ['try-later', { ...atToken, status: 429, retryAfter: 1 }]],
  ['503', status(503)],
  ['the page of a captive portal', ['html-200']],
  ['a redirect', ['redirect-token']],
  ['511, network authentication required', status(511)],
]

describe('transient failures', () => {
  test.each(passing)(
    '%s: one request, the session is kept and the refresh is tried again later (C-76)',
    async (_, fault) => {
      const world = await expiredTab({ server: { rotation: false } })
      const before = kept(world)
      const mend = fail(world, fault)
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ retryable: true, sessionEnded: false })
      expect(refreshes(world)).toHaveLength(1)
      expect(kept(world)).toEqual(before)
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])
      mend()
      await world.clock.advance(1600)
      await recovered(world, world.auth)
      expect(refreshes(world)).toHaveLength(2)
    },
  )

  test('a redirect of the token endpoint is not followed, and the token goes nowhere else (A-71)', async () => {
    const world = await expiredTab()
    fail(world, ['redirect-token', { status: 307 }])
    await failure(world.auth.fetch(usersMe))
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
  })

  test.each([
    ['30', 30_000],
    ['600', 300_000],
    ['1e9', 300_000],
    ['Thu, 01 Jan 2026 00:17:00 GMT', 120_000],
    ['Thu, 01 Jan 2026 12:00:00 GMT', 300_000],
  ])('Retry-After %s holds back every call for %i ms (A-58)', async (retryAfter, wait) => {
    const world = await expiredTab()
    fail(world, ['try-later', { ...atToken, retryAfter, times: 1 }])
    await failure(world.auth.fetch(usersMe))
    await world.clock.advance(wait - 1000)
    await failure(world.auth.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(1600)
    await recovered(world, world.auth)
    expect(refreshes(world)).toHaveLength(2)
  })

  test.each(['30', 'Thu, 01 Jan 2026 00:15:30 GMT'])(
    'clients that are told the same time, %s, do not all come back at once (F13)',
    async (retryAfter) => {
      const times = [0, 0.5, 1].map(async (chance) => {
        const world = await expiredTab()
        world.tab.load(`${appOrigin}/`)
        const clock = { ...world.tab.ports.clock, random: () => chance }
        const auth = world.client(world.tab, { clock })
        fail(world, ['try-later', { ...atToken, retryAfter, times: 1 }])
        await failure(auth.fetch(usersMe))
        const failed = world.clock.now()
        await world.clock.advance(31_000)
        return refreshes(world)[1]!.at - failed
      })
      expect(await Promise.all(times)).toEqual([30_000, 30_250, 30_500])
    },
  )

  test.each(['Thu, 01 Jan 2026 00:19:00 GMT', '240'])(
    'Retry-After %s, again and again: a wake-up lifts one back-off, and the next one counts (F13)',
    async (retryAfter) => {
      const world = await expiredTab()
      world.tab.load(`${appOrigin}/`)
      // Without jitter the next back-off ends at the same date.
      const clock = { ...world.tab.ports.clock, random: () => 0 }
      const auth = world.client(world.tab, { clock })
      fail(world, ['try-later', { ...atToken, retryAfter }])
      await failure(auth.fetch(usersMe))
      world.tab.wake()
      await world.until(() => refreshes(world).length === 2)
      await world.clock.settle()
      for (let call = 0; call < 20; call += 1) await failure(auth.fetch(usersMe))
      expect(refreshes(world)).toHaveLength(2)
    },
  )

  test.each(['-5', '0', 'soon', '', 'Thu, 01 Jan 2026 00:00:00 GMT'])(
    'Retry-After "%s" is ignored (A-58)',
    async (retryAfter) => {
      const world = await expiredTab()
      fail(world, ['try-later', { ...atToken, retryAfter, times: 1 }])
      await failure(world.auth.fetch(usersMe))
      await world.clock.advance(1100)
      await recovered(world, world.auth)
    },
  )

  test('without a network, attempts become rarer, and calls add none', async () => {
    const world = await expiredTab()
    fail(world, ['network-error', atToken])
    await failure(world.auth.fetch(usersMe))
    for (let minute = 0; minute < 60; minute += 1) {
      await failure(world.auth.fetch(usersMe))
      await world.clock.advance(60_000)
    }
    const times = refreshes(world).map((request) => request.at)
    const gaps = times.slice(2).map((time, index) => time - times[index + 1]!)
    gaps.forEach((gap, index) => {
      const full = Math.min(1000 * 2 ** index, 60_000)
      expect(gap).toBeGreaterThanOrEqual(full / 2)
      expect(gap).toBeLessThanOrEqual(full + 2)
    })
    expect(gaps.length).toBeGreaterThan(60)
    expect(world.auth.getSession()).toMatchObject(stale)
  })

  test.each([
    [0, 500],
    [0.5, 750],
    [1, 1000],
  ])(
    'the first pause is between half a second and a second: with the random number %d, %d ms',
    async (chance, pause) => {
      const world = await expiredTab()
      world.tab.load(`${appOrigin}/`)
      const clock = { ...world.tab.ports.clock, random: () => chance }
      const auth = world.client(world.tab, { clock })
      fail(world, ['try-later', { ...atToken, retryAfter: '', times: 1 }])
      await failure(auth.fetch(usersMe))
      await world.clock.advance(pause - 1)
      expect(refreshes(world)).toHaveLength(1)
      await world.clock.advance(1)
      await recovered(world, auth)
      expect(refreshes(world)).toHaveLength(2)
    },
  )

  test('during the back-off, calls fail at once with the reason of the last failure', async () => {
    const world = await expiredTab()
    fail(world, ['network-error', atToken])
    const first = await failure(world.auth.fetch(usersMe))
    expect(await failure(world.auth.fetch(usersMe))).toBe(first)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('the first success resets the back-off', async () => {
    const world = await expiredTab()
    const mend = fail(world, ['network-error', atToken])
    await failure(world.auth.fetch(usersMe))
    await world.clock.advance(20_000)
    mend()
    world.tab.wake()
    await recovered(world, world.auth)
    expect(world.storedSession()).not.toHaveProperty('pending')
  })

  test('a page that wakes resets the back-off at once', async () => {
    const world = await expiredTab()
    const mend = fail(world, ['try-later', { ...atToken, retryAfter: 300 }])
    await failure(world.auth.fetch(usersMe))
    mend()
    world.tab.wake()
    await recovered(world, world.auth)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a clock that was set back by hours does not hold the session back for hours', async () => {
    const world = await expiredTab()
    const mend = fail(world, ['try-later', { ...atToken, retryAfter: 300 }])
    await failure(world.auth.refresh())
    mend()
    world.clock.jump(-7_200_000)
    await world.auth.refresh()
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test('discovery that fails after a reload is a transient failure, and no token is sent', async () => {
    const world = await expiredTab()
    const page = { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } }
    const mend = fail(world, ['respond', { path: '/.well-known/openid-configuration', ...page }])
    const next = world.load(world.tab, `${appOrigin}/`)
    const error = await failure(next.fetch(usersMe))
    const facts = { code: 'discovery_failed', retryable: true, sessionEnded: false }
    expect(error).toMatchObject(facts)
    expect(refreshes(world)).toEqual([])
    expect(next.getSession()).toMatchObject(stale)
    mend()
    await world.clock.advance(1100)
    await recovered(world, next)
  })
})

describe('the app or the server is configured wrongly', () => {
  const wrong = [
    '400 invalid_client',
    '401 invalid_client challenge',
    '400 unauthorized_client',
    '400 invalid_scope',
    '400 unsupported_grant_type',
    '403 empty',
    '403 json',
    '404 empty',
    '404 json',
  ] as const
  const refusal = (as: TokenRefusal): Fault => ['token-refused', { on: 'refresh', as }]

  test.each(wrong)(
    '%s: the session is kept for ever, and one request is made each minute (F3)',
    async (as) => {
      const world = await expiredTab()
      const before = kept(world)
      fail(world, refusal(as))
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ code: 'server_error', retryable: false, sessionEnded: false })
      expect(error.message).toMatch(/signing in again may help/)
      expect(await failure(world.auth.refresh())).toBe(error)
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])
      for (let second = 0; second < 59; second += 1) await failure(world.auth.fetch(usersMe))
      await world.clock.advance(3_599_000)
      expect(refreshes(world)).toHaveLength(60)
      expect(kept(world)).toEqual(before)
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'sign-in-required')).toEqual([])
    },
  )

  test.each<[string, (world: World) => unknown]>([
    ['after a minute', (world) => world.clock.advance(60_000)],
    ['when the page wakes', (world) => world.tab.wake()],
  ])('mended, it goes on %s (F3)', async (_, wait) => {
    const world = await expiredTab()
    const mend = fail(world, refusal('401 invalid_client'))
    await failure(world.auth.fetch(usersMe))
    mend()
    await world.clock.advance(59_000)
    expect(refreshes(world)).toHaveLength(1)
    await wait(world)
    await recovered(world, world.auth)
  })

  test('while the access token is good the session is not stale; once it has expired, it is (F3)', async () => {
    const world = await signedInTab()
    fail(world, refusal('401 invalid_client'))
    await world.clock.advance(870_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    await world.until(() => refreshes(world).length)
    await world.clock.settle()
    expect(world.auth.getSession()).toMatchObject(fresh)
    await world.clock.advance(29_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(1000)
    await failure(world.auth.fetch(usersMe))
    expect(world.auth.getSession()).toMatchObject(stale)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('the next sign-in starts without the failures before it', async () => {
    const world = await expiredTab()
    const mend = fail(world, refused('invalid_client'))
    await failure(world.auth.fetch(usersMe))
    mend()
    await world.server.signInTo(world.auth)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('after an unknown outcome the session still counts as in doubt', async () => {
    const world = await expiredTab()
    fail(world, ['respond', { ...atToken, status: 500, times: 1 }])
    const mend = fail(world, refused('invalid_client'))
    await failure(world.auth.fetch(usersMe))
    mend()
    world.server.revokeSessions()
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(next.getSession()).toMatchObject({ reason: 'refresh-response-lost' })
  })
})
