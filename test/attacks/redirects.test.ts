import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { rejection, signedInTab } from '../support/world.ts'
import { createWorld } from '../support/world.ts'

/** A real web server, because what a redirect does to headers is the platform's doing. */
async function serve(answer: RequestListener) {
  const received: IncomingMessage[] = []
  const bodies: string[] = []
  const server = createServer((request, response) => {
    received.push(request)
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      bodies.push(body)
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url, received, bodies, close }
}

type Served = Awaited<ReturnType<typeof serve>>

/** Somebody signed in at the reference server, whose API is a real one. */
async function callerOf(api: Served, path = '') {
  const world = await signedInTab()
  const fetch: typeof globalThis.fetch = (input, init) =>
    typeof input === 'string' && input.startsWith(world.server.issuer)
      ? world.server.fetch(input, init)
      : globalThis.fetch(input, init)
  const auth = world.load(world.tab, '/', { resources: [api.url + path], fetch })
  return { auth, token: await auth.getAccessToken() }
}

const statuses = [301, 302, 303, 307, 308]
const methods = ['GET', 'POST']
const moves = statuses.flatMap((status) => methods.map((method) => ({ status, method })))

describe('a redirect of an API to another origin', () => {
  let attacker: Served
  let api: Served

  beforeAll(async () => {
    attacker = await serve((_, response) => response.writeHead(401).end())
    api = await serve(({ url }, response) => {
      const status = Number(url!.slice(1))
      response.writeHead(status, { location: `${attacker.url}collect` }).end()
    })
  })

  afterEach(() => {
    for (const { received, bodies } of [attacker, api]) {
      received.length = 0
      bodies.length = 0
    }
  })

  afterAll(() => {
    attacker.close()
    api.close()
  })

  const custom = { 'x-api-key': 'key-of-the-app' }

  it.each(moves)('takes the token nowhere: $status of a $method (A-34)', async (move) => {
    const { status, method } = move
    const { auth, token } = await callerOf(api)
    const call = await auth.fetch(`${api.url}${status}`, { method, headers: custom })
    expect(call.redirected).toBe(true)
    expect(api.received.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${token}`])
    expect(attacker.received).toHaveLength(1)
    expect(attacker.received[0]!.headers).not.toHaveProperty('authorization')
    // Nowhere else either: the token travels in one header, never in an address, a body or a header of our own.
    const { url, rawHeaders } = attacker.received[0]!
    expect([url, ...rawHeaders, ...attacker.bodies].join()).not.toContain(token)
  })

  it.each(moves)(
    'and no header of the app either, with redirect: "error" or "manual": $status of a $method (A-34)',
    async ({ status, method }) => {
      const { auth } = await callerOf(api)
      const init = { method, headers: custom, ...(method === 'POST' && { body: 'private' }) }
      const url = `${api.url}${status}`
      expect(await rejection(auth.fetch(url, { ...init, redirect: 'error' }))).toBeInstanceOf(
        TypeError,
      )
      expect((await auth.fetch(url, { ...init, redirect: 'manual' })).status).toBe(status)
      expect((await auth.fetch(new Request(url, { ...init, redirect: 'manual' }))).status).toBe(
        status,
      )
      expect(api.received.map(({ headers }) => headers['x-api-key'])).toEqual(
        Array(3).fill('key-of-the-app'),
      )
      expect(attacker.received).toEqual([])
    },
  )
})

describe('an open redirect below a path that is listed', () => {
  let api: Served

  beforeAll(async () => {
    api = await serve(({ url }, response) => {
      const to = new URL(url!, 'http://localhost').searchParams.get('to')
      if (to === null) response.end()
      else response.writeHead(302, { location: to }).end()
    })
  })

  afterAll(() => api.close())

  it('takes the token to another path of the origin, as docs/security.md says (E9)', async () => {
    const { auth, token } = await callerOf(api, 'api/')
    await expect(auth.fetch(`${api.url}other/`)).rejects.toMatchObject({
      code: 'resource_not_allowed',
    })
    await auth.fetch(`${api.url}api/go?to=/other/`)
    expect(api.received.at(-1)).toMatchObject({
      url: '/other/',
      headers: { authorization: `Bearer ${token}` },
    })
  })

  it('does not with redirect: "error" (E9)', async () => {
    const { auth } = await callerOf(api, 'api/')
    api.received.length = 0
    await expect(
      auth.fetch(`${api.url}api/go?to=/other/`, { redirect: 'error' }),
    ).rejects.toBeInstanceOf(TypeError)
    expect(api.received.map(({ url }) => url)).toEqual(['/api/go?to=/other/'])
  })
})

describe('a redirect of the authorization server (A-71)', () => {
  const paths = ['/.well-known/openid-configuration', '/jwks', '/token', '/userinfo', '/revoke']
  const answers = paths.flatMap((path) => statuses.map((status) => ({ path, status })))

  it.each(answers)('is not followed: $status of $path', async ({ path, status }) => {
    const world = createWorld()
    const to = 'https://attacker.example/collect'
    const redirect = () => world.server.fault('redirect-token', { path, status: status as 307, to })
    if (path.startsWith('/.well-known')) {
      redirect()
      // For good, it is as if nothing were there, and the other address of metadata is asked.
      const settled = world.client().createAuthorizationUrl()
      if ([301, 308].includes(status)) await settled
      else expect(await rejection(settled)).toMatchObject({ code: 'server_error', retryable: true })
    } else {
      const callback = await world.depart()
      redirect()
      const auth = world.load(world.tab, callback)
      await auth.start().catch(() => undefined)
      await auth.getUserInfo().catch(() => undefined)
      await auth.signOut()
    }
    const asked = world.server.requests.filter((request) => request.path === path)
    expect(asked.length).toBeGreaterThan(0)
    expect(world.server.requests.filter((request) => request.to === 'elsewhere')).toEqual([])
  })
})
