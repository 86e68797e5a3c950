import { describe, expect, test } from 'vitest'
import { expiredTab, factsOf, failure, refreshes, usersMe } from '../support/refreshes.ts'
import { createWorld, listen, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const tokenEndpoint = 'https://login.example.com/token'

/** The fetch of the server, with the answer of the token endpoint made another one. */
function answering(
  { server }: World,
  change: (answer: Response) => Response | Promise<Response>,
): typeof globalThis.fetch {
  return async (input, init) => {
    const answer = await server.fetch(input, init)
    return input === tokenEndpoint ? change(answer) : answer
  }
}

/** What a sign-in comes to when the token endpoint answers like this. */
async function outcome(change: (answer: Response) => Response | Promise<Response>) {
  const world = createWorld()
  const callback = await world.depart()
  const auth = world.load(world.tab, callback, { fetch: answering(world, change) })
  return auth.start().then(
    ({ kind }) => kind,
    (error: unknown) => error,
  )
}

const withStatus = (status: number) => async (answer: Response) =>
  new Response(await answer.text(), { status, headers: answer.headers })

describe('an answer', () => {
  test('of exactly 1 MiB is read, of one byte more is not (A-59)', async () => {
    const padded = (bytes: number) => async (answer: Response) =>
      new Response((await answer.text()).padEnd(bytes), { headers: answer.headers })
    expect(await outcome(padded(1_048_576))).toBe('signed-in')
    expect(await outcome(padded(1_048_577))).toMatchObject({
      code: 'server_error',
      retryable: false,
      cause: { status: 200 },
    })
  })

  test('that is too long is not read to its end (A-59)', async () => {
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => {
        cancelled = true
      },
    })
    await outcome(() => new Response(endless))
    expect(cancelled).toBe(true)
  })

  test('that is a redirect is not read at all (A-71)', async () => {
    let cancelled = false
    const body = new ReadableStream({
      cancel: () => {
        cancelled = true
      },
    })
    await outcome(() => new Response(body, { status: 302 }))
    expect(cancelled).toBe(true)
  })

  test.each([201, 299])('with status %d and tokens signs in', async (status) => {
    expect(await outcome(withStatus(status))).toBe('signed-in')
  })

  test.each([300, 399])('with status %d is a redirect (A-71)', async (status) => {
    expect(await outcome(withStatus(status))).toMatchObject({
      code: 'server_error',
      retryable: true,
      cause: { status },
    })
  })

  test.each([200, 204, 205])('with status %d and no body has no tokens', async (status) => {
    const refusal = await outcome(() => new Response(null, { status }))
    expect(refusal).toMatchObject({ code: expect.stringMatching(/server_error|token_response/) })
  })
})

describe('a request', () => {
  test('is never answered from a cache', async () => {
    const world = createWorld()
    const caches: unknown[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      caches.push(init?.cache)
      return world.server.fetch(input, init)
    }
    await world.signIn(world.tab, { overrides: { fetch } })
    expect(caches).toEqual(['no-store', 'no-store', 'no-store'])
  })

  test('is told of without its query (A-40)', async () => {
    const world = createWorld()
    const jwks_uri = 'https://login.example.com/jwks?key=secret'
    world.server.fault('metadata', { patch: { jwks_uri } })
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    const heard = listen(auth)
    await auth.start()
    expect(factsOf(heard, 'request').map(({ what, url }) => [what, url])).toEqual([
      ['jwks', 'https://login.example.com/jwks'],
      ['token', tokenEndpoint],
    ])
  })

  test('is told of by what it was for', async () => {
    const world = await signedInTab()
    const auth = world.load(world.tab, '/')
    const heard = listen(auth)
    await auth.refresh()
    await auth.getUserInfo()
    await auth.signOut({ redirect: false })
    const purposes = ['discovery', 'refresh', 'userinfo', 'revocation', 'revocation']
    expect(factsOf(heard, 'request').map(({ what }) => what)).toEqual(purposes)
  })

  test('of a sign-out outlives the page it comes from', async () => {
    const world = await signedInTab()
    const kept: unknown[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (input === 'https://login.example.com/revoke') kept.push(init?.keepalive)
      return world.server.fetch(input, init)
    }
    await world.load(world.tab, '/', { fetch }).signOut()
    expect(kept.length).toBeGreaterThan(0)
    expect(kept).toEqual(kept.map(() => true))
  })
})

describe('a refresh', () => {
  test('that meets a redirect as a browser shows it, without a status, is tried again', async () => {
    const world = await expiredTab()
    let met = false
    const opaque = () => {
      met = true
      const response = new Response(null)
      Object.defineProperties(response, { status: { value: 0 }, type: { value: 'opaqueredirect' } })
      return response
    }
    const fetch: typeof globalThis.fetch = (input, init) =>
      input === tokenEndpoint && !met ? Promise.resolve(opaque()) : world.server.fetch(input, init)
    const auth = world.load(world.tab, '/', { fetch })
    const error = await failure(auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'server_error', retryable: true, sessionEnded: false })
    await world.clock.advance(1100)
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('that the network lost says what the network said', async () => {
    const world = await expiredTab()
    world.server.fault('network-error', { path: '/token' })
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({ code: 'network', retryable: true })
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  test('that brought nothing of use is worth another try, and says what was wrong', async () => {
    const world = await expiredTab({ server: { rotation: false } })
    world.server.fault('json-array')
    const error = await failure(world.auth.fetch(usersMe))
    expect(error).toMatchObject({
      code: 'token_response_invalid',
      retryable: true,
      cause: { code: 'token_response_invalid', retryable: false },
    })
  })
})

test('a server on this machine, without https, signs people in', async () => {
  const issuer = 'http://localhost:9000'
  const world = createWorld({ server: { issuer }, client: { issuer } })
  expect((await world.comeBack()).result.kind).toBe('signed-in')
  expect(await world.client().getUserInfo()).toMatchObject({ sub: 'user-ada' })
})
