import { describe, expect, test } from 'vitest'
import type { PkceClientOptions } from '../../../src/index.ts'
import { carriers, echo, readEcho, settledTab } from '../../support/api-calls.ts'
import { expiredTab, failure, refreshes, usersMe } from '../../support/refreshes.ts'
import { createWorld, rejection, signedInTab } from '../../support/world.ts'

describe('inputs', () => {
  test.each<[string, string | URL | Request]>([
    ['a string', echo],
    ['a URL', new URL(echo)],
    ['a Request', new Request(echo)],
  ])('%s receives the token', async (_, input) => {
    const world = await signedInTab()
    expect(await readEcho(await world.auth.fetch(input))).toMatchObject({
      method: 'GET',
      url: echo,
      scheme: 'Bearer',
    })
  })

  test('a relative URL is resolved against the page or its <base>', async () => {
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
      expect(await readEcho(answer)).toMatchObject({
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
    const { headers, body, scheme } = await readEcho(answer)
    expect(headers).not.toHaveProperty('x-one')
    expect({ headers, body, scheme }).toMatchObject({
      headers: { 'x-two': '2' },
      body: 'hello',
      scheme: 'Bearer',
    })
  })

  /** A Request whose body was read. */
  const usedRequest = async () => {
    const request = new Request(echo, { method: 'POST', headers: { 'x-one': '1' }, body: 'old' })
    await request.text()
    return request
  }

  test('a used Request with a new body in init is sent with that body, as with fetch (E8)', async () => {
    const world = await signedInTab()
    const answer = await readEcho(await world.auth.fetch(await usedRequest(), { body: 'new' }))
    expect(answer).toMatchObject({
      method: 'POST',
      body: 'new',
      headers: { 'x-one': '1' },
      scheme: 'Bearer',
    })
  })

  test('a used Request with a new body is sent again with that body after a 401 (E8)', async () => {
    const world = await settledTab()
    world.server.expireAccessTokens()
    const answer = await readEcho(await world.auth.fetch(await usedRequest(), { body: 'new' }))
    expect(answer).toMatchObject({ body: 'new', scheme: 'Bearer' })
    expect(carriers(world)).toEqual([echo, echo])
  })

  test('a new body in init leaves the body of the Request unread, as with fetch (E8)', async () => {
    const world = await signedInTab()
    const request = new Request(echo, { method: 'POST', body: 'old' })
    await world.auth.fetch(request, { body: 'new' })
    expect(await request.text()).toBe('old')
  })

  test.each<[string, RequestInit | undefined]>([
    ['no init', undefined],
    ['no body in init', { headers: { 'x-two': '2' } }],
    ['a body of null', { body: null }],
    ['a body of undefined', { body: undefined! }],
  ])('a used Request with %s is a TypeError, as with fetch (E8)', async (_, init) => {
    const world = await signedInTab()
    const request = await usedRequest()
    expect(await rejection(fetch(request, init))).toBeInstanceOf(TypeError)
    expect(await rejection(world.auth.fetch(request, init))).toBeInstanceOf(TypeError)
    expect(carriers(world)).toEqual([])
  })

  test('a Request whose body somebody is reading is a TypeError, as with fetch (E8)', async () => {
    const world = await signedInTab()
    const request = new Request(echo, { method: 'POST', body: 'old' })
    request.body!.getReader()
    expect(await rejection(world.auth.fetch(request))).toBeInstanceOf(TypeError)
    expect(await readEcho(await world.auth.fetch(request, { body: 'new' }))).toMatchObject({
      body: 'new',
    })
  })

  test("the caller's init and headers are not touched", async () => {
    const world = await signedInTab()
    const headers = new Headers({ 'x-one': '1' })
    const init = Object.freeze({ headers })
    await world.auth.fetch(echo, init)
    expect([...headers]).toEqual([['x-one', '1']])
  })

  test('an input whose URL changes each time it is read is read once (A-36)', async () => {
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

describe('the fetch that is used', () => {
  test('by default the global fetch at the time of the call, so that later stubs count', async () => {
    const world = await signedInTab()
    const asked: string[] = []
    const { fetch: _, ...others } = world.options
    const options: PkceClientOptions = { ...others, ...world.tab.ports }
    const { PkceClient } = await import('../../../src/index.ts')
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
