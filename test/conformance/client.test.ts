import { keepingPage } from '../support/navigators.ts'
import { describe, expect, test } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import { createCookieJar } from '../../src/testing/index.ts'
import { failure, refreshes, sentTokens, usersMe } from '../support/refreshes.ts'
import { callbackUri, createWorld, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

// Rows of the requirements that no single part of the client answers for.

/** Where each access token was sent. */
function carriers({ server }: World, token: string): string[] {
  return server.requests
    .filter(({ headers }) => headers.authorization === `Bearer ${token}`)
    .map(({ url }) => url)
}

describe('a sign-in begun by somebody else', () => {
  test('the address of another site begins none (C-19, A-24)', async () => {
    const world = createWorld()
    const query = new URLSearchParams({
      iss: 'https://attacker.example',
      login_hint: 'ada',
      target_link_uri: 'https://attacker.example/',
    })
    const auth = world.load(world.tab, `${callbackUri}?${query.toString()}`)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out' },
    })
    expect(world.tab.navigations).toEqual([])
    expect(world.server.requests).toEqual([])
  })

  test('an app that takes it up goes to its own server, and returns into itself (C-19, A-24)', async () => {
    const world = createWorld()
    const url = await world.leave(world.tab, world.client(), {
      loginHint: 'ada',
      returnTo: 'https://attacker.example/',
      extraParams: { iss: 'https://attacker.example' },
    })
    expect(url.origin).toBe(world.server.issuer)
    const result = await world.load(world.tab, await world.server.authorize(url)).start()
    expect(result).toMatchObject({ kind: 'signed-in', returnTo: undefined })
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
  })

  test('somebody else’s authorization request, finished in the browser of Ada, changes nothing (C-34)', async () => {
    const world = await signedInTab()
    const theirs = await createWorld({ server: { issuer: world.server.issuer } })
      .client()
      .createAuthorizationUrl()
    const jar = createCookieJar()
    const callback = await world.server.authorize(theirs.url, { username: 'grace', jar })
    const before = world.server.requests.length
    const auth = world.load(world.tab, callback)
    expect(await auth.start()).toMatchObject({
      kind: 'already-signed-in',
      session: { claims: { sub: 'user-ada' } },
    })
    expect(world.server.requests).toHaveLength(before)
  })

  test('at a server that ignores PKCE, a stolen code is still told by its nonce (A-06)', async () => {
    const world = createWorld()
    world.server.fault('ignore-pkce')
    const attacker = await world.client(world.browser.openTab()).createAuthorizationUrl()
    for (const name of ['code_challenge', 'code_challenge_method']) {
      attacker.url.searchParams.delete(name)
    }
    const jar = createCookieJar()
    const theirs = await world.server.authorize(attacker.url, { username: 'grace', jar })
    const callback = new URL(await world.depart())
    callback.searchParams.set('code', new URL(theirs).searchParams.get('code')!)
    const auth = world.load(world.tab, callback.href)
    expect(await failure(auth.start())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.server.requestsTo('/token')[0]!.form).toHaveProperty('code_verifier')
    expect(world.storedSession()).toBeUndefined()
  })

  test('a native app opens the browser of the system, listens on a loopback port, and finishes with PKCE (C-111, C-112)', async () => {
    const world = createWorld()
    const opened: URL[] = []
    const systemBrowser = keepingPage(
      async ({ url }) => {
        opened.push(url)
        return new URL(await world.server.authorize(url, { consent: true }))
      },
      { mode: 'system-browser' },
    )
    const auth = world.client(world.tab, {
      clientId: 'sandbox-app',
      redirectUri: 'http://127.0.0.1:49152/callback',
      navigator: systemBrowser,
    })
    expect(await auth.signIn()).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(opened.map(({ searchParams }) => searchParams.get('code_challenge_method'))).toEqual([
      'S256',
    ])
    expect(world.server.requestsTo('/token')[0]!.form).toMatchObject({
      redirect_uri: 'http://127.0.0.1:49152/callback',
      code_verifier: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(world.tab.navigations).toEqual([])
  })
})

test('after a sign-in that failed, nothing of it is used again (C-05)', async () => {
  const world = createWorld()
  world.server.fault('id-token-bad-signature', { times: 1 })
  await failure(world.load(world.tab, await world.depart()).start())
  await world.signIn()
  const requests = world.server.requestsTo('/authorize').map(({ query }) => query)
  for (const name of ['state', 'nonce', 'code_challenge']) {
    expect(new Set(requests.map((query) => query[name])).size).toBe(2)
  }
  const verifiers = world.server.requestsTo('/token').map(({ form }) => form!['code_verifier'])
  expect(new Set(verifiers).size).toBe(2)
})

test('every request to the server goes over https, follows no redirect and leaves nothing in a cache (C-48, A-82, G14)', async () => {
  const world = createWorld()
  const sent = new Map<string, RequestInit | undefined>()
  const fetch: typeof globalThis.fetch = (input, init) => {
    const url = new URL(input as string)
    expect(url.protocol).toBe('https:')
    sent.set(url.pathname, init)
    return world.server.fetch(input, init)
  }
  const auth = await world.signIn(world.tab, { overrides: { fetch } })
  await auth.refresh()
  await auth.getUserInfo()
  await auth.signOut()
  expect([...sent.keys()].sort()).toEqual([
    '/.well-known/openid-configuration',
    '/jwks',
    '/revoke',
    '/token',
    '/userinfo',
  ])
  for (const init of sent.values()) {
    expect(init).toMatchObject({ redirect: 'manual', cache: 'no-store' })
  }
})

describe('from signing in to signing out', () => {
  /** Everything that is sent for somebody who uses an app for a while. */
  async function wholeStay(world: World): Promise<Set<string>> {
    const auth = await world.signIn()
    const tokens = new Set([await auth.getAccessToken()])
    await auth.fetch(usersMe)
    await auth.getUserInfo()
    await auth.refresh()
    tokens.add(await auth.getAccessToken())
    await auth.fetch(new Request(usersMe))
    await auth.signOut()
    return tokens
  }

  test('whatever is posted to the server is a form, with the client named, nothing in it twice or empty, and nothing in the URL (C-36, C-37, C-38, C-107)', async () => {
    const world = createWorld()
    await wholeStay(world)
    const posts = ['/token', '/revoke'].flatMap((path) => world.server.requestsTo(path))
    expect(posts.map(({ path }) => path)).toEqual(['/token', '/token', '/revoke', '/revoke'])
    for (const { method, url, headers, body } of posts) {
      expect(method).toBe('POST')
      expect(new URL(url).search).toBe('')
      expect(headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
      expect(headers).not.toHaveProperty('authorization')
      const form = [...new URLSearchParams(body)]
      expect(new Set(form.map(([name]) => name)).size).toBe(form.length)
      expect(form).toContainEqual(['client_id', 'production-app'])
      expect(form.map(([name]) => name)).not.toContain('client_secret')
      for (const [, value] of form) expect(value).not.toBe('')
    }
  })

  test('an access token travels in the header of its requests, and elsewhere only to be revoked (C-79)', async () => {
    const world = createWorld()
    const tokens = await wholeStay(world)
    expect(tokens.size).toBe(2)
    for (const token of tokens) {
      const carried = carriers(world, token)
      expect(carried).toContain(usersMe)
      const elsewhere = world.server.requests.filter((request) => {
        const { authorization, ...headers } = request.headers
        return JSON.stringify([request.url, request.body, headers]).includes(token)
      })
      expect(elsewhere.every(({ path, url }) => path === '/revoke' && !url.includes(token))).toBe(
        true,
      )
      expect(world.tab.navigations.join()).not.toContain(token)
    }
  })

  test('neither the answer in the address nor that of the token endpoint moves an endpoint (C-51)', async () => {
    const world = createWorld()
    const names = ['token', 'userinfo', 'revocation', 'end_session', 'authorization']
    const theirs = Object.fromEntries([
      ...names.map((name) => [`${name}_endpoint`, `https://attacker.example/${name}`]),
      ['issuer', 'https://attacker.example'],
      ['jwks_uri', 'https://attacker.example/jwks'],
    ]) as Record<string, string>
    world.server.fault('callback-parameters', { set: theirs })
    world.server.fault('token-members', { set: { ...theirs, metadata: theirs } })
    await wholeStay(world)
    expect(world.server.requestsTo('/token')).toHaveLength(2)
    expect(world.server.requestsTo('/users/me')).toHaveLength(2)
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
    expect(new URL(world.tab.navigations.at(-1)!).origin).toBe(world.server.issuer)
  })
})

describe('the answer of the token endpoint', () => {
  test.each(['bEaReR', 'BEARER', 'bearer'])('token_type %s is Bearer (C-42)', async (value) => {
    const world = createWorld()
    world.server.fault('token-type', { value })
    const auth = await world.signIn()
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  test.each(['mac', 'DPoP', 'Bearer2', 'no-Bearer'])(
    'token_type %s is used for nothing (C-42, G5)',
    async (value) => {
      const world = createWorld()
      world.server.fault('token-type', { value })
      const auth = world.load(world.tab, await world.depart())
      expect(await failure(auth.start())).toMatchObject({ code: 'token_response_invalid' })
      expect(world.storedSession()).toBeUndefined()
      expect(await failure(auth.fetch(usersMe))).toMatchObject({ code: 'sign_in_required' })
    },
  )

  test('members that nobody knows are ignored, and without a scope the one asked for was granted (C-44)', async () => {
    const world = createWorld()
    world.server.fault('token-members', {
      set: { session_state: 'x', scopes: ['admin'], expires: 7 },
      remove: ['scope'],
    })
    const auth = await world.signIn()
    expect(auth.getSession()).toMatchObject({ scope: 'openid profile offline_access' })
    expect(JSON.stringify(world.storedSession())).not.toContain('admin')
  })

  test('another scope than the one asked for is the app’s to see (C-44)', async () => {
    const world = createWorld()
    world.server.fault('granted-scope', { scope: 'openid' })
    expect((await world.signIn()).getSession()).toMatchObject({ scope: 'openid' })
  })

  test('a resource that the server does not know is a typed refusal (C-17)', async () => {
    const world = createWorld()
    const params = { resource: 'https://files.example.com/' }
    const auth = world.load(world.tab, await world.depart(world.tab, { params }))
    const error = await failure(auth.start())
    expect(error).toMatchObject({ code: 'authorization_denied' })
    expect(error.cause).toMatchObject({ error: 'invalid_target' })
  })
})

describe('where tokens go', () => {
  test('two APIs with an audience each: every token goes to its own (C-82, A-41)', async () => {
    const files = 'https://files.example.com/'
    const world = createWorld({ server: { resources: [files] } })
    const orders = await world.signIn(world.tab, {
      params: { resource: world.server.api.url },
      overrides: { sessionKey: 'orders', resources: [world.server.api.url] },
    })
    const other = await world.signIn(world.browser.openTab(), {
      params: { resource: files },
      overrides: { sessionKey: 'files', resources: [files] },
    })
    const [forOrders, forFiles] = [await orders.getAccessToken(), await other.getAccessToken()]
    expect(forFiles).not.toBe(forOrders)
    expect((await orders.fetch(usersMe)).status).toBe(200)
    await other.fetch(`${files}a.txt`).catch(() => undefined)
    expect(await failure(other.fetch(usersMe))).toMatchObject({ code: 'resource_not_allowed' })
    expect(await failure(orders.fetch(files))).toMatchObject({ code: 'resource_not_allowed' })
    expect(carriers(world, forOrders)).toEqual([usersMe])
    expect(carriers(world, forFiles)).toEqual([`${files}a.txt`])
  })

  test('an API that names another authorization server sends nobody there (A-73)', async () => {
    const world = await signedInTab({ server: { rotation: false } })
    const document = 'https://attacker.example/.well-known/oauth-protected-resource'
    const challenge = `Bearer error="invalid_token", resource_metadata="${document}", as_uri="https://attacker.example"`
    world.server.fault('api-401', { challenge })
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
    expect(refreshes(world).map(({ url }) => url)).toEqual([`${world.server.issuer}/token`])
    expect(sentTokens(world)).toHaveLength(1)
  })

  test('nothing introspects a token, whatever the server offers (C-110)', async () => {
    const world = createWorld()
    const introspection_endpoint = `${world.server.issuer}/introspect`
    world.server.fault('metadata', { patch: { introspection_endpoint } })
    const auth = await world.signIn()
    await auth.fetch(usersMe)
    await auth.refresh()
    await auth.getUserInfo()
    await auth.signOut()
    expect(world.server.requests.map(({ path }) => path)).not.toContain('/introspect')
    expect(Object.getOwnPropertyNames(PkceClient.prototype).join()).not.toMatch(/introspect/i)
  })
})
