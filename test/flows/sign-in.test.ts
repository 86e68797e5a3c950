import { describe, expect, test } from 'vitest'
import { PkceClientError, memoryStore, redirect } from '../../src/index.ts'
import type { Host, Navigator } from '../../src/index.ts'
import {
  anotherTab,
  callbackUri,
  createWorld,
  listen,
  rejection,
  signedInTab,
} from '../support/world.ts'
import type { World } from '../support/world.ts'

describe('signing in', () => {
  test('a person signs in and comes back to where she was', async () => {
    const world = createWorld()
    const { result } = await world.comeBack(world.tab, { params: { returnTo: '/here?x=1' } })
    expect(result).toMatchObject({
      kind: 'signed-in',
      returnTo: 'https://app.example.com/here?x=1',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
    })
  })

  test('works without start() as well', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    expect(await auth.handleCallback()).toMatchObject({ kind: 'signed-in' })
    expect(await auth.start()).toMatchObject({ kind: 'restored', session: { status: 'signed-in' } })
  })

  test('of somebody else in the place of who was signed in is told, and a renewal is not', async () => {
    const world = await signedInTab()
    const told: unknown[] = []
    world.auth.on('signed-in', ({ session }) => told.push(session.claims?.sub))
    await world.auth.refresh()
    await world.server.signInTo(world.auth, 'grace')
    await world.auth.refresh()
    expect(told).toEqual(['user-grace'])
  })

  test('is done once, and remembered by a reload', async () => {
    const world = await signedInTab()
    const auth = world.load(world.tab, '/')
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
    })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('tells the listeners once, after the session is stored', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const stored: unknown[] = []
    auth.subscribe(() =>
      stored.push([auth.getSession().status, world.storedSession() !== undefined]),
    )
    await auth.start()
    expect(stored).toEqual([['signed-in', true]])
  })

  test('an app that sends whoever is signed out to sign in does not interrupt a sign-in on its way back', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const signedOut: unknown[] = []
    auth.subscribe(() => {
      if (auth.getSession().status === 'signed-out') signedOut.push(auth.getSession())
    })
    await auth.start()
    expect(auth.getSession().status).toBe('signed-in')
    expect(signedOut).toEqual([])
  })

  test('a sign-in that comes back and fails leaves nobody signed in, and says so once', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    world.server.fault('id-token-bad-signature')
    const told: string[] = []
    auth.subscribe(() => told.push(auth.getSession().status))
    await expect(auth.start()).rejects.toMatchObject({ code: 'id_token_invalid' })
    expect(told).toEqual(['signed-out'])
  })

  test('shows nobody an unknown session once start() is through', async () => {
    const auth = createWorld().client()
    expect(auth.getSession()).toEqual({ status: 'unknown' })
    await auth.start()
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
  })

  test('as somebody else replaces the session, in the other tabs too', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    world.jar.clear()
    await world.signIn(world.tab, { person: { username: 'grace' } })
    await world.clock.settle()
    expect(other.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('that fails in one tab leaves the other tabs alone', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const session = other.getSession()
    world.server.fault('callback-error')
    await rejection(world.comeBack())
    await world.clock.settle()
    expect(other.getSession()).toBe(session)
  })

  test('gives back no returnTo that leads elsewhere, not even one edited in storage (C-30, A-77)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here' } })
    const [[name, transaction]] = [...world.transactions()] as [[string, object]]
    const edited = { ...transaction, returnTo: 'https://evil.example/' }
    world.browser.local.set(name, JSON.stringify(edited))
    const result = await world.load(world.tab, callback).start()
    expect(result).toMatchObject({ kind: 'signed-in', returnTo: undefined })
  })

  test('does not even keep a returnTo that leads elsewhere (C-30)', async () => {
    const world = createWorld()
    await world.depart(world.tab, { params: { returnTo: '//evil.example' } })
    expect([...world.transactions().values()][0]).not.toHaveProperty('returnTo')
  })

  test('lets the app come back to another registered redirect URI', async () => {
    const redirectUri = 'https://app.example.com/popup'
    const clients = [{ clientId: 'production-app', redirectUris: [callbackUri, redirectUri] }]
    const world = createWorld({ server: { clients } })
    const { result } = await world.comeBack(world.tab, { params: { redirectUri } })
    expect(result.kind).toBe('signed-in')
    expect(world.tab.url).toBe(redirectUri)
    const [request] = world.server.requestsTo('/token')
    expect(request?.form).toMatchObject({ redirect_uri: redirectUri })
  })

  test('asks for the resource again when it exchanges the code (RFC 8707 §2.2) (C-17)', async () => {
    const world = createWorld({ server: { resources: ['https://files.example.com/'] } })
    await world.signIn(world.tab, { params: { resource: 'https://files.example.com/' } })
    expect(world.server.requestsTo('/token')[0]?.form).toMatchObject({
      resource: 'https://files.example.com/',
    })
  })

  test('can be played by a test in one line', async () => {
    const world = createWorld()
    const auth = world.client()
    expect(await world.server.signInTo(auth, 'grace')).toMatchObject({ kind: 'signed-in' })
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('puts no secret into events, errors, or the client itself (A-40)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const [transaction] = world.transactions().values()
    const auth = world.load(world.tab, callback)
    const events = listen(auth)
    const result = await auth.start()
    const token = await auth.getAccessToken()
    const shown = JSON.stringify([events, result, auth, Object.values(auth)])
    const code = new URL(callback).searchParams.get('code')!
    const stored = world.storedSession()!
    for (const secret of [code, token, transaction!['verifier'], stored['refreshToken']]) {
      expect(secret).toBeTypeOf('string')
      expect(shown).not.toContain(secret)
    }
    expect(events.filter(({ name }) => name === 'request').map(({ facts }) => facts)).toEqual(
      expect.arrayContaining([
        { what: 'token', url: `${world.server.issuer}/token`, status: 200, ms: 0 },
        { what: 'jwks', url: `${world.server.issuer}/jwks`, status: 200, ms: 0 },
      ]),
    )
  })
})

describe('leaving for the server', () => {
  test('opens the navigator in the same turn as the click', () => {
    const world = createWorld()
    const seen: string[] = []
    const navigator: Navigator = {
      mode: 'popup',
      leavesPage: false,
      open: () => {
        seen.push('opened')
        return { go: () => new Promise(() => undefined), close: () => undefined }
      },
    }
    void world.client(world.tab, { navigator }).signIn()
    expect(seen).toEqual(['opened'])
  })

  test('with a navigator that stays on the page, signIn() resolves to the session', async () => {
    const world = createWorld()
    const calls: string[] = []
    const navigator: Navigator = {
      mode: 'popup',
      leavesPage: false,
      open: () => ({
        go: async (url) => new URL(await world.server.authorize(url)),
        close: () => void calls.push('closed'),
      }),
    }
    const auth = world.client()
    const session = await auth.signIn({ navigator })
    expect(session).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
    expect(auth.getSession()).toBe(session)
    expect(calls).toEqual(['closed'])
    expect(world.tab.url).toBe('https://app.example.com/')
  })

  test('a navigator that comes back without an answer is a typed failure', async () => {
    const world = createWorld()
    const navigator: Navigator = {
      mode: 'popup',
      leavesPage: false,
      open: () => ({ go: () => Promise.resolve(undefined), close: () => undefined }),
    }
    const error = await rejection(world.client(world.tab, { navigator }).signIn())
    expect(error).toMatchObject({ code: 'callback_invalid' })
  })

  async function goBack() {
    const world = createWorld()
    const auth = world.client()
    const signIn = rejection(auth.signIn())
    await world.until(() => world.tab.navigations.length === 1)
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    return { world, auth, error: await signIn }
  }

  test('coming back by the back button, without an answer, rejects sign_in_cancelled', async () => {
    const { world, error } = await goBack()
    expect(error).toBeInstanceOf(PkceClientError)
    expect(error).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.tab.url).toBe('https://app.example.com/')
  })

  test('and the next click works', async () => {
    const { world, auth } = await goBack()
    const url = await world.leave(world.tab, auth)
    const callback = await world.server.authorize(url)
    expect(await world.load(world.tab, callback).start()).toMatchObject({ kind: 'signed-in' })
  })

  test('an app that changes its mind in time does not leave', async () => {
    const world = createWorld()
    const stop = new AbortController()
    const reason = new Error('the person closed the dialog')
    const signIn = rejection(world.client().signIn({ signal: stop.signal }))
    stop.abort(reason)
    expect(await signIn).toBe(reason)
    expect(world.tab.navigations).toHaveLength(0)
  })

  test('an insecure page is told so, before anything happens (C-48, A-83)', async () => {
    const world = createWorld()
    const host: Host = { ...world.tab.ports.host, isSecureContext: () => false }
    const auth = world.client(world.tab, { host })
    for (const error of [
      await rejection(auth.signIn()),
      await rejection(auth.createAuthorizationUrl()),
    ]) {
      expect(error).toMatchObject({ code: 'insecure_context' })
      expect((error as Error).message).toContain('https://app.example.com')
    }
    expect(world.server.requests).toHaveLength(0)
    expect(world.browser.local.size).toBe(0)
  })

  test.each(['get', 'set', 'all'] as const)(
    'with storage that throws on %s, nobody is sent away to be forgotten (A-76)',
    async (kind) => {
      const world = createWorld()
      const auth = world.client()
      await auth.start()
      world.browser.failStorage(kind)
      expect(await rejection(auth.signIn())).toMatchObject({ code: 'storage_unavailable' })
      expect(world.tab.navigations).toHaveLength(0)
      world.browser.failStorage()
      await world.leave(world.tab, auth)
      expect(world.tab.navigations).toHaveLength(1)
    },
  )

  test('neither is somebody whose transactions live in memory (A-76)', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { transactionStore: memoryStore() })
    expect(await rejection(auth.signIn())).toMatchObject({ code: 'storage_unavailable' })
    expect(world.tab.navigations).toHaveLength(0)
  })

  test('a URL for elsewhere may be made with memory alone, as in Node (A-76)', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { transactionStore: memoryStore() })
    const { url } = await auth.createAuthorizationUrl()
    const callback = await world.server.authorize(url)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
  })

  test('storage that fails on the way back is a typed failure, and the next sign-in works (A-76)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.browser.failStorage('all')
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ name: 'CallbackError', code: 'storage_unavailable' })
    expect(world.tab.url).toBe(callbackUri)
    world.browser.failStorage()
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('the session lives in memory when only saving it fails (A-76)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.tab.load(callback)
    const { store } = world.tab.ports
    const set = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const auth = world.client(world.tab, { store: { ...store, set } })
    const events = listen(auth)
    expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(events.map(({ name }) => name)).toContain('storage-failed')
  })

  test('leaves without a trace in the history when the navigator was told to', async () => {
    const world = createWorld()
    const ways: unknown[] = []
    const host: Host = { ...world.tab.ports.host, navigate: (_, options) => ways.push(options) }
    void world.client(world.tab, { host, navigator: redirect({ replace: true }) }).signIn()
    await world.until(() => ways.length === 1)
    expect(ways).toEqual([{ replace: true }])
  })
})

describe('a sign-in that comes to nothing does not go round in circles', () => {
  /** An app that signs in whenever it is loaded without a session, and shows nothing. */
  async function visit(world: World, { gesture = false } = {}): Promise<string | undefined> {
    await world.clock.advance(1000)
    const auth = world.load(world.tab, '/')
    await auth.start()
    world.tab.gesture = gesture
    return world.leave(world.tab, auth).then(
      async (url) => {
        const callback = await world.server.authorize(url, { jar: world.jar })
        await world
          .load(world.tab, callback)
          .start()
          .catch(() => undefined)
        return undefined
      },
      (error: unknown) => (error as PkceClientError).code,
    )
  }

  test('access_denied again and again: the third departure is refused with redirect_loop', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    expect(await visit(world)).toBeUndefined()
    expect(await visit(world)).toBeUndefined()
    const requests = world.server.requests.length
    expect(await visit(world)).toBe('redirect_loop')
    expect(world.tab.navigations).toHaveLength(2)
    expect(world.server.requests).toHaveLength(requests)
  })

  test('a click is always good for another try', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    for (let click = 0; click < 5; click += 1) {
      expect(await visit(world, { gesture: true })).toBeUndefined()
    }
    expect(world.tab.navigations).toHaveLength(5)
  })

  test('a minute later there may be another try, and no sooner', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    await visit(world)
    await visit(world)
    expect(await visit(world)).toBe('redirect_loop')
    // Each visit takes a second itself: this one comes a millisecond less than a minute after the first.
    await world.clock.advance(56_999)
    expect(await visit(world)).toBe('redirect_loop')
    expect(await visit(world)).toBeUndefined()
  })

  test('sign-ins that succeed are no loop, however many', async () => {
    const world = createWorld()
    for (let time = 0; time < 4; time += 1) expect(await visit(world)).toBeUndefined()
    expect(world.tab.navigations).toHaveLength(4)
  })

  test('what failed before a sign-in that succeeded is forgotten', async () => {
    const world = createWorld()
    const stop = world.server.fault('callback-error', { error: 'access_denied' })
    await visit(world)
    await visit(world)
    stop()
    expect(await visit(world, { gesture: true })).toBeUndefined()
    await world.client().signOut({ redirect: false })
    expect(await visit(world)).toBeUndefined()
    expect(world.tab.navigations).toHaveLength(4)
  })

  test('coming back by the back button three times counts like any other departure', async () => {
    const world = createWorld()
    for (let time = 0; time < 2; time += 1) {
      await world.leave(world.tab, world.client())
      world.tab.load('/')
    }
    expect(await rejection(world.client().signIn())).toMatchObject({ code: 'redirect_loop' })
  })
})

describe('sign-ins under way', () => {
  test('that are abandoned are kept for an hour, and twenty at most (A-85)', async () => {
    const world = createWorld()
    const auth = world.client()
    for (let time = 0; time < 25; time += 1) {
      await auth.createAuthorizationUrl({ appState: time })
      await world.clock.advance(1)
    }
    const kept = [...world.transactions().values()].map((transaction) => transaction['appState'])
    expect(kept).toHaveLength(20)
    expect(Math.min(...(kept as number[]))).toBe(5)
    await world.clock.advance(3_599_000)
    await auth.createAuthorizationUrl()
    expect(world.transactions().size).toBe(20)
    await world.clock.advance(3_600_000)
    await auth.createAuthorizationUrl()
    expect(world.transactions().size).toBe(1)
  })

  test('can be several at once; each comes back to its own', async () => {
    const world = createWorld()
    const tabs = [world.tab, world.browser.openTab()]
    const callbacks: string[] = []
    for (const [index, tab] of tabs.entries()) {
      callbacks.push(await world.depart(tab, { params: { appState: index } }))
    }
    const results = [
      await world.load(tabs[1]!, callbacks[1]!).start(),
      await world.load(tabs[0]!, callbacks[0]!).start(),
    ]
    expect(results.map(({ appState }) => appState)).toEqual([1, 0])
  })

  test.each([
    ['not JSON', () => '{'],
    ['null', () => 'null'],
    ['a list', () => '[]'],
    ['a text', () => '"x"'],
    ['without a verifier', (text: string) => text.replace('"verifier"', '"verified"')],
    [
      'with a number for a verifier',
      (text: string) => text.replace(/"verifier":"[^"]*"/, '"verifier":7'),
    ],
    ['with null for a time', (text: string) => text.replace(/"createdAt":\d+/, '"createdAt":null')],
    [
      'with a verifier from a prototype',
      (text: string) => text.replace('"verifier"', '"__proto__":{},"constructor"'),
    ],
    [
      'from the far future',
      (text: string) => text.replace(/"createdAt":\d+/, '"createdAt":9999999999999'),
    ],
    ['five megabytes', () => 'x'.repeat(5_000_000)],
  ])('edited to be %s are as good as gone (A-75)', async (_, edit) => {
    const world = createWorld()
    const callback = await world.depart()
    const [[name]] = [...world.transactions()] as [[string, object]]
    world.browser.local.set(name, edit(world.browser.local.get(name)!))
    const auth = world.load(world.tab, callback)
    expect(await rejection(auth.start())).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
    world.browser.local.delete(name)
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test.each([
    ['another issuer', 'issuer', 'https://attacker.example'],
    ['another client', 'clientId', 'another-client'],
  ])('edited to be of %s are refused (C-21, C-35, A-09)', async (_, member, value) => {
    const world = createWorld()
    const callback = await world.depart()
    const [[name, transaction]] = [...world.transactions()] as [[string, object]]
    world.browser.local.set(name, JSON.stringify({ ...transaction, [member]: value }))
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'callback_invalid' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test.each(['{', 'null', '[]', '{"v":2}', '{"__proto__":{"sid":"x"}}', 'x'.repeat(5_000_000)])(
    'a session edited to be %.20s means signed out, and never a throw (A-75)',
    async (text) => {
      const world = createWorld()
      world.browser.local.set('pkce:https://login.example.com|production-app', text)
      const auth = world.client()
      expect(await auth.start()).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
    },
  )
})
