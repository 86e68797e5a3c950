import { describe, expect, test, vi } from 'vitest'
import { memorySessions, ServerClient, withFallback } from '../../src/server/index.ts'
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

type App = ReturnType<typeof createWebApp>

async function signedIn(app: App, username = 'ada'): Promise<Visitor> {
  const visitor = app.visit()
  await visitor.goto('/auth/login')
  await visitor.signIn(username)
  return visitor
}

const sessionOf = async (app: App, visitor: Visitor, machine = app.auth) =>
  (await machine.session(requestOf(visitor))) as SignedInServerSession

const discoveries = ({ server }: App) =>
  server.requests.filter(({ path }) => path.includes('.well-known')).length

describe('what a log has of a session that is kept', () => {
  test('its tokens are new, or why they are not', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const session = await sessionOf(app, visitor)
    const { id } = session
    app.log.length = 0
    await session.refresh()
    expect(app.log).toEqual([['token-refreshed', { id }]])
    await app.clock.advance(901_000)
    app.server.fault('respond', { path: '/token', status: 500 })
    await expect(session.fetch(usersMe)).rejects.toMatchObject({ code: 'server_error' })
    expect(app.log.at(-1)).toEqual([
      'refresh-failed',
      { id, error: expect.objectContaining({ code: 'server_error' }) as Error },
    ])
  })

  test('an ID token of somebody else that came with new tokens', async () => {
    const app = createWebApp()
    const session = await sessionOf(app, await signedIn(app))
    app.server.fault('id-token-aud-wrong', { times: 1 })
    await session.refresh()
    expect(app.log.at(-1)).toEqual([
      'token-refreshed',
      {
        id: session.id,
        idTokenError: expect.objectContaining({ code: 'id_token_invalid' }) as Error,
      },
    ])
  })

  test('nothing more once it was closed', async () => {
    const app = createWebApp()
    app.auth.close()
    await signedIn(app)
    expect(app.log).toEqual([])
  })

  test('a store that fails behind a fallback, once, and that it works again', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const { store, state } = breakable(app.store)
    const machine = app.startMachine({ sessions: withFallback(store, { clock: app.clock }) })
    const status = async () => (await sessionOf(app, visitor, machine)).status
    expect(await status()).toBe('signed-in')
    app.log.length = 0
    state.fails = true
    await app.clock.advance(60_000)
    for (let times = 0; times < 3; times += 1) expect(await status()).toBe('signed-in')
    state.fails = false
    await app.clock.advance(2000)
    expect(await status()).toBe('signed-in')
    await app.clock.advance(2000)
    const error = expect.objectContaining({
      code: 'storage_unavailable',
      message: 'The store of sessions does not answer; try again soon.',
      retryable: true,
      cause: expect.objectContaining({ message: 'ECONNREFUSED redis:6379' }) as Error,
    }) as Error
    expect(app.log).toEqual([
      ['storage-failed', { error }],
      ['storage-recovered', { message: 'The store of sessions works again.' }],
    ])
  })
})

describe('the metadata of the server', () => {
  test('are asked for again after an hour, and when the clock was set back by more', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    expect(discoveries(app)).toBe(1)
    const again = async () => {
      await visitor.goto('/auth/login?prompt=login')
      return discoveries(app)
    }
    await app.clock.advance(3_600_000)
    expect(await again()).toBe(1)
    await app.clock.advance(1000)
    expect(await again()).toBe(2)
    app.clock.jump(-3_700_000)
    expect(await again()).toBe(3)
    expect(await again()).toBe(3)
  })

  test('are asked for again where a session is from another token endpoint than they name', async () => {
    let tokenPath = '/token'
    const app: App = createWebApp({
      options: {
        fetch: async (input, init) => {
          const url = new URL(input as string)
          if (url.pathname === '/new/token') url.pathname = '/token'
          const response = await app.server.fetch(url.href, init)
          if (!url.pathname.includes('.well-known')) return response
          const metadata = (await response.json()) as object
          return Response.json({ ...metadata, token_endpoint: `${app.server.issuer}${tokenPath}` })
        },
      },
    })
    const old = app.startMachine()
    expect(await old.introspect('a token')).toEqual({ active: false })
    tokenPath = '/new/token'
    const session = await sessionOf(app, await signedIn(app), old)
    await app.clock.advance(901_000)
    await expect(session.fetch(usersMe)).rejects.toThrow("The server's token endpoint is now")
    await app.clock.advance(120_000)
    expect((await session.fetch(usersMe)).status).toBe(200)
    expect(discoveries(app)).toBe(3)
  })
})

describe('signing out', () => {
  const signOut = async (app: App, visitor: Visitor, options = {}, machine = app.auth) => {
    const { csrf } = await askSession(visitor)
    const { headers } = requestOf(visitor)
    const init = {
      method: 'POST',
      headers: { cookie: headers.get('cookie')!, origin, ...(csrf && { 'x-csrf-token': csrf }) },
    }
    const answer = await machine.signOut(new Request(`${origin}/bye`, init), options)
    return ((await answer.json()) as { location: string }).location
  }

  test('may leave the tokens alone', async () => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    expect(await signOut(app, visitor, { revoke: false })).toContain('/end_session')
    expect(app.server.requestsTo('/revoke')).toHaveLength(0)
  })

  test('of nobody leads to the page of the app, and tells the server nothing', async () => {
    const app = createWebApp()
    expect(await signOut(app, app.visit())).toBe(`${origin}/`)
    expect(app.server.requests).toEqual([])
  })

  test.each([
    [599_000, { status: 'signed-out', reason: 'signed-out' }],
    [601_000, { status: 'signed-out' }],
  ])('is, after %d ms, known at another machine as %j', async (milliseconds, known) => {
    const app = createWebApp()
    const visitor = await signedIn(app)
    const request = requestOf(visitor)
    await post(visitor, '/auth/logout')
    await app.clock.advance(milliseconds)
    expect(await app.startMachine().session(request)).toEqual(known)
  })

  test('from elsewhere ends and counts those sessions that were there', async () => {
    const app = createWebApp()
    const [one] = [await signedIn(app), await signedIn(app), await signedIn(app, 'grace')]
    await post(one, '/auth/logout')
    expect(await app.auth.endSessions({ sub: 'user-ada' })).toBe(1)
    expect(await app.auth.endSessions({ sub: 'user-ada' })).toBe(0)
    expect(await app.auth.endSessions({ sub: 'user-grace' })).toBe(1)
  })
})

describe('a cookie that somebody has copied', () => {
  test.each([
    ['whose tokens are refreshed', true],
    ['that is only looked at', false],
  ])('of a session %s is nobody after its lifetime, however often it is used', async (_, calls) => {
    const app = createWebApp({ options: { lifetime: 7200 } })
    const request = requestOf(await signedIn(app))
    const come = async () => (await app.auth.session(new Request(request))) as SignedInServerSession
    for (let n = 0; n < 5; n += 1) {
      await app.clock.advance(20 * 60_000)
      const session = await come()
      expect(session.status).toBe('signed-in')
      if (calls) expect((await session.fetch(usersMe)).status).toBe(200)
    }
    await app.clock.advance(20 * 60_000)
    expect(await come()).toMatchObject({ status: 'signed-out' })
    expect(await app.startMachine().session(new Request(request))).toEqual({ status: 'signed-out' })
  })

  test('is nobody an hour after the last request, also when that has refreshed the tokens', async () => {
    const app = createWebApp()
    const request = requestOf(await signedIn(app))
    await app.clock.advance(901_000)
    const session = (await app.auth.session(new Request(request))) as SignedInServerSession
    expect((await session.fetch(usersMe)).status).toBe(200)
    await app.clock.advance(3_599_000)
    expect(await app.auth.session(new Request(request))).toMatchObject({ status: 'signed-in' })
    await app.clock.advance(3_601_000)
    expect(await app.auth.session(new Request(request))).toMatchObject({ status: 'signed-out' })
  })
})

test('a session that the store has lost is over: nothing is refreshed, and nothing written', async () => {
  const app = createWebApp()
  const visitor = await signedIn(app)
  let isLost = false
  const written: string[] = []
  const machine = app.startMachine({
    sessions: {
      ...app.store,
      get: async (key) => (isLost ? undefined : app.store.get(key)),
      add(key, ...rest) {
        written.push(key.split('|')[0]!)
        return app.store.add(key, ...rest)
      },
    },
  })
  const session = await sessionOf(app, visitor, machine)
  await app.clock.advance(901_000)
  isLost = true
  await expect(session.fetch(usersMe)).rejects.toMatchObject({ code: 'session_ended' })
  expect(written.filter((kind) => kind === 'session')).toEqual([])
  expect(app.log.at(-1)).toEqual(['signed-out', { id: session.id, reason: 'expired' }])
  expect(app.server.requestsTo('/token')).toHaveLength(1)
})

test('a sign-out at another machine wins over a refresh that is under way, and the new tokens are revoked', async () => {
  const app = createWebApp()
  const visitor = await signedIn(app)
  const request = requestOf(visitor)
  const session = await sessionOf(app, visitor)
  app.server.fault('slow-headers', { path: '/token', on: 'refresh', milliseconds: 3000 })
  await app.clock.advance(901_000)
  const refreshed = session.fetch(usersMe).catch((error: unknown) => error)
  await app.clock.settle()
  expect(await app.startMachine().endSessions({ sub: 'user-ada' })).toBe(1)
  await app.clock.advance(3000)
  expect(await refreshed).toMatchObject({ code: 'session_ended' })
  for (const machine of [app.auth, app.startMachine()])
    expect(await machine.session(new Request(request))).toEqual({
      status: 'signed-out',
      reason: 'ended-by-server',
    })
  await app.clock.settle()
  expect(app.server.requestsTo('/revoke').length).toBeGreaterThan(0)
})

test('a sign-out that comes between the last look at the store and the write wins as well', async () => {
  const app = createWebApp()
  const visitor = await signedIn(app)
  const request = requestOf(visitor)
  let isRefreshed = false
  const machine = app.startMachine({
    sessions: {
      ...app.store,
      async get(key) {
        const found = await app.store.get(key)
        if (isRefreshed && key.startsWith('session|')) {
          isRefreshed = false
          expect(await app.auth.endSessions({ sub: 'user-ada' })).toBe(1)
        }
        return found
      },
    },
    async fetch(input, init) {
      const response = await app.server.fetch(input, init)
      isRefreshed = new URL(input as string).pathname === '/token'
      return response
    },
  })
  const session = await sessionOf(app, visitor, machine)
  await app.clock.advance(901_000)
  await expect(session.fetch(usersMe)).rejects.toMatchObject({ code: 'session_ended' })
  expect(await app.startMachine().session(request)).toEqual({
    status: 'signed-out',
    reason: 'ended-by-server',
  })
})

test('new tokens of another person are given back, and the session is over', async () => {
  const app = createWebApp()
  const session = await sessionOf(app, await signedIn(app))
  await app.clock.advance(901_000)
  app.server.fault('id-token-sub-wrong', { times: 1 })
  await expect(session.fetch(usersMe)).rejects.toThrow()
  await app.clock.settle()
  expect(app.server.requestsTo('/revoke').length).toBeGreaterThan(0)
})

describe('a script that asks for another token', () => {
  const ask = async (visitor: Visitor, csrf: string) => {
    const headers = { 'x-csrf-token': csrf }
    const answer = await visitor.fetch('/auth/refresh_token', { method: 'POST', headers })
    return [answer.status, await answer.json()]
  }
  const start = async () => {
    const app = createWebApp({ options: { refreshEndpoint: true } })
    const visitor = await signedIn(app)
    return { app, visitor, csrf: (await askSession(visitor)).csrf! }
  }

  test('gets one although its own is still good', async () => {
    const { app, visitor, csrf } = await start()
    await app.clock.advance(300_000)
    const data = {
      access_token: expect.any(String) as string,
      token_type: 'Bearer',
      expires_in: 900,
    }
    expect(await ask(visitor, csrf)).toEqual([200, { status: 'success', code: 200, data }])
  })

  test('is told to come again where the server fails, and to sign in where nobody is signed in any more', async () => {
    const { app, visitor, csrf } = await start()
    await app.clock.advance(901_000)
    app.server.fault('respond', { path: '/token', status: 500 })
    expect(await ask(visitor, csrf)).toMatchObject([502, { error: 'server_error' }])
    await app.startMachine().endSessions({ sub: 'user-ada' })
    await app.clock.advance(601_000)
    expect(await ask(visitor, csrf)).toEqual([
      401,
      { status: 'error', code: 401, message: 'Invalid refresh token.' },
    ])
  })
})

test('a script gets no token of a session that cannot be refreshed any more', async () => {
  const app = createWebApp({ options: { refreshEndpoint: true, scope: 'openid' } })
  const visitor = await signedIn(app)
  await app.clock.advance(901_000)
  const answer = await post(visitor, '/auth/refresh_token')
  expect([answer.status, await answer.json()]).toEqual([
    401,
    { status: 'error', code: 401, message: 'Invalid refresh token.' },
  ])
})

test('a page that was posted to is not where somebody is after signing in', async () => {
  const app = createWebApp()
  const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
  await app.auth.signIn(new Request(`${origin}/orders`, { method: 'POST', headers }))
  await app.auth.signIn(new Request(`${origin}/orders?of=may`, { headers }))
  expect(app.log).toEqual([
    ['sign-in-started', { returnTo: `${origin}/` }],
    ['sign-in-started', { returnTo: `${origin}/orders?of=may` }],
  ])
})

test('an app on http://localhost has cookies without prefix and without Secure', async () => {
  const { server, clock } = createWebApp()
  const auth = new ServerClient({
    issuer: server.issuer,
    clientId: 'my-web-app',
    baseUrl: 'http://localhost:3000',
    secret: 'a secret of this app that nobody guesses',
    sessions: memorySessions({ clock }),
    fetch: server.fetch,
    clock,
  })
  const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
  const answer = await auth.handle(new Request('http://localhost:3000/auth/login', { headers }))
  expect(answer!.headers.get('set-cookie')).toMatch(
    /^pkce-tx-[^;]+; Path=\/; .*HttpOnly; SameSite=Lax$/,
  )
})

test('a route calls an API of its own origin by its path', async () => {
  const asked: string[] = []
  const app = createWebApp()
  const visitor = await signedIn(app)
  const machine = app.startMachine({
    resources: ['/api'],
    fetch: async (input, init) => {
      const url = String(input instanceof Request ? input.url : input)
      if (!url.startsWith(origin)) return app.server.fetch(input, init)
      asked.push(url)
      return new Response('ok')
    },
  })
  const session = await sessionOf(app, visitor, machine)
  await session.fetch('/api/bills')
  expect(asked).toEqual([`${origin}/api/bills`])
})

test('the record of a session is opened once for all requests of the next seconds', async () => {
  const app = createWebApp()
  const visitor = await signedIn(app)
  const machine = app.startMachine()
  await sessionOf(app, visitor, machine)
  const decrypt = vi.spyOn(crypto.subtle, 'decrypt')
  for (let times = 0; times < 3; times += 1) await sessionOf(app, visitor, machine)
  expect(decrypt).not.toHaveBeenCalled()
  await (await sessionOf(app, visitor)).refresh()
  expect((await (await sessionOf(app, visitor, machine)).fetch(usersMe)).status).toBe(200)
  expect(decrypt).toHaveBeenCalled()
})
