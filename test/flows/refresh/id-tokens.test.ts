import { describe, expect, test } from 'vitest'
import type { SignedInSession } from '../../../src/index.ts'
import { fail } from '../../support/faults.ts'
import type { Fault } from '../../support/faults.ts'
import { expiredTab, factsOf, failure, fresh, refreshes, usersMe } from '../../support/refreshes.ts'
import { appOrigin, createWorld } from '../../support/world.ts'

const claims = (set: Record<string, unknown>): Fault => ['id-token-claims', { on: 'refresh', set }]
const garbage = (value: unknown): Fault => ['id-token-garbage', { on: 'refresh', value }]
const without = (...remove: string[]): Fault => ['id-token-claims', { on: 'refresh', remove }]

describe('an ID token for several audiences', () => {
  const extra: Fault = ['id-token-aud-extra', { audience: '31415' }]

  test('signs in when this client is among them and azp is this client, and refreshes (F1)', async () => {
    const world = createWorld()
    fail(world, extra)
    const auth = await world.signIn()
    expect((auth.getSession() as SignedInSession).claims).toMatchObject({
      aud: ['production-app', '31415'],
      azp: 'production-app',
    })
    const { idToken } = world.storedSession()!
    await world.clock.advance(60_000)
    await auth.refresh()
    expect(world.storedSession()!.idToken).not.toBe(idToken)
  })

  test('an audience that grew at a refresh is accepted in the same way (F1, F2)', async () => {
    const world = await expiredTab()
    const { idToken } = world.storedSession()!
    fail(world, ['id-token-aud-extra', { on: 'refresh', audience: '31415' }])
    await world.auth.refresh()
    expect(world.storedSession()!.idToken).not.toBe(idToken)
    expect(factsOf(world.heard, 'token-refreshed')).toEqual([{ session: world.auth.getSession() }])
  })
})

describe('a refreshed ID token that is about another user or server', () => {
  test.each<[string, ...Fault[]]>([
    ['another issuer (C-66)', ['id-token-iss-wrong', { on: 'refresh' }]],
    ['the issuer with a slash', claims({ iss: 'https://login.example.com/' })],
    ['another subject (C-67, A-29)', ['id-token-sub-wrong', { on: 'refresh' }]],
    [
      'another subject, for another audience',
      ['id-token-sub-wrong', { on: 'refresh' }],
      ['id-token-aud-wrong', { on: 'refresh' }],
    ],
    [
      'another subject, without signature',
      ['id-token-sub-wrong', { on: 'refresh' }],
      ['id-token-alg-none', { on: 'refresh' }],
    ],
    [
      'another subject, and of another type',
      ['id-token-sub-wrong', { on: 'refresh' }],
      ['id-token-typ', { on: 'refresh', typ: 'at+jwt' }],
    ],
    [
      'another subject, beside an access token of another type',
      ['id-token-sub-wrong', { on: 'refresh' }],
      ['token-type', { on: 'refresh', value: 'mac' }],
    ],
    ['another subject, expired', claims({ sub: 'user-grace', exp: 5 })],
    ['another subject, in a JWT of two parts', garbage(`e30.${btoa('{"sub":"user-grace"}')}`)],
  ])('%s: the session ends, and the new tokens are revoked (F2)', async (_, ...faults) => {
    const world = await expiredTab()
    for (const fault of faults) fail(world, fault)
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'identity-changed' })
    await world.until(() => world.server.revoked.length)
    expect(world.server.requestsTo('/users/me')).toEqual([])
  })

  test('without a new refresh token, the access token is revoked (F2)', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['id-token-sub-wrong', { on: 'refresh' }])
    await failure(world.auth.fetch(usersMe))
    await world.until(() => world.server.requestsTo('/revoke').length)
  })

  test('an answer with no token beside it ends the session all the same, and nothing is revoked (F2)', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['id-token-sub-wrong', { on: 'refresh' }])
    fail(world, ['no-access-token', { on: 'refresh' }])
    await failure(world.auth.fetch(usersMe))
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'identity-changed' })
    await world.clock.settle()
    expect(world.server.requestsTo('/revoke')).toEqual([])
  })
})

describe('a refreshed ID token that is unusable for any other reason', () => {
  const second = new Date(0).getTime() + 5
  test.each<[string, ...Fault[]]>([
    ['an older auth_time (C-69)', claims({ auth_time: second })],
    ['a newer auth_time (C-69)', ['id-token-auth-time-future', { on: 'refresh', seconds: 0 }]],
    ['another nonce (C-70)', ['id-token-nonce-wrong', { on: 'refresh' }]],
    ['another audience (C-68)', ['id-token-aud-wrong', { on: 'refresh' }]],
    ['audiences without this client', claims({ aud: ['a', 'b'], azp: 'production-app' })],
    ['several audiences, azp missing', claims({ aud: ['production-app', 'b'] })],
    ['several audiences, azp another', claims({ aud: ['production-app', 'b'], azp: 'b' })],
    ['another azp (C-71)', ['id-token-azp-wrong', { on: 'refresh' }]],
    ['three words', ['id-token-garbage', { on: 'refresh' }]],
    ['an encrypted one', garbage('e30.e30.e30.e30.e30')],
    ['a payload that is null', garbage('e30.bnVsbA.e30')],
    ['no signature', ['id-token-alg-none', { on: 'refresh' }]],
    ['another algorithm', ['id-token-alg-other', { on: 'refresh' }]],
    ['no sub', without('sub')],
    ['an empty sub', ['id-token-sub-empty', { on: 'refresh' }]],
    ['a number for sub', ['id-token-sub-number', { on: 'refresh' }]],
    ['no iss', without('iss')],
    ['no iat (C-71)', without('iat')],
    ['an expiry before it was issued', ['id-token-exp-past', { on: 'refresh' }]],
    ['another type', ['id-token-typ', { on: 'refresh', typ: 'logout+jwt' }]],
    ['an extension that must be understood', ['id-token-crit', { on: 'refresh' }]],
  ])('%s: it is dropped and the tokens count, and an event tells (F2)', async (_, ...faults) => {
    const world = await expiredTab()
    const before = world.storedSession()!
    const { claims } = world.auth.getSession() as SignedInSession
    for (const fault of faults) fail(world, fault)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject(fresh)
    expect((world.auth.getSession() as SignedInSession).claims).toBe(claims)
    const after = world.storedSession()!
    expect(after.idToken).toBe(before.idToken)
    expect(after.claims).toEqual(before.claims)
    expect(after.refreshToken).not.toBe(before.refreshToken)
    expect(after).not.toHaveProperty('pending')
    const [refreshed] = factsOf(world.heard, 'token-refreshed')
    expect(refreshed!.session).toBe(world.auth.getSession())
    expect(refreshed!.idTokenError).toMatchObject({ code: 'id_token_invalid', sessionEnded: false })
    expect(factsOf(world.heard, 'refresh-failed')).toEqual([])
    expect(world.server.revoked).toEqual([])
  })

  test('but one that says more than the first counts, such as when the user signed in (F2)', async () => {
    const world = createWorld()
    fail(world, ['id-token-claims', { remove: ['auth_time'], times: 1 }])
    const auth = await world.signIn()
    const { idToken, claims } = world.storedSession()!
    expect(claims).not.toHaveProperty('auth_time')
    await world.clock.advance(60_000)
    await auth.refresh()
    expect(world.storedSession()!.idToken).not.toBe(idToken)
  })

  test('for a session without ID token nothing is compared, and nothing is told (F2)', async () => {
    const world = await expiredTab({ params: { scope: 'offline_access' } })
    fail(world, ['token-members', { on: 'refresh', set: { id_token: 'x' } }])
    await world.auth.refresh()
    expect(factsOf(world.heard, 'token-refreshed')).toEqual([{ session: world.auth.getSession() }])
  })

  test('the old hint is what a sign-out sends after a reload (F2)', async () => {
    const world = await expiredTab()
    const { idToken } = world.storedSession()!
    fail(world, ['id-token-nonce-wrong', { on: 'refresh' }])
    await world.auth.refresh()
    const next = world.load(world.tab, `${appOrigin}/`)
    await next.signOut()
    const url = new URL(world.tab.navigations.at(-1)!)
    expect(url.searchParams.get('id_token_hint')).toBe(idToken)
  })
})
