import { afterEach, describe, expect, test, vi } from 'vitest'
import { carriers, echo, readEcho } from '../../support/api-calls.ts'
import { rejection, signedInTab } from '../../support/world.ts'

const page = 'https://app.example.com/'
const platform = { fetch: globalThis.fetch, Request: globalThis.Request }

/** A Request of an iframe, which is none of this realm. Only the platform can read it. */
class ForeignRequest {
  #inside: Request
  constructor(...made: ConstructorParameters<typeof Request>) {
    this.#inside = new platform.Request(...made)
  }
  static read(value: unknown): Request | undefined {
    return value instanceof ForeignRequest ? value.#inside : undefined
  }
  get [Symbol.toStringTag]() {
    return 'Request'
  }
}

/** Request as pages have it: relative URLs resolve against the page, and Requests of other realms are read. */
class PageRequest extends platform.Request {
  constructor(input: string | URL | Request, init?: RequestInit) {
    const readable = ForeignRequest.read(input) ?? input
    super(readable instanceof platform.Request ? readable : new URL(String(readable), page), init)
  }
}

afterEach(() => {
  vi.unstubAllGlobals()
  globalThis.fetch = platform.fetch
})

const misread: [string, () => unknown][] = [
  [
    'the Request of a polyfill',
    () => ({ url: echo, method: 'GET', [Symbol.toStringTag]: 'Request' }),
  ],
  ['a plain object', () => ({ url: echo })],
  ['an object that says it is an object', () => ({ toString: () => `${page}[object Request]` })],
]

describe.each([
  ['in a page', PageRequest],
  ['where there is no page', platform.Request],
])('an input that is neither a string, nor a URL or Request of this realm, %s', (_, request) => {
  const listed = { resources: ['https://api.example.com/', page] }
  const signedIn = async () => {
    vi.stubGlobal('Request', request)
    return signedInTab({ client: listed })
  }

  test.each(misread)('is a TypeError when it cannot be read: %s (E1)', async (_, make) => {
    const world = await signedIn()
    const before = world.server.requests.length
    const input = make() as string
    const error = await rejection(world.auth.fetch(input))
    expect(error).toBeInstanceOf(TypeError)
    // Where there is no page, the platform's own error says that this is no URL.
    if (request === PageRequest) expect((error as Error).message).toMatch(/pass a string, a URL/)
    expect(world.server.requests).toHaveLength(before)
  })

  test.each(misread)(
    'is a TypeError in the replaced global fetch as well: %s (E1)',
    async (_, make) => {
      const world = await signedIn()
      globalThis.fetch = world.server.fetch
      const { length } = world.server.requests
      world.auth.replaceGlobalFetch()
      expect(await rejection(fetch(make() as string))).toBeInstanceOf(TypeError)
      expect(world.server.requests).toHaveLength(length)
    },
  )

  test('is read once, and what was read is judged and sent: the URL of another realm (E1)', async () => {
    const world = await signedIn()
    let reads = 0
    const url = {
      toString: () => ((reads += 1), reads === 1 ? echo : 'https://attacker.example/'),
    } as string
    const answer = await readEcho(await world.auth.fetch(url, { method: 'PUT', body: 'x' }))
    expect(answer).toMatchObject({ method: 'PUT', body: 'x', scheme: 'Bearer' })
    expect(carriers(world)).toEqual([echo])
    expect(reads).toBe(1)
  })

  test('is refused when it is not listed (E1)', async () => {
    const world = await signedIn()
    const elsewhere = { toString: () => 'https://attacker.example/' } as string
    expect(await rejection(world.auth.fetch(elsewhere))).toMatchObject({
      code: 'resource_not_allowed',
    })
    globalThis.fetch = world.server.fetch
    world.auth.replaceGlobalFetch()
    await rejection(fetch(elsewhere))
    expect(carriers(world)).toEqual([])
  })
})

describe('a Request made in a same-origin iframe', () => {
  const foreign = (url = echo) =>
    new ForeignRequest(url, {
      method: 'POST',
      headers: { 'x-one': '1' },
      body: 'hello',
    }) as unknown as Request

  test('arrives whole, with the token (E1)', async () => {
    vi.stubGlobal('Request', PageRequest)
    const world = await signedInTab()
    expect(await readEcho(await world.auth.fetch(foreign()))).toMatchObject({
      method: 'POST',
      headers: { 'x-one': '1' },
      body: 'hello',
      scheme: 'Bearer',
    })
  })

  test('arrives whole after a 401 (E1)', async () => {
    vi.stubGlobal('Request', PageRequest)
    const world = await signedInTab()
    await world.clock.advance(60_000)
    world.server.expireAccessTokens()
    expect(await readEcho(await world.auth.fetch(foreign()))).toMatchObject({ body: 'hello' })
    expect(carriers(world)).toEqual([echo, echo])
  })

  test('arrives whole through the replaced global fetch, listed or not (E1)', async () => {
    vi.stubGlobal('Request', PageRequest)
    const world = await signedInTab({ client: { resources: [echo] } })
    globalThis.fetch = world.server.fetch
    world.auth.replaceGlobalFetch()
    expect(await readEcho(await fetch(foreign()))).toMatchObject({
      body: 'hello',
      scheme: 'Bearer',
    })
    const open = 'https://api.example.com/public'
    expect(await readEcho(await fetch(foreign(open)))).toMatchObject({
      body: 'hello',
      scheme: null,
    })
  })

  test('keeps its own Authorization header (E1)', async () => {
    vi.stubGlobal('Request', PageRequest)
    const world = await signedInTab()
    const headers = { authorization: 'Basic eDp5' }
    const request = new ForeignRequest('https://api.example.com/public', { headers })
    const answer = await world.auth.fetch(request as unknown as Request)
    expect(await readEcho(answer)).toMatchObject({ scheme: 'Basic' })
  })
})
