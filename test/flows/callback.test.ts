import { describe, expect, test } from 'vitest'
import { CallbackError, OAuthServerError } from '../../src/index.ts'
import { createFakeBrowser } from '../../src/testing/index.ts'
import { expectRefusal } from '../support/refusal.ts'
import { callbackUri, createWorld, listen, rejection, signedInTab } from '../support/world.ts'

describe('coming back with a code', () => {
  test('signs the person in, tells where she was, and cleans the address (C-29)', async () => {
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

  test('takes one serial request, the keys beside it, and no second discovery', async () => {
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

  test('repeats the redirect URI to the letter, also one that a URL parser would spell otherwise (C-37)', async () => {
    const redirectUri = 'https://App.Example.com:443/callback?next=%7Eada&b=é'
    const clients = [{ clientId: 'production-app', redirectUris: [redirectUri] }]
    const world = createWorld({ server: { clients }, client: { redirectUri } })
    const { result } = await world.comeBack(world.tab, { person: { consent: true } })
    expect(result.kind).toBe('signed-in')
    const sent = [world.server.requestsTo('/authorize')[0]!.query.redirect_uri]
    sent.push(world.server.requestsTo('/token')[0]!.form!.redirect_uri)
    expect(sent).toEqual([redirectUri, redirectUri])
  })

  test('asks that nothing of it be cached, and no redirect followed (A-82, G14)', async () => {
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

  test('keeps the fragment that is the app’s own (C-29)', async () => {
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

  test('cleans the address before anything is sent (C-29, A-25)', async () => {
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
    expect(world.tab.url).toBe(callbackUri)
  })

  test('leaves the address alone when it is handed the URL', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
    expect(world.tab.url).toBe(callback)
    expect(world.tab.replaced).toHaveLength(0)
  })

  test.each(['path and query', 'query'])(
    'takes the %s alone, as servers and routers hand it out',
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

  test('and signs in once the page is shown (A-81)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.tab.prerendering = true
    const started = world.load(world.tab, callback).start()
    await world.clock.settle()
    world.tab.activate()
    expect(await started).toMatchObject({ kind: 'signed-in' })
  })

  test('works in another tab, as when the answer comes by a link in a mail', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const other = world.browser.openTab(callback)
    expect(await world.client(other).start()).toMatchObject({ kind: 'signed-in' })
  })

  test('is nobody’s business when the client was not built for that address', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const elsewhere = callback.replace('/callback', '/other')
    const auth = world.load(world.tab, elsewhere)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out' },
    })
    expect(world.tab.url).toBe(elsewhere)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
  })
})

describe('an address that is no answer of ours is left alone', () => {
  const state = (tag: string) => `${tag}.${'x'.repeat(43)}`

  test.each([
    ['nothing at all', '/callback'],
    ['a code without state (C-07)', '/callback?code=abc'],
    ['an empty state (A-03)', '/callback?code=abc&state='],
    ['a state that says undefined (A-02)', '/callback?code=abc&state=undefined'],
    ['a state of another kind', '/callback?code=abc&state=5f3a'],
    ['the state of another client', `/callback?code=abc&state=${state('other')}`],
    ['an error with the state of another client', `/callback?error=x&state=${state('other')}`],
    [
      'a token with the state of another client',
      `/callback#access_token=x&state=${state('other')}`,
    ],
    ['a code on another path', '/shop?code=SUMMER'],
    ['an error on another path', '/shop?error=not_found'],
    ['tokens on another path', '/shop#access_token=x'],
    ['a path that only begins the same', '/callback2?error=x'],
    ['a path that only ends the same', '/a/callback?error=x'],
  ])('%s', async (_, address) => {
    const world = await signedInTab()
    const before = world.server.requests.length
    const auth = world.load(world.tab, address)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
    })
    expect(await auth.handleCallback()).toBeUndefined()
    expect(world.tab.url).toBe(new URL(address, 'https://app.example.com').href)
    expect(world.server.requests).toHaveLength(before)
  })

  test.each([
    ['another path', (url: URL) => (url.pathname = '/callback/')],
    ['another port', (url: URL) => (url.port = '8443')],
    ['another scheme', (url: URL) => (url.protocol = 'http:')],
    ['another host', (url: URL) => (url.host = 'evil.example')],
  ])('our own state at %s, and the sign-in is still good (C-31)', async (_, move) => {
    const world = createWorld()
    const callback = await world.depart()
    const moved = new URL(callback)
    move(moved)
    const auth = world.load(world.tab, '/')
    expect(await auth.handleCallback(moved)).toBeUndefined()
    expect(world.server.requestsTo('/token')).toHaveLength(0)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
  })

  test('the answer of a sign-in that was to return elsewhere, at the usual redirect URI (C-31, C-35, A-09)', async () => {
    const other = 'https://app.example.com/other'
    const clients = [{ clientId: 'production-app', redirectUris: [callbackUri, other] }]
    const world = createWorld({ server: { clients } })
    const callback = await world.depart(world.tab, {
      params: { redirectUri: other },
      person: { consent: true },
    })
    const auth = world.load(world.tab, '/')
    expect(await auth.handleCallback(callback.replace(other, callbackUri))).toBeUndefined()
    expect(world.server.requestsTo('/token')).toHaveLength(0)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
  })

  test.each(['', 'not a url', '//', '/callback?code=x'])('%j', async (text) => {
    expect(await createWorld().client().handleCallback(text)).toBeUndefined()
  })
})

describe('an answer that cannot be one is refused unused', () => {
  const our = { code: 'callback_invalid' } as const

  test.each([
    ['two codes (C-25, A-14)', 'callback-code-duplicate'],
    ['two states (C-25, A-14)', 'callback-state-duplicate'],
    ['two issuers (C-22, C-25)', 'callback-iss-duplicate'],
    ['two errors (C-25)', 'callback-error-duplicate'],
    ['an empty code (A-15)', 'callback-code-empty'],
    ['a code in the fragment (A-16)', 'callback-code-in-fragment'],
    ['an access token (A-16)', 'callback-access-token'],
    ['an ID token (A-16)', 'callback-id-token'],
  ] as const)('%s', async (_, fault) => {
    await expectRefusal({ ...our, given: ({ server }) => server.fault(fault) })
  })

  test.each([
    ['two descriptions (C-25)', 'error=a&error_description=b&error_description=c'],
    ['an empty error (A-15)', 'error='],
    ['an implicit answer (A-17)', '#access_token=x&token_type=bearer'],
    ['a hybrid answer (A-17)', 'code=x#id_token=y'],
    ['a refresh token (A-16)', 'code=x&refresh_token=y'],
    ['an answer for another response mode', 'code=x&response=y'],
  ])('%s', async (_, parameters) => {
    await expectRefusal({
      ...our,
      arrives: ({ searchParams }) => {
        const [query, fragment = ''] = parameters.split('#')
        const state = searchParams.get('state')!
        const iss = `iss=${encodeURIComponent('https://login.example.com')}`
        return `${callbackUri}?${query}&state=${state}&${iss}#${fragment}`
      },
    })
  })

  test('an error without state, which is not ours to believe (A-02)', async () => {
    await expectRefusal({
      ...our,
      unrecognised: true,
      arrives: () => `${callbackUri}?error=access_denied&error_description=Call+0900`,
    })
  })

  test('tokens without state (A-17)', async () => {
    await expectRefusal({
      ...our,
      unrecognised: true,
      arrives: () => `${callbackUri}#access_token=x&token_type=bearer&expires_in=3600`,
    })
  })
})

describe('an answer of another server is refused, whatever it says', () => {
  const our = { code: 'issuer_mismatch' } as const

  test.each([
    ['another issuer (C-22)', 'callback-iss-wrong', {}],
    ['no issuer, though the server says it sends one (C-22)', 'callback-iss-missing', {}],
    ['an empty issuer (C-22)', 'callback-iss-empty', {}],
    ['a slash more (C-22)', 'callback-iss-wrong', { iss: 'https://login.example.com/' }],
    ['other letter case (C-22)', 'callback-iss-wrong', { iss: 'https://LOGIN.example.com' }],
    ['a default port (C-22)', 'callback-iss-wrong', { iss: 'https://login.example.com:443' }],
    ['encoded twice (C-22)', 'callback-iss-wrong', { iss: 'https%3A%2F%2Flogin.example.com' }],
  ] as const)('%s', async (_, fault, options) => {
    await expectRefusal({ ...our, given: ({ server }) => server.fault(fault, options) })
  })

  test.each(['callback-iss-wrong', 'callback-iss-missing'] as const)(
    'an error with %s (C-23)',
    async (fault) => {
      const { error } = await expectRefusal({
        ...our,
        given: ({ server }) => {
          server.fault('callback-error', { error: 'access_denied' })
          server.fault(fault)
        },
      })
      expect(error.cause).not.toBeInstanceOf(OAuthServerError)
    },
  )

  test('a server that does not say it sends the issuer may leave it out (C-22)', async () => {
    const world = createWorld()
    world.server.fault('metadata', {
      patch: { authorization_response_iss_parameter_supported: undefined },
    })
    world.server.fault('callback-iss-missing')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('but if it sends one, it must be its own (C-22)', async () => {
    const patch = { authorization_response_iss_parameter_supported: undefined }
    await expectRefusal({
      ...our,
      given: ({ server }) => {
        server.fault('metadata', { patch })
        server.fault('callback-iss-wrong')
      },
    })
  })
})

describe('the server says no', () => {
  test('the person does not consent: shown as such, with where she was', async () => {
    const clients = [{ clientId: 'production-app', redirectUris: [callbackUri] }]
    const { error } = await expectRefusal({
      server: { clients },
      person: { consent: false },
      params: { prompt: 'consent' },
      code: 'authorization_denied',
    })
    expect(error.cause).toMatchObject({ name: 'OAuthServerError', error: 'access_denied' })
  })

  test.each([
    'invalid_request',
    'unauthorized_client',
    'access_denied',
    'unsupported_response_type',
    'invalid_scope',
    'server_error',
    'temporarily_unavailable',
    'something_of_its_own',
  ])('with %s', async (name) => {
    const { error } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error', { error: name }),
    })
    expect(error.cause).toMatchObject({ error: name, description: undefined, status: undefined })
  })

  test.each([
    'login_required',
    'interaction_required',
    'account_selection_required',
    'consent_required',
  ])('to a silent attempt, with %s, and there is no second one (C-32)', async (name) => {
    const { error, tab } = await expectRefusal({
      code: 'authorization_denied',
      params: { prompt: 'none' },
      given: ({ server }) => server.fault('callback-error', { error: name }),
    })
    expect(error.cause).toMatchObject({ error: name })
    expect(tab.navigations).toHaveLength(2)
  })

  test('really, to a silent attempt of somebody who is not signed in there (C-32)', async () => {
    const { error } = await expectRefusal({
      code: 'authorization_denied',
      params: { prompt: 'none' },
    })
    expect(error.cause).toMatchObject({ error: 'login_required' })
  })

  test('to the challenge, and no weaker one is tried (C-03)', async () => {
    const { tab } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error', { error: 'invalid_request' }),
    })
    const methods = tab.navigations.map((url) => new URL(url).searchParams)
    expect(methods.map((query) => query.get('code_challenge_method'))).toEqual(['S256', 'S256'])
  })

  test('and sends a code as well, which is not used (A-15)', async () => {
    await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error-and-code'),
    })
  })

  test.each([
    ['HTML', '<img src=x onerror=alert(1)>'],
    ['line breaks', 'first\r\nSet-Cookie: x=y\u2028third'],
    ['terminal colours', '\u001b[31mred'],
    ['changes of the reading direction', 'user\u202egpj.exe'],
  ])(
    'in words with %s, which are data and never the message (C-28, A-18)',
    async (_, description) => {
      const { error } = await expectRefusal({
        code: 'authorization_denied',
        given: ({ server }) => server.fault('callback-error', { description }),
      })
      expect(error.message).not.toContain(description)
      const said = (error.cause as OAuthServerError).description
      expect(said).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
      expect(said?.replace(/\\u\{[0-9a-f]+\}/g, '')).toBe(
        description.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ''),
      )
    },
  )

  test('in a million words, of which few are kept (C-28, A-18)', async () => {
    const { error } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) =>
        server.fault('callback-error', {
          error: 'x'.repeat(10_000),
          description: 'y'.repeat(2 ** 20),
        }),
    })
    expect((error.cause as OAuthServerError).error).toHaveLength(100)
    expect((error.cause as OAuthServerError).description).toHaveLength(500)
    expect(error.message.length).toBeLessThan(300)
  })

  test('with an error_uri, which goes nowhere (A-19)', async () => {
    const { error, tab } = await expectRefusal({
      code: 'authorization_denied',
      given: ({ server }) => server.fault('callback-error', { uri: 'javascript:alert(1)' }),
    })
    expect(JSON.stringify([error, error.cause])).not.toContain('javascript:')
    expect(tab.navigations).toHaveLength(2)
  })
})

describe('a code counts once', () => {
  test('two calls at once, as in StrictMode, are one (C-27, A-12)', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const [first, second] = await Promise.all([auth.handleCallback(), auth.handleCallback()])
    expect(first).toMatchObject({ kind: 'signed-in' })
    expect(second).toBe(first)
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('so they are when handed the URL (C-27)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, '/')
    const all = await Promise.all([1, 2, 3].map(() => auth.handleCallback(callback)))
    for (const result of all) expect(result).toBe(all[0])
    expect(all[0]).toMatchObject({ kind: 'signed-in' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('and when it fails (C-27)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('respond', { path: '/token', status: 500 })
    const auth = world.load(world.tab, '/')
    const errors = await Promise.all([1, 2].map(() => rejection(auth.handleCallback(callback))))
    expect(errors[0]).toMatchObject({ code: 'server_error' })
    expect(errors[1]).toBe(errors[0])
    expect(await rejection(auth.handleCallback(callback))).toBe(errors[0])
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a call of start() beside handleCallback() waits for the same sign-in (C-27)', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const [handled, started] = await Promise.all([auth.handleCallback(), auth.start()])
    expect(handled).toMatchObject({ kind: 'signed-in' })
    expect(started.session).toMatchObject({ status: 'signed-in' })
  })

  test('an API call beside handleCallback() waits for the sign-in to finish', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const token = world.server.hold('/token')
    const handled = auth.handleCallback()
    await world.until(() => token.count === 1)
    const response = auth.fetch(`${world.server.api.url}users/me`)
    await world.clock.settle()
    token.release()
    expect((await response).status).toBe(200)
    expect(await handled).toMatchObject({ kind: 'signed-in' })
  })

  test('start() is always the same promise, also when it fails', async () => {
    const world = createWorld()
    world.server.fault('callback-error')
    const auth = world.load(world.tab, await world.depart())
    const started = auth.start()
    expect(auth.start()).toBe(started)
    await rejection(started)
    expect(auth.start()).toBe(started)
  })

  test('of two clients on one page both are signed in (C-27, A-12)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const first = world.load(world.tab, callback)
    const second = world.client()
    const kinds = [await first.handleCallback(callback), await second.handleCallback(callback)].map(
      (result) => result?.kind,
    )
    expect(kinds).toEqual(['signed-in', 'already-signed-in'])
    expect(second.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('of two tabs at the same moment both are signed in (C-27, A-12)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const other = world.client(world.browser.openTab(callback))
    const results = await Promise.all([world.load(world.tab, callback).start(), other.start()])
    expect(results.map(({ kind }) => kind).sort()).toEqual(['already-signed-in', 'signed-in'])
    for (const { session } of results)
      expect(session).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('back to the callback page, by the back button or a reload, is no failure (C-24, A-12)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here', appState: 7 } })
    await world.load(world.tab, callback).start()
    const events = listen(world.load(world.tab, callback))
    const auth = world.load(world.tab, callback)
    expect(await auth.start()).toMatchObject({
      kind: 'already-signed-in',
      returnTo: 'https://app.example.com/here',
      appState: 7,
      session: { status: 'signed-in' },
    })
    expect(world.tab.url).toBe(callbackUri)
    expect(world.server.requestsTo('/token')).toHaveLength(1)
    expect(events).toHaveLength(0)
  })

  test('somebody signed out since then is told that the answer is spent (C-24)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here', appState: 7 } })
    const signedIn = world.load(world.tab, callback)
    await signedIn.start()
    await signedIn.signOut({ redirect: false })
    const auth = world.load(world.tab, callback)
    const error = await rejection(auth.start())
    expect(error).toBeInstanceOf(CallbackError)
    expect(error).toMatchObject({
      code: 'transaction_consumed',
      returnTo: 'https://app.example.com/here',
      appState: 7,
    })
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a sign-in that failed cannot be finished with a better answer (A-13)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    await rejection(world.load(world.tab, `${callback}&code=another`).start())
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'transaction_consumed' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('what could finish a sign-in is gone before the code leaves: a page that is reloaded meanwhile cannot send it again (A-13, C-27)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here' } })
    world.server.fault('hang', { path: '/token' })
    void world.load(world.tab, callback).start()
    await world.until(() => world.server.requestsTo('/token').length === 1)
    expect([...world.transactions().values()]).toEqual([
      expect.objectContaining({ taken: true, verifier: '', nonce: '' }),
    ])
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({
      code: 'transaction_consumed',
      returnTo: 'https://app.example.com/here',
    })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a network failure does not bring the code back (C-27)', async () => {
    const { world, tab, error } = await expectRefusal({
      code: 'network',
      given: ({ server }) => server.fault('network-error', { path: '/token' }),
      requests: ['/jwks', '/token'],
    })
    expect(error.retryable).toBe(true)
    expect(world.server.requestsTo('/token')).toHaveLength(3)
    expect(tab.url).toBe(callbackUri)
  })
})

describe('an answer nobody here asked for', () => {
  let stolen: string
  const withUnknownState = (callback: string): string => {
    const url = new URL(callback)
    const [tag] = url.searchParams.get('state')!.split('.')
    url.searchParams.set('state', `${tag!}.${'A'.repeat(43)}`)
    return url.href
  }

  test('the link of an attacker does not disturb who is signed in (A-01, C-07)', async () => {
    const world = await signedInTab()
    const session = world.storedSession()
    const callback = withUnknownState(await world.depart())
    const before = world.server.requests.length
    const { kind, session: still } = await world.load(world.tab, callback).start()
    expect(kind).toBe('already-signed-in')
    expect(still).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.storedSession()).toEqual(session)
    expect(world.server.requests).toHaveLength(before)
    expect(world.tab.url).toBe(callbackUri)
  })

  test('without a session it is refused, and nothing is sent (A-01, C-07)', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, withUnknownState(await world.depart()))
    const error = await rejection(auth.start())
    expect(error).toBeInstanceOf(CallbackError)
    expect(error).toMatchObject({
      code: 'transaction_not_found',
      returnTo: undefined,
      appState: undefined,
    })
    expect(world.tab.url).toBe(callbackUri)
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('the answer to a sign-in of another browser (C-05, A-04)', async () => {
    const [world, stranger] = [createWorld(), createWorld()]
    const callback = await stranger.depart()
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requests).toHaveLength(0)
  })

  test('an answer that took nearly an hour is still one', async () => {
    const world = createWorld({ server: { codeLifetime: 7200 } })
    const callback = await world.depart()
    await world.clock.advance(3_599_999)
    expect(await world.load(world.tab, callback).start()).toMatchObject({ kind: 'signed-in' })
  })

  test('an answer that took over an hour', async () => {
    const world = createWorld({ server: { codeLifetime: 7200 } })
    const callback = await world.depart()
    await world.clock.advance(3_600_001)
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('somebody else’s code in our answer (A-05)', async () => {
    const { error } = await expectRefusal({
      code: 'server_error',
      given: ({ server }) => server.fault('callback-code-wrong'),
      requests: ['/jwks', '/token'],
    })
    expect(error.cause).toMatchObject({ error: 'invalid_grant', status: 400 })
  })

  test('a stolen code, which the server ties to the challenge of the sign-in it was for (A-05)', async () => {
    const { error, world } = await expectRefusal({
      code: 'server_error',
      requests: ['/jwks', '/token'],
      given: async (world) => {
        const elsewhere = createFakeBrowser({ clock: world.clock }).openTab()
        const { url } = await world.client(elsewhere).createAuthorizationUrl()
        stolen = new URL(await world.server.authorize(url)).searchParams.get('code')!
      },
      arrives: (callback) => {
        callback.searchParams.set('code', stolen)
        return callback.href
      },
    })
    expect(error.cause).toMatchObject({
      error: 'invalid_grant',
      description: 'the code verifier is wrong',
    })
    const sent = world.server.requestsTo('/token').map(({ form }) => form!.code)
    expect(sent.filter((code) => code === stolen)).toHaveLength(1)
  })
})
