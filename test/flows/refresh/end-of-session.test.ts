import { describe, expect, test } from 'vitest'
import type { PkceClient, SignedInSession } from '../../../src/index.ts'
import { atToken, fail, refused } from '../../support/faults.ts'
import type { FaultRow } from '../../support/faults.ts'
import {
  expiredTab,
  factsOf,
  failure,
  fresh,
  refreshes,
  sentTokens,
  usersMe,
} from '../../support/refreshes.ts'
import { appOrigin, signedInTab } from '../../support/world.ts'

describe('the server ends the session', () => {
  test.each<FaultRow>([
    ['invalid_grant', refused('invalid_grant')],
    ['interaction_required', refused('interaction_required')],
    ['login_required', refused('login_required')],
    ['consent_required', refused('consent_required')],
    ['invalid_grant with status 200', ['error-200', { on: 'refresh' }]],
    [
      'invalid_grant with status 401',
      [
        'respond',
        {
          ...atToken,
          status: 401,
          body: { error: 'invalid_grant' },
          headers: { 'www-authenticate': 'Basic' },
        },
      ],
    ],
  ])('%s ends the session after one request (C-76)', async (_, fault) => {
    const world = await expiredTab()
    fail(world, fault)
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', retryable: false, sessionEnded: true })
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(factsOf(world.heard, 'signed-out')).toHaveLength(1)
    expect(factsOf(world.heard, 'refresh-failed')).toHaveLength(1)
  })

  test('a revoked session ends once, and no call sends anything more (A-50)', async () => {
    const world = await expiredTab()
    world.server.revokeSessions()
    await Promise.all([1, 2, 3].map(() => failure(world.auth.fetch(usersMe))))
    const error = await failure(world.auth.fetch(usersMe))
    await world.clock.advance(3_600_000)
    expect(error).toMatchObject({ code: 'sign_in_required', sessionEnded: true })
    expect(refreshes(world)).toHaveLength(1)
    expect(factsOf(world.heard, 'signed-out')).toHaveLength(1)
    expect(factsOf(world.heard, 'refresh-failed')).toHaveLength(1)
    expect(world.clock.timers).toBe(0)
  })

  test('no token stays behind in storage, and a reload still knows why', async () => {
    const world = await expiredTab()
    world.server.revokeSessions()
    await failure(world.auth.fetch(usersMe))
    const stored = world.storedSession()!
    expect(stored).not.toHaveProperty('refreshToken')
    expect(stored).toMatchObject({ access: {}, signedOut: 'ended-by-server' })
    const again = world.load(world.tab, `${appOrigin}/`)
    expect(await again.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out', reason: 'ended-by-server' },
    })
  })

  test("the server's own words are in the cause, and not in the message", async () => {
    const world = await expiredTab()
    fail(world, [
      'respond',
      {
        ...atToken,
        status: 400,
        body: { error: 'invalid_grant', error_description: '<b>no\u0000</b>' },
      },
    ])
    const error = await failure(world.auth.fetch(usersMe))
    expect(error.message).not.toContain('<b>')
    expect(error.cause).toMatchObject({
      error: 'invalid_grant',
      description: '<b>no\\u{0}</b>',
      status: 400,
    })
  })
})

describe('the refresh brings tokens of another user (G3)', () => {
  test.each<FaultRow>([
    ['another issuer (C-66)', ['id-token-iss-wrong', { on: 'refresh' }]],
    ['another subject (C-67, A-29)', ['id-token-sub-wrong', { on: 'refresh' }]],
  ])('%s ends the session, and the new tokens are revoked', async (_, fault) => {
    const world = await expiredTab()
    fail(world, fault)
    const error = await failure(world.auth.fetch(usersMe))
    await world.until(() => world.server.revoked.length)
    expect(error).toMatchObject({ code: 'session_ended', retryable: false, sessionEnded: true })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'identity-changed' })
    expect(factsOf(world.heard, 'token-refreshed')).toEqual([])
    expect(factsOf(world.heard, 'signed-in')).toEqual([])
    expect(world.server.requestsTo('/users/me')).toEqual([])
    const [revocation] = world.server.requestsTo('/revoke')
    expect(revocation!.form!.token).not.toBe(sentTokens(world)[0])
    expect(world.server.revoked).toMatchObject([{ reason: 'revoked-by-client' }])
  })

  test('no other claim of a refreshed ID token is used, because its signature is not verified (G1)', async () => {
    const world = await expiredTab()
    const { claims } = world.auth.getSession() as SignedInSession
    fail(world, ['id-token-claims', { on: 'refresh', set: { name: 'Mallory', roles: ['admin'] } }])
    fail(world, ['id-token-bad-signature', { on: 'refresh' }])
    expect((await world.auth.refresh()).claims).toEqual(claims)
    expect(world.storedSession()!.claims).toEqual(claims)
    expect((await world.load(world.tab, `${appOrigin}/`).start()).session).toMatchObject({ claims })
  })

  test('the nonce of the sign-in is accepted (C-70)', async () => {
    const world = await expiredTab()
    const { nonce } = (world.auth.getSession() as SignedInSession).claims!
    fail(world, ['id-token-claims', { on: 'refresh', set: { nonce } }])
    expect(await world.auth.refresh()).toMatchObject(fresh)
  })
})

describe('without a refresh token', () => {
  const online = { params: { scope: 'openid profile' } }

  test('an expired access token ends the session: expired', async () => {
    const world = await expiredTab(online)
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
    expect(refreshes(world)).toEqual([])
  })

  test('the error says that there is none, and what to ask for (N3)', async () => {
    const world = await expiredTab(online)
    expect((await failure(world.auth.fetch(usersMe))).message).toContain('offline_access')
    const early = await signedInTab(online)
    expect((await failure(early.auth.refresh())).message).toContain('offline_access')
  })

  test('where the server has ended it, the error does not speak of offline_access (N3)', async () => {
    const world = await expiredTab()
    world.server.revokeSessions()
    const { message } = await failure(world.auth.fetch(usersMe))
    expect(message).not.toContain('offline_access')
    expect(message).toContain('ended-by-server')
  })

  test('a reload after the expiry is signed out: expired', async () => {
    const world = await expiredTab(online)
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.start()).session).toEqual({ status: 'signed-out', reason: 'expired' })
  })

  test('a page that wakes after the expiry is signed out: expired', async () => {
    const world = await expiredTab(online)
    world.tab.wake()
    await world.clock.settle()
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })

  test('a 401 that says invalid_token ends the session: expired, and the 401 is returned', async () => {
    const world = await signedInTab(online)
    await world.clock.advance(60_000)
    world.server.expireAccessTokens()
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })

  test('a 401 that does not say invalid_token ends nothing', async () => {
    const world = await signedInTab(online)
    await world.clock.advance(60_000)
    world.server.fault('api-401', { challenge: false })
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test.each<[string, (auth: PkceClient) => Promise<unknown>]>([
    ['refresh()', (auth) => auth.refresh()],
    [
      'getAccessToken() with more minValidity than there is',
      (auth) => auth.getAccessToken({ minValidity: 3600 }),
    ],
  ])('%s fails, and does not end a session whose access token is still good', async (_, call) => {
    const world = await signedInTab(online)
    const error = await failure(call(world.auth))
    expect(error).toMatchObject({ code: 'sign_in_required', retryable: false, sessionEnded: false })
    expect(world.auth.getSession()).toMatchObject(fresh)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })
})
