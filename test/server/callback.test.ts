import { expect, test } from 'vitest'
import type { SessionStore } from '../../src/server/index.ts'
import type { Visitor } from '../../src/testing/index.ts'
import { askSession, createWebApp, origin } from '../support/web-app.ts'

type App = ReturnType<typeof createWebApp>

/** The user has signed in at the server, and the answer has not been loaded yet. */
async function answered(app: App, visitor = app.visit(), path = '/auth/login?returnTo=/me') {
  await visitor.goto(path)
  const asked = new URL(visitor.page.url)
  const url = new URL(await app.server.authorize(asked))
  return { visitor, url }
}

/** A browser loads the answer. */
function load({ visitor, url }: { visitor: Visitor; url: URL }, more: Record<string, string> = {}) {
  const headers = {
    accept: 'text/html',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-site': 'cross-site',
    cookie: visitor.jar.header(url, 'cross-site-link') ?? '',
    ...more,
  }
  return new Request(url, { headers })
}

const codes = ({ server }: App) =>
  server.requestsTo('/token').filter(({ body }) => body.includes('authorization_code')).length

const sessionCookie = (response: Response | undefined) =>
  response?.headers.getSetCookie().find((line) => line.startsWith('__Host-Http-pkce='))

test('an answer that is loaded twice at once, at two machines, is used once, and both get the same session (A-12)', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const machines = [app.auth, app.startMachine(), app.startMachine()]
  const all = Promise.all(machines.map((machine) => machine.handle(load(answer))))
  for (let round = 0; round < 20; round += 1) await app.clock.advance(100)
  const cookies = (await all).map(sessionCookie)
  expect(cookies[0]).toBeDefined()
  expect(new Set(cookies).size).toBe(1)
  expect(codes(app)).toBe(1)
})

test('within a minute a browser that asks again gets the same session, and later none (A-12)', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const request = load(answer)
  const first = await app.auth.handle(request.clone())
  await app.clock.advance(59_000)
  const second = await app.startMachine().handle(request.clone())
  expect(sessionCookie(second)).toBe(sessionCookie(first))
  expect(await second!.text()).toContain(`url=${origin}/me`)
  await app.clock.advance(2000)
  const late = await app.auth.handle(request.clone())
  expect([late!.status, sessionCookie(late)]).toEqual([400, undefined])
  const page = await late!.text()
  expect(page).toContain('transaction_consumed')
  expect(page).toContain('This answer was used before; sign in again.')
  expect(codes(app)).toBe(1)
})

test('whoever waits for another machine has the result soon, and asks the store some times a second', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  let reads = 0
  const get = (key: string) => {
    reads += Number(key.startsWith('tx|'))
    return app.store.get(key)
  }
  app.server.fault('slow-headers', { path: '/token', milliseconds: 6000 })
  const first = app.auth.handle(load(answer))
  await app.clock.settle()
  const second = app.startMachine({ sessions: { ...app.store, get } }).handle(load(answer))
  await app.clock.advance(6000)
  const cookie = sessionCookie(await first)
  await app.clock.advance(250)
  expect(sessionCookie(await second)).toBe(cookie)
  expect(reads).toBeGreaterThan(20)
  expect(reads).toBeLessThan(35)
})

test.each([
  ['has lost', undefined],
  ['gives something else than', 'planted'],
])('where the store %s what came of an answer, nobody is signed in by it', async (_, kept) => {
  const app = createWebApp()
  const answer = await answered(app)
  const sessions: SessionStore = { ...app.store, add: async () => false, get: async () => kept }
  const response = await app.startMachine({ sessions }).handle(load(answer))
  expect([response!.status, sessionCookie(response)]).toEqual([400, undefined])
  expect(await response!.text()).toContain('transaction_consumed')
  expect(codes(app)).toBe(0)
})

test('the store fails where the session should begin: nobody is signed in, and the tokens are revoked', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const add: SessionStore['add'] = (key, ...rest) =>
    key.startsWith('session|')
      ? Promise.reject(new Error('disk full'))
      : app.store.add(key, ...rest)
  const response = await app.startMachine({ sessions: { ...app.store, add } }).handle(load(answer))
  expect([response!.status, sessionCookie(response)]).toEqual([503, undefined])
  await app.clock.settle()
  expect(app.server.requestsTo('/revoke')).toHaveLength(2)
  expect(app.log.map(([name]) => name)).not.toContain('signed-in')
  expect(app.log.at(-1)).toMatchObject([
    'sign-in-failed',
    { error: { code: 'storage_unavailable' } },
  ])
})

test('a function of the app fails on the way: the answer is used up, and a reload says so', async () => {
  const accept = () => Promise.reject(new Error('no such table'))
  const onError = ({ code }: { code: string }) => new Response(code)
  const app = createWebApp({ options: { accept, onError } })
  const answer = await answered(app)
  const listeners = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', () => {})
  const first = await app.auth.handle(load(answer))
  await new Promise((resolve) => setTimeout(resolve, 0))
  process.removeAllListeners('unhandledRejection')
  for (const listener of listeners) process.on('unhandledRejection', listener)
  expect(await first!.text()).toBe('server_error')
  const again = app.auth.handle(load(answer))
  for (let round = 0; round < 50; round += 1) await app.clock.advance(500)
  expect(await (await again)!.text()).toBe('transaction_consumed')
  expect(codes(app)).toBe(1)
})

test('an answer that is loaded again after the session has ended leads to no page of the app', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const signedIn = sessionCookie(await app.auth.handle(load(answer)))!.split(';')[0]!
  await app.clock.advance(61_000)
  const cookie = `${load(answer).headers.get('cookie')}; ${signedIn}`
  const reload = () => app.auth.handle(load(answer, { cookie, 'sec-fetch-site': 'same-origin' }))
  expect((await reload())!.status).toBe(200)
  await app.auth.endSessions({ sub: 'user-ada' })
  const over = await reload()
  expect(over!.status).toBe(400)
  expect(await over!.text()).toContain('transaction_consumed')
})

test('a sign-in reads no session where none can be', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const read: string[] = []
  const get = (key: string) => {
    read.push(key.split('|')[0]!)
    return app.store.get(key)
  }
  const machine = app.startMachine({ sessions: { ...app.store, get } })
  expect(sessionCookie(await machine.handle(load(answer)))).toBeDefined()
  expect(read).toEqual([])
})

test('a failed answer fails again in the same way, and nothing is sent again (A-13)', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const request = load(answer)
  app.server.fault('respond', { path: '/token', status: 500, times: 1 })
  const answers = [await app.auth.handle(request.clone()), await app.auth.handle(request.clone())]
  expect(answers.map((one) => one!.status)).toEqual([502, 502])
  const texts = await Promise.all(answers.map((one) => one!.text()))
  expect(texts.every((text) => text.includes('server_error'))).toBe(true)
  expect(codes(app)).toBe(1)
})

test('a machine dies while it uses an answer: whoever waits is told to sign in again', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const dying = app.startMachine({
    fetch: (input, init) =>
      new URL(input as string).pathname === '/token'
        ? new Promise(() => undefined)
        : app.server.fetch(input, init),
    // It is dead, so no time passes for it.
    clock: { ...app.clock, setTimeout: () => () => undefined },
  })
  void dying.handle(load(answer))
  await app.clock.settle()
  const waiting = app.auth.handle(load(answer))
  for (let round = 0; round < 50; round += 1) await app.clock.advance(500)
  const response = await waiting
  expect(response!.status).toBe(400)
  expect(await response!.text()).toContain('transaction_consumed')
})

test('after signing in, Back and a reload of the answer lead to the app (A-12)', async () => {
  const app = createWebApp()
  const visitor = app.visit()
  await visitor.goto('/auth/login?returnTo=/me')
  const { way } = await visitor.signIn()
  const callback = way.find((url) => url.includes('/auth/callback'))!
  const page = await visitor.goto(callback)
  expect([page.status, page.url]).toEqual([200, `${origin}/`])
  await app.clock.advance(120_000)
  expect((await visitor.goto(callback)).url).toBe(`${origin}/`)
  expect(codes(app)).toBe(1)
})

test('two tabs that sign in at once both end at their own pages, signed in', async () => {
  const app = createWebApp()
  const one = app.visit()
  const two = one.openTab()
  await one.goto('/auth/login?returnTo=/one')
  await two.goto('/auth/login?returnTo=/two')
  expect((await two.signIn()).url).toBe(`${origin}/two`)
  expect((await one.signIn()).url).toBe(`${origin}/one`)
  expect(await askSession(two)).toMatchObject({ status: 'signed-in' })
})

test('an answer to a sign-in of another browser is refused, and nothing is sent (A-04)', async () => {
  const app = createWebApp()
  const { url } = await answered(app)
  const victim = app.visit()
  const page = await victim.goto(url)
  expect([page.status, page.text.includes('transaction_not_found')]).toEqual([400, true])
  expect(await askSession(victim)).toEqual({ status: 'signed-out' })
  expect(codes(app)).toBe(0)
})

test('where the cookie of the sign-in is withheld, a page of ours loads the answer once more', async () => {
  const app = createWebApp()
  const answer = await answered(app)
  const without = await app.auth.handle(load(answer, { cookie: '' }))
  expect(without!.status).toBe(200)
  expect(sessionCookie(without)).toBeUndefined()
  const next = /content="0; url=([^"]+)"/.exec(await without!.text())![1]!
  expect(next.replaceAll('&#38;', '&')).toBe(answer.url.href)
  const again = load(answer, { 'sec-fetch-site': 'same-origin' })
  expect(sessionCookie(await app.auth.handle(again))).toBeDefined()
})

test('a transaction cookie that was changed, or moved to another sign-in, is none (A-04)', async () => {
  const app = createWebApp()
  const one = await answered(app)
  const two = await answered(app)
  const [name, value] = one.visitor.jar.header(one.url, 'cross-site-link')!.split('=') as [
    string,
    string,
  ]
  const other = two.visitor.jar.header(two.url, 'cross-site-link')!.split('=')[1]!
  const flipped = value.slice(0, -2) + (value.endsWith('AA') ? 'BB' : 'AA')
  for (const forged of [other, flipped, '', 'x'.repeat(4000)]) {
    const cookie = `${name}=${forged}`
    const response = await app.auth.handle(load(one, { cookie, 'sec-fetch-site': 'same-origin' }))
    expect(response!.status).toBe(400)
  }
  expect(codes(app)).toBe(0)
})

test('at most five sign-ins are under way in one browser, the newest ones', async () => {
  const app = createWebApp()
  const visitor = app.visit()
  const urls: URL[] = []
  for (let n = 0; n < 8; n += 1) urls.push((await answered(app, visitor.openTab())).url)
  const kept = visitor.jar.list().filter(({ name }) => name.includes('-tx-'))
  expect(kept).toHaveLength(5)
  for (const { name } of kept) expect(name).toMatch(/^__Host-Http-pkce-tx-[\w-]{8}$/)
  const [first, , , fourth] = urls
  expect(sessionCookie(await app.auth.handle(load({ visitor, url: fourth! })))).toBeDefined()
  const gone = await app.auth.handle(
    load({ visitor, url: first! }, { 'sec-fetch-site': 'same-origin' }),
  )
  expect(await gone!.text()).toContain('transaction_not_found')
})

test('a long way to come back to is given up rather than the sign-in', async () => {
  const app = createWebApp()
  const visitor = app.visit()
  await visitor.goto(`/auth/login?returnTo=/me?q=${'x'.repeat(5000)}`)
  expect((await visitor.signIn()).url).toBe(`${origin}/`)
})

test('a sign-in takes an hour at most, whatever the clocks of two machines say', async () => {
  const app = createWebApp()
  const cookieOf = async () => {
    const answer = await answered(app)
    return {
      ...answer,
      headers: { cookie: load(answer).headers.get('cookie')!, 'sec-fetch-site': 'same-origin' },
    }
  }
  const ahead = app.startMachine({
    clock: { ...app.clock, now: () => app.clock.now() + 3_500_000 },
  })
  const soon = await cookieOf()
  expect(sessionCookie(await ahead.handle(load(soon, soon.headers)))).toBeDefined()
  const late = await cookieOf()
  await app.clock.advance(4 * 3_600_000)
  const response = await app.auth.handle(load(late, late.headers))
  expect(await response!.text()).toContain('transaction_not_found')
})

test.each([
  ['state=1', 'it has neither a code nor an error'],
  ['code=1', 'it has no state'],
  ['code=1&code=2&state=3', 'a parameter appears twice'],
  ['code=1&state=2&access_token=3', 'it carries a token'],
  ['code=&state=2', 'the code is empty'],
])('the answer %s is refused: %s', async (query, why) => {
  const app = createWebApp()
  const page = await app.visit().goto(`/auth/callback?${query}`)
  expect(page.status).toBe(400)
  expect(page.text).toContain('callback_invalid')
  expect(page.text).toContain(why)
  expect(app.server.requests.filter(({ path }) => path === '/token')).toEqual([])
})

test.each([
  ['callback-iss-wrong', 'issuer_mismatch', 400],
  ['callback-state-wrong', 'transaction_not_found', 400],
  ['id-token-nonce-wrong', 'id_token_invalid', 502],
] as const)('%s: %s', async (fault, code, status) => {
  const app = createWebApp()
  const visitor = app.visit()
  app.server.fault(fault as 'callback-iss-wrong', { times: 1 })
  await visitor.goto('/auth/login')
  const page = await visitor.signIn()
  expect([page.status, page.text.includes(code)]).toEqual([status, true])
  expect(await askSession(visitor)).toEqual({ status: 'signed-out' })
})

test('what begins under one session does not end under another (A-10)', async () => {
  const app = createWebApp()
  const ada = app.visit()
  await ada.goto('/auth/login')
  await ada.signIn()
  const answer = await answered(app, ada, '/auth/login?prompt=login')
  const grace = app.visit()
  await grace.goto('/auth/login')
  await grace.signIn('grace')
  const cookie = [load(answer).headers.get('cookie'), grace.jar.header(new URL(origin))].join('; ')
  const response = await app.auth.handle(load(answer, { cookie }))
  expect(response!.status).toBe(400)
  expect(await response!.text()).toContain('begun under another session')
  expect(codes(app)).toBe(2)
})
