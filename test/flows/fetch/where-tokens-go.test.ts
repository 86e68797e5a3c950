import { describe, expect, test } from 'vitest'
import { api, carriers, echo, readEcho, settledTab } from '../../support/api-calls.ts'
import { failure, refreshes, usersMe } from '../../support/refreshes.ts'
import { listen, rejection, signedInTab } from '../../support/world.ts'

describe('where a token goes', () => {
  const lookAlikes = [
    'https://attacker.example/',
    'https://api.example.com.attacker.example/',
    'https://evilapi.example.com/',
    'https://api.example.com@attacker.example/',
    'https://user:pass@attacker.example/api.example.com/',
    'https://api.example.com:444/',
    'http://api.example.com/',
    'https://api.example.com./',
    'https://xn--pi-ema.example.com/',
    'https://api.example.com%2eattacker.example/',
    'https:\\\\attacker.example\\api.example.com',
    '//attacker.example/',
    'https://example.com/',
    'https://sub.api.example.com/',
    'wss://api.example.com/',
    'blob:https://api.example.com/5f3e',
    'data:text/plain,https://api.example.com/',
    'javascript:alert(1)',
    '/users/me',
    '',
  ]
  test.each(lookAlikes)(
    '%s receives no token, and the call is refused (C-80, A-31, A-32)',
    async (url) => {
      const world = await signedInTab()
      const error = await rejection(world.auth.fetch(url))
      const unreadable = error instanceof TypeError
      if (!unreadable) expect(error).toMatchObject({ code: 'resource_not_allowed' })
      expect(world.server.requests.filter(({ to }) => to !== 'issuer')).toEqual([])
      expect(carriers(world)).toEqual([])
    },
  )

  test('the refusal says how to allow it, and nothing of the query', async () => {
    const { auth } = await signedInTab()
    const { message } = await failure(auth.fetch('https://other.example/path?secret=1#x'))
    expect(message).toContain('"https://other.example/"')
    expect(message).not.toContain('secret')
  })

  test('an absolute input is judged by its own origin (A-33)', async () => {
    const world = await signedInTab({ client: { resources: ['/api/'] } })
    await rejection(world.auth.fetch(usersMe))
    expect(carriers(world)).toEqual([])
  })

  test('without a list nothing is sent (C-80)', async () => {
    const world = await signedInTab({ client: { resources: [] } })
    expect(await failure(world.auth.fetch(usersMe))).toMatchObject({ code: 'resource_not_allowed' })
  })

  const paths: [string, boolean][] = [
    ['/api', true],
    ['/api/', true],
    ['/api/orders', true],
    ['/api?x=/apix', true],
    ['/api?next=https://other.example/', true],
    ['/api/x/../orders', true],
    ['/./api/orders', true],
    ['/apix', false],
    ['/api.evil', false],
    ['/API/', false],
    ['/api/../admin', false],
    ['/api/%2e%2e/admin', false],
    ['/api/%2E./admin', false],
    ['/api\\..\\admin', false],
    ['/api/..%2fadmin', false],
    ['/api/..%2Fadmin', false],
    ['/api/..%5cadmin', false],
    ['/api/%5C..%5cadmin', false],
    ['/api/..;/admin', false],
    ['/api/x/..;a=b/admin', false],
    ['/', false],
    ['', false],
    ['//api/', false],
    ['/%61pi/', false],
  ]
  test.each(paths)('below /api, %s: %s (A-32)', async (path, allowed) => {
    const world = await signedInTab({ client: { resources: [`${api}/api`] } })
    const call = world.auth.fetch(`${api}${path}`)
    if (allowed) await call
    else expect(await failure(call)).toMatchObject({ code: 'resource_not_allowed' })
    expect(carriers(world)).toHaveLength(allowed ? 1 : 0)
  })

  test('getAccessToken({ for }) is judged in the same way', async () => {
    const { auth } = await signedInTab({ client: { resources: [`${api}/api`] } })
    expect(await auth.getAccessToken({ for: `${api}/api/orders` })).toBe(
      await auth.getAccessToken(),
    )
    for (const url of [`${api}/apix`, new URL('https://attacker.example/'), '/api'])
      expect(await failure(auth.getAccessToken({ for: url }))).toMatchObject({
        code: 'resource_not_allowed',
      })
  })

  test.each([
    ['wss://api.example.com/socket', 'https://api.example.com/'],
    ['WSS://API.example.com:443/socket?room=1', 'https://api.example.com/'],
    ['wss://api.example.com/live/1', 'https://api.example.com/live/'],
    ['ws://localhost:8080/socket', 'http://localhost:8080/'],
    ['ws://127.0.0.1/socket', 'http://127.0.0.1/'],
    ['https://news.example.com/', 'https://news.example.com/'],
  ])('a token for %s is to be had when %s is listed (E6)', async (url, entry) => {
    const { auth } = await signedInTab({ client: { resources: [entry] } })
    const token = await auth.getAccessToken()
    expect(await auth.getAccessToken({ for: url })).toBe(token)
    expect(await auth.getAccessToken({ for: new URL(url) })).toBe(token)
  })

  test.each([
    ['wss://api.example.com/live2/', 'https://api.example.com/live/'],
    ['wss://api.example.com/live/..%2fadmin', 'https://api.example.com/live/'],
    ['wss://api.example.com:444/', 'https://api.example.com/'],
    ['wss://user:pass@api.example.com/', 'https://api.example.com/'],
    ['ws://api.example.com/', 'https://api.example.com/'],
    ['wss://login.example.com/token', 'https://login.example.com/'],
  ])('no token for %s when %s is listed (E6)', async (url, entry) => {
    const { auth } = await signedInTab({ client: { resources: [entry] } })
    expect(await failure(auth.getAccessToken({ for: url }))).toMatchObject({
      code: 'resource_not_allowed',
    })
  })

  test.each([
    ['https://other.example/a', 'https://other.example/'],
    ['https://other.example:8443/a?b', 'https://other.example:8443/'],
    ['http://localhost:3000/a', 'http://localhost:3000/'],
    ['wss://other.example/socket', 'https://other.example/'],
    ['ws://localhost:3000/socket', 'http://localhost:3000/'],
    ['/api', 'https://app.example.com/'],
  ])('what is advised for %s is accepted by resources (E6)', async (url, entry) => {
    const world = await signedInTab()
    const { message } = await failure(world.auth.getAccessToken({ for: url }))
    const advised = /add "(.*)" to resources/.exec(message)?.[1]
    expect(advised).toBe(entry)
    const auth = world.client(world.tab, { resources: [advised!] })
    expect(await auth.getAccessToken({ for: url })).toBeTruthy()
  })

  test.each([
    ['blob:https://api.example.com/5f3e', 'blob: URLs'],
    ['data:text/plain,secret', 'data: URLs'],
    ['file:///etc/passwd', 'file: URLs'],
    ['about:blank', 'about: URLs'],
    ['javascript:alert(1)', 'javascript: URLs'],
    ['http://other.example/a', 'http://other.example/a'],
    ['ws://other.example/a', 'http://other.example/a'],
    ['ftp://other.example/a', 'ftp://other.example/a'],
    ['https://user:secret@other.example/a', 'https://other.example/a'],
    ['https://user:secret@api.example.com/a', 'https://api.example.com/a'],
    ['https://user@api.example.com/a', 'https://api.example.com/a'],
    ['wss://user:secret@api.example.com/a', 'https://api.example.com/a'],
  ])('nothing is advised for %s, which can never be listed (E6)', async (url, shown) => {
    const world = await signedInTab()
    for (const call of [world.auth.getAccessToken({ for: url }), world.auth.fetch(new URL(url))]) {
      const { code, message } = await failure(call)
      expect(code).toBe('resource_not_allowed')
      if (!url.startsWith('ws')) expect(message).toContain(`${shown} cannot receive a token`)
      expect(message).toContain('only https URLs without a user name can')
      expect(message).not.toMatch(/to resources|secret/)
    }
    expect(carriers(world)).toEqual([])
  })

  test('fetch does not open a WebSocket: wss is refused there, and nothing advised (E6)', async () => {
    const { auth } = await signedInTab()
    const { message } = await failure(auth.fetch('wss://api.example.com/socket'))
    expect(message).toContain('wss://api.example.com/socket cannot receive a token')
  })

  test('an endpoint of the authorization server is called one, and nothing advised (E6)', async () => {
    const { auth } = await signedInTab({ client: { resources: ['https://login.example.com/'] } })
    const { message } = await failure(auth.fetch('https://login.example.com/token?secret=1'))
    expect(message).toBe(
      'https://login.example.com/token is an endpoint of the authorization server, which never receives an access token.',
    )
  })

  const issuer = 'https://login.example.com'
  test.each([
    '/token',
    '/token?x=1',
    '/authorize',
    '/userinfo',
    '/revoke',
    '/end_session',
    '/jwks',
  ])('OAuth endpoints receive no token from fetch, listed or not: %s', async (path) => {
    const world = await signedInTab({ client: { resources: [`${issuer}/`] } })
    expect(await failure(world.auth.fetch(issuer + path, { method: 'POST' }))).toMatchObject({
      code: 'resource_not_allowed',
    })
    expect(await failure(world.auth.getAccessToken({ for: issuer + path }))).toMatchObject({
      code: 'resource_not_allowed',
    })
    expect(carriers(world)).toEqual([])
  })

  test.each(['/token', '/userinfo', '/revoke', '/end_session'])(
    'OAuth endpoints receive no token after a reload before discovery either: %s',
    async (path) => {
      const world = await signedInTab({ client: { resources: [`${issuer}/`] } })
      const next = world.load(world.tab, 'https://app.example.com/')
      expect(await failure(next.fetch(issuer + path, { method: 'POST' }))).toMatchObject({
        code: 'resource_not_allowed',
      })
      expect(carriers(world)).toEqual([])
    },
  )
})

describe('redirects', () => {
  const to = (url: string, status = 302) =>
    `${api}/redirect?${new URLSearchParams({ to: url, status: String(status) }).toString()}`

  test('on the same origin the platform sends the token along', async () => {
    const world = await signedInTab()
    const answer = await world.auth.fetch(to('/echo'))
    expect(await readEcho(answer)).toMatchObject({ url: echo, scheme: 'Bearer' })
  })

  test.each([
    ['another origin (A-34)', 'https://attacker.example/'],
    ['http on the same host (A-35)', 'http://api.example.com/echo'],
    ['another port of the same host (A-35)', 'https://api.example.com:444/echo'],
  ])('%s receives no token', async (_, url) => {
    const world = await signedInTab()
    await rejection(world.auth.fetch(to(url)))
    expect(carriers(world)).toEqual([to(url)])
  })

  test('a 401 after a redirect off the list is returned, and nothing renewed (A-34)', async () => {
    const world = await settledTab({ client: { resources: [`${api}/redirect`] } })
    const answer = await world.auth.fetch(to('https://login.example.com/userinfo', 303))
    expect(answer.status).toBe(401)
    expect(answer.redirected).toBe(true)
    expect(refreshes(world)).toEqual([])
    expect(carriers(world)).toHaveLength(1)
  })

  test('a 401 after a redirect on the list is sent again from the start', async () => {
    const world = await settledTab()
    world.server.expireAccessTokens()
    expect((await world.auth.fetch(to('/users/me'))).status).toBe(200)
    expect(world.server.requestsTo('/redirect')).toHaveLength(2)
    expect(refreshes(world)).toHaveLength(1)
  })

  test("redirect: 'error' and 'manual' are passed on to fetch", async () => {
    const { auth } = await signedInTab()
    expect(await rejection(auth.fetch(to('/echo'), { redirect: 'error' }))).toBeInstanceOf(
      TypeError,
    )
    expect((await auth.fetch(to('/echo'), { redirect: 'manual' })).status).toBe(302)
  })
})

describe('what never shows a token (A-40)', () => {
  test('events, errors, and the client itself', async () => {
    const world = await signedInTab()
    const seen: unknown[] = [listen(world.auth)]
    const secrets = new Set<string>([await world.auth.getAccessToken()])
    await world.clock.advance(60_000)
    await world.auth.refresh()
    secrets.add(await world.auth.getAccessToken())
    seen.push(await rejection(world.auth.fetch('https://attacker.example/')))
    world.server.fault('truncated-json', { times: 1 })
    await world.clock.advance(900_000)
    seen.push(await rejection(world.auth.fetch(usersMe)))
    seen.push(await rejection(world.auth.fetch(usersMe)))
    for (const { form } of world.server.requestsTo('/token'))
      for (const name of ['refresh_token', 'code', 'code_verifier'])
        if (form?.[name]) secrets.add(form[name])
    const { inspect } = await import('node:util')
    const text =
      inspect(seen, { depth: 20, showHidden: true, maxStringLength: Infinity }) +
      inspect(world.auth, { depth: 20 }) +
      JSON.stringify(world.auth)
    expect(secrets.size).toBeGreaterThan(4)
    for (const secret of secrets) expect(text).not.toContain(secret)
  })
})
