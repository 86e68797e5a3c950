import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { IRateLimiterOptions } from 'rate-limiter-flexible'
import { expect, test } from 'vitest'
import { createApp } from '../../examples/server/app.js'
import { createAuth, logTo } from '../../examples/server/auth.js'
import { calculate } from '../../examples/server/calculator.js'
import { createLimits } from '../../examples/server/limits.js'
import { readSettings } from '../../examples/server/settings.js'
import { createAuthServer, createVisitor } from '../../src/testing/index.ts'

const baseUrl = 'https://app.example.com'

function openExample({ development = true, perHour = 1000, perDay = 1000 } = {}) {
  const server = createAuthServer({
    clients: [
      {
        clientId: 'server-example',
        kind: 'internal',
        redirectUris: [`${baseUrl}/auth/callback`],
        postLogoutRedirectUris: [`${baseUrl}/`],
      },
    ],
  })
  const secret = 'a secret of the tests that is long enough'
  const { issuer } = server
  const api = server.api.url
  const auth = createAuth({ issuer, api, baseUrl, secret, fetch: server.fetch })
  const lines: string[] = []
  logTo(auth, (line) => lines.push(line))
  const limits = createLimits({ perHour, perDay })
  const built = 'examples/server/page'
  const app = createApp({
    auth,
    baseUrl,
    issuer,
    api,
    built,
    limits,
    development,
    behindProxy: true,
  })
  const handle = async (request: Request, headers: Record<string, string> = {}) => {
    const all = new Headers(request.headers)
    for (const [name, value] of Object.entries({ host: 'app.example.com', ...headers }))
      all.set(name, value)
    all.set('x-forwarded-for', '192.0.2.1')
    return app.fetch(new Request(request, { headers: all }))
  }
  const get = (path: string, headers = {}) => handle(new Request(baseUrl + path), headers)
  return {
    visitor: createVisitor((request) => handle(request), { origin: baseUrl, server }),
    get,
    lines,
  }
}

async function signedIn(options = {}) {
  const example = openExample(options)
  await example.visitor.goto(`${baseUrl}/auth/login`)
  await example.visitor.signIn('ada')
  return example
}

test('the calculator adds, and refuses what comes without the token of the session', async () => {
  const { visitor } = await signedIn()
  await visitor.goto(`${baseUrl}/calculator`)
  const { text } = visitor.page
  const csrf = /name="csrf_token"\s+value="([^"]+)"/.exec(text)![1]!
  const send = (headers: Record<string, string>) =>
    visitor.fetch(`${baseUrl}/api/calculate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ a: 6, operation: '×', b: 7 }),
    })
  expect(await (await send({ 'x-csrf-token': csrf })).json()).toEqual({ result: 42 })
  expect((await send({})).status).toBe(403)
  expect((await send({ 'x-csrf-token': 'guessed' })).status).toBe(403)
})

test.each([
  [{ a: '1', operation: '÷', b: '0' }, 'That has no result.'],
  [{ a: '', operation: '+', b: '1' }, 'Both must be numbers.'],
  [{ a: '1', operation: 'constructor', b: '1' }, 'Choose what to do with them.'],
  [undefined, 'Both must be numbers.'],
])('the calculator says what is wrong with %j', (given, problem) => {
  expect(calculate(given)).toEqual({ problem })
})

test('pages have a policy, and what depends on the cookie is not kept', async () => {
  const { headers } = await openExample().get('/')
  expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/)
  expect(headers.get('strict-transport-security')).toMatch(/max-age/)
  expect(headers.get('cache-control')).toBe('no-store')
})

test('another host is not served', async () => {
  expect((await openExample().get('/', { host: 'evil.example' })).status).toBe(421)
})

test('/health answers any program, under any name', async () => {
  const response = await openExample().get('/health', { host: '10.0.0.5' })
  expect(await response.json()).toEqual({ status: 'ok' })
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
})

test('debug info is for development only, and shortens secrets', async () => {
  const { visitor } = await signedIn()
  await visitor.goto(`${baseUrl}/debug-info`)
  expect(visitor.page.text).toMatch(/<code>.{8}… \(\d+ characters\)<\/code>/)
  expect((await openExample({ development: false }).get('/debug-info')).status).toBe(404)
})

test('fifty requests an hour of one address, and ten sign-ins in a quarter of one', async () => {
  const { get } = openExample(readSettings([]))
  const statuses = async (path: string, count: number) => {
    const all: number[] = []
    for (let one = 0; one < count; one += 1)
      all.push((await get(path, { accept: 'text/html' })).status)
    return all
  }
  expect(await statuses('/health', 60)).not.toContain(429)
  expect((await statuses('/auth/login', 11)).lastIndexOf(303)).toBe(9)
  const pages = await statuses('/', 41)
  expect(pages.indexOf(429)).toBe(40)
  const refused = await get('/')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3000)
  expect(await refused.text()).toMatch(/Try again in \d+ minutes/)
})

test('a store of rate limits that fails does not close the app', async () => {
  const limiter = (options: IRateLimiterOptions) =>
    Object.assign(new RateLimiterMemory(options), {
      consume: () => Promise.reject(new Error('The store is gone.')),
    })
  const limits = createLimits({ perHour: 50, perDay: 200, limiter })
  expect(await limits('192.0.2.1', '/')).toBeUndefined()
  expect(await limits('192.0.2.1', '/auth/login')).toBeUndefined()
})

test('the log has a line of JSON for each event, and no secret', async () => {
  const { lines } = await signedIn()
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event)
  expect(events).toEqual(expect.arrayContaining(['sign-in-started', 'signed-in', 'request']))
  expect(lines.join()).not.toMatch(/eyJ|access_token|refresh_token=/)
})

test.each([
  [['--store', 'paper'], '--store must be one of memory, redis, postgres; it is paper.'],
  [['--machines', '0'], '--machines must be a whole number above zero; it is 0.'],
  [
    ['--machines', '3'],
    'Several machines need a store that they share: --store redis or postgres.',
  ],
])('%j is a mistake', (args, message) => {
  expect(() => readSettings(args)).toThrow(message)
})
