import { describe, expect, test } from 'vitest'
import { dpop, pushedRequests } from '../../../src/index.ts'
import type { PkceClient } from '../../../src/index.ts'
import { api, echo, readEcho } from '../../support/api-calls.ts'
import { boundTab, proofOf, thumbprint, withIndexedDb } from '../../support/dpop.ts'
import { fail } from '../../support/faults.ts'
import { createWorld, listen, rejection } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

withIndexedDb()

/** The requests that carried a proof, as `'POST /token'`. */
const proven = ({ server }: Pick<World, 'server'>) =>
  server.requests
    .filter(({ headers }) => headers['dpop'] !== undefined)
    .map(({ method, path }) => `${method} ${path}`)

const apiCalls = ({ server }: Pick<World, 'server'>) =>
  server.requests.filter(({ to }) => to === 'api')

const nonceOf = (request: Parameters<typeof proofOf>[0]) => proofOf(request).payload['nonce']

describe('a sign-in with dpop()', () => {
  test('brings tokens that are bound to a key, and every request proves it (C-43, C-89)', async () => {
    const world = await boundTab({ server: { dpopNonce: false } })
    const { auth, server } = world
    expect(world.storedSession()).toMatchObject({ access: { default: { type: 'dpop' } } })
    const answer = await readEcho(await auth.fetch(`${echo}?page=2#top`))
    expect(answer.scheme).toBe('DPoP')
    await auth.refresh()
    await auth.getUserInfo()
    expect(proven(world)).toEqual(['POST /token', 'GET /echo', 'POST /token', 'GET /userinfo'])
    const request = server.requestsTo('/echo')[0]!
    const { header, payload } = proofOf(request)
    expect(header).toEqual({
      typ: 'dpop+jwt',
      alg: 'ES256',
      jwk: {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String) as string,
        y: expect.any(String) as string,
      },
    })
    expect(payload).toEqual({
      jti: expect.stringMatching(/^[\w-]{43}$/) as string,
      htm: 'GET',
      htu: echo,
      iat: world.clock.now() / 1000,
      ath: expect.stringMatching(/^[\w-]{43}$/) as string,
    })
  })

  test('uses one key for everything, and a new proof each time (C-78, C-90)', async () => {
    const world = await boundTab()
    await world.auth.fetch(echo, { method: 'POST', body: 'x' })
    await world.auth.refresh()
    await world.auth.getUserInfo()
    await world.auth.fetch(echo)
    const proofs = world.server.requests
      .filter(({ headers }) => headers['dpop'] !== undefined)
      .map((request) => proofOf(request))
    expect(new Set(proofs.map(({ payload }) => payload['jti'])).size).toBe(proofs.length)
    expect(new Set(proofs.map(({ header }) => header.jwk.x)).size).toBe(1)
  })

  test('binds the code to the key as well, pushed or not (C-95)', async () => {
    for (const use of [[], [pushedRequests()]]) {
      const world = await boundTab({ client: { use } })
      const [asked] = world.server.requestsTo(use.length ? '/par' : '/authorize')
      const { dpop_jkt } = (asked!.form ?? asked!.query) as { dpop_jkt: string }
      const token = world.server.requestsTo('/token').at(-1)!
      expect(dpop_jkt).toBe(await thumbprint(proofOf(token).header.jwk))
      expect(proven(world).includes('POST /par')).toBe(use.length > 0)
    }
  })

  test('takes no bearer token in place of a bound one; nothing is kept (C-43, G5)', async () => {
    const world = createWorld({ client: { use: [dpop()] } })
    world.server.fault('dpop-bearer-answer')
    expect(await rejection(world.signIn())).toMatchObject({
      code: 'token_response_invalid',
      message: expect.stringContaining('DPoP') as string,
    })
    expect(world.storedSession()).toBeUndefined()
  })

  test('a bearer token is refused without a word about its type as well (C-43)', async () => {
    const world = createWorld({ client: { use: [dpop()] } })
    world.server.fault('token-members', { remove: ['token_type'] })
    expect(await rejection(world.signIn())).toMatchObject({ code: 'token_response_invalid' })
  })

  test('an app without it takes no bound token', async () => {
    const world = createWorld()
    world.server.fault('token-type', { value: 'DPoP' })
    expect(await rejection(world.signIn())).toMatchObject({ code: 'token_response_invalid' })
  })

  test('has proofs with the time of the clock, also when that is set', async () => {
    const world = await boundTab({ server: { dpopNonce: false } })
    await world.clock.advance(60_000)
    expect((await world.auth.fetch(echo)).status).toBe(200)
    expect(proofOf(world.server.requestsTo('/echo')[0]!).payload['iat']).toBe(
      world.clock.now() / 1000,
    )
  })
})

describe('nonces', () => {
  test('are fetched with one more request, and used from then on (C-91, C-92)', async () => {
    const world = await boundTab()
    for (let i = 0; i < 3; i += 1) await world.auth.fetch(echo, { method: 'POST', body: 'brass' })
    const calls = world.server.requestsTo('/echo')
    expect(calls.map(({ body }) => body)).toEqual(['brass', 'brass', 'brass', 'brass'])
    expect(calls.map((call) => nonceOf(call) === undefined)).toEqual([true, false, false, false])
    await world.auth.refresh()
    expect(world.server.requestsTo('/token')).toHaveLength(3)
  })

  test('that change with each answer, also a 200, cost no further request (C-92)', async () => {
    const world = await boundTab()
    world.server.fault('dpop-nonce-rotates')
    for (let i = 0; i < 3; i += 1) {
      expect((await world.auth.fetch(echo)).status).toBe(200)
      await world.auth.refresh()
    }
    expect(world.server.requestsTo('/echo')).toHaveLength(4)
    expect(world.server.requestsTo('/token')).toHaveLength(5)
    expect(new Set(world.server.requestsTo('/echo').map(nonceOf)).size).toBe(4)
  })

  test('of server and API stay apart, on one origin too (C-93, G10)', async () => {
    const apiUrl = 'https://login.example.com/api/'
    const world = await boundTab({ server: { apiUrl }, client: { resources: [apiUrl] } })
    for (let i = 0; i < 2; i += 1) {
      expect((await world.auth.fetch(`${apiUrl}echo`)).status).toBe(200)
      await world.auth.refresh()
    }
    const ofApi = new Set(world.server.requestsTo('/echo').map(nonceOf))
    const ofServer = new Set(world.server.requestsTo('/token').map(nonceOf))
    expect([...ofApi].filter((nonce) => nonce !== undefined && ofServer.has(nonce))).toEqual([])
    expect(world.server.requestsTo('/echo')).toHaveLength(3)
    expect(world.server.requestsTo('/token')).toHaveLength(4)
  })

  test('are asked for at the userinfo endpoint, beside another challenge (C-91, G9)', async () => {
    const world = await boundTab({ server: { dpopNonce: 'api' } })
    fail(world, [
      'respond',
      {
        path: '/userinfo',
        status: 401,
        headers: {
          'www-authenticate': 'Bearer realm="x", DPoP error="use_dpop_nonce", algs="ES256"',
          'dpop-nonce': 'a-nonce',
        },
        times: 1,
      },
    ])
    // The reference server has not given this nonce and demands none there: it says so.
    await rejection(world.auth.getUserInfo())
    const [first, second] = world.server.requestsTo('/userinfo')
    expect([nonceOf(first!), nonceOf(second!)]).toEqual([undefined, 'a-nonce'])
  })

  test('at the userinfo endpoint as the reference server asks (C-91)', async () => {
    const world = await boundTab()
    world.server.fault('dpop-nonce-rotates', { path: '/userinfo' })
    expect(await world.auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    expect(await world.auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
  })

  test.each<[string, (auth: PkceClient) => Promise<unknown>]>([
    ['/echo', (auth) => auth.fetch(echo)],
    ['/userinfo', (auth) => auth.getUserInfo()],
    ['/token', (auth) => auth.refresh()],
  ])('that %s never accepts are given up after one more request (A-48)', async (path, use) => {
    const world = await boundTab()
    world.server.fault('dpop-nonce-for-ever', { path })
    const before = world.server.requestsTo(path).length
    expect(await rejection(use(world.auth))).toMatchObject({
      code: 'server_error',
      sessionEnded: false,
    })
    expect(world.server.requestsTo(path).length - before).toBe(2)
    expect(world.auth.getSession().status).toBe('signed-in')
    world.server.clearFaults()
    expect((await world.auth.fetch(echo)).status).toBe(200)
  })

  test('that a sign-in never gets accepted fail it (A-48)', async () => {
    const world = createWorld({ client: { use: [dpop()] } })
    world.server.fault('dpop-nonce-for-ever', { path: '/token' })
    expect(await rejection(world.signIn())).toMatchObject({ code: 'server_error' })
    expect(world.server.requestsTo('/token')).toHaveLength(2)
  })

  test.each(['/echo', '/userinfo'])(
    'that %s hides from pages are explained, and nothing is sent again (A-48)',
    async (path) => {
      const world = await boundTab()
      world.server.fault('dpop-nonce-hidden', { path })
      world.server.fault('dpop-nonce-for-ever', { path })
      const { auth } = world
      expect(
        await rejection(path === '/echo' ? auth.fetch(echo) : auth.getUserInfo()),
      ).toMatchObject({
        code: 'server_error',
        message: expect.stringContaining('Access-Control-Expose-Headers: DPoP-Nonce') as string,
      })
      expect(world.server.requestsTo(path)).toHaveLength(1)
    },
  )

  test('a second request for a nonce has what the first left of the time', async () => {
    const world = await boundTab({ client: { timeout: 10_000 } })
    const times: [number | undefined, number][] = []
    world.auth.on('request', ({ status, ms }) => times.push([status, ms]))
    world.server.fault('slow-headers', { path: '/userinfo', milliseconds: 6000 })
    world.server.fault('dpop-nonce-for-ever', { path: '/userinfo', times: 1 })
    const outcome = rejection(world.auth.getUserInfo())
    for (let second = 0; second < 12; second += 1) await world.clock.advance(1000)
    expect(await outcome).toMatchObject({ code: 'timeout' })
    expect(times).toEqual([
      [200, 0],
      [401, 6000],
      [undefined, 4000],
    ])
  })

  test('many calls at once, each with the answer to itself (A-49)', async () => {
    const world = await boundTab()
    const bodies = Array.from({ length: 20 }, (_, index) => `order ${index}`)
    const send = async (body: string) =>
      readEcho(await world.auth.fetch(echo, { method: 'POST', body }))
    const answers = await Promise.all(bodies.map(send))
    expect(answers.map(({ body }) => body)).toEqual(bodies)
  })

  test('that change under many calls at once: their own answer, or none (A-49)', async () => {
    const world = await boundTab()
    world.server.fault('dpop-nonce-rotates', { path: '/echo' })
    const bodies = Array.from({ length: 20 }, (_, index) => `order ${index}`)
    const outcomes = await Promise.all(
      bodies.map(async (body) =>
        world.auth.fetch(echo, { method: 'POST', body }).then(
          async (response) => (await readEcho(response)).body,
          (error: unknown) => (expect(error).toMatchObject({ code: 'server_error' }), body),
        ),
      ),
    )
    expect(outcomes).toEqual(bodies)
    expect(apiCalls(world).length).toBeLessThanOrEqual(40)
    expect((await readEcho(await world.auth.fetch(echo))).body).toBe('')
  })
})

describe('a call to an API', () => {
  test('is the request of the caller, with two headers more', async () => {
    const world = await boundTab({ server: { dpopNonce: false } })
    const sent: [unknown, RequestInit | undefined][] = []
    const auth = world.client(world.tab, {
      use: [dpop()],
      fetch: (input, init) => {
        sent.push([input, init])
        return world.server.fetch(input, init)
      },
    })
    await auth.start()
    const { signal } = new AbortController()
    const init = { method: 'POST', body: 'x', signal, headers: { 'x-id': '7', DPoP: 'mine' } }
    await auth.fetch(echo, { ...init, cache: 'no-store', credentials: 'omit' })
    const [input, made] = sent.at(-1)!
    const { headers, ...rest } = made!
    expect(input).toBe(echo)
    expect(rest).toEqual({
      method: 'POST',
      body: 'x',
      signal,
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'manual',
    })
    expect([...new Headers(headers).keys()]).toEqual(['authorization', 'dpop', 'x-id'])
    expect(new Headers(headers).get('dpop')).not.toContain('mine')
  })

  test('with a Request and its body arrives whole after a demand for a nonce', async () => {
    const world = await boundTab()
    const request = new Request(echo, { method: 'PUT', body: 'brass', headers: { 'x-id': '7' } })
    const answer = await readEcho(await world.auth.fetch(request))
    expect(answer).toMatchObject({ method: 'PUT', body: 'brass' })
    expect(answer.headers).toMatchObject({ 'x-id': '7' })
    expect(proofOf(world.server.requestsTo('/echo').at(-1)!).payload['htm']).toBe('PUT')
  })

  test('with a stream is not sent twice: the caller gets the 401', async () => {
    const world = await boundTab()
    const body = new Blob(['brass']).stream()
    const response = await world.auth.fetch(echo, {
      method: 'POST',
      body,
      duplex: 'half',
    } as object)
    expect(response.status).toBe(401)
    expect(apiCalls(world)).toHaveLength(1)
  })

  test('refused as invalid_token leads to one refresh; four requests at most (A-48)', async () => {
    const world = await boundTab()
    await world.clock.advance(60_000)
    world.server.expireAccessTokens()
    expect((await world.auth.fetch(echo, { method: 'POST', body: 'x' })).status).toBe(200)
    // One without a nonce, one refused, one with the new token.
    expect(apiCalls(world)).toHaveLength(3)
    expect(world.server.requestsTo('/token')).toHaveLength(3)
  })

  test('refused however often is sent four times at most (A-48)', async () => {
    const world = await boundTab()
    await world.clock.advance(60_000)
    const refuse = (challenge: string, headers = {}) =>
      fail(world, [
        'respond',
        {
          path: '/echo',
          status: 401,
          headers: { 'www-authenticate': challenge, ...headers },
          times: 1,
        },
      ])
    for (let i = 0; i < 3; i += 1) {
      refuse('DPoP error="use_dpop_nonce"', { 'dpop-nonce': `nonce-${i}` })
      refuse('DPoP error="invalid_token"')
    }
    expect((await world.auth.fetch(echo)).status).toBe(401)
    expect(apiCalls(world)).toHaveLength(4)
    expect(world.server.requestsTo('/token')).toHaveLength(3)
  })

  test.each([301, 302, 303, 307, 308])(
    'that is answered with %d goes nowhere else',
    async (code) => {
      const world = await boundTab()
      const url = `${api}/redirect?status=${code}&to=https://api.example.com/public`
      expect(await rejection(world.auth.fetch(url))).toMatchObject({
        code: 'resource_not_allowed',
        message: expect.stringMatching(
          /api\.example\.com\/redirect .*redirect: 'follow'/,
        ) as string,
      })
      expect(apiCalls(world)).toHaveLength(1)
    },
  )

  test.each<[string, string | Request, RequestInit | undefined]>([
    ['init', `${api}/redirect`, { redirect: 'manual' }],
    ['a Request', new Request(`${api}/redirect`, { redirect: 'manual' }), undefined],
  ])('keeps the `redirect` of %s', async (_, input, init) => {
    const world = await boundTab()
    const response = await world.auth.fetch(input, init)
    expect([0, 302]).toContain(response.status)
  })

  test('follows where the caller says so', async () => {
    const world = await boundTab()
    const response = await world.auth.fetch(`${api}/redirect`, { redirect: 'follow' })
    expect(response.status).toBe(200)
  })

  test('with an Authorization header of the caller is left alone', async () => {
    const world = await boundTab()
    await world.auth.fetch(`${api}/public`, { headers: { authorization: 'Basic YTpi' } })
    expect(apiCalls(world)[0]!.headers).not.toHaveProperty('dpop')
  })

  test('through the replaced global fetch has a proof', async () => {
    const world = await boundTab()
    const { tab, server } = world
    const auth = world.client(tab, { use: [dpop()], fetch: undefined })
    const before = globalThis.fetch
    globalThis.fetch = server.fetch
    const restore = auth.replaceGlobalFetch()
    try {
      expect((await fetch(echo)).status).toBe(200)
    } finally {
      restore()
      globalThis.fetch = before
    }
  })
})

describe('headers for another HTTP client', () => {
  const bound = dpop()

  test('are good for one request', async () => {
    const world = await boundTab({ server: { dpopNonce: false } })
    const auth = world.client(world.tab, { use: [bound] })
    await auth.start()
    const headers = await bound.headers({
      url: echo,
      method: 'POST',
      token: await auth.getAccessToken(),
    })
    const call = () => world.server.fetch(echo, { method: 'POST', headers: { ...headers } })
    expect(Object.keys(headers).sort()).toEqual(['authorization', 'dpop'])
    expect((await call()).status).toBe(200)
    expect((await call()).status).toBe(401)
  })

  test('have the nonce that fetch has learned', async () => {
    const world = await boundTab()
    const auth = world.client(world.tab, { use: [bound] })
    await auth.start()
    await auth.fetch(echo)
    const token = await auth.getAccessToken()
    const headers = await bound.headers({ url: new URL(echo), token })
    expect((await world.server.fetch(echo, { headers: { ...headers } })).status).toBe(200)
  })

  test('need a client', async () => {
    expect(await rejection(dpop().headers({ url: echo, token: 'x' }))).toMatchObject({
      code: 'invalid_option',
    })
  })
})

describe('an app that begins to use dpop()', () => {
  test('renews the bearer token of the session there is, and keeps its user signed in', async () => {
    const world = createWorld()
    await world.signIn()
    const auth = world.client(world.tab, { use: [dpop()] })
    expect((await auth.start()).session).toMatchObject({ status: 'signed-in' })
    expect((await readEcho(await auth.fetch(echo))).scheme).toBe('DPoP')
    expect(proven(world)[0]).toBe('POST /token')
    expect(apiCalls(world).every(({ headers }) => headers.authorization!.startsWith('DPoP'))).toBe(
      true,
    )
  })

  test('ends one that cannot be renewed', async () => {
    const world = createWorld({ client: { scope: 'openid' } })
    await world.signIn()
    const auth = world.client(world.tab, { use: [dpop()] })
    expect((await auth.start()).session).toEqual({ status: 'signed-out', reason: 'expired' })
    expect(apiCalls(world)).toEqual([])
  })

  test('leaves its session alone in pages of the version before, which cannot use it', async () => {
    const world = await boundTab()
    const old = world.client(world.browser.openTab(), { use: [] })
    expect((await old.start()).session).toEqual({ status: 'signed-out', reason: 'newer-version' })
    expect(await rejection(old.fetch(echo))).toMatchObject({ code: 'sign_in_required' })
    expect(apiCalls(world)).toEqual([])
    expect((await world.auth.fetch(echo)).status).toBe(200)
    expect(world.auth.getSession().status).toBe('signed-in')
  })
})

test('what proves nothing is not in an event', async () => {
  const world = await boundTab()
  const auth = world.client(world.tab, { use: [dpop()] })
  const heard = listen(auth)
  await auth.start()
  await auth.fetch(echo)
  await auth.refresh()
  const said = JSON.stringify(heard)
  for (const { headers } of world.server.requests)
    for (const secret of [headers['dpop'], headers.authorization])
      if (secret !== undefined) expect(said).not.toContain(secret)
})
