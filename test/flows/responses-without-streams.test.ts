import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { failure, refreshes, usersMe } from '../support/refreshes.ts'
import { createWorld } from '../support/world.ts'

type Fetch = typeof globalThis.fetch

/** The parts of a Response that every implementation of fetch has. */
const withoutBody = ({ status, ok, headers, redirected, url, type }: Response) => ({
  ...{ status, ok, headers, redirected, url, type },
})

/** Responses as implementations of fetch make them whose bodies are no web streams. */
const kinds: [string, (response: Response) => object][] = [
  [
    'text() and no body, as in React Native',
    (response) => ({ ...withoutBody(response), text: () => response.text() }),
  ],
  [
    'text(), no body, and an arrayBuffer() that fails, as in older React Native',
    (response) => ({
      ...withoutBody(response),
      text: () => response.text(),
      arrayBuffer: () => Promise.reject(new Error('readAsArrayBuffer is not implemented')),
    }),
  ],
  [
    'arrayBuffer() and no body',
    (response) => ({ ...withoutBody(response), arrayBuffer: () => response.arrayBuffer() }),
  ],
  [
    'text() and a body of null, as polyfills on XMLHttpRequest have it',
    (response) => ({ ...withoutBody(response), body: null, text: () => response.text() }),
  ],
  [
    'a stream of Node, as node-fetch has it',
    (response) => {
      const copy = response.clone()
      const body = response.body && Readable.fromWeb(response.body as never)
      return { ...withoutBody(response), body, text: () => copy.text() }
    },
  ],
]

describe.each(kinds)('responses with %s', (_, make) => {
  /** `answer` may answer in place of the server. */
  const createTab = (answer: (url: string) => Response | undefined = () => undefined) => {
    const world = createWorld()
    const fetch: Fetch = async (input, init) =>
      make(answer(input as string) ?? (await world.server.fetch(input, init))) as Response
    const overrides = { fetch }
    return {
      ...world,
      client: () => world.client(world.tab, overrides),
      signIn: () => world.signIn(world.tab, { overrides }),
    }
  }

  test('do for signing in, calling the API, refreshing, asking for the user, and signing out (E2)', async () => {
    const world = createTab()
    const auth = await world.signIn()
    expect((await auth.fetch(usersMe)).status).toBe(200)
    await auth.refresh()
    expect(await auth.getUserInfo()).toMatchObject({ name: 'Ada Lovelace' })
    await auth.signOut({ redirect: false })
    expect(world.server.requestsTo('/revoke').length).toBeGreaterThan(0)
  })

  test('do for a call that is sent again after a 401 (E2)', async () => {
    const world = createTab()
    const auth = await world.signIn()
    await world.clock.advance(60_000)
    world.server.expireAccessTokens()
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('may be empty (E2)', async () => {
    const world = createTab((url) =>
      url.endsWith('/revoke') ? new Response(null, { status: 204 }) : undefined,
    )
    const auth = await world.signIn()
    await auth.signOut({ redirect: false })
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('are refused when they are redirects (E2)', async () => {
    let redirects = false
    const world = createTab((url) =>
      redirects && url.endsWith('/token')
        ? new Response('moved', { status: 302, headers: { location: 'https://attacker.example/' } })
        : undefined,
    )
    const auth = await world.signIn()
    redirects = true
    expect(await failure(auth.refresh())).toMatchObject({ code: 'server_error', retryable: true })
  })

  test.each([
    ['in bytes', 'a'.repeat(1_048_577), {}],
    ['in bytes of UTF-8', '\u00e9'.repeat(600_000), {}],
    ['by their own account', '{}', { 'content-length': '1048577' }],
  ])('have the same limit of size, %s (E2)', async (_, body, headers) => {
    const world = createTab((url) =>
      url.endsWith('/openid-configuration') ? new Response(body, { headers }) : undefined,
    )
    const error = await failure(world.client().createAuthorizationUrl())
    expect(error).toMatchObject({ code: 'server_error' })
    expect(error.message).toContain('1 MiB')
  })

  test('up to that size are read (E2)', async () => {
    const world = createTab((url) =>
      url.endsWith('/openid-configuration') ? new Response('a'.repeat(1_048_576)) : undefined,
    )
    expect(await failure(world.client().createAuthorizationUrl())).toMatchObject({
      code: 'discovery_failed',
    })
  })
})

test.each(['text', 'arrayBuffer'])(
  'a response whose %s() never settles has the same limit of time (E2)',
  async (method) => {
    const world = createWorld()
    const fetch: Fetch = async (input, init) => {
      const response = await world.server.fetch(input, init)
      return {
        ...withoutBody(response),
        [method]: () => new Promise(() => {}),
      } as unknown as Response
    }
    const asked = failure(world.client(world.tab, { fetch }).createAuthorizationUrl())
    await world.clock.advance(15_000)
    expect(await asked).toMatchObject({ code: 'timeout', retryable: true })
  },
)
