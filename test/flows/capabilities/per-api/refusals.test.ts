import { describe, expect, test } from 'vitest'
import type { PkceClient } from '../../../../src/index.ts'
import type { TokenRefusal } from '../../../../src/testing/index.ts'
import {
  asked,
  bills,
  entries,
  orders,
  signedInToApis,
  tokenRequests,
  tokensAt,
} from '../../../support/apis.ts'
import { factsOf, failure, fresh, kept } from '../../../support/refreshes.ts'
import { anotherTab, listen } from '../../../support/world.ts'
import type { World } from '../../../support/world.ts'

const bill = `${bills}users/me`
const order = `${orders}users/me`

/** Signed in, and the server answers the next token requests for the second API in this way. */
async function refusedForBills(as: TokenRefusal, times = 1) {
  const world = await signedInToApis()
  world.server.fault('token-refused', { on: 'refresh', api: bills, as, times })
  return Object.assign(world, { heard: listen(world.auth) })
}

/** Only the second API does without: the first is called, and renewed when its time comes. */
async function expectTheRestToLive(world: World & { auth: PkceClient }) {
  expect(world.auth.getSession()).toMatchObject(fresh)
  expect((await world.auth.fetch(order)).status).toBe(200)
  await world.clock.advance(900_000)
  expect((await world.auth.fetch(order)).status).toBe(200)
  expect(world.auth.getSession()).toMatchObject(fresh)
  expect(world.server.revoked).toEqual([])
}

describe('the server gives no token for one API', () => {
  test.each(['400 invalid_scope', '400 invalid_target', '400 consent_required'] as const)(
    '%s: its calls reject with server_error and the word, and the rest lives on (C-17)',
    async (as) => {
      const world = await refusedForBills(as)
      const error = await failure(world.auth.fetch(bill))
      expect(error).toMatchObject({
        ...{ code: 'server_error', error: as.slice(4), status: 400 },
        ...{ retryable: false, sessionEnded: false },
        message: expect.stringContaining('resources'),
      })
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])
      expect(factsOf(world.heard, 'sign-in-required')).toEqual([])
      expect(factsOf(world.heard, 'signed-out')).toEqual([])
      expect(tokenRequests(world)).toHaveLength(2)
      expect(tokensAt(world, bills)).toEqual([])
      await expectTheRestToLive(world)
    },
  )

  test.each([
    '400 interaction_required',
    '400 login_required',
    '400 invalid_grant suberror',
  ] as const)('%s: its calls reject with step_up_required, and the rest lives on', async (as) => {
    const world = await refusedForBills(as)
    expect(await failure(world.auth.fetch(bill))).toMatchObject({
      ...{ code: 'step_up_required', error: as.split(' ')[1], status: 400 },
      ...{ retryable: false, sessionEnded: false },
    })
    expect(tokenRequests(world)).toHaveLength(2)
    expect(tokensAt(world, bills)).toEqual([])
    await expectTheRestToLive(world)
  })

  test.each([
    '400 invalid_grant',
    '401 invalid_grant',
    '400 invalid_token',
    '400 invalid_refresh_token',
  ] as const)(
    '%s: one renewal of the first token decides. It is granted, so only these calls reject',
    async (as) => {
      const world = await refusedForBills(as)
      const own = await world.auth.getAccessToken()
      expect(await failure(world.auth.fetch(bill))).toMatchObject({
        ...{ code: 'server_error', error: as.slice(4) },
        ...{ retryable: false, sessionEnded: false },
      })
      expect(asked(world, 1)).toEqual([{ resource: bills }, { resource: orders }])
      expect(await world.auth.getAccessToken()).not.toBe(own)
      await expectTheRestToLive(world)
    },
  )

  test('invalid_grant, and for the first token as well: the session ends', async () => {
    const world = await signedInToApis()
    const heard = listen(world.auth)
    world.server.revokeSessions()
    expect(await failure(world.auth.fetch(bill))).toMatchObject({
      code: 'session_ended',
      sessionEnded: true,
    })
    expect(asked(world, 1)).toEqual([{ resource: bills }, { resource: orders }])
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(factsOf(heard, 'sign-in-required')).toHaveLength(1)
  })

  test('invalid_grant, and the first token cannot be renewed just now: the call may be tried again', async () => {
    const world = await refusedForBills('400 invalid_grant')
    world.server.fault('try-later', { path: '/token', on: 'refresh', api: orders, times: 1 })
    expect(await failure(world.auth.fetch(bill))).toMatchObject({
      code: 'server_error',
      retryable: true,
    })
    await world.clock.advance(120_000)
    expect((await world.auth.fetch(bill)).status).toBe(200)
    await expectTheRestToLive(world)
  })

  test('invalid_grant, and another tab renews the first token meanwhile: that decides as well', async () => {
    const world = await refusedForBills('400 invalid_grant')
    const other = await anotherTab(world)
    const held = world.server.hold('/token')
    const call = failure(world.auth.fetch(bill))
    await world.until(() => held.count === 1)
    const renewed = other.auth.refresh()
    held.release()
    await renewed
    expect(await call).toMatchObject({ code: 'server_error', error: 'invalid_grant' })
    expect(world.server.revoked).toEqual([])
    expect(asked(world, 1).filter(({ resource }) => resource === orders).length).toBeLessThan(3)
  })

  test('the words end the session where they are about the first entry', async () => {
    for (const as of [
      '400 interaction_required',
      '400 consent_required',
      '400 invalid_grant suberror',
    ] as const) {
      const world = await signedInToApis()
      world.server.fault('token-refused', { on: 'refresh', api: orders, as })
      expect(await failure(world.auth.refresh())).toMatchObject({ code: 'session_ended' })
    }
  })

  test('a token that is still good is used, though the next one is refused', async () => {
    const world = await signedInToApis()
    await world.auth.fetch(bill)
    world.server.fault('token-refused', { on: 'refresh', api: bills, as: '400 invalid_target' })
    await world.clock.advance(850_000)
    expect((await world.auth.fetch(bill)).status).toBe(200)
    await world.clock.settle()
    expect((await world.auth.fetch(bill)).status).toBe(200)
    await world.clock.advance(50_000)
    expect(await failure(world.auth.fetch(bill))).toMatchObject({ error: 'invalid_target' })
    await expectTheRestToLive(world)
  })

  test('after a 401 of the API: the call rejects, and the API keeps the rest', async () => {
    const world = await signedInToApis()
    await world.auth.fetch(bill)
    world.server.fault('api-401', { times: 1 })
    world.server.fault('token-refused', {
      on: 'refresh',
      api: bills,
      as: '400 interaction_required',
    })
    expect(await failure(world.auth.fetch(bill))).toMatchObject({ code: 'step_up_required' })
    await expectTheRestToLive(world)
  })
})

describe('an API that gets no token', () => {
  const outcomes = async (world: Awaited<ReturnType<typeof refusedForBills>>, count: number) => {
    const calls = Array.from({ length: count }, () => world.auth.fetch(bill))
    return (await Promise.allSettled(calls)).map(({ status }) => status)
  }

  test.each(['400 invalid_target', '400 interaction_required', '400 invalid_grant'] as const)(
    'costs one request a minute, not one for each call: %s',
    async (as) => {
      const world = await refusedForBills(as, 1000)
      for (let round = 0; round < 3; round += 1)
        expect(new Set(await outcomes(world, 100))).toEqual(new Set(['rejected']))
      const toBills = () => asked(world).filter(({ resource }) => resource === bills).length
      expect(toBills()).toBe(1)
      expect(factsOf(world.heard, 'refresh-failed')).toHaveLength(1)
      await world.clock.advance(59_999)
      await outcomes(world, 10)
      expect(toBills()).toBe(1)
      await world.clock.advance(1)
      await outcomes(world, 10)
      expect(toBills()).toBe(2)
    },
  )

  test('is asked for again at once when the user comes back, or the clock was set back', async () => {
    const world = await refusedForBills('400 invalid_target')
    await outcomes(world, 1)
    world.tab.wake()
    expect((await world.auth.fetch(bill)).status).toBe(200)

    const other = await refusedForBills('400 invalid_target')
    await outcomes(other, 1)
    other.clock.jump(-1000)
    expect((await other.auth.fetch(bill)).status).toBe(200)
  })

  test('gets one after a new sign-in', async () => {
    const world = await refusedForBills('400 interaction_required')
    await outcomes(world, 1)
    const auth = await world.signIn()
    expect((await auth.fetch(bill)).status).toBe(200)
  })

  test('gets one in the page that stayed, after a new sign-in in another tab', async () => {
    const world = await refusedForBills('400 interaction_required')
    await outcomes(world, 1)
    await world.signIn(world.browser.openTab())
    await world.clock.settle()
    expect((await world.auth.fetch(bill)).status).toBe(200)
  })

  test('uses the token that another tab has got meanwhile', async () => {
    const world = await refusedForBills('400 invalid_target')
    const other = await anotherTab(world)
    await outcomes(world, 1)
    expect((await other.auth.fetch(bill)).status).toBe(200)
    await world.clock.settle()
    expect((await world.auth.fetch(bill)).status).toBe(200)
    expect(tokenRequests(world)).toHaveLength(3)
  })
})

describe('the rest is as for the session', () => {
  test.each([
    ['503', { status: 503 as const }, 'server_error'],
    ['429', { status: 429 as const }, 'rate_limited'],
  ])('%s: the call may be tried again, and nothing is sent until then', async (_, how, code) => {
    const world = await signedInToApis()
    world.server.fault('try-later', {
      path: '/token',
      api: bills,
      retryAfter: 20,
      times: 1,
      ...how,
    })
    expect(await failure(world.auth.fetch(bill))).toMatchObject({ code, retryable: true })
    expect(await failure(world.auth.fetch(bill))).toMatchObject({ code, retryable: true })
    expect(tokenRequests(world)).toHaveLength(2)
    expect((await world.auth.fetch(order)).status).toBe(200)
    await world.clock.advance(35_000)
    expect((await world.auth.fetch(bill)).status).toBe(200)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test('an answer that got lost: the refresh token is sent once more', async () => {
    const world = await signedInToApis(undefined, { server: { rotation: 'until-used' } })
    world.server.fault('drop-response', { path: '/token', api: bills, times: 1 })
    expect((await world.auth.fetch(bill)).status).toBe(200)
    expect(asked(world, 1)).toEqual([{ resource: bills }, { resource: bills }])
  })

  test('an ID token for somebody else ends the session', async () => {
    const world = await signedInToApis()
    world.server.fault('id-token-sub-wrong', { on: 'refresh' })
    expect(await failure(world.auth.fetch(bill))).toMatchObject({ code: 'session_ended' })
    expect(world.auth.getSession()).toMatchObject({ reason: 'identity-changed' })
    expect(tokensAt(world, bills)).toEqual([])
  })
})

describe('an answer that names another resource than the one asked for', () => {
  const naming = (resource: unknown) => ({ on: 'refresh', set: { resource } }) as const

  test.each([[orders], [[orders]], [[bills, orders]], [7], [null]])(
    '%j: the token is not used, and the refresh token beside it is kept (C-82)',
    async (resource) => {
      const world = await signedInToApis()
      const off = world.server.fault('token-members', naming(resource))
      expect(await failure(world.auth.fetch(bill))).toMatchObject({
        code: 'token_response_invalid',
        sessionEnded: false,
      })
      off()
      expect(tokensAt(world, bills)).toEqual([])
      expect(Object.keys(kept(world).access as object)).toHaveLength(1)
      await expectTheRestToLive(world)
    },
  )

  test.each([[bills], [[bills]]])('%j is the one asked for', async (resource) => {
    const world = await signedInToApis()
    world.server.fault('token-members', naming(resource))
    expect((await world.auth.fetch(bill)).status).toBe(200)
  })

  test('is refused for the first entry, at the sign-in and later', async () => {
    const world = await signedInToApis()
    const own = await world.auth.getAccessToken()
    const off = world.server.fault('token-members', naming(bills))
    expect(await failure(world.auth.refresh())).toMatchObject({ code: 'token_response_invalid' })
    expect(await world.auth.getAccessToken()).toBe(own)
    off()
    await world.clock.advance(60_000)
    await world.auth.refresh()
    world.server.fault('token-members', { on: 'sign-in', set: { resource: bills } })
    expect(await failure(world.signIn())).toMatchObject({ code: 'token_response_invalid' })
  })

  test('says nothing where no resource was asked for', async () => {
    const world = await signedInToApis([orders, entries.reports])
    world.server.fault('token-members', naming('reports'))
    expect((await world.auth.fetch('https://reports.example.com/users/me')).status).toBe(200)
  })
})
