import { describe, expect, it } from 'vitest'
import { PkceClient } from '../../../src/index.ts'
import { createCookieJar } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  callApi,
  obtainCode,
  exchange,
  signIn,
  strictServer,
} from '../support.ts'

describe('fetch in process', () => {
  const nobody = (origin: string) =>
    `fetch failed: nobody answers at ${origin}; this server is https://login.example.com (option issuer), its API is https://api.example.com/ (option apiUrl)`

  it.each([
    'https://login.acme.example',
    'http://localhost:3000',
    'https://login.example.com:8443',
  ])('says that nobody answers at %s, and where this server is (N11)', async (origin) => {
    const attempt = strictServer().fetch(`${origin}/.well-known/openid-configuration?a=secret`)
    await expect(attempt).rejects.toThrow(new TypeError(nobody(origin)))
  })

  it('says so to an app with another issuer, as the cause of its error (N11)', async () => {
    const server = strictServer()
    const auth = new PkceClient({
      issuer: 'https://login.acme.example',
      clientId: 'production-app',
      redirectUri: 'https://app.example.com/callback',
      fetch: server.fetch,
    })
    await expect(server.signInTo(auth)).rejects.toMatchObject({
      code: 'network',
      cause: { message: nobody('https://login.acme.example') },
    })
    expect(server.requests).toMatchObject([{ to: 'elsewhere' }])
  })

  it('can be handed around without its server', async () => {
    const { fetch, issuer } = strictServer()
    expect((await fetch(`${issuer}/jwks`)).status).toBe(200)
  })

  it.each([
    ['a string', 'https://api.example.com/public?a=1'],
    ['a URL', new URL('https://api.example.com/public?a=1')],
    ['a Request', new Request('https://api.example.com/public?a=1', { headers: { 'x-a': '1' } })],
  ])('takes %s', async (_, input) => {
    const server = strictServer()
    const response = await server.fetch(input)
    expect(await response.json()).toMatchObject({ url: 'https://api.example.com/public?a=1' })
  })

  it('sends what a Request holds', async () => {
    const server = strictServer()
    const request = new Request('https://api.example.com/public', {
      method: 'POST',
      headers: { 'x-a': '1' },
      body: 'whole',
    })
    const response = await server.fetch(request)
    expect(await response.json()).toMatchObject({
      method: 'POST',
      headers: { 'x-a': '1', 'content-type': 'text/plain;charset=UTF-8' },
      body: 'whole',
    })
    expect(request.bodyUsed).toBe(true)
  })

  it('lets the second argument win over the Request', async () => {
    const server = strictServer()
    const request = new Request('https://api.example.com/public', { headers: { 'x-a': '1' } })
    const response = await server.fetch(request, { method: 'put', headers: { 'x-b': '2' } })
    const body = (await response.json()) as { method: string; headers: object }
    expect([body.method, body.headers]).toEqual(['PUT', { 'x-b': '2' }])
  })

  it('refuses a Request whose body was used', async () => {
    const server = strictServer()
    const request = new Request('https://api.example.com/public', { method: 'POST', body: 'x' })
    await request.text()
    await expect(server.fetch(request)).rejects.toThrow(TypeError)
  })

  it.each([
    ['a relative URL', '/orders', {}],
    ['credentials in the URL', 'https://a:b@api.example.com/', {}],
    ['a GET with a body', 'https://api.example.com/', { body: 'x' }],
    ['another origin', 'https://elsewhere.example/', {}],
    ['another port', 'https://api.example.com:8443/', {}],
    ['http for https', 'http://api.example.com/', {}],
  ])('rejects %s with a TypeError', async (_, input, init) => {
    await expect(strictServer().fetch(input, init)).rejects.toThrow(TypeError)
  })

  it('knows the URL of its answer', async () => {
    const server = strictServer()
    const response = await server.fetch('https://api.example.com/public#part')
    expect([response.url, response.redirected]).toEqual(['https://api.example.com/public', false])
  })

  it('has no body for HEAD', async () => {
    const server = strictServer()
    const response = await server.fetch('https://api.example.com/public', { method: 'HEAD' })
    expect(await response.text()).toBe('')
  })
})

describe('redirects', () => {
  const start = (to: string, status = 302) =>
    `https://api.example.com/redirect?${new URLSearchParams({ to, status: String(status) }).toString()}`

  it('are followed', async () => {
    const server = strictServer()
    const response = await server.fetch(start('/public'), {
      headers: { authorization: 'Bearer x' },
    })
    expect([response.url, response.redirected]).toEqual(['https://api.example.com/public', true])
    expect(await response.json()).toMatchObject({ authorized: true })
  })

  it('lose Authorization on the way to another origin', async () => {
    const server = strictServer()
    const headers = { authorization: 'Bearer x', 'x-api-key': 'y' }
    await server.fetch(start('https://login.example.com/jwks'), { headers })
    expect(server.requests.map((request) => request.headers)).toEqual([
      headers,
      { 'x-api-key': 'y' },
    ])
  })

  it.each([
    [301, 'GET', ''],
    [302, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', 'body'],
    [308, 'POST', 'body'],
  ])('of %d turn a POST into a %s', async (status, method, body) => {
    const server = strictServer()
    const response = await server.fetch(start('/public', status), { method: 'POST', body: 'body' })
    expect(await response.json()).toMatchObject({ method, body })
  })

  it('are handed over when asked for', async () => {
    const response = await strictServer().fetch(start('/public'), { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/public'])
  })

  it('are an error when unwanted', async () => {
    const attempt = strictServer().fetch(start('/public'), { redirect: 'error' })
    await expect(attempt).rejects.toThrow(TypeError)
  })

  it('end somewhere', async () => {
    const server = strictServer()
    server.fault('respond', { path: '/loop', status: 302, headers: { location: '/loop' } })
    await expect(server.fetch('https://api.example.com/loop')).rejects.toThrow('redirect count')
  })
})

describe('aborting', () => {
  it('before the request leaves means that it never does', async () => {
    const server = strictServer()
    const reason = new Error('no longer needed')
    const attempt = server.fetch('https://api.example.com/public', {
      signal: AbortSignal.abort(reason),
    })
    await expect(attempt).rejects.toBe(reason)
    expect(server.requests).toEqual([])
  })

  it('while the answer is on its way rejects with the reason', async () => {
    const server = strictServer()
    server.hold('/public')
    const controller = new AbortController()
    const attempt = server.fetch('https://api.example.com/public', { signal: controller.signal })
    const reason = new Error('no longer needed')
    controller.abort(reason)
    await expect(attempt).rejects.toBe(reason)
  })

  it('takes the signal of a Request', async () => {
    const server = strictServer()
    server.hold('/public')
    const controller = new AbortController()
    const request = new Request('https://api.example.com/public', { signal: controller.signal })
    const attempt = server.fetch(request)
    controller.abort()
    await expect(attempt).rejects.toThrow('aborted')
  })

  it('does not undo what the server has done', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    const held = server.hold('/token')
    const controller = new AbortController()
    const attempt = server.fetch(`${server.issuer}/token`, {
      method: 'POST',
      signal: controller.signal,
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'sandbox-app',
        redirect_uri: 'http://localhost:3000/callback',
        code,
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
      }),
    })
    await until(() => held.count === 1)
    controller.abort()
    await expect(attempt).rejects.toThrow()
    held.release()
    expect((await exchange(server, code)).status).toBe(400)
  })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('what the server remembers', () => {
  it('is every request, in order, with what it carried', async () => {
    const server = strictServer()
    await callApi(server, '/public?a=1', 'x', { headers: { 'X-Trace': '7' } })
    server.clock.pass(1)
    await server.fetch(`${server.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'magic' }),
    })
    expect(server.requests).toEqual([
      {
        to: 'api',
        method: 'GET',
        url: 'https://api.example.com/public?a=1',
        path: '/public',
        query: { a: '1' },
        headers: { authorization: 'Bearer x', 'x-trace': '7' },
        body: '',
        form: undefined,
        at: server.clock.now() - 1000,
      },
      {
        to: 'issuer',
        method: 'POST',
        url: 'https://login.example.com/token',
        path: '/token',
        query: {},
        headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
        body: 'grant_type=magic',
        form: { grant_type: 'magic' },
        at: server.clock.now(),
      },
    ])
  })

  it('includes what was sent elsewhere', async () => {
    const server = strictServer()
    const headers = { authorization: 'Bearer leaked' }
    await server.fetch('https://elsewhere.example/token', { headers }).catch(() => undefined)
    expect(server.requests).toMatchObject([{ to: 'elsewhere', path: '/token', headers }])
    expect(server.requestsTo('/token')).toEqual([])
  })

  it('leaves preflights out of requestsTo', async () => {
    const server = strictServer()
    await server.fetch(`${server.issuer}/token`, { method: 'OPTIONS' })
    expect([server.requests.length, server.requestsTo('/token').length]).toEqual([1, 0])
  })
})

describe('holding answers', () => {
  it('processes the requests, counts them, and lets them go', async () => {
    const server = strictServer()
    const held = server.hold('/public')
    const answers = Promise.all([callApi(server, '/public'), callApi(server, '/public')])
    await until(() => held.count === 2)
    held.release()
    expect((await answers).map((answer) => answer.status)).toEqual([200, 200])
    expect(held.count).toBe(0)
  })

  it('holds one path only, and nothing after the release', async () => {
    const server = strictServer()
    const held = server.hold('/orders')
    expect((await callApi(server, '/public')).status).toBe(200)
    held.release()
    expect((await callApi(server, '/orders')).status).toBe(401)
  })
})

describe('signing in to a client in one line', () => {
  it('goes from its authorization URL to its callback', async () => {
    const server = strictServer()
    const client = {
      createAuthorizationUrl: async () => ({ url: new URL(authorizationUrl(server)) }),
      handleCallback: async (url: string) => new URL(url).searchParams.get('state'),
    }
    expect(await server.signInTo(client)).toBe('a state')
  })

  it('signs in the user it is told to', async () => {
    const server = strictServer()
    const client = {
      createAuthorizationUrl: async () => ({ url: new URL(authorizationUrl(server)) }),
      handleCallback: async (url: string) => {
        const response = await exchange(server, new URL(url).searchParams.get('code')!)
        const { access_token: token } = (await response.json()) as { access_token: string }
        return (await callApi(server, '/users/me', token)).json()
      },
    }
    const grace = server.users.find((user) => user.username === 'grace')!
    expect(await server.signInTo(client, grace)).toMatchObject({ sub: 'user-grace' })
  })
})

describe('cookies', () => {
  it('go with a jar, and with its path and security', () => {
    const jar = createCookieJar()
    const url = new URL('https://login.example.com/a')
    jar.store(url, 'one=1; Path=/; Secure; HttpOnly')
    jar.store(url, 'two=2; Path=/a')
    expect(jar.header(new URL('https://login.example.com/a/b'))).toBe('two=2; one=1')
    expect(jar.header(new URL('https://login.example.com/ab'))).toBe('one=1')
    expect(jar.header(new URL('http://login.example.com/a'))).toBe('two=2')
    expect(jar.header(new URL('https://api.example.com/a'))).toBeUndefined()
  })

  it('are replaced, and removed', () => {
    const jar = createCookieJar()
    const url = new URL('https://login.example.com/')
    jar.store(url, 'one=1; Path=/')
    jar.store(url, 'one=2; Path=/')
    expect(jar.header(url)).toBe('one=2')
    jar.store(url, 'one=; Path=/; Max-Age=0')
    expect(jar.header(url)).toBeUndefined()
  })

  it('are none without a jar', async () => {
    const server = strictServer()
    await signIn(server)
    expect((await server.fetch(authorizationUrl(server))).status).toBe(200)
  })
})
