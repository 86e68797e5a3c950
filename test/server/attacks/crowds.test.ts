import { expect, test } from 'vitest'
import { memorySessions } from '../../../src/server/index.ts'
import type { SessionStore } from '../../../src/server/index.ts'
import { origin } from '../../support/web-app.ts'
import { attackedApp, cookiesOf, evil, raw, sessionCookie, someoneAt, whoIs } from './support.ts'

/** A store that counts what is done to it. */
function counted() {
  const inner = memorySessions()
  const counts = { reads: 0, writes: 0 }
  const store: SessionStore = {
    ...inner,
    get(key) {
      counts.reads += 1
      return inner.get(key)
    },
    add(key, value, options) {
      counts.writes += 1
      return inner.add(key, value, options)
    },
    swap(key, change) {
      counts.writes += 1
      return inner.swap(key, change)
    },
  }
  return { store, counts }
}

test('a flood of visits that start sign-ins fills neither the store, nor the memory, nor the browser', async () => {
  const { store, counts } = counted()
  const app = attackedApp({ options: { sessions: store } })
  const headers = { accept: 'text/html' }
  await app.auth.handle(raw('/auth/login', { headers }))
  const before = { ...counts }
  for (let n = 0; n < 1000; n += 1) {
    const response = await app.auth.handle(raw(`/auth/login?n=${n}`, { headers }))
    expect(response!.status).toBe(303)
  }
  expect(counts).toEqual(before)
  const bot = app.visit()
  for (let n = 0; n < 30; n += 1) {
    await bot.openTab(evil).follow(`${origin}/auth/login`)
    await bot.openTab(evil).embed('image', `${origin}/auth/login`)
  }
  expect(cookiesOf(bot).length).toBeLessThanOrEqual(5)
  expect(bot.jar.header(new URL(`${origin}/auth/callback`))!.length).toBeLessThan(8000)
  const ada = await someoneAt(app)
  expect(await whoIs(ada)).toBe('user-ada')
})

test('of eleven sign-ins begun in one browser, the last ones can be finished', async () => {
  const app = attackedApp()
  const ada = app.visit()
  const tabs = Array.from({ length: 11 }, () => ada.openTab())
  for (const [n, tab] of tabs.entries()) await tab.goto(`/auth/login?returnTo=/page-${n}`)
  const page = await tabs.at(-1)!.signIn('ada')
  expect(page.url).toBe(`${origin}/page-10`)
})

test('requests with cookies that were made up cost one read each, and write nothing', async () => {
  const { store, counts } = counted()
  const app = attackedApp({ options: { sessions: store } })
  for (let n = 0; n < 500; n += 1) {
    const value = String(n).padStart(43, 'x')
    const headers = { cookie: `${sessionCookie}=${value}` }
    expect(await app.auth.session(raw('/', { headers }))).toEqual({ status: 'signed-out' })
  }
  expect(counts.reads).toBeLessThanOrEqual(500)
  expect(counts.writes).toBe(0)
})

/** One sign-in, without a browser: 10,000 of them take a while. */
async function signInQuickly(app: ReturnType<typeof attackedApp>, user: string): Promise<string> {
  const begun = await app.auth.handle(raw('/auth/login', { headers: { accept: 'text/html' } }))
  const transaction = begun!.headers.getSetCookie()[0]!.split(';')[0]!
  const answer = await app.server.authorize(begun!.headers.get('location')!, { username: user })
  const arrived = await app.auth.handle(new Request(answer, { headers: { cookie: transaction } }))
  const cookies = arrived!.headers.getSetCookie()
  return cookies.find((text) => text.startsWith(`${sessionCookie}=`))!.split(';')[0]!
}

test('a hundred people at once get their own names, and nobody another one (C-117)', async () => {
  const users = Array.from({ length: 100 }, (_, n) => ({
    username: `user${n}`,
    password: 'x',
    sub: `sub-${n}`,
    name: `Name ${n}`,
  }))
  const app = attackedApp({ server: { users } })
  const cookies = await Promise.all(users.map(({ username }) => signInQuickly(app, username)))
  expect(new Set(cookies).size).toBe(100)
  await app.clock.advance(16 * 60_000)
  const work = cookies.map(async (cookie) => {
    const session = await app.auth.session(raw('/', { headers: { cookie } }))
    if (session.status !== 'signed-in') return [session.status]
    const me = await session.fetch('https://api.example.com/users/me')
    return [session.claims?.sub, ((await me.json()) as { sub: string }).sub]
  })
  const loading = Promise.all(work)
  await app.clock.advance(5000)
  expect(await loading).toEqual(users.map(({ sub }) => [sub, sub]))
})

/** Short by default: 10,000 take two minutes. */
const crowd = Number(process.env['CROWD'] ?? 600)

test(
  `${crowd} sessions: each is found, ended alone, and gone when its time is over`,
  { timeout: 300_000 },
  async () => {
    const app = attackedApp({ server: { idTokenAlg: 'ES256' } })
    const people: { cookie: string; sub: string }[] = []
    for (let n = 0; n < crowd; n += 1) {
      const user = n % 100 === 0 ? 'grace' : 'ada'
      people.push({ cookie: await signInQuickly(app, user), sub: `user-${user}` })
    }
    const present = async () => {
      const found = people.map(async ({ cookie }) => {
        const session = await app.auth.session(raw('/', { headers: { cookie } }))
        return session.status === 'signed-in' ? session.claims?.sub : undefined
      })
      return Promise.all(found)
    }
    expect(await present()).toEqual(people.map(({ sub }) => sub))
    expect(await app.startMachine().endSessions({ sub: 'user-grace' })).toBe(crowd / 100)
    const left = people.map(({ sub }) => (sub === 'user-ada' ? sub : undefined))
    expect(await present()).toEqual(left)
    await app.clock.advance(3601 * 1000)
    expect(new Set(await present())).toEqual(new Set([undefined]))
    expect(await app.auth.endSessions({ sub: 'user-ada' })).toBe(0)
  },
)
