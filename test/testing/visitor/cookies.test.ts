import { describe, expect, it } from 'vitest'
import {
  createAuthServer,
  createCookieJar,
  createFakeClock,
  createVisitor,
} from '../../../src/testing/index.ts'
import type { Visitor, VisitorOptions } from '../../../src/testing/index.ts'

const app = 'https://app.example.com'
const sibling = 'https://www.example.com/'
const other = 'https://other.example/'
const all = [
  'strict=1; SameSite=Strict',
  'lax=1; SameSite=Lax',
  'unsaid=1',
  'none=1; SameSite=None; Secure',
]

/** An app that sets one cookie of each kind, tells which ones it got, and redirects as it is told. */
function echo(options: VisitorOptions = {}) {
  const seen: Request[] = []
  const handle = (request: Request): Response => {
    seen.push(request)
    const { pathname, searchParams } = new URL(request.url)
    const to = searchParams.get('to')
    const html = { 'content-type': 'text/html' }
    if (pathname === '/set') {
      return new Response('', {
        headers: all.map((cookie): [string, string] => ['set-cookie', `${cookie}; Path=/`]),
      })
    }
    if (pathname === '/303') return new Response(null, { status: 303, headers: { location: to! } })
    if (pathname === '/307') return new Response(null, { status: 307, headers: { location: to! } })
    if (pathname === '/between') {
      const content = `0; url=${to!.replaceAll('&', '&amp;')}`
      return new Response(`<meta http-equiv="refresh" content="${content}">`, { headers: html })
    }
    return new Response(namesIn(request), { headers: html })
  }
  return { seen, visitor: createVisitor(handle, options) }
}

const namesIn = (request: Request) =>
  (request.headers.get('cookie') ?? '').replaceAll('=1', '').replaceAll(';', '')

type Step = (visitor: Visitor) => Promise<string>
const everything = 'strict lax unsaid none'
const link = (from: string, to = `${app}/`): Step => {
  return async (visitor) => (await visitor.openTab(from).follow(to)).text
}
const form = (from: string): Step => {
  return async (visitor) => (await visitor.openTab(from).submit({ action: app })).text
}
const via = (path: string, to = '/') => `${app}${path}?to=${encodeURIComponent(to)}`

describe('which cookies go along', () => {
  it.each<[string, Step, string]>([
    ['a typed address', async (visitor) => (await visitor.goto('/')).text, everything],
    ['a link of the app', link(app), everything],
    ['a link of a sibling', link(sibling), everything],
    ['a link of another site', link(other), 'lax unsaid none'],
    ['a link of the same host without TLS', link('http://app.example.com/'), 'lax unsaid none'],
    ['a form of the app', form(app), everything],
    ['a form of a sibling', form(sibling), everything],
    ['a form of another site', form(other), 'none'],
    [
      'a form of another site that sends GET',
      async (visitor) => (await visitor.openTab(other).submit({ action: app, method: 'GET' })).text,
      'lax unsaid none',
    ],
    ['a link of another site, redirected here', link(other, via('/303')), 'lax unsaid none'],
    ['a link of another site, a page in between', link(other, via('/between')), everything],
    ['a script of the app', async (visitor) => (await visitor.fetch('/')).text(), everything],
    [
      'a script of the app that omits them',
      async (visitor) => (await visitor.fetch('/', { credentials: 'omit' })).text(),
      '',
    ],
  ])('with %s', async (_, step, expected) => {
    const { visitor } = echo()
    await visitor.goto('/set')
    expect(await step(visitor)).toBe(expected)
  })

  it.each<[string, string, 'image' | 'frame', string]>([
    ['an image of the app', app, 'image', everything],
    ['an image of a sibling', sibling, 'image', everything],
    ['an image of another site', other, 'image', 'none'],
    ['a frame of another site', other, 'frame', 'none'],
  ])('with %s', async (_, from, as, expected) => {
    const { visitor, seen } = echo()
    await visitor.goto('/set')
    expect(await visitor.openTab(from).embed(as, app)).toBe(200)
    expect(namesIn(seen.at(-1)!)).toBe(expected)
  })

  const typed = async (visitor: Visitor, url: string) => (await visitor.goto(url)).text
  const clicked = async (visitor: Visitor, url: string) => (await visitor.follow(url)).text
  it.each([
    ['to another site and back, typed', other, typed, 'lax unsaid none'],
    ['to another site and back, by a link of the app', other, clicked, 'lax unsaid none'],
    ['to a sibling and back', sibling, typed, everything],
  ])('after redirects %s', async (_, site, load, expected) => {
    // The authorization server plays the other site: it sends those who sign out back.
    const app1 = { clientId: 'app', redirectUris: [app], postLogoutRedirectUris: [app] }
    const server = createAuthServer({ issuer: site.slice(0, -1), clients: [app1] })
    const { visitor } = echo({ server })
    await visitor.goto('/set')
    const back = `${site}end_session?client_id=app&post_logout_redirect_uri=${app}`
    expect(await load(visitor, via('/303', back))).toBe(expected)
  })

  it('with a reload are those of the first time', async () => {
    const { visitor } = echo()
    await visitor.goto('/set')
    await visitor.openTab(app).follow('/')
    const tab = visitor.openTab(other)
    expect((await tab.follow(app)).text).toBe('lax unsaid none')
    expect((await tab.reload()).text).toBe('lax unsaid none')
    await expect(visitor.openTab().reload()).rejects.toThrow('The tab is empty')
  })
})

describe('which cookies are kept', () => {
  const jarWith = (url: string, setCookie: string, from: 'http' | 'script' = 'http') => {
    const jar = createCookieJar()
    jar.store(new URL(url), setCookie, { from })
    return jar.list().map(({ name, domain, path }) => `${name} ${domain} ${path}`)
  }
  const good = 'x; Secure; HttpOnly; Path=/'

  it.each([
    [`__Host-a=${good}`, app, ['__Host-a app.example.com /']],
    [`__Host-a=${good}; Domain=example.com`, app, []],
    ['__Host-a=x; Secure; Path=/auth', app, []],
    ['__Host-a=x; Path=/', app, []],
    ['__host-a=x; Path=/', app, []],
    ['__Secure-a=x; Secure; Domain=example.com', app, ['__Secure-a example.com /']],
    ['__Secure-a=x', app, []],
    [`__Host-Http-a=${good}`, app, ['__Host-Http-a app.example.com /']],
    ['__Host-Http-a=x; Secure; Path=/', app, []],
    ['__Http-a=x; Secure; HttpOnly', app, ['__Http-a app.example.com /']],
    ['a=x; Domain=.EXAMPLE.com', app, ['a example.com /']],
    ['a=x; Domain=com', app, []],
    ['a=x; Domain=other.example', app, []],
    ['a=x; Domain=sub.app.example.com', app, []],
    ['a=x; SameSite=None', app, []],
    ['a=x; Secure', 'http://localhost:3000/', []],
    ['a=x', `${app}/auth/login`, ['a app.example.com /auth']],
    ['a=x; Path=nowhere', `${app}/auth/login`, ['a app.example.com /auth']],
    ['a=x; Max-Age=0', app, []],
    ['a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT', app, []],
    ['a=x; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT', app, ['a app.example.com /']],
    [`a=${'x'.repeat(4095)}`, app, ['a app.example.com /']],
    [`a=${'x'.repeat(4096)}`, app, []],
    ['a=x\u0001y', app, []],
    ['', app, []],
  ])('%.60s', (setCookie, url, kept) => {
    expect(jarWith(url, setCookie)).toEqual(kept)
  })

  it('of a script: none that is HttpOnly, or would have to be', () => {
    expect(jarWith(app, 'a=x', 'script')).toHaveLength(1)
    expect(jarWith(app, 'a=x; HttpOnly', 'script')).toEqual([])
    expect(jarWith(app, `__Host-Http-a=${good}`, 'script')).toEqual([])
    const jar = createCookieJar()
    jar.store(new URL(app), 'a=1; HttpOnly')
    jar.store(new URL(app), 'a=2', { from: 'script' })
    expect(jar.header(new URL(app))).toBe('a=1')
  })

  it('without TLS: none that would hide a secure one', () => {
    const jar = createCookieJar()
    jar.store(new URL(app), 'a=1; Secure; Domain=example.com')
    jar.store(new URL('http://www.example.com/'), 'a=2; Domain=example.com')
    jar.store(new URL('http://app.example.com/'), 'a=3')
    expect(jar.list()).toMatchObject([{ value: '1' }])
    jar.store(new URL('http://app.example.com/'), 'b=4')
    expect(jar.list()).toHaveLength(2)
  })

  it('go to the host they are for, those with a Domain below it as well', () => {
    const jar = createCookieJar()
    jar.store(new URL(app), 'own=1')
    jar.store(new URL(app), 'wide=1; Domain=example.com')
    expect(jar.header(new URL(sibling))).toBe('wide=1')
    expect(jar.header(new URL(app))).toBe('own=1; wide=1')
    expect(jar.header(new URL('https://notexample.com/'))).toBeUndefined()
  })

  it('expire by the clock, after 400 days at most', async () => {
    const clock = createFakeClock()
    const jar = createCookieJar({ clock })
    jar.store(new URL(app), 'short=1; Max-Age=60')
    jar.store(new URL(app), 'long=1; Max-Age=999999999')
    await clock.advance(59_999)
    expect(jar.list()).toHaveLength(2)
    await clock.advance(1)
    expect(jar.header(new URL(app))).toBe('long=1')
    await clock.advance(400 * 24 * 3_600_000)
    expect(jar.header(new URL(app))).toBeUndefined()
  })

  it('from what another site embeds: those with SameSite=None alone', async () => {
    const { visitor } = echo()
    await visitor.openTab(other).embed('image', `${app}/set`)
    expect(visitor.jar.list()).toMatchObject([{ name: 'none' }])
    await visitor.openTab(other).follow(`${app}/set`)
    expect(visitor.jar.list()).toHaveLength(4)
  })
})
