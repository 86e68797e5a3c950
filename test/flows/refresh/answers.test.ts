import { describe, expect, test } from 'vitest'
import type { SignedInSession } from '../../../src/index.ts'
import { atToken, fail } from '../../support/faults.ts'
import type { Fault, FaultRow } from '../../support/faults.ts'
import {
  expiredTab,
  factsOf,
  failure,
  fresh,
  kept,
  recovered,
  refreshes,
  sentTokens,
  stale,
  usersMe,
} from '../../support/refreshes.ts'
import { anotherTab, appOrigin, createWorld, listen, signedInTab } from '../../support/world.ts'
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

describe('200 without a usable access token', () => {
  const odd: FaultRow[] = [
    ['token_type DPoP (G5)', ['token-type', { on: 'refresh', value: 'DPoP' }]],
    ['token_type mac', ['token-type', { on: 'refresh', value: 'mac' }]],
    ['no access token', ['no-access-token', { on: 'refresh' }]],
    ['a number for it', ['token-members', { on: 'refresh', set: { access_token: 7 } }]],
    ['one with a line break', ['token-members', { on: 'refresh', set: { access_token: 'a\nb' } }]],
  ]
  test.each(odd)(
    '%s: the refresh token it brought is kept, and tried again like after a transient failure (F2)',
    async (_, fault) => {
      const world = await expiredTab()
      const mend = fail(world, fault)
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ code: 'token_response_invalid', sessionEnded: false })
      expect(error.retryable).toBe(true)
      expect(await failure(world.auth.fetch(usersMe))).toBe(error)
      expect(refreshes(world)).toHaveLength(1)
      expect(world.storedSession()!.refreshToken).not.toBe(sentTokens(world)[0])
      expect(world.storedSession()!.pending).toMatchObject({ unknown: 0, failures: 1 })
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])

      mend()
      await world.clock.advance(1100)
      await recovered(world, world.auth)
      expect((await world.auth.fetch(usersMe)).status).toBe(200)
      expect(new Set(sentTokens(world)).size).toBe(2)
      expect(world.server.revoked).toEqual([])
    },
  )

  test('without a new refresh token the old one is known to be good (F2)', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['token-type', { on: 'refresh', value: 'mac', times: 1 }])
    await failure(world.auth.fetch(usersMe))
    expect(world.storedSession()!.pending).toMatchObject({ unknown: 0 })
    world.server.revokeSessions()
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(next.getSession()).toMatchObject({ reason: 'ended-by-server' })
  })

  test('a new refresh token ends the doubt about the one before it (F2)', async () => {
    const world = await expiredTab()
    fail(world, ['respond', { ...atToken, status: 500, times: 1 }])
    fail(world, ['no-access-token', { on: 'refresh' }])
    await failure(world.auth.fetch(usersMe))
    expect(world.storedSession()!.pending).toMatchObject({ unknown: 0 })
  })

  test('another tab that waited does not take the old access token for a new one', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    const expired = expiredToken(world)
    fail(world, ['no-access-token', { on: 'refresh', times: 1 }])
    const held = world.server.hold('/token')
    const first = failure(world.auth.getAccessToken())
    await world.until(() => held.count)
    const second = failure(other.getAccessToken())
    await world.until(() => world.browser.locks.waiting)
    held.release()
    await first
    expect(await second).toMatchObject({ retryable: true })
    await world.clock.advance(1100)
    expect(await other.getAccessToken()).not.toBe(expired)
    expect(new Set(sentTokens(world)).size).toBe(2)
  })

  test('nor does one that waited for a token that has not expired yet (F2)', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    fail(world, ['no-access-token', { on: 'refresh', times: 1 }])
    const held = world.server.hold('/token')
    const first = failure(world.auth.refresh())
    await world.until(() => held.count)
    const second = failure(other.refresh())
    await world.until(() => world.browser.locks.waiting)
    held.release()
    await first
    expect(await second).toMatchObject({ retryable: true })
  })

  test.each(['sign-in', 'refresh'] as const)(
    'token_type left out of the answer to a %s counts as Bearer (F28)',
    async (on) => {
      const world = createWorld()
      fail(world, ['token-type', { on }])
      const auth = await world.signIn()
      await auth.refresh()
      expect((await auth.fetch(usersMe)).status).toBe(200)
    },
  )
})

describe('a refresh token goes only to the token endpoint it came from (C-77)', () => {
  const elsewhere = 'https://login.example.com/v2/token'
  const moved: Fault = ['metadata', { patch: { token_endpoint: elsewhere } }]

  /** Another page of the app, loaded while discovery names another token endpoint. */
  async function loadedMeanwhile(world: World) {
    const mend = fail(world, moved)
    const auth = world.load(world.tab, `${appOrigin}/`)
    const heard = listen(auth)
    await auth.start()
    return { auth, heard, mend }
  }

  test('nothing is sent to another one, the session is held, and calls say to sign in (F14)', async () => {
    const world = await expiredTab()
    const before = kept(world)
    const { auth, heard } = await loadedMeanwhile(world)
    for (let call = 0; call < 3; call += 1) {
      const error = await failure(auth.fetch(usersMe))
      expect(error).toMatchObject({ code: 'sign_in_required', sessionEnded: false })
      expect(error.message).toContain(elsewhere)
    }
    expect(auth.getSession()).toMatchObject(stale)
    expect(kept(world)).toEqual(before)
    expect(factsOf(heard, 'sign-in-required')).toHaveLength(1)
    await world.clock.advance(3_600_000)
    expect(refreshes(world)).toEqual([])
    expect(world.server.requestsTo('/v2/token')).toEqual([])
    expect(auth.getSession()).toMatchObject(stale)
  })

  test('while the access token is good, it is used and nobody has to sign in (F14)', async () => {
    const world = await signedInTab()
    const { auth, heard } = await loadedMeanwhile(world)
    const error = await failure(auth.refresh())
    expect(error).toMatchObject({ code: 'sign_in_required', sessionEnded: false })
    expect(auth.getSession()).toMatchObject(stale)
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(factsOf(heard, 'sign-in-required')).toEqual([])
  })

  test.each<[string, (world: World) => unknown]>([
    ['after a minute', (world) => world.clock.advance(60_000)],
    ['when the page wakes', (world) => world.tab.wake()],
  ])('it goes on %s, once the endpoint is the old one again (F14)', async (_, wait) => {
    const world = await expiredTab()
    const { auth, mend } = await loadedMeanwhile(world)
    await failure(auth.fetch(usersMe))
    mend()
    await wait(world)
    await recovered(world, auth)
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(world.storedSession()).not.toHaveProperty('pending')
  })

  const elsewhereToo: Fault = [
    'metadata',
    {
      patch: {
        revocation_endpoint: 'https://login.example.com/v2/revoke',
        end_session_endpoint: 'https://login.example.com/v2/logout',
      },
    },
  ]

  test('tokens are revoked where the session is from: by a sign-out, and those of another user (F14)', async () => {
    for (const end of ['sign-out', 'another user']) {
      const world = await expiredTab()
      fail(world, elsewhereToo)
      const auth = world.load(world.tab, `${appOrigin}/`)
      await auth.start()
      if (end === 'sign-out') await auth.signOut({ redirect: false })
      else {
        fail(world, ['id-token-sub-wrong', { on: 'refresh' }])
        await failure(auth.refresh())
      }
      await world.until(() => world.server.revoked.length)
      expect(world.server.requestsTo('/revoke')).not.toEqual([])
      expect(world.server.requestsTo('/v2/revoke')).toEqual([])
    }
  })

  test('a tab that asks in the same minute is told the same, and nothing is sent (F14)', async () => {
    const world = await expiredTab()
    const other = await anotherTab(world)
    const heard = listen(other.auth)
    const { auth } = await loadedMeanwhile(world)
    await failure(auth.fetch(usersMe))
    await world.clock.settle()
    const error = await failure(other.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'sign_in_required', sessionEnded: false })
    expect(factsOf(heard, 'sign-in-required')).toEqual([{ error }])
    expect(refreshes(world)).toEqual([])
  })

  test('requireSession() signs in once the access token has expired, and not before (F14)', async () => {
    const world = await signedInTab()
    const { auth } = await loadedMeanwhile(world)
    await failure(auth.refresh())
    expect(await auth.requireSession()).toMatchObject({ status: 'signed-in' })
    await world.clock.advance(900_000)
    const before = world.tab.navigations.length
    void auth.requireSession().catch(() => undefined)
    await world.until(() => world.tab.navigations.length > before)
    expect(world.tab.navigations.at(-1)).toContain('/authorize')
    expect(refreshes(world)).toEqual([])
  })

  test('requireSession() looks first whether the endpoint is the old one again (F14)', async () => {
    const world = await expiredTab()
    const { auth, mend } = await loadedMeanwhile(world)
    await failure(auth.fetch(usersMe))
    mend()
    const next = world.load(world.tab, `${appOrigin}/`)
    const before = world.tab.navigations.length
    expect(await next.requireSession()).toMatchObject(fresh)
    expect(world.tab.navigations).toHaveLength(before)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('requireSession() sends nobody to sign in when it is the old one again and does not answer (F14)', async () => {
    const world = await expiredTab()
    const { auth, mend } = await loadedMeanwhile(world)
    await failure(auth.fetch(usersMe))
    mend()
    fail(world, ['network-error', { path: '/token' }])
    const next = world.load(world.tab, `${appOrigin}/`)
    const before = world.tab.navigations.length
    expect(await next.requireSession()).toMatchObject(stale)
    expect(world.tab.navigations).toHaveLength(before)
    expect(refreshes(world)).not.toEqual([])
  })

  test('a new sign-in is a session of the new endpoint (F14)', async () => {
    const world = await expiredTab()
    const { auth, mend } = await loadedMeanwhile(world)
    await failure(auth.fetch(usersMe))
    mend()
    await world.server.signInTo(auth)
    expect(auth.getSession()).toMatchObject(fresh)
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  test('a stored session whose token endpoint was edited is not sent there, nor anywhere (F14)', async () => {
    const world = await expiredTab()
    const key = `pkce:${world.options.issuer}|${world.options.clientId}`
    const record = { ...world.storedSession(), tokenEndpoint: 'https://attacker.example/token' }
    world.browser.local.set(key, JSON.stringify(record))
    const next = world.load(world.tab, `${appOrigin}/`)
    expect(await failure(next.fetch(usersMe))).toMatchObject({ code: 'sign_in_required' })
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
    expect(refreshes(world)).toEqual([])
  })
})
