import { describe, expect, test, vi } from 'vitest'
import {
  anotherTab,
  createWorld,
  listen,
  rejection,
  signedInTab,
  usualSessionKey,
} from '../support/world.ts'
import { endSession, withReturn } from '../support/end-session.ts'
import type { World } from '../support/world.ts'

describe('signing out', () => {
  test('ends the session here, revokes it, and goes on to the server', async () => {
    const world = await signedInTab()
    const token = await world.auth.getAccessToken()
    await world.auth.signOut()
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.server.revoked).toMatchObject([{ reason: 'revoked-by-client' }])
    expect(endSession(world).origin).toBe(world.server.issuer)
    const response = await world.server.fetch(`${world.server.api.url}users/me`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.status).toBe(401)
  })

  test('the session is over before anything is sent (C-106)', async () => {
    const world = await signedInTab()
    const revocation = world.server.hold('/revoke')
    const signingOut = world.auth.signOut()
    await world.until(() => revocation.count === 1)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out', access: {} })
    expect(world.storedSession()).not.toHaveProperty('refreshToken')
    expect(world.storedSession()).not.toHaveProperty('idToken')
    revocation.release()
    await signingOut
  })

  test('and over in the other tabs (C-106)', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const events = listen(other)
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    expect(other.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(events.map(({ name }) => name)).toEqual(['session-changed', 'signed-out'])
    expect(await rejection(other.getAccessToken())).toMatchObject({ code: 'sign_in_required' })
  })

  test('is still so after a reload', async () => {
    const world = await signedInTab()
    await world.auth.signOut({ redirect: false })
    const auth = world.load(world.tab, '/')
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out', reason: 'signed-out' },
    })
  })

  test('revokes the refresh token first, then the access token (C-107, C-109)', async () => {
    const world = await signedInTab()
    const { refreshToken } = world.storedSession() as { refreshToken: string }
    const token = await world.auth.getAccessToken()
    await world.auth.signOut({ redirect: false })
    const requests = world.server.requestsTo('/revoke')
    expect(requests.map(({ form }) => form?.['token'])).toEqual([refreshToken, token])
    for (const { method, form, headers } of requests) {
      expect(method).toBe('POST')
      expect(form).toMatchObject({ client_id: 'production-app' })
      expect(headers).not.toHaveProperty('authorization')
    }
  })

  test('a token that the server no longer knows is as good as revoked (C-107)', async () => {
    const world = await signedInTab()
    world.server.revokeSessions()
    const statuses: (number | undefined)[] = []
    world.auth.on('request', ({ what, status }) => {
      if (what === 'revocation') statuses.push(status)
    })
    await world.auth.signOut({ redirect: false })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(statuses).toEqual([200, 200])
  })

  test('asks for requests that outlive the page', async () => {
    const world = createWorld()
    const inits = new Map<string, RequestInit | undefined>()
    const fetch: typeof globalThis.fetch = (input, init) => {
      inits.set(new URL(input as string).pathname, init)
      return world.server.fetch(input, init)
    }
    const auth = await world.signIn(world.tab, { overrides: { fetch } })
    await auth.signOut()
    expect(inits.get('/revoke')).toMatchObject({ keepalive: true })
    expect(inits.get('/token')).not.toHaveProperty('keepalive')
  })

  test('with revoke: false sends the person to the server only', async () => {
    const world = await signedInTab()
    await world.auth.signOut({ revoke: false })
    expect(world.server.requestsTo('/revoke')).toHaveLength(0)
    expect(endSession(world).searchParams.get('id_token_hint')).toBeTruthy()
  })

  test('with redirect: false stays on the page', async () => {
    const world = await signedInTab()
    const navigations = world.tab.navigations.length
    await world.auth.signOut({ redirect: false })
    expect(world.tab.navigations).toHaveLength(navigations)
    expect(world.server.requestsTo('/revoke')).toHaveLength(2)
  })

  test('where there is no page to leave, ends the session and revokes it', async () => {
    const world = await signedInTab()
    const navigate = vi.fn()
    const host = { ...world.tab.ports.host, url: () => undefined, navigate }
    await world.client(world.tab, { host }).signOut()
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out', access: {} })
    expect(world.server.revoked).toMatchObject([{ reason: 'revoked-by-client' }])
    expect(navigate).not.toHaveBeenCalled()
  })

  test('works for the next person right after', async () => {
    const world = await signedInTab()
    await world.auth.signOut({ redirect: false })
    world.jar.clear()
    const { result } = await world.comeBack(world.tab, { person: { username: 'grace' } })
    expect(result).toMatchObject({ kind: 'signed-in', session: { claims: { sub: 'user-grace' } } })
  })

  test('of nobody revokes nothing, and still tells the server', async () => {
    const world = createWorld()
    await world.client().signOut()
    expect(world.server.requestsTo('/revoke')).toHaveLength(0)
    expect(endSession(world).searchParams.get('client_id')).toBe('production-app')
    expect(endSession(world).searchParams.has('id_token_hint')).toBe(false)
  })

  test('twice at once ends it once', async () => {
    const world = await signedInTab()
    const events = listen(world.auth)
    await Promise.all([
      world.auth.signOut({ redirect: false }),
      world.auth.signOut({ redirect: false }),
    ])
    expect(events.filter(({ name }) => name === 'signed-out')).toHaveLength(1)
    expect(world.server.requestsTo('/revoke')).toHaveLength(2)
  })

  test('clicked twice leaves the page once, with the facts of the session that has ended', async () => {
    const world = await signedInTab(withReturn)
    const before = world.tab.navigations.length
    await Promise.all([world.auth.signOut(), world.auth.signOut()])
    expect(world.tab.navigations.slice(before)).toHaveLength(1)
    expect(endSession(world).searchParams.get('id_token_hint')).toMatch(/^ey/)
  })

  test('needs no start() before it', async () => {
    const world = await signedInTab()
    const auth = world.load(world.tab, '/')
    await auth.signOut({ redirect: false })
    expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out' })
    expect(world.server.revoked).toHaveLength(1)
  })
})

describe('signing out when the server is not to be had', () => {
  test('offline, the button does not hang, the user is signed out, and the end-session page is gone to (C-106)', async () => {
    const world = await signedInTab()
    for (const path of ['/revoke', '/.well-known/openid-configuration']) {
      world.server.fault('network-error', { path })
    }
    await world.auth.signOut()
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
    expect(endSession(world).searchParams.get('id_token_hint')).toBeTruthy()
  })

  test('a server that never answers holds it up for two seconds', async () => {
    const world = await signedInTab()
    world.server.fault('hang', { path: '/revoke' })
    let done = false
    const signingOut = world.auth.signOut().then(() => {
      done = true
    })
    await world.clock.advance(1999)
    expect(done).toBe(false)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
    await world.clock.advance(1)
    await signingOut
    expect(endSession(world).searchParams.get('id_token_hint')).toBeTruthy()
  })

  test.each([
    ['slow', { path: '/.well-known/openid-configuration', ms: 2500 }, 'slow-headers'],
    ['never answered', { path: '/.well-known/openid-configuration' }, 'hang'],
  ] as const)(
    'on a page just loaded needs no discovery: %s, it is not waited for (F10)',
    async (_, options, fault) => {
      const world = await signedInTab(withReturn)
      const { refreshToken } = world.storedSession() as { refreshToken: string }
      world.server.fault(fault as 'hang', options)
      const auth = world.load(world.tab, '/')
      const before = world.server.requestsTo('/.well-known/openid-configuration').length
      await auth.signOut()
      expect(endSession(world).searchParams.get('id_token_hint')).toBeTruthy()
      expect(world.server.requestsTo('/revoke')[0]?.form).toMatchObject({ token: refreshToken })
      expect(world.server.requestsTo('/.well-known/openid-configuration')).toHaveLength(before)
    },
  )

  /** As 0.1.0 has stored it: the endpoints are a list. */
  function listEndpoints(world: World): void {
    const record = world.storedSession() as { endpoints: object }
    const endpoints = Object.values(record.endpoints)
    world.browser.local.set(usualSessionKey, JSON.stringify({ ...record, endpoints }))
  }

  test('a session that 0.1.0 has stored: discovery has its usual time (F10)', async () => {
    const world = await signedInTab(withReturn)
    listEndpoints(world)
    const discovery = world.server.hold('/.well-known/openid-configuration')
    const auth = world.load(world.tab, '/')
    const signingOut = auth.signOut()
    await world.until(() => discovery.count === 1)
    await world.clock.advance(10_000)
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
    discovery.release()
    await signingOut
    expect(endSession(world).searchParams.get('id_token_hint')).toBeTruthy()
    expect(world.server.revoked).toMatchObject([{ reason: 'revoked-by-client' }])
  })

  test.each([
    ['the network is down', 'network-error', 'network'],
    ['it takes too long', 'hang', 'timeout'],
  ] as const)(
    'when discovery is needed and %s, a redirect that is skipped is an error (F10)',
    async (_, fault, code) => {
      const world = await signedInTab()
      listEndpoints(world)
      world.server.fault(fault, { path: '/.well-known/openid-configuration' })
      const auth = world.load(world.tab, '/')
      const before = world.tab.navigations.length
      const failing = rejection(auth.signOut())
      await world.clock.advance(15_000)
      const error = await failing
      expect(error).toMatchObject({ code, retryable: true })
      expect((error as Error).message).toMatch(
        /^The user is signed out here, but not at the server/,
      )
      expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
      expect(world.tab.navigations).toHaveLength(before)
      world.server.clearFaults()
      await auth.signOut()
      expect(endSession(world).searchParams.get('client_id')).toBe('production-app')
    },
  )

  test('and with redirect: false it is none (F10)', async () => {
    const world = await signedInTab()
    listEndpoints(world)
    world.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    const auth = world.load(world.tab, '/')
    await auth.signOut({ redirect: false })
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('the option metadata counts more than the endpoint of the session (F10)', async () => {
    const world = await signedInTab()
    const end_session_endpoint = 'https://login.example.com/logout?logout_uri=x'
    const auth = world.load(world.tab, '/', { metadata: { end_session_endpoint } })
    await auth.signOut()
    expect(world.tab.navigations.at(-1)).toMatch(/logout\?logout_uri=x&id_token_hint=/)
  })

  test.each([
    ['503 (C-108)', { status: 503, headers: { 'retry-after': '60' } }],
    ['400', { status: 400, body: { error: 'unsupported_token_type' } }],
    ['a page', { body: '<h1>Hotel</h1>' }],
  ])('%s from the revocation endpoint changes nothing', async (_, answer) => {
    const world = await signedInTab()
    world.server.fault('respond', { path: '/revoke', ...answer })
    await world.auth.signOut()
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
    expect(endSession(world).searchParams.get('id_token_hint')).toBeTruthy()
  })

  test.each(['javascript:alert(1)', 'http://login.example.com/out', 'data:text/html,x'])(
    'an end-session endpoint %s is not gone to, and the person is signed out (C-104, A-26)',
    async (end_session_endpoint) => {
      const world = await signedInTab()
      const record = world.storedSession() as { endpoints: object }
      const endpoints = { ...record.endpoints, end_session_endpoint }
      world.browser.local.set(usualSessionKey, JSON.stringify({ ...record, endpoints }))
      const navigations = world.tab.navigations.length
      world.server.fault('metadata', { patch: { end_session_endpoint } })
      const auth = world.load(world.tab, '/')
      expect(await rejection(auth.signOut())).toMatchObject({ code: 'discovery_failed' })
      expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
      expect(world.tab.navigations).toHaveLength(navigations)
    },
  )

  test('a server that has neither endpoint: signed out here', async () => {
    const world = createWorld()
    world.server.fault('metadata', {
      patch: { end_session_endpoint: undefined, revocation_endpoint: undefined },
    })
    const auth = await world.signIn()
    await auth.signOut()
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
    expect(world.server.requestsTo('/revoke')).toHaveLength(0)
    expect(world.tab.navigations).toHaveLength(1)
  })

  test.each(['get', 'set', 'all'] as const)(
    'storage that fails on %s does not keep anybody signed in (A-76)',
    async (kind) => {
      const world = await signedInTab()
      world.browser.failStorage(kind)
      await world.auth.signOut({ redirect: false })
      expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
      expect(world.server.revoked).toHaveLength(1)
    },
  )
})

describe('signing out while something is under way (A-53)', () => {
  test('a refresh that answers later brings nobody back, and what it got is revoked', async () => {
    const world = await signedInTab()
    const refresh = world.server.hold('/token')
    const refreshing = rejection(world.auth.refresh())
    await world.until(() => refresh.count === 1)
    await world.auth.signOut({ redirect: false })
    refresh.release()
    expect(await refreshing).toMatchObject({ sessionEnded: true })
    await world.clock.advance(60_000)
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(world.storedSession()).not.toHaveProperty('refreshToken')
    expect(world.server.requestsTo('/revoke').length).toBeGreaterThan(2)
  })

  test('a refresh in another tab brings nobody back either', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const refresh = world.server.hold('/token')
    const refreshing = rejection(other.refresh())
    await world.until(() => refresh.count === 1)
    await world.auth.signOut({ redirect: false })
    refresh.release()
    await refreshing
    await world.clock.advance(60_000)
    expect(other.getSession()).toMatchObject({ status: 'signed-out' })
    expect(world.storedSession()).not.toHaveProperty('refreshToken')
  })

  test('it does not wait for a refresh that hangs', async () => {
    const world = await signedInTab()
    world.server.fault('hang', { path: '/token' })
    void world.auth.refresh().catch(() => undefined)
    await world.until(() => world.server.requestsTo('/token').length === 2)
    await world.auth.signOut({ redirect: false })
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('a sign-in of another person meanwhile is not ended by the way to the server', async () => {
    const world = await signedInTab()
    const revocation = world.server.hold('/revoke')
    const signingOut = world.auth.signOut()
    await world.until(() => revocation.count === 1)
    world.jar.clear()
    await world.signIn(world.browser.openTab(), { person: { username: 'grace' } })
    await world.clock.settle()
    const navigations = world.tab.navigations.length
    revocation.release()
    await signingOut
    expect(world.tab.navigations).toHaveLength(navigations)
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })
})

describe('close()', () => {
  test('lets go of timers, listeners and locks', async () => {
    const world = await signedInTab()
    const seen: string[] = []
    world.auth.subscribe(() => seen.push('changed'))
    world.auth.close()
    const { auth: other } = await anotherTab(world)
    await other.signOut({ redirect: false })
    await world.clock.settle()
    other.close()
    expect(seen).toEqual([])
    expect(world.clock.timers).toBe(0)
    expect(world.browser.locks.held).toBe(0)
  })

  test('twice is fine, and before start() as well', () => {
    const auth = createWorld().client()
    auth.close()
    expect(() => auth.close()).not.toThrow()
  })

  test('leaves the other client of the page alone', async () => {
    const world = await signedInTab()
    const other = world.client()
    await other.start()
    other.close()
    expect((await world.auth.fetch(`${world.server.api.url}users/me`)).status).toBe(200)
  })
})
