import { describe, expect, test } from 'vitest'
import { PkceClientError, signInOnDemand } from '../../../../src/index.ts'
import { api, carriers, echo, readEcho } from '../../../support/api-calls.ts'
import { factsOf, failure, refreshes, usersMe } from '../../../support/refreshes.ts'
import { codeExchanges, endedSession, onDemandWorld, whoAmI } from '../../../support/on-demand.ts'
import type { OnDemandWorld } from '../../../support/on-demand.ts'
import { anotherTab, rejection, signedInTab } from '../../../support/world.ts'
import { keepingPage } from '../../../support/navigators.ts'

const five = [1, 2, 3, 4, 5]

const slowRefresh = (world: OnDemandWorld) =>
  world.server.fault('slow-headers', { path: '/token', on: 'refresh', milliseconds: 1000 })

/** Until the refresh of the call has reached the server, which takes a second to refuse it. */
async function refreshIsUnderWay(world: OnDemandWorld): Promise<void> {
  await world.until(() => refreshes(world).length)
}

describe('a call for which nobody is signed in', () => {
  test('signs in, and resolves to the answer', async () => {
    const world = await onDemandWorld()
    expect(await whoAmI(world.auth.fetch(usersMe))).toBe('user-ada')
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(factsOf(world.heard, 'sign-in-required')).toHaveLength(1)
  })

  test('and four more at once: one sign-in, five answers', async () => {
    const world = await onDemandWorld()
    const calls = five.map(() => whoAmI(world.auth.fetch(usersMe)))
    expect(await Promise.all(calls)).toEqual(five.map(() => 'user-ada'))
    expect(world.windows).toHaveLength(1)
    expect(codeExchanges(world)).toHaveLength(1)
    expect(world.server.requestsTo('/users/me')).toHaveLength(5)
  })

  test('opens one window also where the browser runs other tasks while it opens, as Firefox does', async () => {
    const late: Promise<unknown>[] = []
    const world = await onDemandWorld({
      opened: () => late.push(whoAmI(world.auth.fetch(usersMe))),
    })
    expect(await whoAmI(world.auth.fetch(usersMe))).toBe('user-ada')
    expect(await Promise.all(late)).toEqual(['user-ada'])
    expect(world.windows).toHaveLength(1)
  })

  test('through the replaced global fetch as well', async () => {
    const world = await onDemandWorld()
    const restore = world.auth.replaceGlobalFetch()
    try {
      expect(await whoAmI(fetch(usersMe))).toBe('user-ada')
    } finally {
      restore()
    }
    expect(world.windows).toHaveLength(1)
  })

  test('waits for start(), which may find a session', async () => {
    const { tab, server } = await signedInTab()
    const before = codeExchanges({ server }).length
    const world = await onDemandWorld()
    tab.load('/')
    const use = [signInOnDemand()]
    const auth = world.client(tab, { use, fetch: server.fetch })
    expect(await whoAmI(auth.fetch(usersMe))).toBe('user-ada')
    expect(codeExchanges({ server })).toHaveLength(before)
  })

  const bodies: [string, () => BodyInit][] = [
    ['a string', () => 'brass'],
    ['a Blob', () => new Blob(['brass'])],
    ['bytes', () => new TextEncoder().encode('brass')],
    ['a stream, which was not read yet', () => new Blob(['brass']).stream()],
  ]
  test.each(bodies)('sends %s once', async (_, body) => {
    const world = await onDemandWorld()
    const init = { method: 'POST', body: body(), duplex: 'half' } as RequestInit
    expect(await readEcho(await world.auth.fetch(echo, init))).toMatchObject({ body: 'brass' })
    expect(world.server.requestsTo('/echo')).toHaveLength(1)
  })

  test('sends a Request with its body, and a class in place of init', async () => {
    const world = await onDemandWorld()
    const request = new Request(echo, { method: 'POST', body: 'brass' })
    expect(await readEcho(await world.auth.fetch(request))).toMatchObject({ body: 'brass' })
    await world.auth.signOut({ redirect: false })
    world.tab.gesture = true
    const other = new Request(echo, { method: 'PUT', body: 'steel' })
    expect(await readEcho(await world.auth.fetch(echo, other))).toMatchObject({
      method: 'PUT',
      body: 'steel',
    })
  })

  test.each([
    ['to another place', 'https://evil.example/', {}],
    ['with an Authorization header of its own', echo, { headers: { Authorization: 'Bearer x' } }],
  ])('%s signs nobody in', async (_, url, init) => {
    const world = await onDemandWorld()
    await world.auth.fetch(url, init).catch(() => undefined)
    expect(world.windows).toEqual([])
  })

  test('is sent once: what the API answers afterwards is returned', async () => {
    const world = await onDemandWorld()
    world.server.fault('api-401')
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.windows).toHaveLength(1)
  })
})

describe('a session that is over', () => {
  test('five calls find out at once: one refresh, one sign-in, five answers', async () => {
    const world = await endedSession()
    const calls = five.map(() => whoAmI(world.auth.fetch(usersMe)))
    expect(await Promise.all(calls)).toEqual(five.map(() => 'user-ada'))
    expect(refreshes(world)).toHaveLength(1)
    expect(world.windows).toHaveLength(1)
  })

  test('a call that comes later signs in as well', async () => {
    const world = await endedSession({ ask: () => false })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'session_ended' })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'sign_in_required' })
    const again = world.client(world.tab, {
      use: [signInOnDemand()],
      navigator: keepingPage(async ({ url }) => new URL(await world.server.authorize(url))),
    })
    expect(await whoAmI(again.fetch(usersMe))).toBe('user-ada')
  })

  test('a 401 that ends it, because there is no refresh token, signs in', async () => {
    const world = await endedSession({ params: { scope: 'openid' } })
    const calls = five.map(() => whoAmI(world.auth.fetch(usersMe)))
    expect(await Promise.all(calls)).toEqual(five.map(() => 'user-ada'))
    expect(world.windows).toHaveLength(1)
    expect(world.server.requestsTo('/users/me')).toHaveLength(10)
  })

  test('a stream that the first request has read cannot be sent again: the 401 is returned', async () => {
    const world = await endedSession({ params: { scope: 'openid' } })
    const body = new Blob(['brass']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect((await world.auth.fetch(echo, init)).status).toBe(401)
    expect(world.windows).toEqual([])
  })

  test('a server with a new token endpoint: a sign-in is the only way, and a call takes it (F14)', async () => {
    const world = await onDemandWorld({ client: { use: [signInOnDemand()] } })
    await world.signIn()
    await world.clock.advance(900_000)
    const { server } = world
    const token_endpoint = 'https://login.example.com/v2/token'
    server.fault('metadata', { patch: { token_endpoint } })
    const auth = world.load(world.tab, '/', {
      navigator: keepingPage(async ({ url }) => new URL(await server.authorize(url))),
      fetch: (url, init) =>
        server.fetch(url === token_endpoint ? 'https://login.example.com/token' : url, init),
    })
    expect(await whoAmI(auth.fetch(usersMe))).toBe('user-ada')
    expect(refreshes(world)).toEqual([])
  })

  test('where somebody signed in again meanwhile in another tab, the call is sent without a sign-in', async () => {
    const world = await endedSession()
    slowRefresh(world)
    const call = whoAmI(world.auth.fetch(usersMe))
    await refreshIsUnderWay(world)
    await world.signIn(world.browser.openTab('/'))
    await world.clock.advance(1000)
    expect(await call).toBe('user-ada')
    expect(world.windows).toEqual([])
  })
})

describe('a refresh that fails for a passing reason', () => {
  test.each([
    ['503', { path: '/token', status: 503 as const }, 'try-later' as const],
    ['no network', { path: '/token' }, 'network-error' as const],
  ])('%s: the call rejects, and nobody is sent to sign in', async (_, at, name) => {
    const world = await onDemandWorld()
    await world.signInFirst()
    await world.clock.advance(900_000)
    world.server.fault(name, at)
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ retryable: true })
    expect(world.windows).toEqual([])
  })
})

describe('a sign-in on demand that does not complete', () => {
  const cancelled = new PkceClientError('sign_in_cancelled', 'The window was closed.')
  const blocked = new PkceClientError('sign_in_cancelled', 'The browser blocks windows.')

  test('closed: all calls reject with that, and the next one may sign in', async () => {
    let closes = true
    const world = await onDemandWorld({
      window: async ({ url }) => {
        if (closes) throw cancelled
        return new URL(await world.server.authorize(url))
      },
    })
    const calls = five.map(() => rejection(world.auth.fetch(usersMe)))
    expect(await Promise.all(calls)).toEqual(five.map(() => cancelled))
    expect(world.server.requestsTo('/users/me')).toEqual([])
    closes = false
    expect(await whoAmI(world.auth.fetch(usersMe))).toBe('user-ada')
  })

  test('blocked: the call rejects with that', async () => {
    const world = await onDemandWorld({
      opened: () => {
        throw blocked
      },
    })
    expect(await rejection(world.auth.fetch(usersMe))).toBe(blocked)
  })

  test('denied: the call rejects with what the server says', async () => {
    const world = await onDemandWorld({
      window: async ({ url }) => {
        const { redirect_uri: back, state } = Object.fromEntries(url.searchParams)
        const iss = encodeURIComponent(world.server.issuer)
        return new URL(`${back!}?error=access_denied&state=${state!}&iss=${iss}`)
      },
    })
    expect(await rejection(world.auth.fetch(usersMe))).toMatchObject({
      name: 'CallbackError',
      code: 'authorization_denied',
    })
  })
})

describe('a call that was made for one user is not sent for another (A-88)', () => {
  test.each([
    ['five calls find out that the session is over', 'user-ada'],
    ['a 401 ended it', 'openid'],
  ])('%s, and somebody else signs in: session_ended', async (_, scope) => {
    const params = scope === 'openid' ? { params: { scope } } : {}
    const world = await endedSession(params)
    world.user = { username: 'grace' }
    const calls = five.map(() => failure(world.auth.fetch(usersMe)))
    for (const error of await Promise.all(calls))
      expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    expect(world.server.requestsTo('/users/me')).toHaveLength(5)
    expect(await whoAmI(world.auth.fetch(usersMe))).toBe('user-grace')
  })

  test('also one that was made after the session had ended', async () => {
    const answers: (false | object)[] = [false]
    const world = await endedSession({ ask: (params) => answers.shift() ?? params })
    await failure(world.auth.fetch(usersMe))
    world.user = { username: 'grace' }
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'session_ended' })
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('also where she has signed in in another tab meanwhile', async () => {
    const world = await endedSession()
    slowRefresh(world)
    const call = failure(world.auth.fetch(usersMe))
    await refreshIsUnderWay(world)
    await world.signIn(world.browser.openTab('/'), { person: { username: 'grace' } })
    await world.clock.advance(1000)
    expect(await call).toMatchObject({ code: 'session_ended' })
    expect(world.windows).toEqual([])
  })

  test('where the server does not say who somebody is, nobody can tell: the next call is sent', async () => {
    const world = await endedSession({ client: { scope: 'orders:read' } })
    expect(await failure(world.auth.fetch(`${api}/orders`))).toMatchObject({
      code: 'session_ended',
    })
    expect(world.windows).toHaveLength(1)
    expect((await world.auth.fetch(`${api}/orders`)).status).toBe(200)
  })
})

describe('after the user has signed out', () => {
  test('a page that goes on asking sends nobody to sign in', async () => {
    const world = await onDemandWorld()
    await world.signInFirst()
    const other = await anotherTab(world, { use: [signInOnDemand()] })
    await world.auth.signOut({ redirect: false })
    await world.clock.settle()
    for (const auth of [world.auth, other.auth])
      expect(await failure(auth.fetch(usersMe))).toMatchObject({ code: 'sign_in_required' })
    expect(world.windows).toEqual([])
    expect(other.tab.navigations).toEqual([])
  })

  test('a click that asks for something signs in whoever it is', async () => {
    const world = await onDemandWorld()
    await world.signInFirst()
    await world.auth.signOut({ redirect: false })
    world.tab.gesture = true
    world.user = { username: 'grace' }
    expect(await whoAmI(world.auth.fetch(usersMe))).toBe('user-grace')
  })

  test('a call that was under way rejects, and is not sent again', async () => {
    const world = await endedSession()
    const held = world.server.hold('/token')
    const call = failure(world.auth.fetch(usersMe))
    await world.until(() => held.count)
    await world.auth.signOut({ redirect: false })
    world.tab.gesture = true
    held.release()
    expect(await call).toMatchObject({ code: 'session_ended' })
    expect(world.windows).toEqual([])
    expect(carriers(world).filter((url) => url === usersMe)).toHaveLength(1)
  })
})
