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
