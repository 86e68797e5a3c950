import { describe, expect, test } from 'vitest'
import { backEndRefresh, memoryStore } from '../../../src/index.ts'
import type { BackEndRefreshOptions } from '../../../src/index.ts'
import { factsOf, failure, usersMe } from '../../support/refreshes.ts'
import { appOrigin, callbackUri, createWorld, listen } from '../../support/world.ts'
import { whoAmI } from '../../support/on-demand.ts'

const url = 'https://login.example.com/refresh_token'

/** An app whose back end keeps the refresh token in a cookie, and a page that keeps no token at all. */
function createApp(more: Partial<BackEndRefreshOptions> = {}) {
  const world = createWorld({
    server: {
      clients: [
        {
          clientId: 'production-app',
          redirectUris: [callbackUri],
          kind: 'internal',
          refreshTokenIn: 'cookie',
        },
      ],
    },
  })
  const browse = world.server.withCookies(world.jar)
  /** As a browser sends it, with the origin of the page. */
  const fetch: typeof globalThis.fetch = (input, init) => {
    if (input !== url) return browse(input, init)
    const headers = new Headers(init?.headers)
    headers.set('origin', appOrigin)
    return browse(input, { ...init, headers })
  }
  const options = () => ({
    store: memoryStore(),
    fetch,
    use: [backEndRefresh({ url, ...more })],
  })
  const { server } = world
  return Object.assign(world, {
    options,
    asked: () => server.requestsTo('/refresh_token'),
    async signedIn() {
      const callback = await world.depart(world.tab, { overrides: options() })
      const auth = world.load(world.tab, callback, options())
      await auth.start()
      return Object.assign(auth, { heard: listen(auth) })
    },
    reload() {
      world.tab.load('/')
      return world.client(world.tab, options())
    },
  })
}

describe('refresh through a back end', () => {
  test('an expired token is replaced, and no refresh token is in the page', async () => {
    const app = createApp()
    const auth = await app.signedIn()
    await app.clock.advance(900_000)
    expect(await whoAmI(auth.fetch(usersMe))).toBe('user-ada')
    expect(app.asked()).toHaveLength(1)
    const [request] = app.asked()
    expect(request).toMatchObject({ method: 'POST' })
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'x-requested-with': 'pkce-client',
    })
    expect(request!.headers).not.toHaveProperty('authorization')
    expect(app.storedSession()).toBeUndefined()
  })

  test('headers of the app are sent, as they are at that time', async () => {
    let count = 0
    const app = createApp({ headers: () => ({ 'x-csrf-token': `t${(count += 1)}` }) })
    const auth = await app.signedIn()
    await auth.refresh()
    await auth.refresh()
    const sent = app.asked().map(({ headers }) => headers['x-csrf-token'])
    expect(sent).toEqual(['t1', 't2'])
  })

  test('a hundred calls with an expired token: one request', async () => {
    const app = createApp()
    const auth = await app.signedIn()
    await app.clock.advance(900_000)
    const calls = Array.from({ length: 100 }, () => whoAmI(auth.fetch(usersMe)))
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['user-ada']))
    expect(app.asked()).toHaveLength(1)
  })

  test('a reload stays signed in: start() asks the back end once', async () => {
    const app = createApp()
    await app.signedIn()
    const auth = app.reload()
    const heard = listen(auth)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-in' },
    })
    expect(factsOf(heard, 'session-changed')).toHaveLength(1)
    expect(await whoAmI(auth.fetch(usersMe))).toBe('user-ada')
    expect(app.asked()).toHaveLength(1)
    expect(app.storedSession()).toBeUndefined()
  })

  test('two tabs that load at once do not use one cookie twice', async () => {
    const app = createApp()
    await app.signedIn()
    const one = app.reload()
    const other = app.client(app.browser.openTab('/'), app.options())
    const results = await Promise.all([one.start(), other.start()])
    for (const { session } of results) expect(session.status).toBe('signed-in')
    expect(app.server.revoked).toEqual([])
  })

  test('nobody is signed in where the back end knows nobody', async () => {
    const app = createApp()
    const auth = app.reload()
    expect(await auth.start()).toMatchObject({ session: { status: 'signed-out' } })
    expect(app.asked()).toHaveLength(1)
  })

  test('a session that is stored is not asked for', async () => {
    const app = createApp()
    const auth = app.client(app.tab, { use: [backEndRefresh({ url })] })
    expect(await auth.start()).toMatchObject({ session: { status: 'signed-out' } })
    expect(app.asked()).toEqual([])
  })
})

describe('what the back end answers', () => {
  const path = '/refresh_token'

  test('401: the session has ended', async () => {
    const app = createApp()
    const auth = await app.signedIn()
    app.server.revokeSessions()
    await failure(auth.refresh())
    expect(auth.getSession()).toMatchObject({ status: 'signed-out', reason: 'ended-by-server' })
  })

  test.each([
    ['403', 403, {}, false],
    ['429', 429, {}, true],
    ['503', 503, {}, true],
    ['500', 500, {}, true],
  ])('%s: the session is kept', async (_, status, body, retryable) => {
    const app = createApp()
    const auth = await app.signedIn()
    app.server.fault('respond', { path, status, body })
    expect(await failure(auth.refresh())).toMatchObject({ retryable })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(factsOf(auth.heard, 'refresh-failed')).toHaveLength(1)
  })

  test('no network: the session is kept', async () => {
    const app = createApp()
    const auth = await app.signedIn()
    app.server.fault('network-error', { path })
    expect(await failure(auth.refresh())).toMatchObject({ code: 'network', retryable: true })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test.each([
    [
      'in an envelope',
      { status: 'success', code: 200, data: { access_token: 'a', expires_in: 60 } },
    ],
    ['a plain token answer', { access_token: 'a', token_type: 'Bearer', expires_in: 60 }],
  ])('a token %s; a refresh token beside it is not kept', async (_, answer) => {
    const app = createApp()
    const auth = await app.signedIn()
    const body = { ...answer, refresh_token: 'not for scripts' }
    app.server.fault('respond', { path, status: 200, body })
    await auth.refresh()
    expect(await auth.getAccessToken()).toBe('a')
    expect(auth.getSession()).toMatchObject({ expiresAt: app.clock.now() + 60_000 })
  })

  test.each([
    ['an envelope without a token', { status: 'success', data: {} }],
    ['data that are none', { status: 'success', data: 'x' }],
    ['a list', []],
  ])('%s: the session is kept', async (_, body) => {
    const app = createApp()
    const auth = await app.signedIn()
    app.server.fault('respond', { path, status: 200, body })
    expect(await failure(auth.refresh())).toMatchObject({ code: 'token_response_invalid' })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })
})

describe('its options', () => {
  test.each(['http://api.example.com/refresh', 'refresh', 'ftp://x.example/', '//evil.example/'])(
    'a URL such as %s is refused',
    (wrong) => {
      const use = [backEndRefresh({ url: wrong })]
      expect(() => createWorld().client(undefined, { use })).toThrow(
        expect.objectContaining({
          code: 'invalid_option',
          message: expect.stringContaining('url must be an https URL') as string,
        }),
      )
    },
  )

  test.each([[{}], [{ url: '' }], [{ url, headers: {} }], [{ url, method: 'GET' }]])(
    '%o is refused',
    (wrong) => {
      expect(() => backEndRefresh(wrong as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option' }),
      )
    },
  )

  test('a path is one of the origin of the redirect URI', async () => {
    const app = createApp({ url: '/refresh' })
    const auth = app.reload()
    const urls: string[] = []
    auth.on('request', ({ url: asked }) => urls.push(asked))
    await auth.start()
    expect(urls).toContain('https://app.example.com/refresh')
  })
})
