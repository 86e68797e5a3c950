import { describe, expect, test } from 'vitest'
import { fail, status } from '../../support/faults.ts'
import type { Fault } from '../../support/faults.ts'
import {
  expiredTab,
  factsOf,
  failure,
  fresh,
  recovered,
  refreshes,
  stale,
  usersMe,
} from '../../support/refreshes.ts'
import { anotherTab, appOrigin, listen, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'
import type { TokenRefusal } from '../../../src/testing/faults/refusals.ts'

const minute = 60_000
const refusal = (as: TokenRefusal, times?: number): Fault => [
  'token-refused',
  { on: 'refresh', as, ...(times && { times }) },
]

/** Tries once now, however long the back-off would be. */
async function tryNow(world: World): Promise<void> {
  const before = refreshes(world).length
  world.tab.wake()
  await world.until(() => refreshes(world).length > before)
  await world.until(() => !(world.storedSession()!.pending as { sending?: boolean }).sending)
  await world.clock.settle()
}

describe('refusals that name the refresh token', () => {
  test.each<TokenRefusal>([
    '401 invalid_token',
    '401 invalid_token challenge',
    '400 invalid_token',
    '400 invalid_refresh_token',
    '401 invalid_refresh_token',
    '403 invalid_grant',
  ])('%s ends the session at once (F3)', async (as) => {
    const world = await expiredTab()
    fail(world, refusal(as))
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(factsOf(world.heard, 'sign-in-required')).toEqual([{ error }])
    expect(refreshes(world)).toHaveLength(1)
  })
})

describe('refusals that do not say why', () => {
  const unclear: TokenRefusal[] = [
    '400 invalid_request',
    '401 invalid_request',
    '400 empty',
    '401 empty',
    '400 json',
    '401 json',
    '400 token_expired',
    '401 token_expired',
    '403 token_expired',
  ]

  test.each(unclear)(
    '%s: kept and stale, and once the access token has expired a user is told to sign in (F3)',
    async (as) => {
      const world = await expiredTab()
      const mend = fail(world, refusal(as))
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ code: 'server_error', retryable: true, sessionEnded: false })
      expect(error.message).toMatch(/signing in again may help/)
      expect(world.auth.getSession()).toMatchObject(stale)
      for (let second = 0; second < 30; second += 1) {
        await world.clock.advance(1000)
        await failure(world.auth.fetch(usersMe))
      }
      expect(factsOf(world.heard, 'sign-in-required')).toEqual([{ error }])
      mend()
      world.tab.wake()
      await recovered(world, world.auth)
      expect(world.storedSession()).not.toHaveProperty('pending')
    },
  )

  test.each(unclear)(
    '%s for ten minutes, at least three times: the session ends (F3)',
    async (as) => {
      const world = await expiredTab()
      fail(world, refusal(as))
      await failure(world.auth.fetch(usersMe))
      await world.clock.advance(10 * minute - 1)
      expect(world.auth.getSession()).toMatchObject(stale)
      await world.clock.advance(minute)
      expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
      expect(factsOf(world.heard, 'signed-out')).toHaveLength(1)
      const sent = refreshes(world).length
      await world.clock.advance(60 * minute)
      expect(refreshes(world)).toHaveLength(sent)
    },
  )

  /** Ada's token has expired, her tab is gone, and she opens a page now and then. */
  async function now(world: World) {
    const auth = world.load(world.tab, `${appOrigin}/`)
    const heard = listen(auth)
    await auth.start()
    const outcome = await auth.fetch(usersMe).catch((error: unknown) => error)
    await world.clock.settle()
    world.tab.load('https://elsewhere.example/')
    return { session: auth.getSession(), heard, outcome }
  }

  test('the third in a row, ten minutes after the first, over reloads (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty'))
    expect((await now(world)).session).toMatchObject(stale)
    await world.clock.advance(20 * minute)
    expect((await now(world)).session).toMatchObject(stale)
    await world.clock.advance(1000)
    const last = await now(world)
    expect(last.session).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(last.outcome).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(refreshes(world)).toHaveLength(3)
  })

  test('ten minutes to the millisecond (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty'))
    await now(world)
    await now(world)
    await world.clock.advance(10 * minute - 1)
    expect((await now(world)).session).toMatchObject(stale)
    await world.clock.advance(1)
    expect((await now(world)).session).toMatchObject({ reason: 'ended-by-server' })
  })

  test('page loads count for nothing (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty'))
    await now(world)
    for (let load = 0; load < 5; load += 1) {
      await world.clock.advance(5 * minute)
      const auth = world.load(world.tab, `${appOrigin}/`)
      expect((await auth.start()).session).toMatchObject(stale)
      world.tab.load('https://elsewhere.example/')
    }
    expect(refreshes(world)).toHaveLength(1)
  })

  test.each<[string, Fault]>([
    ['a server that is down', status(500)],
    ['a server that is busy', status(503)],
    ['a wrong deployment', refusal('401 invalid_client')],
    ['a page of something in between', refusal('403 html')],
    ['an answer without access token', ['no-access-token', { on: 'refresh' }]],
  ])('%s in between, and the row begins anew (F3)', async (_, between) => {
    const world = await expiredTab()
    fail(world, refusal('400 empty', 2))
    await now(world)
    await now(world)
    await world.clock.advance(20 * minute)
    const mend = fail(world, between)
    await now(world)
    mend()
    fail(world, refusal('400 empty'))
    await world.clock.advance(1000)
    await now(world)
    expect(world.storedSession()!.pending).toMatchObject({
      refusals: 1,
      refusedSince: world.clock.now(),
    })
    await now(world)
    expect((await now(world)).session).toMatchObject(stale)
  })

  test('no answer in between changes nothing: no network, no metadata, nowhere to send it (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty', 2))
    await now(world)
    await now(world)
    await world.clock.advance(20 * minute)
    const silences: Fault[] = [
      ['network-error', { path: '/token' }],
      ['network-error', { path: '/.well-known/openid-configuration' }],
      ['metadata', { patch: { token_endpoint: `${world.server.issuer}/v2/token` } }],
    ]
    for (const silence of silences) {
      const mend = fail(world, silence)
      await now(world)
      mend()
    }
    fail(world, refusal('400 empty'))
    expect((await now(world)).session).toMatchObject({ status: 'signed-out' })
  })

  test('a refresh that succeeds in between, and the row begins anew (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty', 2))
    await now(world)
    await now(world)
    expect((await now(world)).session).toMatchObject(fresh)
    await world.clock.advance(20 * minute)
    fail(world, refusal('400 empty'))
    expect((await now(world)).session).toMatchObject(stale)
    expect(world.storedSession()!.pending).toMatchObject({ refusals: 1 })
  })

  test('nothing ends while the access token is good, and nobody is told to sign in (F3)', async () => {
    const world = await signedInTab({ expiresIn: 3600 })
    const heard = listen(world.auth)
    fail(world, refusal('400 invalid_request'))
    await failure(world.auth.refresh())
    await world.clock.advance(40 * minute)
    await failure(world.auth.refresh())
    expect(world.auth.getSession()).toMatchObject(stale)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(factsOf(heard, 'sign-in-required')).toEqual([])
    await world.clock.advance(21 * minute)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
  })

  test('a clock that was set back does not make the ten minutes shorter or endless (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty'))
    await now(world)
    await now(world)
    world.clock.jump(-30 * minute)
    const auth = world.load(world.tab, `${appOrigin}/`)
    await failure(auth.refresh())
    expect(auth.getSession()).toMatchObject(stale)
    expect(world.storedSession()!.pending).toMatchObject({
      refusals: 3,
      refusedSince: world.clock.now(),
    })
    await world.clock.advance(31 * minute)
    expect(auth.getSession()).toMatchObject({ reason: 'ended-by-server' })
  })

  test('another tab, and a page loaded during the back-off, say the same (F3)', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const heard = listen(other.auth)
    fail(world, refusal('400 empty'))
    await failure(world.auth.fetch(usersMe))
    await world.clock.settle()
    const error = await failure(other.auth.fetch(usersMe))
    expect(error.message).toMatch(/signing in again may help/)
    expect(error).toMatchObject({ sessionEnded: false })
    await failure(other.auth.fetch(usersMe))
    expect(factsOf(heard, 'sign-in-required')).toEqual([{ error }])
    expect(refreshes(world)).toHaveLength(1)
  })

  test('requireSession() lets the user in, and sends nothing (F3)', async () => {
    const world = await expiredTab()
    fail(world, refusal('400 empty'))
    await failure(world.auth.fetch(usersMe))
    const next = world.load(world.tab, `${appOrigin}/`)
    expect(await next.requireSession()).toMatchObject(stale)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a session that was well in between is told of again (F3)', async () => {
    const world = await expiredTab()
    const mend = fail(world, refusal('400 empty'))
    await failure(world.auth.fetch(usersMe))
    mend()
    world.tab.wake()
    await recovered(world, world.auth)
    await world.clock.advance(15 * minute)
    fail(world, refusal('400 empty'))
    await failure(world.auth.fetch(usersMe))
    expect(factsOf(world.heard, 'sign-in-required')).toHaveLength(2)
  })

  test('after an unknown outcome the end is still the server’s doing (F3)', async () => {
    const world = await expiredTab()
    fail(world, ['respond', { path: '/token', status: 500, times: 2 }])
    fail(world, refusal('400 empty'))
    await failure(world.auth.fetch(usersMe))
    await tryNow(world)
    await world.clock.advance(12 * minute)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
  })
})

describe('pages', () => {
  test.each<TokenRefusal>(['400 html', '401 html', '403 html', '404 html'])(
    '%s is a transient failure, for hours (F3)',
    async (as) => {
      const world = await expiredTab()
      const mend = fail(world, refusal(as))
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ retryable: true, sessionEnded: false })
      await world.clock.advance(120 * minute)
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'sign-in-required')).toEqual([])
      mend()
      world.tab.wake()
      await recovered(world, world.auth)
    },
  )
})

test('the message names a registered error, and never what the server made up (F3, N3)', async () => {
  const messageOf = async (as: TokenRefusal) => {
    const world = await expiredTab()
    fail(world, refusal(as))
    return (await failure(world.auth.fetch(usersMe))).message
  }
  expect(await messageOf('400 invalid_request')).toContain('400 (invalid_request)')
  expect(await messageOf('401 invalid_client')).toContain('401 (invalid_client)')
  expect(await messageOf('400 token_expired')).not.toContain('token_expired')
})
