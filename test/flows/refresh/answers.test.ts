import { describe, expect, test } from 'vitest'
import type { SignedInSession } from '../../../src/index.ts'
import { fail } from '../../support/faults.ts'
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
import { anotherTab, appOrigin, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

function expiredToken(world: World): string {
  return (world.storedSession()!.access as { default: { token: string } }).default.token
}

describe('200', () => {
  test('an expired access token is refreshed by the call that needs it, without an error', async () => {
    const world = await expiredTab()
    const before = world.auth.getSession() as SignedInSession
    const me = await world.auth.fetch(usersMe)
    expect(me.status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject(fresh)
    expect((world.auth.getSession() as SignedInSession).expiresAt).toBe(before.expiresAt! + 900_000)
    expect(factsOf(world.heard, 'token-refreshed')).toEqual([{ session: world.auth.getSession() }])
  })

  test('the claims stay the same object across refreshes', async () => {
    const { auth } = await signedInTab()
    const { claims } = auth.getSession() as SignedInSession
    const { claims: later } = await auth.refresh()
    expect(later).toBe(claims)
  })

  test('a new refresh token replaces the old one (C-73)', async () => {
    const world = await signedInTab()
    const first = world.storedSession()!.refreshToken
    await world.auth.refresh()
    await world.clock.advance(1000)
    await world.auth.refresh()
    expect(sentTokens(world)[0]).toBe(first)
    expect(new Set(sentTokens(world)).size).toBe(2)
    for (const token of sentTokens(world)) {
      expect([...world.browser.local.values()].join()).not.toContain(token)
    }
    expect(world.server.revoked).toEqual([])
  })

  test('without a new refresh token the old one is kept, and sent again (C-73)', async () => {
    const world = await signedInTab({ server: { rotation: false } })
    await world.auth.refresh()
    await world.auth.refresh()
    expect(refreshes(world)).toHaveLength(2)
    expect(new Set(sentTokens(world)).size).toBe(1)
    expect(world.storedSession()!.refreshToken).toBe(sentTokens(world)[0])
  })

  test('without an ID token in the answer the claims and the old ID token are kept (C-72)', async () => {
    const world = await signedInTab()
    const { idToken, claims } = world.storedSession()!
    world.server.fault('id-token-missing', { on: 'refresh' })
    await world.auth.refresh()
    expect(world.storedSession()).toMatchObject({ idToken, claims })
    expect(world.auth.getSession()).toMatchObject({ claims })
  })

  test('a new ID token is kept for the sign-out, and the claims of the first one stay', async () => {
    const world = await signedInTab()
    const before = world.storedSession()!
    await world.clock.advance(60_000)
    await world.auth.refresh()
    const after = world.storedSession()!
    expect(after.idToken).not.toBe(before.idToken)
    expect(after.claims).toEqual(before.claims)
  })

  test('no scope is asked for, so none beyond the granted one can be (C-74)', async () => {
    const world = await signedInTab()
    await world.auth.refresh()
    expect(refreshes(world)[0]!.form).toEqual({
      grant_type: 'refresh_token',
      client_id: 'production-app',
      refresh_token: expect.any(String) as string,
    })
  })

  test('a scope that shrank is in the session (C-44)', async () => {
    const world = await signedInTab()
    world.server.fault('granted-scope', { scope: 'openid', on: 'refresh' })
    expect(await world.auth.refresh()).toMatchObject({ scope: 'openid' })
  })

  test.each<FaultRow>([
    ['a BOM before the JSON', ['bom']],
    ['a content type that is not JSON', ['wrong-content-type']],
    ['members that try to reach prototypes', ['proto-member']],
    ['token_type in another case', ['token-type', { value: 'bEARER' }]],
    ['no expires_in', ['expires-in', {}]],
    ['the client alone in an array as audience', ['id-token-aud-array', { on: 'refresh' }]],
    [
      'an ID token issued, as it says, a day before the sign-in, by a server whose clock was set back, (C-71)',
      ['clock-offset', { seconds: -9e4 }],
    ],
    ['an ID token with the nonce of the sign-in missing', ['id-token-nonce-missing']],
  ])('%s does not end the session', async (_, fault) => {
    const world = await expiredTab()
    fail(world, fault)
    await world.auth.refresh()
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })
})

describe('200 with something unusable beside the refresh token', () => {
  const odd: FaultRow[] = [
    ['an ID token that is none', ['id-token-garbage', { on: 'refresh' }]],
    ['an ID token without signature', ['id-token-alg-none', { on: 'refresh' }]],
    ['an ID token without sub', ['id-token-sub-missing', { on: 'refresh' }]],
    ['an ID token without iat (C-71)', ['id-token-iat-missing', { on: 'refresh' }]],
    ['an ID token that has expired', ['id-token-exp-past', { on: 'refresh' }]],
    ['token_type DPoP (G5)', ['token-type', { on: 'refresh', value: 'DPoP' }]],
    ['no token_type', ['token-type', { on: 'refresh' }]],
    ['no access token', ['no-access-token', { on: 'refresh' }]],
  ]
  test.each(odd)(
    '%s: the new refresh token is kept, and works after a reload',
    async (_, fault) => {
      const world = await expiredTab()
      const mend = fail(world, fault)
      const error = await failure(world.auth.fetch(usersMe))
      expect(['id_token_invalid', 'token_response_invalid']).toContain(error.code)
      expect(error).toMatchObject({ retryable: false, sessionEnded: false })
      await failure(world.auth.fetch(usersMe))
      expect(refreshes(world)).toHaveLength(1)
      expect(world.storedSession()!.refreshToken).not.toBe(sentTokens(world)[0])
      expect(world.auth.getSession()).toMatchObject(fresh)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])

      mend()
      const next = world.load(world.tab, `${appOrigin}/`)
      expect((await next.fetch(usersMe)).status).toBe(200)
    },
  )

  test('without a new refresh token the old one is known to be good', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['id-token-garbage', { on: 'refresh', times: 1 }])
    await failure(world.auth.fetch(usersMe))
    expect(world.storedSession()).not.toHaveProperty('pending')
    world.server.revokeSessions()
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(next.getSession()).toMatchObject({ reason: 'ended-by-server' })
  })

  test('another tab that waited does not take the old access token for a new one', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    const expired = expiredToken(world)
    fail(world, ['id-token-garbage', { on: 'refresh', times: 1 }])
    const held = world.server.hold('/token')
    const first = failure(world.auth.getAccessToken())
    await world.until(() => held.count)
    const second = other.getAccessToken()
    await world.until(() => world.browser.locks.waiting)
    held.release()
    await first
    expect(await second).not.toBe(expired)
    expect((await other.fetch(usersMe)).status).toBe(200)
    expect(new Set(sentTokens(world)).size).toBe(2)
  })
})

describe('a refresh token goes only to the token endpoint it came from (C-77)', () => {
  test('a server that moved its token endpoint gets no old tokens, and the session ends', async () => {
    const world = await expiredTab()
    const next = world.load(world.tab, `${appOrigin}/`, {
      metadata: { token_endpoint: 'https://login.example.com/other/token' },
    })
    const error = await failure(next.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect((error.cause as Error).message).toContain('token endpoint')
    expect(refreshes(world)).toEqual([])
    expect(next.getSession()).toMatchObject({ status: 'signed-out' })
    expect(world.server.requests.filter(({ body }) => body.includes('refresh_token'))).toEqual([])
  })

  test('a stored session whose token endpoint was edited is discarded', async () => {
    const world = await expiredTab()
    const key = `pkce:${world.options.issuer}|${world.options.clientId}`
    const record = { ...world.storedSession(), tokenEndpoint: 'https://attacker.example/token' }
    world.browser.local.set(key, JSON.stringify(record))
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
    expect(next.getSession()).toMatchObject({ status: 'signed-out' })
  })
})
