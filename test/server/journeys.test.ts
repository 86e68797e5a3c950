import { describe, expect, test } from 'vitest'
import { memorySessions } from '../../src/server/index.ts'
import type { SignedInServerSession } from '../../src/server/index.ts'
import type { Visitor } from '../../src/testing/index.ts'
import {
  askSession,
  breakable,
  createWebApp,
  origin,
  post,
  requestOf,
  usersMe,
} from '../support/web-app.ts'

/** Those of the app, without those of the authorization server. */
const ownCookies = ({ jar }: Visitor) =>
  jar.list().filter(({ domain }) => domain === new URL(origin).hostname)

async function signedIn(app: ReturnType<typeof createWebApp>) {
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn()
  return visitor
}

const refreshes = ({ server }: ReturnType<typeof createWebApp>) =>
  server.requestsTo('/token').filter(({ body }) => body.includes('grant_type=refresh_token')).length

describe('signing in and out', () => {
  test('a user who opens a page signs in, and is back on that page', async () => {
    const app = createWebApp()
    const visitor = app.visit()
    await visitor.goto('/me?tab=bills')
    const page = await visitor.signIn()
    expect(page.url).toBe(`${origin}/me?tab=bills`)
    expect(JSON.parse(page.text)).toMatchObject({ sub: 'user-ada' })
    expect(app.log.map(([name]) => name)).toEqual(['sign-in-started', 'signed-in'])
  })

  test('the session cookie is HttpOnly, Secure, SameSite=Strict, and new at each sign-in (C-114, A-87)', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const [cookie, ...others] = ownCookies(visitor)
    expect(others).toEqual([])
    expect(cookie).toMatchObject({
      name: '__Host-Http-pkce',
      httpOnly: true,
      secure: true,
      path: '/',
      sameSite: 'Strict',
    })
    await visitor.goto('/auth/login?prompt=login')
    await visitor.signIn()
    expect(ownCookies(visitor)).toHaveLength(1)
    expect(ownCookies(visitor)[0]!.value).not.toBe(cookie!.value)
    const before = new Request(origin, { headers: { cookie: `${cookie!.name}=${cookie!.value}` } })
    expect(await app.auth.session(before)).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })

  test('with a lax cookie there is no page in between', async () => {
    const app = createWebApp({ options: { cookie: { sameSite: 'lax' } } })
    const visitor = app.visit()
    await visitor.goto('/me')
    const { way } = await visitor.signIn()
    expect(way.filter((url) => url.includes('/auth/callback'))).toHaveLength(1)
    expect(ownCookies(visitor)[0]).toMatchObject({ sameSite: 'Lax' })
  })

  test('a script learns who is signed in, and no token', async () => {
    const app = createWebApp()
    const visitor = app.visit()
    await visitor.goto('/')
    expect(await askSession(visitor)).toEqual({ status: 'signed-out' })
    await visitor.goto('/auth/login')
    await visitor.signIn()
    const session = await askSession(visitor)
    expect(session).toMatchObject({
      status: 'signed-in',
      claims: { sub: 'user-ada' },
      expiresIn: 900,
      stale: false,
    })
    expect(Object.keys(session).sort()).toEqual([
      'claims',
      'csrf',
      'expiresIn',
      'scope',
      'stale',
      'status',
    ])
  })

  test('a script that needs a user is told where to sign in, and no sign-in begins', async () => {
    const app = createWebApp()
    const visitor = app.visit()
    await visitor.goto('/')
    const response = await visitor.fetch('/me')
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({
      error: 'sign_in_required',
      location: '/auth/login',
    })
    expect(ownCookies(visitor)).toEqual([])
  })

  test('signing out ends the session here and at the server, and revokes the tokens', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const request = requestOf(visitor)
    const response = await post(visitor, '/auth/logout')
    const { location } = (await response.json()) as { location: string }
    expect(location).toContain('/end_session?id_token_hint=')
    expect(app.server.requestsTo('/revoke')).toHaveLength(2)
    expect(ownCookies(visitor)).toEqual([])
    expect(await app.auth.session(new Request(request))).toEqual({
      status: 'signed-out',
      reason: 'signed-out',
    })
    const page = await visitor.goto(location)
    expect(page.url).toBe(`${origin}/`)
  })

  test('a person whom the app does not accept is not signed in, and the tokens are revoked', async () => {
    const app = createWebApp({ options: { accept: ({ sub }) => sub === 'user-grace' } })
    const visitor = app.visit()
    await visitor.goto('/auth/login')
    const page = await visitor.signIn()
    expect(page.status).toBe(403)
    expect(page.text).toContain('authorization_denied')
    expect(page.text).toContain(
      'You are signed in at the server, but this account may not use this app.',
    )
    expect(ownCookies(visitor)).toEqual([])
    await app.clock.settle()
    expect(app.server.requestsTo('/revoke')).toHaveLength(2)
    const other = app.visit()
    await other.goto('/auth/login?returnTo=/me')
    expect((await other.signIn('grace')).url).toBe(`${origin}/me`)
  })

  test('a user who denies gets a page that says so, and whoever was signed in still is', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    app.server.fault('callback-error', { error: 'access_denied', times: 1 })
    const page = await visitor.goto('/auth/login')
    expect(page.status).toBe(403)
    expect(page.text).toContain('authorization_denied')
    expect(await askSession(visitor)).toMatchObject({ status: 'signed-in' })
  })

  test('an app words its errors itself', async () => {
    const onError = ({ code }: { code: string }) =>
      new Response(`Our page: ${code}`, { status: 418 })
    const app = createWebApp({ options: { onError } })
    const visitor = app.visit()
    const page = await visitor.goto('/auth/callback?code=1&state=unknown')
    expect([page.status, page.text]).toEqual([418, 'Our page: transaction_not_found'])
  })
})

describe('keeping signed in', () => {
  test('100 requests with an expired token, at three machines: one token request', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const machines = [app.auth, app.startMachine(), app.startMachine()]
    await app.clock.advance(901_000)
    const calls = Array.from({ length: 300 }, async (_, n) => {
      const session = await machines[n % 3]!.session(requestOf(visitor))
      return (await (session as SignedInServerSession).fetch(usersMe)).status
    })
    const answers = Promise.all(calls)
    for (let round = 0; round < 50; round += 1) await app.clock.advance(100)
    expect(new Set(await answers)).toEqual(new Set([200]))
    expect(refreshes(app)).toBe(1)
  })

  test('two people at one time get their own data (C-117)', async () => {
    const app = createWebApp()
    const people = await Promise.all(
      ['ada', 'grace', 'ada', 'grace'].map(async (name) => {
        const visitor = app.visit()
        await visitor.goto('/auth/login')
        await visitor.signIn(name)
        return { name, visitor }
      }),
    )
    await app.clock.advance(901_000)
    const calls = Array.from({ length: 100 }, async (_, n) => {
      const { name, visitor } = people[n % people.length]!
      const session = (await app.auth.session(requestOf(visitor))) as SignedInServerSession
      const { sub } = (await (await session.fetch(usersMe)).json()) as { sub: string }
      return [session.claims?.sub, sub].every((one) => one === `user-${name}`)
    })
    const answers = Promise.all(calls)
    for (let round = 0; round < 50; round += 1) await app.clock.advance(100)
    expect(await answers).not.toContain(false)
    expect(refreshes(app)).toBe(4)
  })

  test('a session ends when nobody comes for an hour; asking passively does not count', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    await app.clock.advance(59 * 60_000)
    expect(await askSession(visitor)).toMatchObject({ status: 'signed-in' })
    await app.clock.advance(59 * 60_000)
    expect(await askSession(visitor, '?passive')).toMatchObject({ status: 'signed-in' })
    await app.clock.advance(2 * 60_000)
    expect(await askSession(visitor)).toEqual({ status: 'signed-out' })
  })

  test('a session ends after its lifetime, however often somebody comes', async () => {
    const app = createWebApp({ options: { lifetime: 7200 } })
    const visitor = await signedIn(app)
    for (let n = 0; n < 5; n += 1) {
      await app.clock.advance(20 * 60_000)
      expect(await askSession(visitor)).toMatchObject({ status: 'signed-in' })
    }
    await app.clock.advance(20 * 60_000 + 1000)
    expect(await askSession(visitor)).toEqual({ status: 'signed-out' })
  })

  test('the server says that the session is over: so it is at every machine', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const session = (await app.auth.session(requestOf(visitor))) as SignedInServerSession
    app.server.fault('token-refused', { on: 'refresh' })
    await expect(session.refresh()).rejects.toMatchObject({
      code: 'session_ended',
      sessionEnded: true,
    })
    const elsewhere = await app.startMachine().session(requestOf(visitor))
    expect(elsewhere).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(app.log.map(([name]) => name)).toContain('signed-out')
  })

  test('a wrong client secret keeps the sessions, and the next try is a minute later', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    await app.clock.advance(901_000)
    app.server.fault('token-refused', { on: 'refresh', as: '401 invalid_client' })
    const fetchMe = async () => {
      const session = (await app.auth.session(requestOf(visitor))) as SignedInServerSession
      return session.fetch(usersMe)
    }
    await expect(fetchMe()).rejects.toMatchObject({ code: 'server_error' })
    await expect(fetchMe()).rejects.toMatchObject({ code: 'server_error' })
    expect(refreshes(app)).toBe(1)
    app.server.clearFaults()
    await app.clock.advance(61_000)
    expect((await fetchMe()).status).toBe(200)
  })

  test('the secret is changed: sessions from before live on, also those that are written again', async () => {
    const store = memorySessions()
    const app = createWebApp({ options: { sessions: store } })
    const visitor = await signedIn(app)
    const secrets = [
      'another secret of this app, a newer one',
      'a secret of this app that nobody guesses',
    ]
    const changed = app.startMachine({ secret: secrets })
    const session = (await changed.session(requestOf(visitor))) as SignedInServerSession
    await session.refresh()
    const newer = app.startMachine({ secret: secrets[0]! })
    expect(await newer.session(requestOf(visitor))).toMatchObject({ status: 'signed-in' })
    expect(await app.auth.session(requestOf(visitor))).toMatchObject({ status: 'signed-out' })
  })

  test('while the store fails nobody is signed out, requests are told to come again, and events say so once', async () => {
    const { store, state } = breakable(memorySessions())
    const app = createWebApp({ options: { sessions: store } })
    const visitor = await signedIn(app)
    state.fails = true
    for (let n = 0; n < 2; n += 1) {
      const response = await visitor.fetch('/auth/session')
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
      expect(await response.json()).toMatchObject({ error: 'storage_unavailable' })
    }
    const signOut = await visitor.fetch('/auth/logout', { method: 'POST' })
    expect(signOut.status).toBe(403)
    state.fails = false
    expect(await askSession(visitor)).toMatchObject({ status: 'signed-in' })
    expect(app.log.map(([name]) => name).slice(2)).toEqual([
      'storage-failed',
      'request-refused',
      'storage-recovered',
    ])
  })
})

test('the store fails while a refresh is under way: the new refresh token is saved when it is back', async () => {
  const app = createWebApp()
  const visitor = await signedIn(app)
  const { store, state } = breakable(app.store)
  const machine = app.startMachine({
    sessions: store,
    async fetch(input, init) {
      const response = await app.server.fetch(input, init)
      state.fails = new URL(input as string).pathname === '/token'
      return response
    },
  })
  const session = (await machine.session(requestOf(visitor))) as SignedInServerSession
  await session.refresh()
  await app.clock.advance(8000)
  state.fails = false
  await app.clock.advance(2000)
  const elsewhere = (await app.auth.session(requestOf(visitor))) as SignedInServerSession
  await elsewhere.refresh()
  expect((await elsewhere.fetch(usersMe)).status).toBe(200)
  expect(refreshes(app)).toBe(2)
})

describe('for scripts that hold access tokens', () => {
  const options = { refreshEndpoint: true }
  interface Answer {
    status: string
    code: number
    message?: string
    data?: { access_token: string; expires_in: number }
  }
  const askToken = async (visitor: Parameters<typeof post>[0]) =>
    (await (await post(visitor, '/auth/refresh_token')).json()) as Answer

  test('the route gives an access token, and never the refresh token', async () => {
    const app = createWebApp({ options })
    const visitor = await signedIn(app)
    await app.clock.advance(901_000)
    const answer = await askToken(visitor)
    expect(answer).toMatchObject({ status: 'success', code: 200, data: { expires_in: 900 } })
    expect(Object.keys(answer.data!)).toEqual(['access_token', 'token_type', 'expires_in'])
    expect((await askToken(visitor)).data!.access_token).toBe(answer.data!.access_token)
    expect(refreshes(app)).toBe(1)
  })

  test('without a session, and after it has ended, it says which', async () => {
    const app = createWebApp({ options })
    const visitor = app.visit()
    await visitor.goto('/')
    expect(await askToken(visitor)).toEqual({
      status: 'error',
      code: 401,
      message: 'Refresh token missing.',
    })
    await visitor.goto('/auth/login')
    await visitor.signIn()
    app.server.fault('token-refused', { on: 'refresh' })
    await app.clock.advance(901_000)
    expect(await askToken(visitor)).toEqual({
      status: 'error',
      code: 401,
      message: 'Invalid refresh token.',
    })
  })

  test('it is not there unless it is turned on', async () => {
    const app = createWebApp()
    const request = new Request(`${origin}/auth/refresh_token`, { method: 'POST' })
    expect(await app.auth.handle(request)).toBeUndefined()
  })
})

describe('accounts of an app that has its own sign-in', () => {
  const orders = 'https://api.example.com/orders'

  /** The app knows its users by a cookie of its own. */
  const owner = (request: Request) => /user=(\w+)/.exec(request.headers.get('cookie') ?? '')?.[1]

  async function connected(name: string) {
    const app = createWebApp({ options: { owner, scope: 'orders:read offline_access' } })
    const visitor = app.visit()
    visitor.jar.store(new URL(origin), `user=${name}; Path=/`)
    await visitor.goto('/auth/login?returnTo=/accounts')
    expect((await visitor.signIn()).url).toBe(`${origin}/accounts`)
    return { app, visitor }
  }

  test('a job at night calls the API for a user who connected an account months ago', async () => {
    const { app, visitor } = await connected('u17')
    expect(ownCookies(visitor).map(({ name }) => name)).toEqual(['user'])
    await app.clock.advance(6 * 86_400_000)
    const session = (await app.auth.of('u17')) as SignedInServerSession
    expect((await session.fetch(orders)).status).toBe(200)
    expect(await app.auth.of('u18')).toEqual({ status: 'signed-out' })
  })

  test('who is nobody to the app cannot connect an account', async () => {
    const app = createWebApp({ options: { owner } })
    const page = await app.visit().goto('/auth/login')
    expect([page.status, page.text.includes('sign_in_required')]).toEqual([401, true])
  })

  test('an account that was begun for one user is not connected to another (A-04, A-10)', async () => {
    const app = createWebApp({ options: { owner } })
    const visitor = app.visit()
    visitor.jar.store(new URL(origin), 'user=u17; Path=/')
    await visitor.goto('/auth/login')
    visitor.jar.store(new URL(origin), 'user=u18; Path=/')
    const page = await visitor.signIn()
    expect([page.status, page.text.includes('callback_invalid')]).toEqual([400, true])
    expect(await app.auth.of('u17')).toEqual({ status: 'signed-out' })
    expect(await app.auth.of('u18')).toEqual({ status: 'signed-out' })
  })

  test('nor to nobody, when the user has signed out of the app meanwhile', async () => {
    const app = createWebApp({ options: { owner } })
    const visitor = app.visit()
    visitor.jar.store(new URL(origin), 'user=u17; Path=/')
    await visitor.goto('/auth/login')
    visitor.jar.store(new URL(origin), 'user=; Path=/; Max-Age=0')
    const page = await visitor.signIn()
    expect([page.status, page.text.includes('callback_invalid')]).toEqual([400, true])
  })

  test('connecting again replaces the tokens, and signing out disconnects', async () => {
    const { app, visitor } = await connected('u17')
    const before = (await app.auth.of('u17')) as SignedInServerSession
    await visitor.goto('/auth/login?prompt=login')
    await visitor.signIn('grace')
    const session = (await app.auth.of('u17')) as SignedInServerSession
    expect((await session.fetch(orders)).status).toBe(200)
    expect(session.id).not.toBe(before.id)
    expect((await post(visitor, '/auth/logout')).status).toBe(200)
    expect(await app.auth.of('u17')).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })
})

test('all sessions of a person are ended, at every machine', async () => {
  const app = createWebApp()
  const phone = await signedIn(app)
  const laptop = await signedIn(app)
  const other = app.visit()
  await other.goto('/auth/login')
  await other.signIn('grace')
  expect(await app.startMachine().endSessions({ sub: 'user-ada' })).toBe(2)
  for (const visitor of [phone, laptop])
    expect(await askSession(visitor)).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
  expect(await askSession(other)).toMatchObject({ status: 'signed-in' })
})

test('one Request has one session object, and the store is read once for it', async () => {
  const app = createWebApp()
  const visitor = await signedIn(app)
  const request = requestOf(visitor)
  expect(await app.auth.session(request)).toBe(await app.auth.session(request))
})
