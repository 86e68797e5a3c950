import { describe, expect, test } from 'vitest'
import {
  expiredTab,
  factsOf,
  failure,
  recovered,
  refreshes,
  sentTokens,
  usersMe,
} from '../support/refreshes.ts'
import {
  anotherTab,
  appOrigin,
  createWorld,
  listen,
  rejection,
  signedInTab,
} from '../support/world.ts'

// What was seen to go wrong in other libraries, each under its number in our list, and what happens here instead.

const at = { path: '/token' }
const signedIn = { status: 'signed-in' }

describe('a refresh that fails for a passing reason', () => {
  test('field 1: 503 with JSON does not cost the refresh token; the next refresh sends it', async () => {
    const world = await expiredTab()
    const { refreshToken } = world.storedSession()!
    world.server.fault('respond', { ...at, status: 503, body: { error: 'busy' }, times: 1 })
    await failure(world.auth.refresh())
    world.tab.wake()
    await recovered(world, world.auth)
    expect(sentTokens(world)).toEqual([refreshToken, refreshToken])
  })

  test('field 5: a network error leaves the session, and the access token that is still good', async () => {
    const world = await signedInTab()
    const token = await world.auth.getAccessToken()
    world.server.fault('network-error', at)
    await failure(world.auth.refresh())
    expect(world.auth.getSession()).toMatchObject({ ...signedIn, stale: true })
    expect(await world.auth.getAccessToken()).toBe(token)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('field M1: 503 a minute ahead of the expiry is one request, and nothing is erased', async () => {
    const world = await signedInTab()
    await world.clock.advance(845_000)
    world.server.fault('respond', { ...at, status: 503 })
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    await world.until(() => refreshes(world).length)
    await world.clock.settle()
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.storedSession()).toHaveProperty('refreshToken')
  })

  test('field M1: 503 on a renewal that the app asked for is one request, and nothing is erased', async () => {
    const world = await signedInTab()
    const token = await world.auth.getAccessToken()
    world.server.fault('respond', { ...at, status: 503 })
    expect(await failure(world.auth.refresh())).toMatchObject({ retryable: true })
    expect(refreshes(world)).toHaveLength(1)
    expect(world.storedSession()).toHaveProperty('refreshToken')
    expect(await world.auth.getAccessToken()).toBe(token)
  })

  test('field M2: 429, and a network that is gone for minutes, erase nothing', async () => {
    const world = await expiredTab()
    world.server.fault('try-later', { ...at, status: 429, retryAfter: 2, times: 1 })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ retryable: true })
    const mend = world.server.fault('network-error', at)
    for (let minute = 0; minute < 5; minute += 1) await world.clock.advance(60_000)
    expect(world.auth.getSession()).toMatchObject({ ...signedIn, stale: true })
    mend()
    world.tab.wake()
    await recovered(world, world.auth)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('field M9: 503 as the page loads keeps the tokens and sends nobody away', async () => {
    const world = await expiredTab()
    const before = world.tab.navigations.length
    world.server.fault('respond', { ...at, status: 503 })
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.start()).session).toMatchObject(signedIn)
    await failure(next.fetch(usersMe))
    expect(next.getSession()).toMatchObject({ ...signedIn, stale: true })
    expect(world.storedSession()).toHaveProperty('refreshToken')
    expect(world.tab.navigations).toHaveLength(before)
  })

  test('field M10: a network error is told once, and is no new sign-in', async () => {
    const world = await expiredTab()
    const before = world.tab.navigations.length
    world.server.fault('network-error', at)
    await failure(world.auth.fetch(usersMe))
    expect(factsOf(world.heard, 'refresh-failed')).toHaveLength(1)
    expect(world.tab.navigations).toHaveLength(before)
    expect(world.server.requestsTo('/authorize')).toHaveLength(1)
  })
})

describe('calls at the same time', () => {
  test('field 2: a token endpoint that takes seven seconds serves whoever waits, in every tab', async () => {
    const world = await expiredTab()
    const { auth: other } = await anotherTab(world)
    world.server.fault('slow-headers', { ...at, milliseconds: 7000, times: 1 })
    const calls = Promise.all([world.auth.fetch(usersMe), other.fetch(usersMe)])
    await world.until(() => refreshes(world).length)
    await world.clock.advance(7000)
    expect((await calls).map(({ status }) => status)).toEqual([200, 200])
    expect(refreshes(world)).toHaveLength(1)
  })

  test.each(['field 4', 'field M13', 'field M14'])(
    '%s: three refreshes at once are one request',
    async () => {
      const world = await signedInTab()
      await Promise.all([1, 2, 3].map(() => world.auth.refresh()))
      expect(refreshes(world)).toHaveLength(1)
      expect(world.server.revoked).toEqual([])
    },
  )

  test('field 4: an answer handled twice at once is redeemed once', async () => {
    const world = createWorld()
    const auth = world.client()
    const { url } = await auth.createAuthorizationUrl()
    const callback = await world.server.authorize(url, { username: 'ada' })
    const results = await Promise.all([
      auth.handleCallback(callback),
      auth.handleCallback(callback),
    ])
    for (const result of results) expect(result).toMatchObject({ session: signedIn })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('field M6: a lock that is held is waited for, not asked for over and over', async () => {
    const world = await expiredTab()
    const tab = world.browser.openTab()
    let asked = 0
    const lock: typeof tab.ports.lock = {
      request: (...request) => {
        asked += 1
        return tab.ports.lock.request(...request)
      },
    }
    const other = world.client(tab, { lock })
    await other.start()
    const held = world.server.hold('/token')
    const first = world.auth.fetch(usersMe)
    await world.until(() => held.count)
    const second = other.fetch(usersMe)
    await world.clock.advance(10_000)
    // Once for a place in the line, and once for the lock.
    expect(asked).toBe(2)
    held.release()
    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
    expect(world.browser.posted.length).toBeLessThan(10)
  })
})

describe('where tokens go, and what comes with them', () => {
  test('field 3: a host that is not listed gets no token', async () => {
    const world = await signedInTab()
    const error = await failure(world.auth.fetch('https://evil.example/x'))
    expect(error).toMatchObject({ code: 'resource_not_allowed' })
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
  })

  test.each(['field 3', 'field M13'])(
    '%s: a 401 that says invalid_token is tried again',
    async () => {
      const world = await signedInTab()
      await world.clock.advance(60_000)
      world.server.expireAccessTokens()
      expect((await world.auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(1)
    },
  )

  test('field 3: a Request with a body is sent again with its body', async () => {
    const world = await signedInTab()
    await world.clock.advance(60_000)
    world.server.expireAccessTokens()
    const request = new Request('https://api.example.com/echo', { method: 'POST', body: 'milk' })
    const answer = await world.auth.fetch(request)
    expect(await answer.json()).toMatchObject({ method: 'POST', body: 'milk' })
    expect(world.server.requestsTo('/echo')).toHaveLength(2)
  })

  test.each([
    ['field 4: an unsigned ID token', 'id-token-alg-none'],
    ['field 4: an ID token of another issuer', 'id-token-iss-wrong'],
    ['field 4: an ID token for another client', 'id-token-aud-wrong'],
    ['field 4: an ID token that has expired', 'id-token-exp-past'],
    ['field 4: an ID token with another nonce', 'id-token-nonce-wrong'],
    ['field 4: another iss beside the code', 'callback-iss-wrong'],
    ['field M14: another state', 'callback-state-wrong'],
  ] as const)('%s signs nobody in', async (_, fault) => {
    const world = createWorld()
    const auth = world.client()
    world.server.fault(fault)
    const { url } = await auth.createAuthorizationUrl()
    expect(url.searchParams.get('nonce')).toMatch(/^[\w-]{43}$/)
    expect(url.searchParams.get('state')).toMatch(/[\w-]{43}$/)
    const callback = await world.server.authorize(url, { username: 'ada' })
    await auth.handleCallback(callback).catch(() => undefined)
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('field 6: tokens that are no JWTs are tokens, and a second start() is the first one', async () => {
    const world = await signedInTab({ server: { accessTokenFormat: 'opaque' } })
    expect(world.auth.start()).toBe(world.auth.start())
    expect((await world.auth.refresh()).status).toBe('signed-in')
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  test('field 6: a refresh without a new refresh token keeps the old one', async () => {
    const world = await signedInTab({ server: { rotation: false } })
    await world.auth.refresh()
    await world.auth.refresh()
    expect(new Set(sentTokens(world)).size).toBe(1)
  })

  test('field M13: a refresh token of any characters arrives as it is, and the parameters beside it', async () => {
    const refresh_token = 'a+b/c=d&e%f é?#'
    const world = createWorld()
    const auth = world.client()
    world.server.fault('token-members', { on: 'sign-in', set: { refresh_token } })
    await world.server.signInTo(auth)
    await failure(auth.refresh())
    expect(refreshes(world)[0]!.form).toEqual({
      grant_type: 'refresh_token',
      client_id: 'production-app',
      refresh_token,
    })
  })
})

describe('a sign-in that fails on the way back', () => {
  test('field M4: a code whose exchange timed out is not sent again', async () => {
    const world = createWorld()
    const auth = world.client()
    const { url } = await auth.createAuthorizationUrl()
    const callback = await world.server.authorize(url, { username: 'ada' })
    world.server.fault('hang', at)
    const error = rejection(auth.handleCallback(callback))
    await world.until(() => world.server.requestsTo('/token').length)
    await world.clock.advance(120_000)
    expect(await error).toMatchObject({ code: 'timeout', retryable: true })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('field M13: the next sign-in after a network error works', async () => {
    const world = createWorld()
    const auth = world.client()
    world.server.fault('network-error', { ...at, times: 2 })
    await rejection(world.server.signInTo(auth))
    await world.server.signInTo(auth)
    expect(auth.getSession()).toMatchObject(signedIn)
  })
})

describe('time, and being sent away', () => {
  test('field M11: a token that is good for 30 days asks for nothing before', async () => {
    const world = await signedInTab({ expiresIn: 30 * 86_400 })
    expect(world.clock.timers).toBe(0)
    await world.clock.advance(29 * 86_400_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toEqual([])
    expect(world.clock.timers).toBe(0)
  })

  test.each([
    ['503', 'respond', { ...at, status: 503 }],
    ['429', 'respond', { ...at, status: 429 }],
    ['500', 'respond', { ...at, status: 500 }],
    ['a network error', 'network-error', at],
  ] as const)('field M14: %s on a refresh sends nobody to sign in', async (_, fault, how) => {
    const world = await expiredTab()
    const heard = listen(world.auth)
    const before = world.tab.navigations.length
    world.server.fault(fault, how)
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ retryable: true, sessionEnded: false })
    expect(world.tab.navigations).toHaveLength(before)
    expect(factsOf(heard, 'sign-in-required')).toEqual([])
    expect(world.auth.getSession()).toMatchObject(signedIn)
  })
})
