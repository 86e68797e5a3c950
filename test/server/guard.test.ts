import { describe, expect, test } from 'vitest'
import { createGuard, csrfTokenOf } from '../../src/server/guard.ts'

const origin = 'https://app.example.com'
const guard = createGuard({ origin })
const token = 't'.repeat(43)

type Head = Record<string, string>
const ask = (headers: Head, method = 'GET') => new Request(`${origin}/data`, { method, headers })
const script = { 'sec-fetch-mode': 'cors' }
const page = { 'sec-fetch-mode': 'navigate' }

describe('a request is the app’s own', () => {
  test.each<[string, Head, boolean]>([
    ['a script of ours', { 'sec-fetch-site': 'same-origin', ...script }, true],
    ['a typed URL', { 'sec-fetch-site': 'none', ...page }, true],
    ['none, but no navigation', { 'sec-fetch-site': 'none', ...script }, false],
    ['another origin of our site', { 'sec-fetch-site': 'same-site', ...script }, false],
    ['another site', { 'sec-fetch-site': 'cross-site', ...page }, false],
    ['a value of the future', { 'sec-fetch-site': 'same-party' }, false],
    ['an old browser, our origin', { origin }, true],
    ['an old browser, another origin', { origin: 'https://evil.example' }, false],
    ['an old browser, no origin to tell', { origin: 'null' }, false],
    ['our origin as a prefix', { origin: `${origin}.evil.example` }, false],
    ['our origin on http', { origin: 'http://app.example.com' }, false],
    ['nothing that tells', {}, false],
  ])('%s: %j -> %s (C-115)', (_, headers, own) => {
    expect(guard.isOwn(ask(headers))).toBe(own)
  })
})

test.each<[Head, boolean]>([
  [{ 'sec-fetch-site': 'cross-site' }, true],
  [{ 'sec-fetch-site': 'same-site' }, false],
  [{ 'sec-fetch-site': 'same-origin' }, false],
  [{ 'sec-fetch-site': 'none' }, false],
  [{ origin: 'https://evil.example' }, true],
  [{ origin: 'null' }, true],
  [{ origin }, false],
  [{}, false],
])('%j is cross-site: %s', (headers, crossSite) => {
  expect(guard.isCrossSite(ask(headers))).toBe(crossSite)
})

test.each<[Head, boolean]>([
  [{ 'sec-fetch-mode': 'navigate' }, true],
  [{ 'sec-fetch-mode': 'cors', accept: 'text/html' }, false],
  [{ 'sec-fetch-mode': 'no-cors', accept: 'image/*' }, false],
  [{ accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }, true],
  [{ accept: '*/*' }, false],
  [{}, false],
  [{ 'sec-fetch-mode': 'navigate', 'sec-purpose': 'prefetch;prerender' }, false],
  [{ accept: 'text/html', purpose: 'prefetch' }, false],
])('%j is a navigation: %s', (headers, navigation) => {
  expect(guard.isNavigation(ask(headers))).toBe(navigation)
})

describe('the check', () => {
  const ours = { 'sec-fetch-site': 'same-origin', ...script }
  const theirs = { 'sec-fetch-site': 'cross-site', ...page }
  const check = (headers: Head, method: string, given?: string) =>
    guard.check(ask(headers, method), { expected: [token, 'o'.repeat(43)], given })

  test.each(['GET', 'HEAD', 'OPTIONS'])('lets our pages read by %s without a token', (method) => {
    expect(check(ours, method)).toBeUndefined()
    expect(check({ origin }, method)).toBeUndefined()
  })

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'FORGET', 'GETTER'])(
    'lets our pages change something by %s with the token only (C-115)',
    (method) => {
      expect(check(ours, method, token)).toBeUndefined()
      expect(check(ours, method, 'o'.repeat(43))).toBeUndefined()
      for (const wrong of [undefined, '', 'x'.repeat(43), token.slice(1), `${token}x`])
        expect(check(ours, method, wrong)).toMatchObject({ code: 'csrf_rejected' })
    },
  )

  test.each(['GET', 'POST'])(
    'refuses %s from elsewhere, with a stolen token too (C-115)',
    (method) => {
      for (const headers of [theirs, { 'sec-fetch-site': 'same-site' }, { origin: 'null' }])
        expect(check(headers, method, token)).toMatchObject({ code: 'csrf_rejected' })
    },
  )

  test.each(['GET', 'POST'])(
    'asks programs, which say nothing, for the token with %s',
    (method) => {
      expect(check({}, method, token)).toBeUndefined()
      expect(check({}, method)).toMatchObject({ code: 'csrf_rejected' })
    },
  )

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json',
  ])('does not care that the body is %s (C-115)', (type) => {
    const headers = { ...ours, 'content-type': type }
    expect(check(headers, 'POST')).toMatchObject({ code: 'csrf_rejected' })
    expect(check({ ...theirs, 'content-type': type }, 'POST', token)).toBeDefined()
  })

  test('accepts nothing when there is no session', () => {
    const error = guard.check(ask(ours, 'POST'), { expected: [], given: '' })
    expect(error).toMatchObject({ code: 'csrf_rejected' })
  })

  test('says what to do', () => {
    expect(check(theirs, 'GET')?.message).toContain(`send it from a page of ${origin}`)
    expect(check(ours, 'POST')?.message).toContain('in the header x-csrf-token')
  })
})

describe('the CSRF token of a request', () => {
  const post = (body: BodyInit, type: string, headers: Head = {}) =>
    new Request(origin, { method: 'POST', body, headers: { 'content-type': type, ...headers } })
  const form = 'application/x-www-form-urlencoded'

  test('is that of the header, or that of a form', async () => {
    expect(await csrfTokenOf(ask({ 'x-csrf-token': token }, 'POST'))).toBe(token)
    expect(await csrfTokenOf(post(`a=1&csrf_token=${token}`, form))).toBe(token)
    expect(await csrfTokenOf(post(`csrf_token=${token}`, `${form}; charset=utf-8`))).toBe(token)
    expect(await csrfTokenOf(post('csrf_token=form', form, { 'x-csrf-token': token }))).toBe(token)
  })

  test.each([
    ['a form without it', 'a=1', form],
    ['an empty form', '', form],
    ['JSON', `{"csrf_token":"${token}"}`, 'application/json'],
    ['text that looks like a form', `csrf_token=${token}`, 'text/plain'],
    ['a type that begins like that of a form', `csrf_token=${token}`, `${form}-not`],
    ['a type that ends like that of a form', `csrf_token=${token}`, `text/plain; as=${form}`],
  ])('is none in %s', async (_, body, type) => {
    expect(await csrfTokenOf(post(body, type))).toBeUndefined()
  })

  test('is read from a copy: the body stays for the app', async () => {
    const request = post(`csrf_token=${token}&note=hello`, form)
    await csrfTokenOf(request)
    expect(await request.text()).toBe(`csrf_token=${token}&note=hello`)
  })

  test('is looked for in the first 64 kB of a form, however much follows', async () => {
    const endless = (head: string) => {
      let sent = 0
      const pull = (controller: ReadableStreamDefaultController) => {
        controller.enqueue(Buffer.from(sent++ === 0 ? head : '&a='.padEnd(4096, 'x')))
        if (sent === 40) controller.close()
      }
      return new Request(origin, {
        method: 'POST',
        body: new ReadableStream({ pull }),
        headers: { 'content-type': form },
        duplex: 'half',
      } as RequestInit)
    }
    const early = endless(`csrf_token=${token}`)
    expect(await csrfTokenOf(early)).toBe(token)
    expect((await early.text()).length).toBe(39 * 4096 + 11 + 43)
    expect(
      await csrfTokenOf(post(`${'a=1&'.repeat(17_000)}csrf_token=${token}`, form)),
    ).toBeUndefined()
  })

  test('is none once the body was read, or when the visitor leaves meanwhile', async () => {
    const read = post(`csrf_token=${token}`, form)
    await read.text()
    expect(await csrfTokenOf(read)).toBeUndefined()
    const pull = (controller: ReadableStreamDefaultController) =>
      controller.error(new Error('gone'))
    const broken = new Request(origin, {
      method: 'POST',
      body: new ReadableStream({ pull }),
      headers: { 'content-type': form },
      duplex: 'half',
    } as RequestInit)
    expect(await csrfTokenOf(broken)).toBeUndefined()
  })
})
