import { describe, expect, test } from 'vitest'
import type { ServerClientOptions } from '../../../src/server/index.ts'
import { askSession, origin, requestOf } from '../../support/web-app.ts'
import { attackedApp, evil, raw, sessionOf, someoneAt, whoIs } from './support.ts'

const elsewhere = [
  'https://evil.example/',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  ' //evil.example',
  'https:evil.example',
  'https:///evil.example',
  'http:evil.example',
  `${origin}@evil.example`,
  `${origin}.evil.example/`,
  'https://app.example.com:8443/',
  'http://app.example.com/',
  'https://app.example.com./',
  'https://user:pw@app.example.com/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,x',
  `blob:${origin}/x`,
  'https://[',
]

describe('where a sign-in ends', () => {
  test.each(elsewhere)('is never %j, but the front page', async (returnTo) => {
    for (const sameSite of ['strict', 'lax'] as const) {
      const app = attackedApp({ options: { cookie: { sameSite } } })
      const victim = app.visit()
      await victim.openTab(evil).follow(`${origin}/auth/login`)
      await victim.goto(`/auth/login?returnTo=${encodeURIComponent(returnTo)}`)
      const page = await victim.signIn('ada')
      expect(new URL(page.url).origin).toBe(origin)
    }
  })

  test('is a page of ours, however its path looks', async () => {
    const app = attackedApp()
    for (const path of [
      '/..//evil.example',
      '/a/..//evil.example',
      '/%2f%2fevil.example',
      '/%5cx',
    ]) {
      const visitor = app.visit()
      await visitor.goto(`/auth/login?returnTo=${encodeURIComponent(path)}`)
      expect(new URL((await visitor.signIn()).url).origin).toBe(origin)
    }
  })

  test('is written into the page in between as text, whatever it holds', async () => {
    const app = attackedApp()
    const victim = app.visit()
    const returnTo = `/"><script>alert(1)</script><meta http-equiv="refresh" content='0;url=${evil}'>`
    await victim.goto(`/auth/login?returnTo=${encodeURIComponent(returnTo)}`)
    const answer = await app.server.authorize(victim.page.url, { jar: victim.jar })
    const headers = { cookie: victim.jar.header(new URL(answer))! }
    const page = await app.auth.handle(new Request(answer, { headers }))
    const html = await page!.text()
    expect(html.match(/<meta http-equiv/g)).toHaveLength(1)
    expect(html).not.toContain('<script')
    expect(page!.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('signing out leads to the server, and from there to our page alone', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    const { csrf } = await askSession(ada)
    const page = await ada.submit({
      action:
        '/auth/logout?returnTo=https://evil.example/&postSignOutRedirectUri=https://evil.example/',
      fields: { csrf_token: csrf!, returnTo: evil, postSignOutRedirectUri: evil },
    })
    expect(page.url).toBe(`${origin}/`)
    expect(page.way.some((url) => url.startsWith(evil))).toBe(false)
    expect(await whoIs(ada)).toBeUndefined()
  })
})

const lies: Record<string, string>[] = [
  { host: 'evil.example' },
  { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
  { forwarded: 'host=evil.example;proto=http' },
  { 'x-original-url': '/admin', 'x-rewrite-url': '/admin' },
  { 'x-http-method-override': 'POST' },
]

describe('what headers and addresses say about who we are', () => {
  test.each(lies)('is not believed: %j', async (headers) => {
    const app = attackedApp()
    for (const base of [origin, 'http://evil.example', 'http://127.0.0.1:3000']) {
      const accept = { accept: 'text/html' }
      const request = new Request(`${base}/auth/login`, { headers: { ...accept, ...headers } })
      const response = await app.auth.handle(request)
      const to = new URL(response!.headers.get('location')!)
      expect(to.origin).toBe('https://login.accounts.example')
      expect(to.searchParams.get('redirect_uri')).toBe(`${origin}/auth/callback`)
      expect(response!.headers.getSetCookie().join()).toMatch(/^__Host-Http-.*Secure/)
    }
  })

  test.each(lies)('is in no page in between: %j', async (headers) => {
    const app = attackedApp()
    const from = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    for (const base of [origin, 'http://evil.example', 'http://127.0.0.1:3000']) {
      const request = (path: string) =>
        new Request(base + path, { headers: { accept: 'text/html', ...from, ...headers } })
      const pages = [
        await app.auth.protect(request('/orders?x=1')),
        await app.auth.handle(request('/auth/callback?code=x&state=y')),
      ]
      const texts = await Promise.all(pages.map((page) => page!.text()))
      for (const text of texts) expect(text).not.toMatch(/evil|127\.0\.0\.1/)
      expect(texts[0]).toContain(`${origin}/orders?x=1`)
      expect(texts[1]).toContain(`${origin}/auth/callback?`)
    }
  })

  test.each(lies)('makes no request our own: %j', async (headers) => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    const cookie = `__Host-Http-pkce=${sessionOf(ada)}`
    const refused = await app.auth.handle(
      raw('/auth/logout', {
        method: 'POST',
        headers: { cookie, origin: 'https://evil.example', ...headers },
      }),
    )
    expect(refused!.status).toBe(403)
    expect(await whoIs(ada)).toBe('user-ada')
  })

  test('an answer of the server may arrive by an inner address', async () => {
    const app = attackedApp()
    const ada = app.visit()
    await ada.goto('/auth/login')
    const answer = await app.server.authorize(ada.page.url, { jar: ada.jar })
    const inner = answer.replace(origin, 'http://10.0.0.7:8080')
    const headers = { cookie: ada.jar.header(new URL(answer))! }
    const response = await app.auth.handle(new Request(inner, { headers }))
    expect(response!.status).toBe(200)
    expect(await response!.text()).toContain(`url=${origin}/`)
  })
})

describe('the proxy', () => {
  /** An API whose other folders are nobody's business. */
  function withApi(more: Partial<ServerClientOptions> = {}) {
    const asked: Request[] = []
    const app = attackedApp({
      options: {
        resources: ['https://api.example.com/v1/'],
        proxy: { '/api/': 'https://api.example.com/v1/' },
        fetch: async (input, init) => {
          const request = new Request(input, init)
          if (new URL(request.url).origin !== 'https://api.example.com') {
            return app.server.fetch(input, init)
          }
          asked.push(request)
          return new Response('{}', {
            headers: { 'set-cookie': 'session=x', 'content-type': 'application/json' },
          })
        },
        ...more,
      },
    })
    return { app, asked }
  }

  test.each([
    '/api/../auth/session',
    '/api/%2e%2e/admin',
    '/api/..%2fadmin',
    '/api/%2e%2e%2fadmin',
    '/api/x/..%5c..%5cadmin',
    '/api//evil.example/',
    '/api/https://evil.example/',
    '/api/@evil.example/',
    '/api/.evil.example/',
    '/api/%0d%0aHost:evil.example',
    '/api/x?url=https://evil.example/',
    '/apix/y',
    '/api',
    '/API/x',
  ])('%s brings the token nowhere but to the API, below its path (C-115)', async (path) => {
    const { app, asked } = withApi()
    const ada = await someoneAt(app)
    await ada.fetch(path)
    for (const { url, headers } of asked) {
      expect(url).toMatch(/^https:\/\/api\.example\.com\/v1\//)
      expect(decodeURIComponent(new URL(url).pathname)).not.toMatch(/\.\.[/\\]/)
      expect(headers.get('authorization')).toMatch(/^Bearer /)
    }
    const elsewhere = app.server.requests.filter(({ to }) => to === 'elsewhere')
    expect(elsewhere).toEqual([])
  })

  test('passes on neither cookies, nor what is between browser and app, nor what claims to be from in between (C-115)', async () => {
    const { app, asked } = withApi()
    const ada = await someoneAt(app)
    const { csrf } = await askSession(ada)
    const response = await app.auth.handle(
      raw('/api/orders', {
        method: 'POST',
        headers: {
          cookie: `__Host-Http-pkce=${sessionOf(ada)}; other=1`,
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'cors',
          'x-csrf-token': csrf!,
          authorization: 'Bearer of-somebody-else',
          connection: 'keep-alive, x-secret',
          'x-secret': '1',
          'keep-alive': 'timeout=5',
          te: 'trailers',
          upgrade: 'h2c',
          'proxy-authorization': 'Basic x',
          'x-forwarded-for': '127.0.0.1',
          'x-forwarded-host': 'evil.example',
          forwarded: 'for=127.0.0.1',
          dpop: 'x',
          'x-kept': 'yes',
        },
        body: '{}',
      }),
    )
    expect(response!.status).toBe(200)
    expect(response!.headers.getSetCookie()).toEqual([])
    const [request] = asked
    const sent = [...request!.headers.keys()]
    expect(sent).toContain('x-kept')
    expect(request!.headers.get('authorization')).not.toContain('somebody-else')
    const between =
      /^(cookie|x-csrf-token|connection|x-secret|keep-alive|te|upgrade|proxy-.*|x-forwarded-.*|forwarded|dpop|host|origin|sec-.*)$/
    expect(sent.filter((name) => between.test(name))).toEqual([])
  })

  test('answers nobody who is not signed in, and does not ask the API (C-115)', async () => {
    const { app, asked } = withApi()
    const nobody = app.visit()
    expect((await nobody.fetch('/api/orders')).status).toBe(401)
    expect(asked).toEqual([])
  })

  test('to an API that is not among the resources cannot be made (C-115)', () => {
    expect(() => attackedApp({ options: { proxy: { '/api/': 'https://evil.example/' } } })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }) as Error,
    )
  })
})

test('nothing that depends on a cookie may be kept by a cache (A-86)', async () => {
  const app = attackedApp({
    options: { refreshEndpoint: true, proxy: { '/api/': 'https://api.example.com/' } },
  })
  const ada = await someoneAt(app)
  const cookie = requestOf(ada).headers.get('cookie')!
  const own = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', cookie }
  const page = { ...own, 'sec-fetch-mode': 'navigate', accept: 'text/html' }
  const { csrf } = await askSession(ada)
  const token = { 'x-csrf-token': csrf! }
  const requests = [
    raw('/auth/session', { headers: own }),
    raw('/auth/session'),
    raw('/auth/login', { headers: page }),
    raw('/auth/login', { headers: own }),
    raw('/auth/callback?code=x&state=y', { headers: page }),
    raw('/auth/callback', { headers: page }),
    raw('/api/users/me', { headers: own }),
    raw('/auth/refresh_token', { method: 'POST', headers: { ...own, ...token } }),
    raw('/auth/refresh_token', { method: 'POST', headers: own }),
    raw('/auth/backchannel-logout', { method: 'POST' }),
    raw('/auth/logout', { headers: page }),
    raw('/auth/logout', { method: 'POST', headers: own }),
    raw('/auth/logout', { method: 'POST', headers: { ...page, ...token } }),
  ]
  for (const request of requests) {
    const response = await app.auth.handle(request)
    const kept = response!.headers.get('cache-control')
    expect([request.method, request.url, kept]).toEqual([
      request.method,
      request.url,
      expect.stringContaining('no-store'),
    ])
  }
})
