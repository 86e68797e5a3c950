import { describe, expect, it } from 'vitest'
import { createAuthServer, createVisitor } from '../../../src/testing/index.ts'
import type { Visitor, VisitorOptions } from '../../../src/testing/index.ts'

const app = 'https://app.example.com'
const sibling = 'https://www.example.com/'
const other = 'https://other.example/'
const via = (path: string, to = '/') => `${app}${path}?to=${encodeURIComponent(to)}`

function world(options: VisitorOptions = {}, policy = '') {
  const seen: Request[] = []
  const handle = (request: Request): Response | undefined => {
    seen.push(request)
    const { pathname, searchParams } = new URL(request.url)
    const to = searchParams.get('to') ?? '/'
    const headers = {
      'content-type': 'text/html',
      ...(policy !== '' && { 'referrer-policy': policy }),
    }
    if (pathname === '/303') return new Response(null, { status: 303, headers: { location: to } })
    if (pathname === '/307') return new Response(null, { status: 307, headers: { location: to } })
    if (pathname === '/between') {
      const meta = `<META content='0;URL="${to}"' http-equiv=refresh>`
      return new Response(meta, { headers })
    }
    if (pathname === '/nothing') return undefined
    if (pathname === '/open') {
      const allow = { 'access-control-allow-origin': 'https://other.example' }
      const more = { 'access-control-allow-headers': 'X-One, content-type' }
      return new Response('open', {
        headers: { ...allow, ...more, 'access-control-allow-credentials': 'true' },
      })
    }
    return new Response('page', { headers })
  }
  const visitor = createVisitor(handle, options)
  const last = (...names: string[]) => names.map((name) => seen.at(-1)!.headers.get(name))
  const metadata = () =>
    last('sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest', 'sec-fetch-user')
  return { visitor, seen, last, metadata }
}

// Measured with Firefox 153 and Chromium 156.
describe('what a browser says about who asks', () => {
  it.each<[string, (visitor: Visitor) => Promise<unknown>, (string | null)[]]>([
    ['typed', (visitor) => visitor.goto('/'), ['none', 'navigate', 'document', '?1']],
    [
      'typed, redirected',
      (visitor) => visitor.goto(via('/303')),
      ['none', 'navigate', 'document', '?1'],
    ],
    ['a link', (visitor) => visitor.follow('/'), ['same-origin', 'navigate', 'document', '?1']],
    [
      'a link of a sibling',
      (visitor) => visitor.openTab(sibling).follow(app),
      ['same-site', 'navigate', 'document', '?1'],
    ],
    [
      'a link of another site',
      (visitor) => visitor.openTab(other).follow(app),
      ['cross-site', 'navigate', 'document', '?1'],
    ],
    [
      'a form of another site',
      (visitor) => visitor.openTab(other).submit({ action: app }),
      ['cross-site', 'navigate', 'document', '?1'],
    ],
    [
      'a page in between',
      (visitor) => visitor.openTab(other).follow(via('/between')),
      ['same-origin', 'navigate', 'document', null],
    ],
    ['a script', (visitor) => visitor.fetch('/'), ['same-origin', 'cors', 'empty', null]],
    [
      'a script of another site that does not look',
      (visitor) => visitor.openTab(other).fetch(app, { mode: 'no-cors', method: 'POST' }),
      ['cross-site', 'no-cors', 'empty', null],
    ],
    [
      'an image of another site',
      (visitor) => visitor.openTab(other).embed('image', app),
      ['cross-site', 'no-cors', 'image', null],
    ],
    [
      'a frame of a sibling',
      (visitor) => visitor.openTab(sibling).embed('frame', app),
      ['same-site', 'navigate', 'iframe', null],
    ],
  ])('%s', async (_, step, expected) => {
    const { visitor, metadata } = world()
    await step(visitor)
    expect(metadata()).toEqual(expected)
  })

  it('a link of the app that redirects over another site is cross-site, and a form tells no origin that left twice', async () => {
    const registered = { clientId: 'app', redirectUris: [app], postLogoutRedirectUris: [app] }
    const server = createAuthServer({ issuer: 'https://other.example', clients: [registered] })
    const { visitor, metadata } = world({ server })
    const back = `${other}end_session?client_id=app&post_logout_redirect_uri=${app}`
    await visitor.follow(via('/303', back))
    expect(metadata()[0]).toBe('cross-site')
    const third = visitor.openTab('https://third.example/')
    await third.submit({ action: via('/307', `${other}end_session`) })
    expect(server.requests.at(-1)!.headers).toMatchObject({ origin: 'null' })
  })

  it('an old browser says nothing of it, but has Origin and Referer', async () => {
    const { visitor, metadata, last } = world({ fetchMetadata: false })
    await visitor.openTab(other).submit({ action: app })
    expect(metadata()).toEqual([null, null, null, null])
    expect(last('origin', 'referer')).toEqual(['https://other.example', other])
  })

  it('no browser says it without TLS, but to itself', async () => {
    const far = world({ origin: 'http://app.example.com' })
    await far.visitor.goto('/')
    expect(far.metadata()[0]).toBeNull()
    const near = world({ origin: 'http://localhost:3000' })
    await near.visitor.goto('/')
    expect(near.metadata()[0]).toBe('none')
  })
})

describe('the headers Origin and Referer', () => {
  it.each([
    ['', `${app}/page?x=1`, app],
    ['no-referrer', null, 'null'],
    ['same-origin', `${app}/page?x=1`, app],
    ['origin', `${app}/`, app],
  ])('of a form of the app, by the policy %j', async (policy, referer, origin) => {
    const { visitor, last } = world({}, policy)
    await visitor.goto('/page?x=1#here')
    await visitor.submit({ action: '/' })
    expect(last('referer', 'origin')).toEqual([referer, origin])
  })

  it('are none where somebody typed, and no Origin goes with a link', async () => {
    const { visitor, last } = world()
    await visitor.goto('/')
    expect(last('referer', 'origin')).toEqual([null, null])
    await visitor.openTab(`${other}secret?x=1`).follow(app)
    expect(last('referer', 'origin')).toEqual([other, null])
    await visitor.openTab('https://app.example.com/').fetch('/')
    expect(last('origin')).toEqual([null])
  })

  it('survive redirects: 307 sends the form on, 303 does not', async () => {
    const { visitor, seen, last } = world()
    const evil = visitor.openTab(other)
    await evil.submit({ action: via('/307'), fields: { a: 'b' } })
    expect([seen.at(-1)!.method, await seen.at(-1)!.text()]).toEqual(['POST', 'a=b'])
    expect(last('origin', 'content-type')).toEqual([
      'https://other.example',
      'application/x-www-form-urlencoded',
    ])
    await evil.submit({ action: via('/303'), fields: { a: 'b' } })
    expect(seen.at(-1)!.method).toBe('GET')
    expect(last('origin', 'content-type')).toEqual([null, null])
  })
})

describe('forms', () => {
  const html = `<form method="post" action="/save?a=1&amp;b=2">
    <input type=hidden name="csrf_token" value="t&quot;1">
    <input name='note' value='old'><input type="checkbox" name="no"><input type=checkbox name=yes checked>
    <button name="go">Save</button></form>`
  const withForm = () => {
    const seen: Request[] = []
    const visitor = createVisitor((request) => {
      seen.push(request)
      return new Response(request.method === 'GET' ? html : 'saved')
    })
    return { seen, visitor }
  }

  it('are sent with what the page filled in', async () => {
    const { seen, visitor } = withForm()
    await visitor.goto('/')
    expect((await visitor.submit({ fields: { note: 'new' } })).text).toBe('saved')
    const { url } = seen.at(-1)!
    expect(url).toBe(`${app}/save?a=1&b=2`)
    expect(Object.fromEntries(new URLSearchParams(await seen.at(-1)!.text()))).toEqual({
      csrf_token: 't"1',
      note: 'new',
      yes: 'on',
    })
  })

  it.each([
    ['text/plain', 'a=b c\r\n'],
    ['application/x-www-form-urlencoded', 'a=b+c'],
    ['multipart/form-data', expect.stringContaining('name="a"\r\n\r\nb c') as string],
  ] as const)('can be encoded as %s', async (encoding, body) => {
    const { seen, visitor } = withForm()
    await visitor.submit({ action: '/x', fields: { a: 'b c' }, encoding })
    expect(seen.at(-1)!.headers.get('content-type')).toMatch(encoding)
    expect(await seen.at(-1)!.text()).toEqual(body)
  })

  it('that are not there cannot be sent, nor in a way that no form has', async () => {
    const { visitor } = world()
    await visitor.goto('/')
    await expect(visitor.submit()).rejects.toThrow(`The page ${app}/ has no form.`)
    const json = { action: '/', encoding: 'application/json' } as never
    await expect(visitor.submit(json)).rejects.toThrow('encoding must be one of')
  })
})

describe('scripts of another site', () => {
  const evil = (visitor: Visitor) => visitor.openTab(other)
  it('read only what CORS lets them', async () => {
    const { visitor } = world()
    await expect(evil(visitor).fetch(app)).rejects.toThrow('Failed to fetch')
    expect(await (await evil(visitor).fetch(`${app}/open`)).text()).toBe('open')
    const shown = await evil(visitor).fetch(app, { mode: 'no-cors', method: 'POST' })
    expect(await shown.text()).toBe('')
    await expect(evil(visitor).fetch(app, { mode: 'same-origin' })).rejects.toThrow('Failed')
  })

  it('send JSON or headers of their own only where the app agrees', async () => {
    const { visitor, seen } = world()
    const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
    await expect(evil(visitor).fetch(app, json)).rejects.toThrow('Failed to fetch')
    expect(seen.map(({ method }) => method)).toEqual(['OPTIONS'])
    const allowed = { ...json, headers: { ...json.headers, 'x-one': '1' } }
    expect((await evil(visitor).fetch(`${app}/open`, allowed)).status).toBe(200)
    expect(seen.map(({ method }) => method)).toEqual(['OPTIONS', 'OPTIONS', 'POST'])
    await expect(evil(visitor).fetch(`${app}/open`, { headers: { 'x-two': '1' } })).rejects.toThrow(
      'Failed to fetch',
    )
  })

  it('cannot say that they are somebody else', async () => {
    const { visitor, last } = world()
    const headers = { origin: app, cookie: 'a=b', 'sec-fetch-site': 'same-origin', referer: app }
    await evil(visitor).fetch(app, { mode: 'no-cors', method: 'POST', headers })
    expect(last('origin', 'cookie', 'sec-fetch-site', 'referer')).toEqual([
      'https://other.example',
      null,
      'cross-site',
      other,
    ])
  })
})

describe('a tab', () => {
  it('shows nothing where nobody answers, and 404 where the app has nothing', async () => {
    const { visitor } = world()
    expect(await visitor.goto(via('/303', other))).toMatchObject({
      url: other,
      status: 0,
      text: '',
    })
    expect(await visitor.goto('/nothing')).toMatchObject({ status: 404, text: '' })
    await expect(visitor.fetch(other)).rejects.toThrow('Failed to fetch')
  })

  it('gives up on redirects and on pages that never end', async () => {
    const loop = createVisitor(
      () => new Response(null, { status: 302, headers: { location: '/' } }),
    )
    await expect(loop.goto('/')).rejects.toThrow('redirects more than 20 times')
    const between = '<meta http-equiv="refresh" content="0; url=/">'
    const pages = createVisitor(() => new Response(between))
    await expect(pages.goto('/')).rejects.toThrow('leads on to more than 20 pages')
  })

  it('stays at a page that leads on later', async () => {
    const visitor = createVisitor(
      () => new Response('<meta http-equiv="refresh" content="5; url=/x">'),
    )
    expect((await visitor.goto('/')).url).toBe(`${app}/`)
  })

  it('is left in the middle of a page load', async () => {
    let noticed: AbortSignal | undefined
    const visitor = createVisitor((request) => {
      noticed = request.signal
      return new Promise(() => {})
    })
    const leaving = new AbortController()
    const load = visitor.goto('/', { signal: leaving.signal })
    leaving.abort()
    await expect(load).rejects.toThrow('abort')
    expect(noticed!.aborted).toBe(true)
  })

  it('is told of wrong options', () => {
    const handle = () => undefined
    expect(() => createVisitor(handle, { orgin: app } as never)).toThrow('has no option orgin')
    expect(() => createVisitor(handle, { origin: `${app}/` })).toThrow('origin must be a scheme')
  })
})
