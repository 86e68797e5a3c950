import { describe, expect, test } from 'vitest'
import { failure, refreshes, usersMe } from '../../support/refreshes.ts'
import { signedInTab } from '../../support/world.ts'
import type { SignedInOptions, World } from '../../support/world.ts'

const orders = 'https://api.example.com/orders'
const writes = { params: { scope: 'openid offline_access orders:write' } }

/** Ada is signed in, and the API does not accept her token any more. */
async function refusedTab(options: SignedInOptions = {}) {
  const world = await signedInTab(options)
  await world.clock.advance(60_000)
  world.server.expireAccessTokens()
  return world
}

/** A fetch whose first answer of the API is the 401 a test likes. */
function firstAnswering(world: World, refusal: () => Response): typeof globalThis.fetch {
  let refused = false
  return (input, init) => {
    if (refused || input !== usersMe) return world.server.fetch(input, init)
    refused = true
    return Promise.resolve(refusal())
  }
}

describe('a 401', () => {
  test.each(['TARGET', 'GETTING'])('a Request with the method %s arrives whole', async (method) => {
    const world = await refusedTab()
    const request = new Request('https://api.example.com/echo', { method, body: 'brass' })
    const answer = await world.auth.fetch(request)
    expect(await answer.json()).toMatchObject({ method, body: 'brass' })
  })

  test('a stream is sent once in Safari as well, where streams cannot be iterated (A-46)', async () => {
    const world = await refusedTab(writes)
    const streams = ReadableStream.prototype
    const iterator = Object.getOwnPropertyDescriptor(streams, Symbol.asyncIterator)!
    Reflect.deleteProperty(streams, Symbol.asyncIterator)
    try {
      const body = new Blob(['brass']).stream()
      const init = { method: 'POST', body, duplex: 'half' } as RequestInit
      expect((await world.auth.fetch(orders, init)).status).toBe(401)
      expect(world.server.requestsTo('/orders')).toHaveLength(1)
    } finally {
      Object.defineProperty(streams, Symbol.asyncIterator, iterator)
    }
  })

  test('a body of null or undefined can be sent again', async () => {
    const world = await refusedTab()
    expect((await world.auth.fetch(usersMe, { body: null })).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('without a body is answered by a new token like any other', async () => {
    const world = await refusedTab()
    const fetch = firstAnswering(world, () => new Response(null, { status: 401 }))
    const auth = world.client(world.tab, { fetch })
    expect((await auth.fetch(usersMe)).status).toBe(200)
    expect(refreshes(world)).toHaveLength(1)
  })

  test('whose body cannot be cancelled is answered by a new token, and no rejection is left unhandled', async () => {
    const world = await refusedTab()
    const cancel = () => Promise.reject(new TypeError('terminated'))
    const fetch = firstAnswering(
      world,
      () => new Response(new ReadableStream({ cancel }), { status: 401 }),
    )
    const auth = world.client(world.tab, { fetch })
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  test('is not read to its end before the request is sent again', async () => {
    const world = await refusedTab()
    let cancelled = false
    const body = new ReadableStream({
      cancel() {
        cancelled = true
        return new Promise(() => undefined)
      },
    })
    const fetch = firstAnswering(world, () => new Response(body, { status: 401 }))
    expect((await world.client(world.tab, { fetch }).fetch(usersMe)).status).toBe(200)
    expect(cancelled).toBe(true)
  })
})

const similar = ['x-correlation', 'x-request-id', 'x-authorization', 'authorization-kind']
test.each<HeadersInit>([...similar.map((name) => ({ [name]: '7' })), {}])(
  'headers that only resemble Authorization do not prevent the token: %j (A-37)',
  async (headers) => {
    const world = await signedInTab()
    expect((await world.auth.fetch(usersMe, { headers })).status).toBe(200)
  },
)

test('a Request in the place of init goes out with its method, headers and body, as it does in fetch', async () => {
  const world = await signedInTab()
  const init = { method: 'PUT', body: 'brass', headers: { 'x-order': '7' } }
  const request = new Request('https://elsewhere.example/', init)
  const answer = await world.auth.fetch('https://api.example.com/echo', request)
  expect(await answer.json()).toMatchObject({ method: 'PUT', body: 'brass' })
  expect(world.server.requestsTo('/echo')[0]!.headers).toMatchObject({
    'x-order': '7',
    authorization: expect.stringMatching(/^Bearer /) as string,
  })
})

class Order {
  readonly title = 'brass'
  get method() {
    return 'PUT'
  }
  get body() {
    return this.title
  }
  get headers() {
    return new Headers({ 'x-order': '7' })
  }
}

test.each<[string, () => RequestInit]>([
  ['a class with getters', () => new Order()],
  [
    'defaults by way of the prototype',
    () => Object.create({ ...{ method: 'PUT', body: 'brass' } }),
  ],
  ['an object without a prototype', () => ({ __proto__: null, method: 'PUT', body: 'brass' })],
])('init may be %s, as in fetch: nothing of it gets lost', async (_, make) => {
  const world = await refusedTab()
  const echo = 'https://api.example.com/echo'
  const [init, plain] = [make(), await new Request(echo, make()).text()]
  for (const call of [init, make()]) {
    const answer = await world.auth.fetch(echo, call)
    expect(await answer.json()).toMatchObject({ method: 'PUT', body: plain, authorized: true })
  }
})

describe('an endpoint of the authorization server, at an origin that is listed', () => {
  const client = { resources: ['https://login.example.com/'] }

  test.each(['/t%6Fken', '/%74%6f%6B%65%6e', '/us%65rinfo?x=1', '/end%5fsession'])(
    'receives no token under another spelling: %s',
    async (path) => {
      const { auth } = await signedInTab({ client })
      const why = { code: 'resource_not_allowed' }
      const url = `https://login.example.com${path}`
      expect(await failure(auth.fetch(url))).toMatchObject(why)
      expect(await failure(auth.getAccessToken({ for: url }))).toMatchObject(why)
    },
  )

  test.each(['/100%', '/%ff%6f', '/caf%C3%A9', '/%2574oken'])(
    'is not meant by a path that only looks unusual: %s',
    async (path) => {
      const world = await signedInTab({ client })
      await world.auth.fetch(`https://login.example.com${path}`)
      expect(world.server.requests.at(-1)!.headers.authorization).toMatch(/^Bearer /)
    },
  )

  test.each(['/token', '/userinfo'])(
    'receives no token from getAccessToken either, when the page has just loaded: %s',
    async (path) => {
      const world = await signedInTab({ client })
      const auth = world.load(world.tab, '/')
      const call = auth.getAccessToken({ for: `https://login.example.com${path}` })
      expect(await failure(call)).toMatchObject({ code: 'resource_not_allowed' })
    },
  )
})

test("a path that the authorization server also has receives a token at the API's origin", async () => {
  const world = await signedInTab()
  const place = 'https://api.example.com/token'
  const fetch: typeof globalThis.fetch = (input, init) =>
    input === place
      ? Promise.resolve(new Response(new Headers(init?.headers).get('authorization')))
      : world.server.fetch(input, init)
  const auth = world.client(world.tab, { fetch })
  expect(await (await auth.fetch(place)).text()).toMatch(/^Bearer /)
})

test('the message of a refusal shows the origin and the beginning of a long path', async () => {
  const { auth } = await signedInTab()
  const { message } = await failure(auth.fetch(`https://other.example/${'a'.repeat(10_000)}`))
  expect(message).toContain('https://other.example/aaa')
  expect(message).toContain('resources')
  expect(message.length).toBeLessThan(400)
})
