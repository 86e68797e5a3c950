import { describe, expect, test } from 'vitest'
import type { FaultName } from '../../src/testing/index.ts'
import { expectRefusal } from '../support/refusal.ts'
import { createWorld, listen, rejection } from '../support/world.ts'
import type { World } from '../support/world.ts'

const bothRequests = ['/jwks', '/token']

/** A person on the way back from the server; what is wrong from then on is up to the test. */
async function onTheWayBack(): Promise<{ world: World; callback: string }> {
  const world = createWorld()
  return { world, callback: await world.depart() }
}

describe('a request to the server', () => {
  test.each([
    ['never answers', 'hang', {}],
    ['answers after a minute', 'slow-headers', {}],
    ['drips its body', 'slow-body', {}],
  ] as const)(
    'that %s is given up after 15 seconds, as one whole (A-60, G12)',
    async (_, fault, options) => {
      const { world, callback } = await onTheWayBack()
      world.server.fault(fault, { path: '/token', ...options })
      const auth = world.load(world.tab, callback)
      let error: unknown
      auth.start().catch((caught: unknown) => {
        error = caught
      })
      await world.clock.advance(14_999)
      expect(error).toBeUndefined()
      await world.clock.advance(2)
      expect(error).toMatchObject({ code: 'timeout', retryable: true })
      expect(auth.getSession()).toEqual({ status: 'signed-out' })
      expect(world.storedSession()).toBeUndefined()
    },
  )

  test('is given up sooner or later as the app likes', async () => {
    const { world, callback } = await onTheWayBack()
    world.server.fault('hang', { path: '/token' })
    const failed = rejection(world.load(world.tab, callback, { timeout: 500 }).start())
    await world.clock.advance(501)
    expect(await failed).toMatchObject({ code: 'timeout' })
    expect((await failed) as Error).toHaveProperty('message', expect.stringContaining('500 ms'))
  })

  test('that is given up is also aborted (A-60)', async () => {
    const { world, callback } = await onTheWayBack()
    world.server.fault('hang', { path: '/token' })
    const signals: (AbortSignal | null | undefined)[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      if ((input as string).endsWith('/token')) signals.push(init?.signal)
      return world.server.fetch(input, init)
    }
    const failed = rejection(world.load(world.tab, callback, { fetch }).start())
    await world.clock.advance(15_001)
    await failed
    expect(signals.map((signal) => signal?.aborted)).toEqual([true])
  })

  test('leaves no timer behind', async () => {
    const world = createWorld()
    await world.signIn()
    expect(world.clock.timers).toBe(0)
  })

  test.each([
    ['the network fails', 'network-error'],
    ['the answer is lost', 'drop-response'],
    ['the server does not let this origin read (CORS)', 'no-cors'],
  ] as const)('when %s, the sign-in fails as network', async (_, fault) => {
    const { error } = await expectRefusal({
      code: 'network',
      away: ({ server }) => server.fault(fault, { path: '/token' }),
      requests: [...bothRequests, '/token'],
    })
    expect(error.retryable).toBe(false)
  })

  test('an answer without end is cut off, and the rest not waited for (A-59)', async () => {
    const { world, callback } = await onTheWayBack()
    world.server.fault('infinite-body', { path: '/token' })
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'server_error' })
    expect((error as Error).message).toContain('1 MiB')
    expect(world.storedSession()).toBeUndefined()
  })

  test.each(['/token', '/jwks'])('a huge answer of %s is refused (A-59, G12)', async (path) => {
    const { world, callback } = await onTheWayBack()
    world.server.fault('huge-body', { path })
    expect(await rejection(world.load(world.tab, callback).start())).toMatchObject({
      code: 'server_error',
    })
    expect(world.storedSession()).toBeUndefined()
  })

  test('so is a huge metadata document (A-59)', async () => {
    const world = createWorld()
    world.server.fault('huge-body', { path: '/.well-known/openid-configuration' })
    expect(await rejection(world.client().signIn())).toMatchObject({ code: 'server_error' })
  })

  test.each([301, 302, 303, 307, 308] as const)(
    'a redirect with %d is not followed, and the code goes nowhere else (A-71, G14)',
    async (status) => {
      const { error, world } = await expectRefusal({
        code: 'server_error',
        away: ({ server }) => server.fault('redirect-token', { status }),
        requests: bothRequests,
      })
      expect(error.retryable).toBe(true)
      expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toHaveLength(0)
    },
  )

  test('as a browser shows it, a redirect has no status at all, and is refused too', async () => {
    const { world, callback } = await onTheWayBack()
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (!(input as string).endsWith('/token')) return world.server.fetch(input, init)
      const opaque = new Response(null)
      Object.defineProperties(opaque, { status: { value: 0 }, type: { value: 'opaqueredirect' } })
      return Promise.resolve(opaque)
    }
    const error = await rejection(world.load(world.tab, callback, { fetch }).start())
    expect(error).toMatchObject({ code: 'server_error', retryable: true })
  })

  test('is told of by an event, whether it works or not', async () => {
    const { world, callback } = await onTheWayBack()
    world.server.fault('slow-headers', { path: '/token', milliseconds: 250 })
    world.server.fault('network-error', { path: '/jwks', times: 1 })
    const auth = world.load(world.tab, callback)
    const events = listen(auth)
    const requests = () => events.filter(({ name }) => name === 'request')
    const started = auth.start()
    // The keys have failed; left are the time limit of the token request and the pause before its answer.
    await world.until(() => requests().length === 1 && world.clock.timers === 2)
    await world.clock.advance(250)
    await started
    expect(requests().map(({ facts }) => facts)).toEqual([
      { what: 'jwks', url: 'https://login.example.com/jwks', ms: 0 },
      { what: 'token', url: 'https://login.example.com/token', status: 200, ms: 250 },
      { what: 'jwks', url: 'https://login.example.com/jwks', status: 200, ms: 0 },
    ])
  })

  test('uses the global fetch of the moment when the app names none', async () => {
    const world = createWorld()
    const asked: string[] = []
    const before = globalThis.fetch
    const auth = world.client(world.tab, { fetch: undefined as never })
    globalThis.fetch = (input, init) => {
      asked.push(input as string)
      return world.server.fetch(input, init)
    }
    try {
      await auth.createAuthorizationUrl()
    } finally {
      globalThis.fetch = before
    }
    expect(asked).toEqual(['https://login.example.com/.well-known/openid-configuration'])
  })
})

describe('an answer of the token endpoint that is none signs nobody in', () => {
  test.each<{
    fault: FaultName
    code: 'server_error' | 'token_response_invalid'
    options?: object
  }>([
    { fault: 'html-200', code: 'token_response_invalid' },
    { fault: 'html-502', code: 'server_error' },
    { fault: 'empty-200', code: 'token_response_invalid' },
    { fault: 'no-content', code: 'token_response_invalid' },
    { fault: 'json-array', code: 'token_response_invalid' },
    { fault: 'json-null', code: 'token_response_invalid' },
    { fault: 'json-string', code: 'token_response_invalid' },
    { fault: 'truncated-json', code: 'token_response_invalid' },
    { fault: 'no-access-token', code: 'token_response_invalid' },
    { fault: 'error-200', code: 'server_error' },
    { fault: 'token-type', options: { value: 'DPoP' }, code: 'token_response_invalid' },
    { fault: 'token-type', options: { value: 'mac' }, code: 'token_response_invalid' },
  ])('$fault $options (A-61, A-66, A-72)', async ({ fault, code, options = {} }) => {
    const { error } = await expectRefusal({
      code,
      away: ({ server }) => server.fault(fault, options),
      requests: bothRequests,
    })
    expect(error.message).not.toMatch(/hotel|eyJ/i)
  })

  test.each<{ fault: FaultName; options?: object }>([
    { fault: 'bom' },
    { fault: 'wrong-content-type' },
    { fault: 'wrong-content-type', options: { contentType: 'application/jwt' } },
    { fault: 'proto-member' },
    { fault: 'duplicate-member' },
    { fault: 'token-type' },
    { fault: 'token-type', options: { value: ['Bearer'] } },
    { fault: 'token-type-inverted-case' },
    { fault: 'expires-in' },
    { fault: 'expires-in', options: { value: 0 } },
    { fault: 'expires-in', options: { value: -1 } },
    { fault: 'expires-in', options: { value: '3600abc' } },
    { fault: 'expires-in', options: { value: [3600] } },
    { fault: 'expires-in', options: { value: null } },
    { fault: 'no-refresh-token' },
  ])(
    '$fault $options is only odd, and signs in (A-56, A-62 to A-65, G12)',
    async ({ fault, options = {} }) => {
      const { world, callback } = await onTheWayBack()
      world.server.fault(fault, options)
      const auth = world.load(world.tab, callback)
      expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
      expect(auth.getSession()).toMatchObject({ scope: 'openid profile offline_access' })
      expect((await auth.fetch(`${world.server.api.url}users/me`)).status).toBe(200)
      expect({}).not.toHaveProperty('polluted')
    },
  )
})

test.each(['bom', 'wrong-content-type'] as const)(
  '%s is only odd in every answer there is (A-62, A-63)',
  async (fault) => {
    const world = createWorld()
    for (const path of ['/.well-known/openid-configuration', '/jwks', '/token', '/userinfo'])
      world.server.fault(fault, { path })
    const auth = await world.signIn()
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    expect(await auth.refresh()).toMatchObject({ status: 'signed-in', stale: false })
  },
)
