import { describe, expect, test } from 'vitest'
import { pushedRequests } from '../../../src/index.ts'
import type { PkceClientOptions, SignInParams } from '../../../src/index.ts'
import { fail } from '../../support/faults.ts'
import type { Fault } from '../../support/faults.ts'
import { keepingPage } from '../../support/navigators.ts'
import { createWorld, listen, rejection, usualScope } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const use = [pushedRequests()]

/** An app with pushedRequests(), at a server that takes nothing else from it. */
const pushingWorld = (client: Partial<PkceClientOptions> = {}) =>
  createWorld({ client: { use, ...client } })

/** Where the browser of an app went to sign in, and what was pushed before. */
async function departure(world: World, params?: SignInParams) {
  const url = await world.leave(world.tab, world.client(), params)
  return { url, pushed: world.server.requestsTo('/par').at(-1)!.form! }
}

const isRetryable = (retryable: boolean) => ({ retryable, sessionEnded: false })

describe('a pushed request', () => {
  test('keeps everything but its name out of the address bar (C-97)', async () => {
    const world = pushingWorld()
    const params = { loginHint: 'ada@example.com', resource: ['https://api.example.com/'] }
    const { url, pushed } = await departure(world, params)
    const names = [...url.searchParams.keys()]
    expect(`${url.origin}${url.pathname}`).toBe(`${world.server.issuer}/authorize`)
    expect(names).toEqual(['client_id', 'request_uri'])
    expect(pushed).toEqual({
      client_id: 'production-app',
      response_type: 'code',
      redirect_uri: 'https://app.example.com/callback',
      scope: usualScope,
      state: [...world.transactions().keys()][0]!.split('|tx|')[1],
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
      login_hint: 'ada@example.com',
      resource: 'https://api.example.com/',
    })
  })

  test('signs in, and the user comes back to where they were (C-99)', async () => {
    const world = pushingWorld()
    const { result } = await world.comeBack(world.tab, { params: { returnTo: '/basket' } })
    expect(result).toMatchObject({
      kind: 'signed-in',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
      returnTo: 'https://app.example.com/basket',
    })
    expect(world.server.requests.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/par',
      '/authorize',
      '/login',
      '/jwks',
      '/token',
    ])
  })

  test('is made anew for each sign-in (C-97)', async () => {
    const world = pushingWorld()
    const auth = world.client()
    const uris = []
    for (let i = 0; i < 3; i += 1) {
      const { url } = await auth.createAuthorizationUrl()
      uris.push(url.searchParams.get('request_uri'))
    }
    expect(new Set(uris).size).toBe(3)
    expect(world.server.requestsTo('/par')).toHaveLength(3)
  })

  test('keeps what the server’s own address has', async () => {
    const world = createWorld({ client: { use } })
    const authorization_endpoint = `${world.server.issuer}/authorize?tenant=7`
    const auth = world.client(world.tab, { metadata: { authorization_endpoint } })
    const url = await world.leave(world.tab, auth)
    expect([...url.searchParams.keys()]).toEqual(['tenant', 'client_id', 'request_uri'])
  })

  test('waits for the popup, which knows the state of the answer all the same', async () => {
    const world = pushingWorld()
    const navigator = keepingPage(async ({ url, state }) => {
      expect(url.searchParams.has('state')).toBe(false)
      const callback = new URL(await world.server.authorize(url))
      expect(callback.searchParams.get('state')).toBe(state)
      return callback
    })
    await expect(world.client(world.tab, { navigator }).signIn()).resolves.toMatchObject({
      status: 'signed-in',
    })
  })

  test('is told in an event, which names nothing of it', async () => {
    const world = pushingWorld()
    const auth = world.client()
    const heard = listen(auth)
    await auth.createAuthorizationUrl({ loginHint: 'ada@example.com' })
    expect(heard).toContainEqual({
      name: 'request',
      facts: { what: 'par', url: `${world.server.issuer}/par`, status: 201, ms: 0 },
    })
    expect(JSON.stringify(heard)).not.toContain('ada@example.com')
  })
})

describe('a request that cannot be pushed sends nobody away', () => {
  const parStatus = (status: number, error?: string): Fault => [
    'par-status',
    { status, ...(error !== undefined && { error }) },
  ]
  const at = { path: '/par' }
  const outcomes: [what: string, fault: Fault, error: object][] = [
    ['200', ['par-200', {}], { code: 'server_error', status: 200, ...isRetryable(false) }],
    [
      '201 without a request_uri',
      ['respond', { ...at, status: 201, body: { expires_in: 60 } }],
      { code: 'server_error', ...isRetryable(false) },
    ],
    [
      '201 that is no JSON',
      ['respond', { ...at, status: 201, body: '<p>Hello' }],
      { code: 'server_error', ...isRetryable(false) },
    ],
    [
      'details that it does not know',
      parStatus(400, 'invalid_authorization_details'),
      { code: 'server_error', error: 'invalid_authorization_details', ...isRetryable(false) },
    ],
    [
      'an API that it does not know',
      parStatus(400, 'invalid_target'),
      { code: 'server_error', error: 'invalid_target', ...isRetryable(false) },
    ],
    [
      'a client that it does not know',
      parStatus(401, 'invalid_client'),
      { code: 'server_error', error: 'invalid_client', status: 401, ...isRetryable(false) },
    ],
    ['405', parStatus(405), { code: 'server_error', status: 405, ...isRetryable(false) }],
    ['413', parStatus(413), { code: 'server_error', status: 413, ...isRetryable(false) }],
    ['429', parStatus(429), { code: 'rate_limited', status: 429, ...isRetryable(true) }],
    ['503', parStatus(503), { code: 'server_error', status: 503, ...isRetryable(true) }],
    ['a redirect', ['respond', { ...at, status: 302 }], { code: 'server_error' }],
    ['no network', ['network-error', at], { code: 'network', ...isRetryable(true) }],
    ['no CORS', ['no-cors', at], { code: 'network', ...isRetryable(true) }],
  ]

  test.each(outcomes)(
    '%s: the page is not left, and the next click works (C-98)',
    async (...row) => {
      const [, fault, error] = row
      const world = pushingWorld()
      const auth = world.client()
      const heard = listen(auth)
      fail(world, fault)
      expect(await rejection(auth.signIn())).toMatchObject(error)
      expect(world.tab.navigations).toEqual([])
      expect(world.server.requestsTo('/par').length).toBeLessThanOrEqual(1)
      expect(heard.filter(({ name }) => /^sign-in/.test(name))).toMatchObject([
        { name: 'sign-in-failed', facts: { error } },
      ])
      world.server.clearFaults()
      await world.leave(world.tab, auth)
      expect(world.tab.navigations).toHaveLength(1)
    },
  )

  test.each(outcomes)('%s: the popup is closed (C-98)', async (...row) => {
    const [, fault, error] = row
    const world = pushingWorld()
    fail(world, fault)
    let [went, closed] = [false, false]
    const navigator = keepingPage(
      async () => {
        went = true
        return undefined
      },
      { close: () => (closed = true) },
    )
    const signingIn = world.client(world.tab, { navigator }).signIn()
    expect(await rejection(signingIn)).toMatchObject(error)
    expect([went, closed]).toEqual([false, true])
  })

  test('a server that does not answer is not waited for longer than `timeout` (C-98)', async () => {
    const world = pushingWorld({ timeout: 5000 })
    world.server.fault('hang', { path: '/par' })
    const outcome = rejection(world.client().createAuthorizationUrl())
    await world.clock.advance(5000)
    expect(await outcome).toMatchObject({ code: 'timeout', ...isRetryable(true) })
  })

  test('words of the server that nobody has defined are data, and not in the message', async () => {
    const world = pushingWorld()
    fail(world, parStatus(400, 'come_to_evil_example'))
    expect(await rejection(world.client().signIn())).toMatchObject({
      error: 'come_to_evil_example',
      message: expect.not.stringContaining('evil') as string,
    })
  })

  test('a server without the endpoint is a mistake in the options, with the cure', async () => {
    const world = pushingWorld()
    world.server.fault('metadata', { patch: { pushed_authorization_request_endpoint: undefined } })
    expect(await rejection(world.client().signIn())).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(
        /pushedRequests\(\).*pushed_authorization_request_endpoint.*metadata/,
      ) as string,
    })
    expect(world.tab.navigations).toEqual([])
  })

  test('an endpoint without TLS is refused', async () => {
    const metadata = { pushed_authorization_request_endpoint: 'http://login.example.com/par' }
    const world = pushingWorld({ metadata })
    expect(await rejection(world.client().signIn())).toMatchObject({
      code: 'discovery_failed',
      message: expect.stringContaining('pushed_authorization_request_endpoint') as string,
    })
  })
})

describe('a request that expired before the user arrived', () => {
  test('is refused by the server, and the next sign-in pushes another (C-97)', async () => {
    const world = pushingWorld()
    world.server.fault('par-expired', { times: 1 })
    expect(await rejection(world.comeBack())).toMatchObject({
      code: 'authorization_denied',
      cause: { error: 'invalid_request_uri' },
    })
    const { result } = await world.comeBack()
    expect(result.kind).toBe('signed-in')
  })
})

describe('a server that takes pushed requests only', () => {
  const requiring = { require_pushed_authorization_requests: true }

  test('an app without the capability learns what is missing before anybody leaves (C-99)', async () => {
    const world = createWorld()
    world.server.fault('metadata', { patch: requiring })
    expect(await rejection(world.client().signIn())).toMatchObject({
      code: 'invalid_option',
      message:
        'https://login.example.com takes pushed authorization requests only; add pushedRequests() to the option use.',
    })
    expect(world.tab.navigations).toEqual([])
  })

  test('gets one from an app with it (C-99)', async () => {
    const world = pushingWorld()
    world.server.fault('metadata', { patch: requiring })
    await expect(world.comeBack()).resolves.toMatchObject({ result: { kind: 'signed-in' } })
  })

  test.each([[false], ['false'], [null]])('%s means that it takes others too', async (value) => {
    const world = createWorld()
    world.server.fault('metadata', { patch: { require_pushed_authorization_requests: value } })
    await expect(world.comeBack()).resolves.toMatchObject({ result: { kind: 'signed-in' } })
  })

  test('may offer it to those who want it only', async () => {
    await expect(createWorld().comeBack()).resolves.toMatchObject({ result: { kind: 'signed-in' } })
  })
})
