import { describe, expect, test } from 'vitest'
import { callbackUri, createWorld, rejection } from '../../support/world.ts'

describe('coming back with a code', () => {
  test('signs the user in, gives back returnTo and appState, and cleans the URL (C-29)', async () => {
    const world = createWorld()
    const { result } = await world.comeBack(world.tab, {
      params: { returnTo: '/here', appState: { basket: [7] } },
    })
    expect(result).toMatchObject({
      kind: 'signed-in',
      returnTo: 'https://app.example.com/here',
      appState: { basket: [7] },
      session: { status: 'signed-in', scope: 'openid profile offline_access' },
    })
    expect(world.tab.url).toBe(callbackUri)
  })

  test('makes one token request, fetches the keys at the same time, and does not repeat discovery', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const before = world.server.requests.length
    const [token, keys] = [world.server.hold('/token'), world.server.hold('/jwks')]
    const started = world.load(world.tab, callback).start()
    await world.until(() => token.count === 1 && keys.count === 1)
    token.release()
    keys.release()
    await started
    const paths = world.server.requests.slice(before).map(({ path }) => path)
    expect(paths.sort()).toEqual(['/jwks', '/token'])
  })

  test('sends the code once, by POST, as a form, with verifier and redirect URI, and no secret (C-04, C-36, C-37, C-38)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const [transaction] = world.transactions().values()
    await world.load(world.tab, callback).start()
    const [request, ...more] = world.server.requestsTo('/token')
    expect(more).toHaveLength(0)
    expect(request).toMatchObject({
      method: 'POST',
      headers: { 'content-type': expect.stringMatching(/^application\/x-www-form-urlencoded/) },
    })
    expect([...new URLSearchParams(request!.body)].sort()).toEqual([
      ['client_id', 'production-app'],
      ['code', new URL(callback).searchParams.get('code')],
      ['code_verifier', transaction!['verifier']],
      ['grant_type', 'authorization_code'],
      ['redirect_uri', callbackUri],
    ])
    expect(request!.headers).not.toHaveProperty('authorization')
    expect(new URL(request!.url).search).toBe('')
  })

  test('repeats the redirect URI exactly, also one that a URL parser would spell differently (C-37)', async () => {
    const redirectUri = 'https://App.Example.com:443/callback?next=%7Eada&b=é'
    const clients = [{ clientId: 'production-app', redirectUris: [redirectUri] }]
    const world = createWorld({ server: { clients }, client: { redirectUri } })
    const { result } = await world.comeBack(world.tab, { person: { consent: true } })
    expect(result.kind).toBe('signed-in')
    const sent = [world.server.requestsTo('/authorize')[0]!.query.redirect_uri]
    sent.push(world.server.requestsTo('/token')[0]!.form!.redirect_uri)
    expect(sent).toEqual([redirectUri, redirectUri])
  })

  test('sends the code with no caching and without following redirects (A-82, G14)', async () => {
    const world = createWorld()
    const inits: RequestInit[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      inits.push(init ?? {})
      return world.server.fetch(input, init)
    }
    await world.signIn(world.tab, { overrides: { fetch } })
    expect(inits.length).toBeGreaterThan(2)
    for (const init of inits) expect(init).toMatchObject({ cache: 'no-store', redirect: 'manual' })
  })

  test('keeps the fragment of the app (C-29)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    await world.load(world.tab, `${callback}#section-2`).start()
    expect(world.tab.url).toBe(`${callbackUri}#section-2`)
  })

  test('keeps the query that the redirect URI was registered with (C-29)', async () => {
    const redirectUri = `${callbackUri}?app=shop`
    const clients = [{ clientId: 'production-app', redirectUris: [redirectUri] }]
    const world = createWorld({ server: { clients }, client: { redirectUri } })
    const { result } = await world.comeBack()
    expect(result.kind).toBe('signed-in')
    expect(world.tab.url).toBe(redirectUri)
  })

  test('cleans the URL before anything is sent (C-29, A-25)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('hang', { path: '/token' })
    void world.load(world.tab, callback).start()
    await world.until(() => world.server.requestsTo('/token').length === 1)
    expect(world.tab.url).toBe(callbackUri)
  })

  test('ignores parameters it does not know (C-26)', async () => {
    const world = createWorld()
    world.server.fault('callback-parameters', {
      set: { session_state: 'x', scope: 'admin', foo: 'bar' },
      append: [['foo', 'twice']],
    })
    const { result } = await world.comeBack()
    expect(result.session).toMatchObject({ scope: 'openid profile offline_access' })
    expect(world.tab.url).toBe(`${callbackUri}?foo=bar&foo=twice`)
  })

  test("leaves the page's URL alone when the URL is passed as an argument", async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
    expect(world.tab.url).toBe(callback)
    expect(world.tab.replaced).toHaveLength(0)
  })

  test.each(['path and query', 'query'])(
    'accepts the %s alone, as servers and routers provide it',
    async (part) => {
      const world = createWorld()
      const callback = new URL(await world.depart())
      const auth = world.load(world.tab, '/')
      const text = callback.pathname + callback.search
      expect(await auth.handleCallback(part === 'query' ? callback.search : text)).toMatchObject({
        kind: 'signed-in',
      })
    },
  )

  test('sends nothing while the page is only being prerendered (A-81)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const before = world.server.requests.length
    world.tab.prerendering = true
    const started = world.load(world.tab, callback).start()
    await world.clock.advance(60_000)
    expect(world.server.requests).toHaveLength(before)
    expect(world.tab.url).toBe(callback)
    world.tab.activate()
    expect(await rejection(started)).toMatchObject({ code: 'server_error' })
  })

  test('signs in once the prerendered page is shown (A-81)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.tab.prerendering = true
    const started = world.load(world.tab, callback).start()
    await world.clock.settle()
    world.tab.activate()
    expect(await started).toMatchObject({ kind: 'signed-in' })
  })

  test('works in another tab, as when the response comes by a link in an email', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const other = world.browser.openTab(callback)
    expect(await world.client(other).start()).toMatchObject({ kind: 'signed-in' })
  })
})
