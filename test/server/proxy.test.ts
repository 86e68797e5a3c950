import { describe, expect, test } from 'vitest'
import { PkceClientError } from '../../src/errors.ts'
import { createProxy } from '../../src/server/endpoints/proxy.ts'

const app = 'https://app.example.com'

interface Sent {
  url: string
  headers: Headers
  init: RequestInit
}

/** A proxy and an API that answers as told, and what reached it. */
function proxied(answer: (sent: Sent) => Response | Promise<Response> = () => new Response('ok')) {
  const sent: Sent[] = []
  const proxy = createProxy({
    targets: [
      { prefix: '/api/', target: new URL('https://api.example.com/v1/') },
      { prefix: '/api/maps/', target: new URL('https://maps.example.com/') },
    ],
  })
  const api = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    sent.push({ url: input as string, headers: new Headers(init.headers), init })
    return answer(sent.at(-1)!)
  }
  const pass = (path: string, init?: RequestInit) =>
    proxy.handle(new Request(app + path, init), api)!
  return { proxy, sent, pass }
}

describe('a request through the proxy', () => {
  test.each([
    ['/api/users/me?all=1&q=%2F', 'https://api.example.com/v1/users/me?all=1&q=%2F'],
    ['/api/', 'https://api.example.com/v1/'],
    ['/api//evil.example/x', 'https://api.example.com/v1//evil.example/x'],
    ['/api/@evil.example/', 'https://api.example.com/v1/@evil.example/'],
    ['/api/https://evil.example/', 'https://api.example.com/v1/https://evil.example/'],
    ['/api/a/../b', 'https://api.example.com/v1/b'],
    ['/api/maps/tile%2F1', 'https://maps.example.com/tile%2F1'],
    ['/api/maps/', 'https://maps.example.com/'],
  ])('to %s goes to %s', async (path, url) => {
    const { pass, sent } = proxied()
    await pass(path)
    expect(sent.map((one) => one.url)).toEqual([url])
  })

  test.each([
    '/',
    '/api',
    '/apis/x',
    '/API/x',
    '/api/../auth/session',
    '/api/%2e%2e/admin',
    '/api/..\\admin',
  ])('to %s is none of its own', (path) => {
    const { proxy } = proxied()
    expect(proxy.handle(new Request(app + path), fetch)).toBeUndefined()
  })

  test.each([
    '/api/..%2fadmin',
    '/api/..%2Fadmin',
    '/api/%2e%2e%2fadmin',
    '/api/..%5cadmin',
    '/api/a/..;/admin',
  ])('to %s, which could leave the path of the API, is refused (C-115)', async (path) => {
    const { pass, sent } = proxied()
    const response = await pass(path)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: 'resource_not_allowed',
      message:
        'A path below /api/ has encoded slashes, which could lead out of /v1/ of the API; send it without them.',
    })
    expect(sent).toEqual([])
  })

  test('brings the API no cookie and nothing else that is between browser and app (GHSA-vvg7-p7jw-8qr3)', async () => {
    const { pass, sent } = proxied()
    const kept = {
      accept: 'application/json',
      'x-request-id': '7',
      'if-none-match': '"1"',
      range: 'bytes=0-9',
      'upgrade-insecure-requests': '1',
      'x-te': '1',
      'origin-id': '1',
      'x-host': '1',
    }
    await pass('/api/x', {
      headers: {
        ...kept,
        cookie: '__Host-Http-pkce=secret',
        authorization: 'Bearer planted',
        dpop: 'planted',
        host: 'evil.example',
        forwarded: 'for=1.2.3.4',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'evil.example',
        'x-real-ip': '1.2.3.4',
        'x-csrf-token': 'secret',
        origin: app,
        referer: `${app}/page?code=secret`,
        'sec-fetch-site': 'same-origin',
        connection: 'keep-alive, X-Trace',
        'x-trace': '1',
        'keep-alive': 'timeout=5',
        te: 'trailers',
        'proxy-authorization': 'Basic planted',
        upgrade: 'websocket',
        'accept-encoding': 'zstd',
        expect: '100-continue',
      },
    })
    expect(Object.fromEntries(sent[0]!.headers)).toEqual(kept)
  })

  test('does not follow redirects, and ends with the visitor', async () => {
    const { pass, sent } = proxied()
    const departure = new AbortController()
    await pass('/api/x', { signal: departure.signal })
    expect(sent[0]!.init.redirect).toBe('manual')
    departure.abort()
    expect(sent[0]!.init.signal?.aborted).toBe(true)
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('keeps method and body: %s', async (method) => {
    const { pass, sent } = proxied(
      async ({ init }) => new Response(await new Response(init.body).text()),
    )
    const headers = { 'content-type': 'text/plain' }
    expect(await (await pass('/api/x', { method, body: 'hello', headers })).text()).toBe('hello')
    expect(sent[0]!.init.method).toBe(method)
    expect(sent[0]!.headers.get('content-type')).toBe('text/plain')
  })

  test('without a body has none', async () => {
    const { pass, sent } = proxied()
    await pass('/api/x', { headers: { 'content-length': '0' } })
    expect(sent[0]!.init.body).toBeUndefined()
  })

  test('with a short body can be sent again after a 401; a long one streams', async () => {
    const { pass, sent } = proxied()
    const post = (length: string) =>
      pass('/api/x', { method: 'POST', body: 'hello', headers: { 'content-length': length } })
    for (const length of ['5', String(2 ** 20)]) {
      await post(length)
      expect(sent.at(-1)!.init.body).toBeInstanceOf(ArrayBuffer)
    }
    await post(String(2 ** 20 + 1))
    expect(sent.at(-1)!.init.body).toBeInstanceOf(ReadableStream)
    await pass('/api/x', { method: 'POST', body: 'of unknown length' })
    expect(sent.at(-1)!.init.body).toBeInstanceOf(ReadableStream)
  })
})

describe('the answer of an API', () => {
  const answered = async (
    headers: [string, string][] = [],
    init: ResponseInit = {},
    path = '/api/x',
  ) =>
    proxied(() => new Response(init.status === 304 ? null : 'ok', { ...init, headers })).pass(path)

  test('keeps status, body and its own headers, and sets no cookie', async () => {
    const response = await answered(
      [
        ['etag', '"1"'],
        ['content-length', '2'],
        ['set-cookie', '__Host-Http-pkce=planted'],
        ['set-cookie', 'b=2'],
        ['connection', 'x-hop'],
        ['x-hop', '1'],
        ['keep-alive', 'timeout=5'],
        ['access-control-allow-origin', '*'],
        ['clear-site-data', '"*"'],
        ['x-alt-svc', '1'],
        ['set-cookies', '1'],
      ],
      { status: 418 },
    )
    expect(response.status).toBe(418)
    expect(await response.text()).toBe('ok')
    expect([...response.headers.keys()].sort()).toEqual([
      'cache-control',
      'content-length',
      'content-type',
      'etag',
      'set-cookies',
      'vary',
      'x-alt-svc',
      'x-content-type-options',
    ])
  })

  test('loses encoding and length where fetch has decoded it', async () => {
    const { headers, status } = await answered([
      ['content-encoding', 'gzip'],
      ['content-length', '22'],
    ])
    expect(status).toBe(200)
    expect(headers.has('content-encoding')).toBe(false)
    expect(headers.has('content-length')).toBe(false)
  })

  test.each([
    [undefined, 'no-store'],
    ['max-age=60', 'max-age=60, private'],
    ['private, max-age=60', 'private, max-age=60'],
    ['no-store', 'no-store'],
    ['public, max-age=60', 'public, max-age=60'],
    ['s-maxage=60', 's-maxage=60'],
  ])('with Cache-Control %s is cached as %s (A-86)', async (control, kept) => {
    const { headers } = await answered(control === undefined ? [] : [['cache-control', control]])
    expect(headers.get('cache-control')).toBe(kept)
    expect(headers.get('vary')).toBe('cookie')
  })

  test.each([
    ['https://api.example.com/v1/users/2?a=1', '/api/users/2?a=1'],
    ['/v1/users/2', '/api/users/2'],
    ['2', '/api/users/2'],
    ['/elsewhere', 'https://api.example.com/elsewhere'],
    ['https://other.example/', 'https://other.example/'],
    ['https://[', 'https://['],
  ])('that leads to %s is passed on as %s', async (location, passed) => {
    const response = await answered([['location', location]], { status: 302 }, '/api/users/1')
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe(passed)
  })

  test.each(['text/html', 'image/svg+xml', 'application/xhtml+xml'])(
    'runs no script in our origin: %s',
    async (type) => {
      const { headers } = await answered([
        ['content-type', type],
        ['content-security-policy', 'img-src *'],
      ])
      expect(headers.get('content-security-policy')).toBe('img-src *, sandbox')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    },
  )

  test('may have no body', async () => {
    expect((await answered([], { status: 304 })).body).toBeNull()
  })

  test('streams', async () => {
    let more!: ReadableStreamDefaultController
    const body = new ReadableStream({ start: (controller) => void (more = controller) })
    const reader = (await proxied(() => new Response(body)).pass('/api/x')).body!.getReader()
    more.enqueue(Buffer.from('first'))
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('first')
    more.close()
    expect((await reader.read()).done).toBe(true)
  })
})

test('an API that cannot be reached is 504, and our own errors keep their status', async () => {
  const answerTo = async (error: Error) =>
    proxied(() => {
      throw error
    }).pass('/api/x')
  const lost = await answerTo(new TypeError('fetch failed'))
  expect(lost.status).toBe(504)
  const { error, message } = (await lost.json()) as Record<string, string>
  expect(error).toBe('network')
  expect(message).toContain('https://api.example.com')
  expect((await answerTo(new PkceClientError('session_ended', 'It ended.'))).status).toBe(401)
})
