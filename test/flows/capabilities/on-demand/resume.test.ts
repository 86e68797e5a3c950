import { describe, expect, test } from 'vitest'
import { resumeAfterSignIn } from '../../../../src/index.ts'
import { api, echo, readEcho } from '../../../support/api-calls.ts'
import { failure, usersMe } from '../../../support/refreshes.ts'
import { resumeWorld } from '../../../support/resume.ts'
import { whoAmI } from '../../../support/on-demand.ts'
import { rejection, signedInTab } from '../../../support/world.ts'

const posts = { methods: ['GET', 'post'] }
const order = (body: BodyInit = '{"title":"brass"}') => ({ method: 'POST', body })

describe('a call that sends the page away to sign in', () => {
  test('comes back as a Request, which was not sent', async () => {
    const world = resumeWorld()
    const url = await world.call(world.app(), `${usersMe}?full#part`)
    const { auth, result } = await world.comeBackFrom(url)
    expect(result).toMatchObject({ kind: 'signed-in', returnTo: 'https://app.example.com/' })
    expect(result.resumed).toBeInstanceOf(Request)
    expect(result.resumed?.url).toBe(`${usersMe}?full#part`)
    expect(world.server.requestsTo('/users/me')).toEqual([])
    expect(await whoAmI(auth.fetch(result.resumed!))).toBe('user-ada')
  })

  test('the page comes back to the address shown when it was left', async () => {
    const world = resumeWorld()
    world.tab.load('/orders/7?draft=1')
    const url = await world.call(world.app(), usersMe)
    const { result } = await world.comeBackFrom(url)
    expect(result.returnTo).toBe('https://app.example.com/orders/7?draft=1')
  })

  test('through handleCallback() as well', async () => {
    const world = resumeWorld()
    const url = await world.call(world.app(), usersMe)
    world.tab.load(await world.server.authorize(url))
    const result = await world.app().handleCallback()
    expect(result?.resumed?.url).toBe(usersMe)
  })

  test('a relative URL is resolved where the call was made', async () => {
    const world = resumeWorld({ client: { resources: ['https://app.example.com/'] } })
    world.tab.load('/a/b')
    const url = await world.call(world.app(), 'orders')
    const { result } = await world.comeBackFrom(url)
    expect(result.resumed?.url).toBe('https://app.example.com/a/orders')
  })

  const form = new FormData()
  form.set('file', new Blob(['brass'], { type: 'text/plain' }), 'parts.txt')
  const bodies: [string, BodyInit, RegExp, string?][] = [
    ['text', '{"title":"ä"}', /^\{"title":"ä"\}$/, 'text/plain;charset=UTF-8'],
    ['a form', form, /parts\.txt[^]*brass/],
    ['bytes', new Uint8Array([98, 114, 97, 115, 115]), /^brass$/],
    ['parameters', new URLSearchParams({ a: 'ä' }), /^a=%C3%A4$/],
  ]
  test.each(bodies)('a POST with %s comes back whole', async (_, body, expected, type) => {
    const world = resumeWorld(posts)
    const headers = { 'x-order': '7' }
    const url = await world.call(world.app(), echo, { ...order(body), headers })
    const { auth, result } = await world.comeBackFrom(url)
    const answer = await readEcho(await auth.fetch(result.resumed!))
    expect(answer).toMatchObject({ method: 'POST', authorized: true, headers: { 'x-order': '7' } })
    expect(answer.body).toMatch(expected)
    if (type) expect(answer.headers['content-type']).toBe(type)
    if (body instanceof FormData)
      expect(answer.headers['content-type']).toMatch(/multipart.*boundary/)
  })

  test('a Request, and its credentials mode', async () => {
    const world = resumeWorld(posts)
    const request = new Request(echo, { ...order(), credentials: 'include' })
    const url = await world.call(world.app(), request)
    const { result } = await world.comeBackFrom(url)
    expect(result.resumed).toMatchObject({ method: 'POST', url: echo, credentials: 'include' })
    expect(await result.resumed?.text()).toBe('{"title":"brass"}')
  })

  test('of three calls at once, the first one; no promise settles, and there is one sign-in', async () => {
    const world = resumeWorld(posts)
    const auth = world.app()
    const settled: unknown[] = []
    for (const name of ['one', 'two', 'three'])
      void auth
        .fetch(`${echo}?${name}`, order(name))
        .finally(() => settled.push(name))
        .catch(() => undefined)
    await world.until(() => world.tab.navigations.length)
    await world.clock.settle()
    expect(world.tab.navigations).toHaveLength(1)
    expect(settled).toEqual([])
    const { result } = await world.comeBackFrom(new URL(world.tab.navigations[0]!))
    expect(result.resumed?.url).toBe(`${echo}?one`)
    expect(world.server.requestsTo('/echo')).toEqual([])
  })

  test('is given to one page only: after a reload it is gone', async () => {
    const world = resumeWorld(posts)
    const url = await world.call(world.app(), echo, order())
    const { result } = await world.comeBackFrom(url)
    expect(result.resumed).toBeDefined()
    expect(world.keptIn()).toBeUndefined()
    world.tab.load()
    expect((await world.app().start()).resumed).toBeUndefined()
  })

  test('for more scope, too: what was granted is there when it is sent', async () => {
    const world = resumeWorld(posts)
    const { auth: first } = await world.comeBackFrom(await world.call(world.app(), usersMe))
    const url = await world.call(first, `${api}/orders`, order('{}'))
    const { auth, result } = await world.comeBackFrom(url)
    expect((await auth.fetch(result.resumed!)).status).toBe(201)
  })
})

describe('signs in, and nothing is resumed', () => {
  const cases: [string, RequestInit][] = [
    ['a method that is not listed', { method: 'DELETE' }],
    ['a stream', { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit],
    ['a body of more than 64 kB', order('x'.repeat(65_537))],
  ]
  test.each(cases)('%s', async (_, init) => {
    const world = resumeWorld(posts)
    const url = await world.call(world.app(), echo, init)
    expect(world.keptIn()).toBeUndefined()
    const { result } = await world.comeBackFrom(url)
    expect(result).toMatchObject({ kind: 'signed-in', resumed: undefined })
  })

  test('a body of exactly 64 kB is kept', async () => {
    const world = resumeWorld(posts)
    const url = await world.call(world.app(), echo, order('x'.repeat(65_536)))
    expect((await world.comeBackFrom(url)).result.resumed).toBeDefined()
  })

  test('POST, unless it is listed; GET and HEAD are', async () => {
    for (const [method, kept] of [
      ['GET', true],
      ['HEAD', true],
      ['POST', false],
    ] as const) {
      const world = resumeWorld()
      await world.call(world.app(), echo, { method })
      expect(world.keptIn() !== undefined).toBe(kept)
    }
  })

  test('a request made of a stream that does not end', async () => {
    const world = resumeWorld(posts)
    const request = new Request(echo, {
      method: 'POST',
      body: new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array(1)) }),
      duplex: 'half',
    } as RequestInit)
    const call = world.call(world.app(), request)
    await world.clock.settle()
    await world.clock.advance(1000)
    const { result } = await world.comeBackFrom(await call)
    expect(result).toMatchObject({ kind: 'signed-in', resumed: undefined })
  })

  test('a call that was aborted while the app explained', async () => {
    const stop = new AbortController()
    const world = resumeWorld({
      ...posts,
      ask: (params) => {
        stop.abort()
        return params
      },
    })
    const auth = world.app()
    const call = rejection(auth.fetch(echo, { ...order(), signal: stop.signal }))
    expect(await call).toMatchObject({ name: 'AbortError' })
    await world.until(() => world.tab.navigations.length)
    expect(world.keptIn()).toBeUndefined()
  })

  test('a click that signed in before: the call beside it is not kept', async () => {
    const world = resumeWorld(posts)
    const auth = world.app()
    void auth.signIn({ returnTo: '/clicked' })
    const url = await world.call(auth, echo, order())
    const { result } = await world.comeBackFrom(url)
    expect(result).toMatchObject({ returnTo: 'https://app.example.com/clicked' })
    expect(result.resumed).toBeUndefined()
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('where the tab has no storage, the sign-in works all the same', async () => {
    const world = resumeWorld(posts)
    const auth = world.client(world.tab, {
      use: [resumeAfterSignIn(posts)],
      host: { ...world.tab.ports.host, setTabItem: () => undefined, getTabItem: () => undefined },
    })
    const url = await world.call(auth, echo, order())
    const { result } = await world.comeBackFrom(url)
    expect(result).toMatchObject({ kind: 'signed-in', resumed: undefined })
  })
})

describe('what is kept is dropped', () => {
  async function left() {
    const world = resumeWorld(posts)
    return { world, url: await world.call(world.app(), echo, order()) }
  }

  test.each([
    ['ten minutes', 600_000, true],
    ['more than ten minutes', 600_001, false],
  ])('when the user is back after %s: %s ms', async (_, milliseconds, isGiven) => {
    const { world, url } = await left()
    await world.clock.advance(milliseconds)
    const { result } = await world.comeBackFrom(url)
    expect(result.kind).toBe('signed-in')
    expect(result.resumed !== undefined).toBe(isGiven)
    expect(world.keptIn()).toBeUndefined()
  })

  test('when the sign-in was denied', async () => {
    const { world, url } = await left()
    const { redirect_uri: back, state } = Object.fromEntries(url.searchParams)
    const iss = encodeURIComponent(world.server.issuer)
    world.tab.load(`${back!}?error=access_denied&state=${state!}&iss=${iss}`)
    expect(await failure(world.app().start())).toMatchObject({ code: 'authorization_denied' })
    expect(world.keptIn()).toBeUndefined()
  })

  test('when it could not be finished', async () => {
    const { world, url } = await left()
    world.tab.load(await world.server.authorize(url))
    world.server.fault('network-error', { path: '/token' })
    expect(await failure(world.app().start())).toMatchObject({ code: 'network' })
    expect(world.keptIn()).toBeUndefined()
  })

  test('when the user came to another page of the app instead', async () => {
    const { world } = await left()
    world.tab.load('/')
    expect(await world.app().start()).toMatchObject({ kind: 'restored', resumed: undefined })
    expect(world.keptIn()).toBeUndefined()
  })

  test('when the answer came in another tab', async () => {
    const { world, url } = await left()
    const tab = world.browser.openTab('/')
    const { result } = await world.comeBackFrom(url, { tab })
    expect(result).toMatchObject({ kind: 'signed-in', resumed: undefined })
  })

  test('when the tab was duplicated at the sign-in page, only one of them gets it', async () => {
    const { world, url } = await left()
    const copy = world.tab.duplicate()
    const callback = await world.server.authorize(url)
    world.tab.load(callback)
    copy.load(callback)
    const results = await Promise.all([world.app().start(), world.app(copy).start()])
    expect(results.filter(({ resumed }) => resumed)).toHaveLength(1)
    copy.load('/')
    expect((await world.app(copy).start()).resumed).toBeUndefined()
  })

  test('when the app no longer lists its method', async () => {
    const { world, url } = await left()
    const { result } = await world.comeBackFrom(url, { use: {} })
    expect(result).toMatchObject({ kind: 'signed-in', resumed: undefined })
  })

  test('when the sign-in could not begin', async () => {
    const world = resumeWorld(posts)
    await world.app().start()
    world.browser.failStorage('set')
    expect(await failure(world.app().fetch(echo, order()))).toMatchObject({
      code: 'storage_unavailable',
    })
    expect(world.keptIn()).toBeUndefined()
  })

  test('when the user comes back by the Back button: the call rejects, and is not resumed as well', async () => {
    const world = resumeWorld(posts)
    const call = failure(world.app().fetch(echo, order()))
    await world.until(() => world.tab.navigations.length)
    await world.clock.settle()
    expect(world.keptIn()).toBeDefined()
    world.tab.restoreFromBackForwardCache()
    expect(await call).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.keptIn()).toBeUndefined()
    const { result } = await world.comeBackFrom(new URL(world.tab.navigations[0]!))
    expect(result).toMatchObject({ kind: 'signed-in', resumed: undefined })
  })
})

describe('somebody else comes back (A-88)', () => {
  test.each([
    ['ada', true],
    ['grace', false],
  ])('a request of a session that ended: %s signs in', async (username, isGiven) => {
    const world = resumeWorld(posts)
    const { auth } = await world.comeBackFrom(await world.call(world.app(), usersMe))
    world.server.revokeSessions('ada')
    const url = await world.call(auth, echo, order())
    expect(world.keptIn()).toBeDefined()
    const { result } = await world.comeBackFrom(url, { username })
    expect(result).toMatchObject({ session: { claims: { sub: `user-${username}` } } })
    expect(result.resumed !== undefined).toBe(isGiven)
    expect(world.keptIn()).toBeUndefined()
  })

  test('what nobody was signed in for belongs to whoever signs in', async () => {
    const world = resumeWorld(posts)
    const url = await world.call(world.app(), echo, order())
    const { result } = await world.comeBackFrom(url, { username: 'grace' })
    expect(result.resumed).toBeDefined()
  })
})

test('an app without the capability is given no resumed request', async () => {
  const world = await signedInTab()
  world.tab.load('/')
  expect(await world.client().start()).toHaveProperty('resumed', undefined)
})
