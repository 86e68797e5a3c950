import { describe, expect, test } from 'vitest'
import type { PkceClientOptions } from '../../src/index.ts'
import { expiredTab, failure, refreshes, usersMe } from '../support/refreshes.ts'
import { createWorld, listen, rejection, signedInTab } from '../support/world.ts'
import type { SignedInOptions, World } from '../support/world.ts'

const api = 'https://api.example.com'
const echo = `${api}/echo`

interface Echo {
  method: string
  url: string
  authorized: boolean
  scheme: string | null
  headers: Record<string, string>
  body: string
}

const read = async (response: Response) => (await response.json()) as Echo

/** Ada is signed in, and her token old enough to be blamed for a 401. */
async function settledTab(options: SignedInOptions = {}) {
  const world = await signedInTab(options)
  await world.clock.advance(60_000)
  return world
}

/** A call of such a tab that the API refuses with 401, which is held back. */
async function lateRefusal() {
  const world = await settledTab()
  world.server.expireAccessTokens()
  const held = world.server.hold('/users/me')
  const call = world.auth.fetch(usersMe)
  await world.until(() => held.count)
  return { world, held, call }
}

/** Every request that carried the header of a token, and where it went. */
function carriers({ server }: World): string[] {
  return server.requests
    .filter(({ headers }) => headers.authorization !== undefined)
    .map(({ url }) => url)
}

describe('inputs', () => {
  test.each<[string, string | URL | Request]>([
    ['a string', echo],
    ['a URL', new URL(echo)],
    ['a Request', new Request(echo)],
  ])('%s gets the token', async (_, input) => {
    const world = await signedInTab()
    expect(await read(await world.auth.fetch(input))).toMatchObject({
      method: 'GET',
      url: echo,
      scheme: 'Bearer',
    })
  })

  test('a relative URL is resolved against the page, or its <base>', async () => {
    const world = await signedInTab({ client: { resources: ['/api/'] } })
    const host = { ...world.tab.ports.host, baseUrl: () => 'https://app.example.com/api/v1/' }
    const client = world.client(world.tab, { host })
    await rejection(client.fetch('orders?page=2'))
    await rejection(world.auth.fetch('/api/orders'))
    expect(carriers(world)).toEqual([
      'https://app.example.com/api/v1/orders?page=2',
      'https://app.example.com/api/orders',
    ])
  })

  test('a relative URL where there is no page is a TypeError, as with fetch (A-39)', async () => {
    const world = await signedInTab()
    const host = { ...world.tab.ports.host, baseUrl: () => undefined }
    const client = world.client(world.tab, { host })
    expect(await rejection(client.fetch('/orders'))).toBeInstanceOf(TypeError)
    expect(await rejection(client.getAccessToken({ for: '/orders' }))).toBeInstanceOf(TypeError)
    expect(carriers(world)).toEqual([])
  })

  test('method, headers and body arrive as given, in whatever form', async () => {
    const world = await signedInTab()
    const forms: HeadersInit[] = [
      { 'x-one': '1', 'content-type': 'text/plain' },
      [
        ['x-one', '1'],
        ['content-type', 'text/plain'],
      ],
      new Headers({ 'x-one': '1', 'content-type': 'text/plain' }),
    ]
    for (const headers of forms) {
      const answer = await world.auth.fetch(echo, { method: 'PUT', headers, body: 'hello' })
      expect(await read(answer)).toMatchObject({
        method: 'PUT',
        scheme: 'Bearer',
        headers: { 'x-one': '1', 'content-type': 'text/plain' },
        body: 'hello',
      })
    }
  })

  test("init goes over a Request's own headers, as with fetch", async () => {
    const world = await signedInTab()
    const request = new Request(echo, { method: 'POST', headers: { 'x-one': '1' }, body: 'hello' })
    const answer = await world.auth.fetch(request, { headers: { 'x-two': '2' } })
    const { headers, body, scheme } = await read(answer)
    expect(headers).not.toHaveProperty('x-one')
    expect({ headers, body, scheme }).toMatchObject({
      headers: { 'x-two': '2' },
      body: 'hello',
      scheme: 'Bearer',
    })
  })

  test("the caller's init and headers are not touched", async () => {
    const world = await signedInTab()
    const headers = new Headers({ 'x-one': '1' })
    const init = Object.freeze({ headers })
    await world.auth.fetch(echo, init)
    expect([...headers]).toEqual([['x-one', '1']])
  })

  test('an input that says something else each time it is asked is asked once (A-36)', async () => {
    const world = await signedInTab()
    let asked = 0
    const shifty = {
      toString: () => ((asked += 1), asked === 1 ? echo : 'https://attacker.example/'),
    }
    const answer = await world.auth.fetch(shifty as unknown as string)
    expect(answer.status).toBe(200)
    expect(carriers(world)).toEqual([echo])
  })

  test('the Authorization header of the caller is left alone (A-37)', async () => {
    const world = await settledTab()
    const sent = [
      { headers: { Authorization: 'Basic eDp5' } },
      { headers: [['AUTHORIZATION', 'Basic eDp5']] as [string, string][] },
      { headers: new Headers({ authorization: 'Basic eDp5' }) },
    ]
    for (const init of sent) expect((await world.auth.fetch(echo, init)).status).toBe(401)
    const request = new Request(echo, { headers: { authorization: 'Basic eDp5' } })
    expect((await world.auth.fetch(request)).status).toBe(401)
    expect(world.server.requestsTo('/echo').map(({ headers }) => headers.authorization)).toEqual(
      Array(4).fill('Basic eDp5'),
    )
    expect(refreshes(world)).toEqual([])
  })

  test('a call before start() waits for it, and gets its token', async () => {
    const world = await signedInTab()
    const next = world.load(world.tab, 'https://app.example.com/')
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(next.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('a call before start() on the page of a callback waits for the sign-in', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  test('with nobody signed in: sign_in_required, an event, and nothing is sent', async () => {
    const world = createWorld()
    const auth = world.client()
    const told: unknown[] = []
    auth.on('sign-in-required', (facts) => told.push(facts.error))
    const error = await failure(auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'sign_in_required', retryable: false, sessionEnded: true })
    expect(told).toEqual([error])
    expect(world.server.requests).toEqual([])
  })

  test('fetch is bound', async () => {
    const { auth } = await signedInTab()
    const { fetch } = auth
    expect((await fetch(usersMe)).status).toBe(200)
  })
})

describe('where a token goes', () => {
  const lookAlikes = [
    'https://attacker.example/',
    'https://api.example.com.attacker.example/',
    'https://evilapi.example.com/',
    'https://api.example.com@attacker.example/',
    'https://user:pass@attacker.example/api.example.com/',
    'https://api.example.com:444/',
    'http://api.example.com/',
    'https://api.example.com./',
    'https://xn--pi-ema.example.com/',
    'https://api.example.com%2eattacker.example/',
    'https:\\\\attacker.example\\api.example.com',
    '//attacker.example/',
    'https://example.com/',
    'https://sub.api.example.com/',
    'wss://api.example.com/',
    'blob:https://api.example.com/5f3e',
    'data:text/plain,https://api.example.com/',
    'javascript:alert(1)',
    '/users/me',
    '',
  ]
  test.each(lookAlikes)('%s gets none, and is refused (C-80, A-31, A-32)', async (url) => {
    const world = await signedInTab()
    const error = await rejection(world.auth.fetch(url))
    const unreadable = error instanceof TypeError
    if (!unreadable) expect(error).toMatchObject({ code: 'resource_not_allowed' })
    expect(world.server.requests.filter(({ to }) => to !== 'issuer')).toEqual([])
    expect(carriers(world)).toEqual([])
  })

  test('the refusal says how to allow it, and nothing of the query', async () => {
    const { auth } = await signedInTab()
    const { message } = await failure(auth.fetch('https://other.example/path?secret=1#x'))
    expect(message).toContain('"https://other.example/"')
    expect(message).not.toContain('secret')
  })

  test('an absolute input is judged by its own origin (A-33)', async () => {
    const world = await signedInTab({ client: { resources: ['/api/'] } })
    await rejection(world.auth.fetch(usersMe))
    expect(carriers(world)).toEqual([])
  })

  test('nothing listed, nothing sent (C-80)', async () => {
    const world = await signedInTab({ client: { resources: [] } })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'resource_not_allowed' })
  })

  const paths: [string, boolean][] = [
    ['/api', true],
    ['/api/', true],
    ['/api/orders', true],
    ['/api?x=/apix', true],
    ['/api/x/../orders', true],
    ['/./api/orders', true],
    ['/apix', false],
    ['/api.evil', false],
    ['/API/', false],
    ['/api/../admin', false],
    ['/api/%2e%2e/admin', false],
    ['/api/%2E./admin', false],
    ['/api\\..\\admin', false],
    ['/api/..%2fadmin', false],
    ['/api/..%2Fadmin', false],
    ['/api/..%5cadmin', false],
    ['/api/%5C..%5cadmin', false],
    ['/api/..;/admin', false],
    ['/api/x/..;a=b/admin', false],
    ['/', false],
    ['', false],
    ['//api/', false],
    ['/%61pi/', false],
  ]
  test.each(paths)('below /api, %s: %s (A-32)', async (path, allowed) => {
    const world = await signedInTab({ client: { resources: [`${api}/api`] } })
    const call = world.auth.fetch(`${api}${path}`)
    if (allowed) await call
    else expect(await failure(call)).toMatchObject({ code: 'resource_not_allowed' })
    expect(carriers(world)).toHaveLength(allowed ? 1 : 0)
  })

  test('getAccessToken({ for }) is judged in the same way', async () => {
    const { auth } = await signedInTab({ client: { resources: [`${api}/api`] } })
    expect(await auth.getAccessToken({ for: `${api}/api/orders` })).toBe(
      await auth.getAccessToken(),
    )
    for (const url of [`${api}/apix`, new URL('https://attacker.example/'), '/api'])
      expect(await failure(auth.getAccessToken({ for: url }))).toMatchObject({
        code: 'resource_not_allowed',
      })
  })

  const issuer = 'https://login.example.com'
  test.each([
    '/token',
    '/token?x=1',
    '/authorize',
    '/userinfo',
    '/revoke',
    '/end_session',
    '/jwks',
  ])('OAuth endpoints get none from fetch, listed or not: %s', async (path) => {
    const world = await signedInTab({ client: { resources: [`${issuer}/`] } })
    expect(await failure(world.auth.fetch(issuer + path, { method: 'POST' }))).toMatchObject({
      code: 'resource_not_allowed',
    })
    expect(await failure(world.auth.getAccessToken({ for: issuer + path }))).toMatchObject({
      code: 'resource_not_allowed',
    })
    expect(carriers(world)).toEqual([])
  })

  test.each(['/token', '/userinfo', '/revoke', '/end_session'])(
    'nor do they after a reload, before anything was discovered: %s',
    async (path) => {
      const world = await signedInTab({ client: { resources: [`${issuer}/`] } })
      const next = world.load(world.tab, 'https://app.example.com/')
      expect(await failure(next.fetch(issuer + path, { method: 'POST' }))).toMatchObject({
        code: 'resource_not_allowed',
      })
      expect(carriers(world)).toEqual([])
    },
  )
})

describe('redirects', () => {
  const to = (url: string, status = 302) =>
    `${api}/redirect?${new URLSearchParams({ to: url, status: String(status) }).toString()}`

  test('on the same origin the token goes along, as the platform does it', async () => {
    const world = await signedInTab()
    const answer = await world.auth.fetch(to('/echo'))
    expect(await read(answer)).toMatchObject({ url: echo, scheme: 'Bearer' })
  })

  test.each([
    ['another origin (A-34)', 'https://attacker.example/'],
    ['http on the same host (A-35)', 'http://api.example.com/echo'],
    ['another port of the same host (A-35)', 'https://api.example.com:444/echo'],
  ])('%s gets no token', async (_, url) => {
    const world = await signedInTab()
    await rejection(world.auth.fetch(to(url)))
    expect(carriers(world)).toEqual([to(url)])
  })

  test('a 401 after a redirect off the list is returned, and nothing renewed (A-34)', async () => {
    const world = await settledTab({ client: { resources: [`${api}/redirect`] } })
    const answer = await world.auth.fetch(to('https://login.example.com/userinfo', 303))
    expect(answer.status).toBe(401)
    expect(answer.redirected).toBe(true)
    expect(refreshes(world)).toEqual([])
    expect(carriers(world)).toHaveLength(1)
  })

  test('a 401 after a redirect on the list is sent again from the start', async () => {
    const world = await settledTab()
    world.server.expireAccessTokens()
    expect((await world.auth.fetch(to('/users/me'))).status).toBe(200)
    expect(world.server.requestsTo('/redirect')).toHaveLength(2)
    expect(refreshes(world)).toHaveLength(1)
  })

  test("redirect: 'error' and 'manual' are the caller's to choose", async () => {
    const { auth } = await signedInTab()
    expect(await rejection(auth.fetch(to('/echo'), { redirect: 'error' }))).toBeInstanceOf(
      TypeError,
    )
    expect((await auth.fetch(to('/echo'), { redirect: 'manual' })).status).toBe(302)
  })
})

describe('401', () => {
  const form = () => {
    const data = new FormData()
    data.set('title', 'A difference engine')
    data.set('file', new Blob(['brass'], { type: 'text/plain' }), 'parts.txt')
    return data
  }
  const bodies: [string, () => BodyInit, (body: string) => void][] = [
    ['a string', () => '{"title":"ä"}', (body) => expect(body).toBe('{"title":"ä"}')],
    [
      'a Blob',
      () => new Blob(['brass'], { type: 'text/plain' }),
      (body) => expect(body).toBe('brass'),
    ],
    [
      'URLSearchParams',
      () => new URLSearchParams({ a: '1', b: 'ä' }),
      (body) => expect(body).toBe('a=1&b=%C3%A4'),
    ],
    [
      'FormData',
      form,
      (body) => expect(body).toMatch(/A difference engine[^]*parts\.txt[^]*brass/),
    ],
    ['bytes', () => new TextEncoder().encode('brass'), (body) => expect(body).toBe('brass')],
  ]
  const writes = { params: { scope: 'openid offline_access orders:write' } }

  test.each(bodies)('%s as body arrives whole, after one refresh', async (_, body, check) => {
    const world = await settledTab(writes)
    world.server.expireAccessTokens()
    const answer = await world.auth.fetch(`${api}/orders`, { method: 'POST', body: body() })
    expect(answer.status).toBe(201)
    check(await answer.text())
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.requestsTo('/orders')).toHaveLength(2)
  })

  test.each(bodies)('%s as body of a Request arrives whole as well', async (_, body, check) => {
    const world = await settledTab(writes)
    world.server.expireAccessTokens()
    const request = new Request(`${api}/orders`, { method: 'POST', body: body() })
    const answer = await world.auth.fetch(request)
    expect(answer.status).toBe(201)
    check(await answer.text())
  })

  test('a Request with a stream arrives whole, because it is copied before it is sent', async () => {
    const world = await settledTab(writes)
    world.server.expireAccessTokens()
    const body = new Blob(['brass']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    const answer = await world.auth.fetch(new Request(`${api}/orders`, init))
    expect(await answer.text()).toBe('brass')
  })

  const oneShots: [string, () => unknown][] = [
    ['a stream', () => new Blob(['brass']).stream()],
    [
      'an async generator',
      async function* () {
        yield new TextEncoder().encode('brass')
      },
    ],
  ]
  test.each(oneShots)(
    '%s in init is sent once, and the 401 returned unread (A-46)',
    async (_, body) => {
      const world = await settledTab(writes)
      world.server.expireAccessTokens()
      const given = typeof body === 'function' ? body() : body
      const init = { method: 'POST', body: given, duplex: 'half' } as RequestInit
      const answer = await world.auth.fetch(`${api}/orders`, init)
      expect(answer.status).toBe(401)
      expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
      expect(world.server.requestsTo('/orders')).toHaveLength(1)
    },
  )

  test('an API that answers 401 for ever gets one refresh and one retry, and the caller its 401 (A-42)', async () => {
    const world = await settledTab()
    world.server.fault('api-401', {})
    const answer = await world.auth.fetch(usersMe)
    expect(answer.status).toBe(401)
    expect(world.server.requestsTo('/users/me')).toHaveLength(2)
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('a token younger than ten seconds is not to blame', async () => {
    const world = await signedInTab()
    await world.clock.advance(9999)
    world.server.fault('api-401', {})
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(refreshes(world)).toEqual([])
    await world.clock.advance(1)
    await world.auth.fetch(usersMe)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('a clock that was set back does not make a token young', async () => {
    const world = await settledTab()
    world.clock.jump(-55_000)
    world.server.expireAccessTokens()
    world.clock.jump(-3_600_000)
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
  })

  const challenges: [string, string | string[] | false, number][] = [
    ['no challenge at all', false, 1],
    ['an empty one', '', 1],
    [
      'invalid_token, though the token has not expired (C-45, C-83)',
      'Bearer error="invalid_token"',
      1,
    ],
    ['another scheme', 'Basic realm="api"', 1],
    ['bearer in lower case', 'bearer error=invalid_token', 1],
    ['insufficient_scope (C-84)', 'Bearer error="insufficient_scope", scope="admin"', 0],
    [
      'insufficient_user_authentication',
      'Bearer error="insufficient_user_authentication", acr_values="mfa"',
      0,
    ],
    [
      'among several in one field (C-85)',
      'Basic realm="a, b", Bearer realm="x", error="insufficient_scope"',
      0,
    ],
    ['in several fields (C-85)', ['Basic realm="a"', 'Bearer error="insufficient_scope"'], 0],
    ['unbalanced quotes (A-74)', 'Bearer error="invalid_token, realm=x', 1],
    ['100 kB (A-74)', `Bearer realm="${'a'.repeat(100_000)}", error="insufficient_scope"`, 1],
    ['a string for slow parsers (A-74)', `Bearer ${'a="b",'.repeat(1300)}`, 1],
    ['commas (A-74)', ','.repeat(8000), 1],
  ]
  test.each(challenges)('%s (A-45)', async (_, challenge, expected) => {
    const world = await settledTab()
    world.server.fault('api-401', { challenge, times: 1 })
    const answer = await world.auth.fetch(usersMe)
    expect(answer.status).toBe(expected ? 200 : 401)
    expect(refreshes(world)).toHaveLength(expected)
    expect(world.server.requestsTo('/users/me')).toHaveLength(expected + 1)
  })

  test('403 insufficient_scope is the answer (C-84)', async () => {
    const world = await settledTab()
    const answer = await world.auth.fetch(`${api}/orders`)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toContain('scope="orders:read"')
    expect(refreshes(world)).toEqual([])
  })

  test('a request that the network lost is not sent again (A-47)', async () => {
    const world = await settledTab()
    world.server.fault('network-error', { path: '/echo' })
    expect(await rejection(world.auth.fetch(echo, { method: 'POST', body: 'x' }))).toBeInstanceOf(
      TypeError,
    )
    expect(world.server.requestsTo('/echo')).toHaveLength(1)
  })

  test('a refresh that fails for a passing reason rejects the call, and keeps the session', async () => {
    const world = await settledTab()
    world.server.expireAccessTokens()
    world.server.fault('network-error', { path: '/token' })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({
      code: 'network',
      retryable: true,
    })
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
  })

  test('a session that ended meanwhile: the 401 is returned', async () => {
    const { world, held, call } = await lateRefusal()
    await world.auth.signOut({ redirect: false })
    held.release()
    expect((await call).status).toBe(401)
    expect(refreshes(world)).toEqual([])
  })

  test("a late 401 is not sent again in another person's name", async () => {
    const { world, held, call } = await lateRefusal()
    await world.server.signInTo(world.auth, 'grace')
    held.release()
    expect((await call).status).toBe(401)
    expect(world.server.requestsTo('/users/me')).toHaveLength(1)
  })

  test('a call that waits while the same person signs in anew is sent with the new token', async () => {
    const { world, held, call } = await lateRefusal()
    await world.server.signInTo(world.auth, 'ada')
    held.release()
    expect((await call).status).toBe(200)
  })
})

describe('abort', () => {
  test('before the call: nothing is sent', async () => {
    const world = await expiredTab()
    const reason = new Error('gone')
    await expect(world.auth.fetch(usersMe, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    await world.clock.settle()
    expect(world.server.requestsTo('/users/me')).toEqual([])
  })

  test.each(['init', 'Request'])(
    'while it waits for a refresh: the reason of the signal (%s)',
    async (where) => {
      const world = await expiredTab()
      const held = world.server.hold('/token')
      const controller = new AbortController()
      const { signal } = controller
      const call =
        where === 'init'
          ? world.auth.fetch(usersMe, { signal })
          : world.auth.fetch(new Request(usersMe, { signal }))
      await world.until(() => held.count)
      const reason = new Error('gone')
      controller.abort(reason)
      await expect(call).rejects.toBe(reason)
      held.release()
      expect((await world.auth.fetch(usersMe)).status).toBe(200)
      expect(refreshes(world)).toHaveLength(1)
    },
  )

  test('while the request itself is out', async () => {
    const world = await signedInTab()
    const held = world.server.hold('/users/me')
    const controller = new AbortController()
    const call = world.auth.fetch(usersMe, { signal: controller.signal })
    await world.until(() => held.count)
    controller.abort(new Error('gone'))
    await expect(call).rejects.toThrow('gone')
    held.release()
  })
})

describe('what never shows a token (A-40)', () => {
  test('events, errors, and the client itself', async () => {
    const world = await signedInTab()
    const seen: unknown[] = [listen(world.auth)]
    const secrets = new Set<string>([await world.auth.getAccessToken()])
    await world.clock.advance(60_000)
    await world.auth.refresh()
    secrets.add(await world.auth.getAccessToken())
    seen.push(await rejection(world.auth.fetch('https://attacker.example/')))
    world.server.fault('truncated-json', { times: 1 })
    await world.clock.advance(900_000)
    seen.push(await rejection(world.auth.fetch(usersMe)))
    seen.push(await rejection(world.auth.fetch(usersMe)))
    for (const { form } of world.server.requestsTo('/token'))
      for (const name of ['refresh_token', 'code', 'code_verifier'])
        if (form?.[name]) secrets.add(form[name])
    const { inspect } = await import('node:util')
    const text =
      inspect(seen, { depth: 20, showHidden: true, maxStringLength: Infinity }) +
      inspect(world.auth, { depth: 20 }) +
      JSON.stringify(world.auth)
    expect(secrets.size).toBeGreaterThan(4)
    for (const secret of secrets) expect(text).not.toContain(secret)
  })
})

describe('the fetch that is used', () => {
  test('by default the global fetch of the moment, so that stubs made later count', async () => {
    const world = await signedInTab()
    const asked: string[] = []
    const { fetch: _, ...others } = world.options
    const options: PkceClientOptions = { ...others, ...world.tab.ports }
    const { PkceClient } = await import('../../src/index.ts')
    const client = new PkceClient(options)
    const original = globalThis.fetch
    globalThis.fetch = ((input: string, init?: RequestInit) => {
      asked.push(input)
      return world.server.fetch(input, init)
    }) as typeof fetch
    try {
      expect((await client.fetch(usersMe)).status).toBe(200)
      await client.refresh()
      await client.getUserInfo()
    } finally {
      globalThis.fetch = original
    }
    expect(asked).toContain('https://login.example.com/token')
    expect(asked).toContain(usersMe)
    expect(asked).toContain('https://login.example.com/userinfo')
  })
})
