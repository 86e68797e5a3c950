import { describe, expect, test } from 'vitest'
import type { PkceClient, SignedInSession } from '../../src/index.ts'
import type { FaultArguments, FaultName } from '../../src/testing/index.ts'
import {
  expiredTab,
  factsOf,
  failure,
  recovered,
  refreshes,
  renewedNow,
  sentTokens,
  usersMe,
} from '../support/refreshes.ts'
import { anotherTab, appOrigin, createWorld, listen, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

type Fault = { [Name in FaultName]: [Name, ...FaultArguments<Name>] }[FaultName]
type Row = [what: string, fault: Fault]

const at = { path: '/token' }
const refused = (error: string): Fault => ['respond', { ...at, status: 400, body: { error } }]
const status = (code: number): Fault => ['respond', { ...at, status: code }]

function fail({ server }: Pick<World, 'server'>, [name, ...how]: Fault) {
  return server.fault(name, ...(how as FaultArguments<FaultName>))
}

/** What is kept, without what changes with every request. */
function kept(world: World) {
  const record = world.storedSession()!
  return { refreshToken: record.refreshToken, access: record.access, claims: record.claims }
}

function expiredToken(world: World): string {
  return (world.storedSession()!.access as { default: { token: string } }).default.token
}

const stale = { status: 'signed-in', stale: true }
const fresh = { status: 'signed-in', stale: false }

describe('200', () => {
  test('an expired access token is renewed by the call that needs one, and nobody notices', async () => {
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

  test('a scope that shrank is shown (C-44)', async () => {
    const world = await signedInTab()
    world.server.fault('granted-scope', { scope: 'openid', on: 'refresh' })
    expect(await world.auth.refresh()).toMatchObject({ scope: 'openid' })
  })

  test.each<Row>([
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
  ])('%s does not cost anybody the session', async (_, fault) => {
    const world = await expiredTab()
    fail(world, fault)
    await world.auth.refresh()
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })
})

describe('the server says that it is over', () => {
  test.each<Row>([
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
          ...at,
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

  test('a revoked session ends once, and nothing more is sent whatever is called (A-50)', async () => {
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
        ...at,
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

describe('the server renews the session for somebody else (G3)', () => {
  test.each<Row>([
    ['another issuer (C-66)', ['id-token-iss-wrong', { on: 'refresh' }]],
    ['another subject (C-67, A-29)', ['id-token-sub-wrong', { on: 'refresh' }]],
    ['another audience (C-68)', ['id-token-aud-wrong', { on: 'refresh' }]],
    ['an added audience (C-68)', ['id-token-aud-extra', { on: 'refresh' }]],
    ['an older auth_time (C-69)', ['id-token-claims', { on: 'refresh', set: { auth_time: 5 } }]],
    ['a newer auth_time (C-69)', ['id-token-auth-time-future', { on: 'refresh', seconds: 0 }]],
    ['another nonce (C-70)', ['id-token-nonce-wrong', { on: 'refresh' }]],
    ['another azp (C-71)', ['id-token-azp-wrong', { on: 'refresh' }]],
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

  test('nothing that a refreshed ID token says beyond that is used, as its signature is not looked at (G1)', async () => {
    const world = await expiredTab()
    const { claims } = world.auth.getSession() as SignedInSession
    fail(world, ['id-token-claims', { on: 'refresh', set: { name: 'Mallory', roles: ['admin'] } }])
    fail(world, ['id-token-bad-signature', { on: 'refresh' }])
    expect((await world.auth.refresh()).claims).toEqual(claims)
    expect(world.storedSession()!.claims).toEqual(claims)
    expect((await world.load(world.tab, `${appOrigin}/`).start()).session).toMatchObject({ claims })
  })

  test('the nonce of the sign-in again is right (C-70)', async () => {
    const world = await expiredTab()
    const { nonce } = (world.auth.getSession() as SignedInSession).claims!
    fail(world, ['id-token-claims', { on: 'refresh', set: { nonce } }])
    expect(await world.auth.refresh()).toMatchObject(fresh)
  })
})

const unknownOutcomes: Row[] = [
  ['a network error', ['network-error', at]],
  ['500', status(500)],
  ['502', status(502)],
  ['504', status(504)],
  ['502 with a page', ['html-502']],
  ['an empty 200', ['empty-200']],
  ['204', ['no-content']],
  ['205', status(205)],
  ['a JSON array', ['json-array']],
  ['null', ['json-null']],
  ['a JSON string', ['json-string']],
  ['JSON cut short', ['truncated-json']],
  ['5 MiB', ['huge-body']],
  ['a body without end', ['infinite-body', at]],
  [
    '200 without any token',
    ['token-members', { on: 'refresh', remove: ['access_token', 'refresh_token'] }],
  ],
]

describe('nobody can tell whether the server has used the refresh token', () => {
  test.each(unknownOutcomes)(
    '%s: sent once more at once, then the session is kept (C-76)',
    async (_, fault) => {
      const world = await expiredTab({ server: { rotation: false } })
      const before = kept(world)
      fail(world, fault)
      const error = await failure(world.auth.fetch(usersMe))
      expect(error).toMatchObject({ retryable: true, sessionEnded: false })
      expect(refreshes(world)).toHaveLength(2)
      expect(kept(world)).toEqual(before)
      expect(world.auth.getSession()).toMatchObject(stale)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])
      expect(factsOf(world.heard, 'signed-out')).toEqual([])
    },
  )

  test.each(unknownOutcomes)(
    '%s, once: the second request brings the session back',
    async (_, [name, how]) => {
      const world = await expiredTab({ server: { rotation: false } })
      fail(world, [name, { ...how, times: 1 }] as Fault)
      const me = await world.auth.fetch(usersMe)
      expect(me.status).toBe(200)
      expect(refreshes(world)).toHaveLength(2)
      expect(world.auth.getSession()).toMatchObject(fresh)
      expect(factsOf(world.heard, 'refresh-failed')).toEqual([])
      expect(world.storedSession()).not.toHaveProperty('pending')
    },
  )

  test('a server that is silent: timeout after twice the time one request may take', async () => {
    const world = await expiredTab()
    fail(world, ['hang', at])
    const call = failure(world.auth.fetch(usersMe))
    await world.clock.advance(30_000)
    expect(await call).toMatchObject({ code: 'timeout', retryable: true, sessionEnded: false })
    expect(refreshes(world)).toHaveLength(2)
    expect(world.auth.getSession()).toMatchObject(stale)
  })

  test('headers in time and a body that comes too slowly: timeout as well', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['slow-body', { ...at, milliseconds: 10_000 }])
    const call = failure(world.auth.fetch(usersMe))
    await world.clock.advance(40_000)
    expect(await call).toMatchObject({ code: 'timeout' })
  })

  test('an answer lost on the way from a strict server ends the session, and says why (A-52)', async () => {
    const world = await expiredTab()
    fail(world, ['drop-response', { ...at, times: 1 }])
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(refreshes(world)).toHaveLength(2)
    expect(world.auth.getSession()).toEqual({
      status: 'signed-out',
      reason: 'refresh-response-lost',
    })
  })

  test('a lost answer costs nothing on a server that knows lost answers', async () => {
    const world = await expiredTab({ server: { reuseGraceSeconds: 30 } })
    fail(world, ['drop-response', { ...at, times: 1 }])
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('a page that dies while the request is out: the next one sends once, and can tell what was lost', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    void world.auth.fetch(usersMe)
    await world.until(() => held.count)
    const next = world.load(world.tab, `${appOrigin}/`)
    held.release()
    await next.start()
    const error = await failure(next.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(refreshes(world)).toHaveLength(2)
    expect(next.getSession()).toEqual({ status: 'signed-out', reason: 'refresh-response-lost' })
  })

  test('a page that dies before the request arrives: the next one sends it, and all is well', async () => {
    const world = await expiredTab()
    fail(world, ['hang', { ...at, times: 1 }])
    void world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a page that finds an unknown outcome sends once, not twice, before it backs off', async () => {
    const world = await expiredTab()
    fail(world, ['hang', { ...at, times: 1 }])
    void world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    fail(world, ['network-error', at])
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(2)
    expect(next.getSession()).toMatchObject(stale)
  })
})

const passing: Row[] = [
  ['408', status(408)],
  ['429', ['try-later', { ...at, status: 429, retryAfter: 1 }]],
  ['503', status(503)],
  ['the page of a captive portal', ['html-200']],
  ['a redirect', ['redirect-token']],
  ['511, network authentication required', status(511)],
]

describe('not now', () => {
  test.each(passing)(
    '%s: one request, the session is kept and tried again by itself (C-76)',
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
      await world.clock.advance(1100)
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
  ])('Retry-After %s holds everybody back for %i ms (A-58)', async (retryAfter, wait) => {
    const world = await expiredTab()
    fail(world, ['try-later', { ...at, retryAfter, times: 1 }])
    await failure(world.auth.fetch(usersMe))
    await world.clock.advance(wait - 1000)
    await failure(world.auth.fetch(usersMe))
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(1100)
    await recovered(world, world.auth)
    expect(refreshes(world)).toHaveLength(2)
  })

  test.each(['-5', '0', 'soon', '', 'Thu, 01 Jan 2026 00:00:00 GMT'])(
    'Retry-After "%s" is as if it were not there (A-58)',
    async (retryAfter) => {
      const world = await expiredTab()
      fail(world, ['try-later', { ...at, retryAfter, times: 1 }])
      await failure(world.auth.fetch(usersMe))
      await world.clock.advance(1100)
      await recovered(world, world.auth)
    },
  )

  test('a dead network is asked ever more rarely, and no call adds to it', async () => {
    const world = await expiredTab()
    fail(world, ['network-error', at])
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
    'the first pause is between half a second and a second, as chance (%d) has it: %d ms',
    async (chance, pause) => {
      const world = await expiredTab()
      world.tab.load(`${appOrigin}/`)
      const clock = { ...world.tab.ports.clock, random: () => chance }
      const auth = world.client(world.tab, { clock })
      fail(world, ['try-later', { ...at, retryAfter: '', times: 1 }])
      await failure(auth.fetch(usersMe))
      await world.clock.advance(pause - 1)
      expect(refreshes(world)).toHaveLength(1)
      await world.clock.advance(1)
      await recovered(world, auth)
      expect(refreshes(world)).toHaveLength(2)
    },
  )

  test('while it is held back, calls fail at once with the reason of the last failure', async () => {
    const world = await expiredTab()
    fail(world, ['network-error', at])
    const first = await failure(world.auth.fetch(usersMe))
    expect(await failure(world.auth.fetch(usersMe))).toBe(first)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('the first success forgets the back-off', async () => {
    const world = await expiredTab()
    const mend = fail(world, ['network-error', at])
    await failure(world.auth.fetch(usersMe))
    await world.clock.advance(20_000)
    mend()
    world.tab.wake()
    await recovered(world, world.auth)
    expect(world.storedSession()).not.toHaveProperty('pending')
  })

  test('a page that is woken lifts the back-off at once', async () => {
    const world = await expiredTab()
    const mend = fail(world, ['try-later', { ...at, retryAfter: 300 }])
    await failure(world.auth.fetch(usersMe))
    mend()
    world.tab.wake()
    await recovered(world, world.auth)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a clock that was set back by hours does not hold the session back for hours', async () => {
    const world = await expiredTab()
    const mend = fail(world, ['try-later', { ...at, retryAfter: 300 }])
    await failure(world.auth.refresh())
    mend()
    world.clock.jump(-7_200_000)
    await world.auth.refresh()
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test('discovery that fails after a reload is a passing failure, and no token is sent', async () => {
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

describe('the request is wrong', () => {
  test.each<Row>([
    [
      'invalid_client',
      [
        'respond',
        {
          ...at,
          status: 401,
          body: { error: 'invalid_client' },
          headers: { 'www-authenticate': 'Basic realm="x"' },
        },
      ],
    ],
    ['unauthorized_client', refused('unauthorized_client')],
    ['invalid_scope', refused('invalid_scope')],
    ['invalid_request', refused('invalid_request')],
    ['an error nobody knows', refused('computer_says_no')],
    ['400 without words', status(400)],
    ['404', status(404)],
  ])('%s: the session is kept, and not tried again before a reload', async (_, fault) => {
    const world = await expiredTab()
    const before = kept(world)
    const mend = fail(world, fault)
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'server_error', retryable: false, sessionEnded: false })
    expect(await failure(world.auth.refresh())).toBe(error)
    world.tab.wake()
    await world.clock.advance(3_600_000)
    expect(refreshes(world)).toHaveLength(1)
    expect(kept(world)).toEqual(before)
    expect(world.storedSession()).not.toHaveProperty('pending')
    expect(world.auth.getSession()).toMatchObject(fresh)
    expect(factsOf(world.heard, 'refresh-failed')).toEqual([{ error }])

    mend()
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.fetch(usersMe)).status).toBe(200)
  })

  test('the next sign-in is not held against what went wrong before', async () => {
    const world = await expiredTab()
    const mend = fail(world, refused('invalid_client'))
    await failure(world.auth.fetch(usersMe))
    mend()
    await world.server.signInTo(world.auth)
    await world.clock.advance(900_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('after an unknown outcome the doubt is kept', async () => {
    const world = await expiredTab()
    fail(world, ['respond', { ...at, status: 500, times: 1 }])
    const mend = fail(world, refused('invalid_client'))
    await failure(world.auth.fetch(usersMe))
    mend()
    world.server.revokeSessions()
    const next = world.load(world.tab, `${appOrigin}/`)
    await failure(next.fetch(usersMe))
    expect(next.getSession()).toMatchObject({ reason: 'refresh-response-lost' })
  })
})

describe('200 with something odd beside the refresh token', () => {
  const odd: Row[] = [
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

  test('without a new refresh token there is no doubt about the old one either', async () => {
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

describe('expires_in', () => {
  test.each<[string, Fault, number | undefined]>([
    ['absent', ['expires-in', { on: 'refresh' }], undefined],
    ['0', ['expires-in', { on: 'refresh', value: 0 }], undefined],
    ['negative', ['expires-in', { on: 'refresh', value: -1 }], undefined],
    ['"3600"', ['expires-in', { on: 'refresh', value: '3600' }], 3600],
    ['"3600abc"', ['expires-in', { on: 'refresh', value: '3600abc' }], undefined],
    ['null', ['expires-in', { on: 'refresh', value: null }], undefined],
    ['[]', ['expires-in', { on: 'refresh', value: [] }], undefined],
    ['1e12', ['expires-in', { on: 'refresh', value: 1e12 }], 365 * 86_400],
    ['1e999', ['expires-in', { on: 'refresh', raw: '1e999' }], 365 * 86_400],
    ['true', ['expires-in', { on: 'refresh', value: true }], undefined],
    ['half a second', ['expires-in', { on: 'refresh', value: 0.5 }], 0.5],
  ])('%s (A-56, G4)', async (_, fault, seconds) => {
    const world = await expiredTab()
    fail(world, fault)
    const session = await world.auth.refresh()
    expect(session.expiresAt).toBe(
      seconds === undefined ? undefined : world.clock.now() + seconds * 1000,
    )
    expect(world.clock.timers).toBe(0)
  })

  test('NaN is no JSON, so the outcome is unknown and the session kept (A-56)', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    fail(world, ['expires-in', { on: 'refresh', raw: 'NaN' }])
    await failure(world.auth.refresh())
    expect(world.auth.getSession()).toMatchObject(stale)
  })

  test.each(['sign-in', 'refresh'] as const)(
    'a token whose life nobody knows, from a %s, is used until a 401 (C-46, A-56, G4)',
    async (on) => {
      const world = createWorld()
      world.server.fault('expires-in', { on, times: 1 })
      const auth = await world.signIn()
      if (on === 'refresh') await auth.refresh()
      const before = refreshes(world).length
      await world.clock.advance(850_000)
      expect((await auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(before)
      await world.clock.advance(100_000)
      expect((await auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(before + 1)
      expect(world.server.requestsTo('/users/me')).toHaveLength(3)
    },
  )

  test('tokens that live for a second are renewed when used, and never in a loop (A-57)', async () => {
    const world = await signedInTab({ expiresIn: 1 })
    await world.clock.advance(60_000)
    expect(refreshes(world)).toEqual([])
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })
})

describe('when', () => {
  test('a token is renewed ahead of time while the caller goes on with the one there is', async () => {
    const world = await signedInTab()
    await world.clock.advance(841_000)
    const held = world.server.hold('/token')
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    await world.until(() => held.count)
    held.release()
    await renewedNow(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('and not before the last minute of its life', async () => {
    const world = await signedInTab()
    await world.clock.advance(839_999)
    await world.auth.fetch(usersMe)
    await world.clock.settle()
    expect(refreshes(world)).toEqual([])
    await world.clock.advance(1)
    await world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length === 1)
  })

  test('a short life is renewed a quarter of it ahead', async () => {
    const world = await signedInTab({ expiresIn: 40 })
    await world.clock.advance(29_000)
    await world.auth.fetch(usersMe)
    await world.clock.settle()
    expect(refreshes(world)).toEqual([])
    await world.clock.advance(1000)
    await world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length === 1)
  })

  test('an unused session asks for nothing, for days', async () => {
    const world = await signedInTab()
    await world.clock.advance(3 * 86_400_000)
    expect(refreshes(world)).toEqual([])
    expect(world.clock.timers).toBe(0)
  })

  test('a token that is due is renewed when the page is woken', async () => {
    const world = await expiredTab()
    world.tab.wake()
    await renewedNow(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a token that is not due is left alone when the page is woken', async () => {
    const world = await signedInTab()
    world.tab.wake()
    await world.clock.settle()
    expect(refreshes(world)).toEqual([])
  })

  test('minValidity asks for a token that lasts', async () => {
    const world = await signedInTab()
    await world.clock.advance(700_000)
    const first = await world.auth.getAccessToken({ minValidity: 100 })
    expect(refreshes(world)).toEqual([])
    expect(await world.auth.getAccessToken({ minValidity: 300 })).not.toBe(first)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a minValidity longer than tokens live renews once in ten seconds, and not at each call', async () => {
    const world = await signedInTab({ expiresIn: 60 })
    const ask = () => world.auth.getAccessToken({ minValidity: 120 })
    await world.clock.advance(10_000)
    const token = await ask()
    for (let call = 0; call < 50; call += 1) expect(await ask()).toBe(token)
    expect(refreshes(world)).toHaveLength(1)
    await world.clock.advance(10_000)
    expect(await ask()).not.toBe(token)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('a token that lives for seconds only is not handed out when they are over', async () => {
    const world = await signedInTab({ expiresIn: 5 })
    const first = await world.auth.getAccessToken({ minValidity: 60 })
    await world.clock.advance(5000)
    expect(await world.auth.getAccessToken({ minValidity: 60 })).not.toBe(first)
  })

  test('a clock that jumps an hour ahead costs one refresh, and one that jumps back nothing (A-55)', async () => {
    const world = await signedInTab()
    world.clock.jump(3_600_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    world.clock.jump(-3_600_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a page that slept past the expiry renews and goes on (A-55)', async () => {
    const world = await signedInTab()
    world.tab.freeze()
    await world.clock.advance(8 * 3_600_000)
    world.tab.resume()
    world.tab.wake()
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('refresh() renews a token that is still good, and calls at the same time share it', async () => {
    const world = await signedInTab()
    await Promise.all([world.auth.refresh(), world.auth.refresh(), world.auth.refresh()])
    expect(refreshes(world)).toHaveLength(1)
  })
})

describe('without a refresh token', () => {
  const online = { params: { scope: 'openid profile' } }

  test('an expired access token is the end: expired', async () => {
    const world = await expiredTab(online)
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
    expect(refreshes(world)).toEqual([])
  })

  test('a reload after the expiry finds nobody signed in: expired', async () => {
    const world = await expiredTab(online)
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.start()).session).toEqual({ status: 'signed-out', reason: 'expired' })
  })

  test('a page that is woken after the expiry says so: expired', async () => {
    const world = await expiredTab(online)
    world.tab.wake()
    await world.clock.settle()
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })

  test('a 401 that says invalid_token is the end: expired, and the 401 is returned', async () => {
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

describe('things that happen while a refresh is under way', () => {
  test('leaving the page, which must not abort the request', async () => {
    const inits: (RequestInit | undefined)[] = []
    const world = await expiredTab()
    const { fetch } = world.server
    const auth = world.client(world.browser.openTab(), {
      fetch: (input, init) => {
        if ((input as string).endsWith('/token')) inits.push(init)
        return fetch(input, init)
      },
    })
    await auth.getAccessToken()
    expect(inits).toMatchObject([{ keepalive: true }])
  })

  test('signing out; the new tokens are dropped, and revoked (A-53)', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const call = failure(world.auth.fetch(usersMe))
    await world.until(() => held.count)
    await world.auth.signOut({ redirect: false })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    const revocations = world.server.requestsTo('/revoke').length
    held.release()
    expect(await call).toMatchObject({ code: 'session_ended', sessionEnded: true })
    await world.until(() => world.server.requestsTo('/revoke').length > revocations)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).not.toHaveProperty('refreshToken')
    expect(factsOf(world.heard, 'token-refreshed')).toEqual([])
  })

  test("somebody else signing in; the new tokens of the first are dropped and revoked, and her call is not made in the other's name (A-54)", async () => {
    const world = await expiredTab()
    fail(world, ['slow-headers', { ...at, milliseconds: 5000, times: 1 }])
    const call = failure(world.auth.fetch(usersMe))
    await world.until(() => refreshes(world).length)
    await world.server.signInTo(world.client(world.browser.openTab()), 'grace')
    await world.clock.advance(5000)
    expect(await call).toMatchObject({ code: 'session_ended' })
    await world.until(() => world.server.revoked.length)
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    expect(world.server.requestsTo('/users/me')).toEqual([])
    expect(world.server.revoked).toMatchObject([{ username: 'ada', reason: 'revoked-by-client' }])
    expect(await (await world.auth.fetch(usersMe)).json()).toMatchObject({ sub: 'user-grace' })
  })

  test('the same person signing in again: the call goes on with the new session', async () => {
    const world = await expiredTab()
    fail(world, ['slow-headers', { ...at, milliseconds: 5000, times: 1 }])
    const call = world.auth.fetch(usersMe)
    await world.until(() => refreshes(world).length)
    await world.server.signInTo(world.auth)
    await world.clock.advance(5000)
    expect((await call).status).toBe(200)
    expect(world.auth.getSession()).toMatchObject(fresh)
  })

  test("the caller's abort ends only the caller's wait", async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const reason = new Error('navigated away')
    const controller = new AbortController()
    const call = world.auth.refresh({ signal: controller.signal })
    await world.until(() => held.count)
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    held.release()
    await renewedNow(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('close(): the rotated token is still saved, and nothing is left running', async () => {
    const world = await expiredTab()
    const held = world.server.hold('/token')
    const call = world.auth.refresh()
    await world.until(() => held.count)
    world.auth.close()
    held.release()
    await call
    await world.clock.settle()
    expect(world.storedSession()!.refreshToken).not.toBe(sentTokens(world)[0])
    expect(world.clock.timers).toBe(0)
    expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
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

  test('a record whose token endpoint was edited is not believed', async () => {
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

describe('after close()', () => {
  test('no timer, lock, listener or channel is left, even with a back-off running', async () => {
    const world = await expiredTab()
    fail(world, ['network-error', at])
    await failure(world.auth.fetch(usersMe))
    expect(world.clock.timers).toBe(1)
    world.auth.close()
    expect(world.clock.timers).toBe(0)
    expect(world.browser.locks).toMatchObject({ held: 0, waiting: 0 })
    world.tab.wake()
    await world.clock.advance(3_600_000)
    expect(refreshes(world)).toHaveLength(2)
  })

  test('other tabs are not heard any more', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const heard = listen(other)
    other.close()
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    expect(heard).toEqual([])
  })

  test('a look that a wake-up has begun sends nothing', async () => {
    const world = await expiredTab()
    world.tab.wake()
    world.auth.close()
    await world.clock.advance(60_000)
    expect(refreshes(world)).toEqual([])
  })

  test('a client that is closed before it starts opens nothing', async () => {
    const world = await signedInTab()
    const other = world.client(world.browser.openTab())
    other.close()
    await other.start()
    await world.auth.refresh()
    await world.clock.settle()
    expect(other.getSession()).toEqual({ status: 'unknown' })
    expect(world.clock.timers).toBe(0)
  })
})
