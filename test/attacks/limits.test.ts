import { describe, expect, it } from 'vitest'
import type { PkceClient } from '../../src/index.ts'
import { expiredTab, factsOf } from '../support/refreshes.ts'
import { createWorld, listen, signedInTab } from '../support/world.ts'
import type { HeardEvent, World } from '../support/world.ts'

const mebibyte = 1_048_576

interface Story {
  world: World
  auth: PkceClient
  /** Starts what makes the client ask. */
  ask: () => Promise<unknown>
}

/** Every kind of request the client sends to the server: where to, how it comes about, and its limits in milliseconds. */
const requests: {
  what: string
  path: string
  story: (fetch?: (world: World) => typeof globalThis.fetch) => Promise<Story>
  /** One request may take this long. */
  timeout: number
  /** How often it is sent in all when it is never answered. */
  times: number
}[] = [
  {
    what: 'metadata',
    path: '/.well-known/openid-configuration',
    async story(fetch) {
      const world = createWorld()
      const auth = world.client(world.tab, fetch && { fetch: fetch(world) })
      return Promise.resolve({ world, auth, ask: () => auth.createAuthorizationUrl() })
    },
    timeout: 15_000,
    times: 1,
  },
  ...(
    [
      ['an answer with tokens', '/token', 1],
      ['keys', '/jwks', 3],
    ] as const
  ).map(([what, path, times]) => ({
    what,
    path,
    async story(fetch?: (world: World) => typeof globalThis.fetch) {
      const world = createWorld()
      const callback = await world.depart()
      const auth = world.load(world.tab, callback, fetch && { fetch: fetch(world) })
      return { world, auth, ask: () => auth.start() }
    },
    timeout: 15_000,
    times,
  })),
  {
    what: 'renewed tokens',
    path: '/token',
    async story(fetch) {
      const world = await expiredTab()
      const auth = world.load(world.tab, '/', fetch && { fetch: fetch(world) })
      return { world, auth, ask: () => auth.refresh() }
    },
    timeout: 15_000,
    times: 2,
  },
  {
    what: 'claims of the person',
    path: '/userinfo',
    async story(fetch) {
      const world = await signedInTab()
      const auth = world.load(world.tab, '/', fetch && { fetch: fetch(world) })
      return { world, auth, ask: () => auth.getUserInfo() }
    },
    timeout: 15_000,
    times: 1,
  },
  {
    what: 'an answer to a revocation',
    path: '/revoke',
    async story(fetch) {
      const world = await signedInTab()
      const auth = world.load(world.tab, '/', fetch && { fetch: fetch(world) })
      await auth.start()
      return { world, auth, ask: () => auth.signOut({ redirect: false }) }
    },
    timeout: 2000,
    // The access token is not tried any more when the refresh token took all the time there was.
    times: 1,
  },
]

/** What came of it, once it has. */
function outcomeOf(work: Promise<unknown>): { settled: boolean; error?: unknown } {
  const outcome: { settled: boolean; error?: unknown } = { settled: false }
  work.then(
    () => (outcome.settled = true),
    (error: unknown) => Object.assign(outcome, { settled: true, error }),
  )
  return outcome
}

/** The same, for what takes no time but its own. */
const done = (work: Promise<unknown>): Promise<{ error?: unknown }> =>
  work.then(
    () => ({}),
    (error: unknown) => ({ error }),
  )

function expectCode({ error }: { error?: unknown }, { what }: { what: string }, code: string) {
  // Signing out never fails: the person is signed out whatever the server does.
  if (what.endsWith('revocation')) expect(error).toBeUndefined()
  else expect(error).toMatchObject({ isPkceClientError: true, code })
}

describe.each(requests)('a request for $what', (request) => {
  const { path, story, timeout, times } = request

  it.each([
    ['never answered', 'hang', {}],
    ['answered with headers that are late', 'slow-headers', { milliseconds: 3_600_000 }],
    ['answered with a body that drips', 'slow-body', { milliseconds: timeout - 100 }],
  ] as const)('%s is given up in one time limit over all of it (A-60)', async (_, fault, how) => {
    const { world, auth, ask } = await story()
    world.server.fault(fault, { path, ...how })
    // Without it, the body of an answer to a revocation has nothing to drip.
    if (fault === 'slow-body' && path === '/revoke')
      world.server.fault('respond', { path, body: 'x'.repeat(100) })
    const sent = world.server.requestsTo(path).length
    const heard = listen(auth)
    const outcome = outcomeOf(ask())
    for (let asked = 1; asked <= times; asked += 1) {
      await world.until(() => world.server.requestsTo(path).length === sent + asked)
      await world.clock.advance(timeout - 1)
      expect(outcome.settled).toBe(false)
      await world.clock.advance(1)
    }
    await world.until(() => outcome.settled)
    expectCode(outcome, request, 'timeout')
    expect(world.server.requestsTo(path).length - sent).toBe(times)
    const waited = requestsHeard(heard, world, path)
    expect(waited).toEqual(Array(times).fill(timeout))
  })

  it('is cut off at 1 MiB when the answer never ends, and the connection let go (A-59)', async () => {
    const flood = { sent: 0, streams: 0, cancelled: 0 }
    const chunk = new Uint8Array(65_536).fill(32)
    const fetch = (world: World): typeof globalThis.fetch => {
      return async (input, init) => {
        const response = await world.server.fetch(input, init)
        if (new URL(input as string).pathname !== path) return response
        flood.streams += 1
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            flood.sent += chunk.length
            controller.enqueue(chunk)
          },
          cancel() {
            flood.cancelled += 1
          },
        })
        return new Response(body, response)
      }
    }
    const { ask } = await story(fetch)
    expectCode(await done(ask()), request, 'server_error')
    expect(flood.streams).toBeGreaterThan(0)
    expect(flood.cancelled).toBe(flood.streams)
    // The cap, the chunk that breaks it, and the one that streams read ahead.
    expect(flood.sent / flood.streams).toBeLessThanOrEqual(mebibyte + 2 * chunk.length)
  })

  it('takes an answer of 1 MiB, and refuses one byte more (A-59)', async () => {
    const sized = (bytes: number) => (world: World) => {
      return (async (input: string, init?: RequestInit) => {
        const response = await world.server.fetch(input, init)
        if (new URL(input).pathname !== path) return response
        const text = await response.text()
        return new Response(text + ' '.repeat(bytes - text.length), response)
      }) as typeof globalThis.fetch
    }
    const fits = await story(sized(mebibyte))
    expect(await done(fits.ask())).toEqual({})
    const tooBig = await story(sized(mebibyte + 1))
    expectCode(await done(tooBig.ask()), request, 'server_error')
  })

  it('is over at once when the answer has 10 MB in a body, a header or a word (A-59, A-74)', async () => {
    const long = 'a '.repeat(5_000_000)
    const answers = [
      { status: 200, body: long },
      { status: 400, body: { error: long, error_description: long } },
      { status: 400, body: { error: 'x', error_description: long.slice(0, 1_000_000) } },
      { status: 503, headers: { 'retry-after': '9'.repeat(10_000_000) } },
      { status: 401, headers: { 'www-authenticate': `Bearer ${long}` } },
      { status: 401, headers: { 'www-authenticate': `Bearer ${'a="b",'.repeat(1_600_000)}` } },
      { status: 200, headers: { 'content-type': `application/json;${long}` } },
    ]
    for (const answer of answers) {
      const { world, ask } = await story()
      world.server.fault('respond', { path, ...answer })
      const { error } = (await done(ask())) as { error?: Error }
      if (!error) continue
      expect(error).toMatchObject({ isPkceClientError: true })
      expect(error.message.length).toBeLessThan(500)
      expect(JSON.stringify(error).length).toBeLessThan(2000)
    }
  })
})

/** How long each request to the path took, as the client tells it. */
function requestsHeard(heard: HeardEvent[], { server }: World, path: string): number[] {
  return factsOf(heard, 'request')
    .filter(({ url }) => url === server.issuer + path)
    .map(({ ms }) => ms)
}
