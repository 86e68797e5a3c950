import { describe, expect, test } from 'vitest'
import { clientSecret } from '../../../src/server/index.ts'
import { origin } from '../../support/web-app.ts'
import type { Visitor } from '../../../src/testing/index.ts'
import { attackedApp, cookiesOf, evil, sessionOf, sibling, someoneAt, whoIs } from './support.ts'
import type { App } from './support.ts'

/** The visitor signs in at the server; the answer is not brought to the app yet. */
async function answerFor(app: App, visitor: Visitor, path = '/auth/login'): Promise<string> {
  const { url } = await visitor.goto(path)
  return app.server.authorize(url, { username: 'ada', jar: visitor.jar })
}

const exchanges = ({ server }: App) => server.requestsTo('/token').length

describe('an answer that comes again', () => {
  test('by reload or Back leads on, and nothing is sent (A-12)', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada, '/auth/login?returnTo=/orders')
    expect((await ada.openTab(app.server.issuer).follow(answer)).url).toBe(`${origin}/orders`)
    const before = sessionOf(ada)
    for (let n = 0; n < 3; n += 1) expect((await ada.goto(answer)).status).toBe(200)
    expect(sessionOf(ada)).toBe(before)
    expect([await whoIs(ada), exchanges(app)]).toEqual(['user-ada', 1])
  })

  test('twice at once gets the same session twice, by one token request (A-12)', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada)
    const tabs = Array.from({ length: 5 }, () => ada.openTab(app.server.issuer))
    const loading = Promise.all(tabs.map((tab) => tab.follow(answer)))
    await app.clock.advance(2000)
    const pages = await loading
    expect(pages.map(({ url }) => url)).toEqual(Array(5).fill(`${origin}/`))
    expect([await whoIs(ada), exchanges(app)]).toEqual(['user-ada', 1])
  })

  test('to another machine is the same (A-12)', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada)
    const cookie = ada.jar.header(new URL(answer))!
    const machines = [app.auth, app.startMachine(), app.startMachine()]
    const asking = Promise.all(
      machines.map((machine) => machine.handle(new Request(answer, { headers: { cookie } }))),
    )
    await app.clock.advance(2000)
    const answers = await asking
    const given = answers.map((one) =>
      one!.headers.getSetCookie().find((text) => text.startsWith('__Host-Http-pkce=')),
    )
    expect(given[0]).toBeDefined()
    expect(new Set(given).size).toBe(1)
    expect(exchanges(app)).toBe(1)
  })

  test('a day later is refused, and nobody is signed in by it (A-12)', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada)
    const cookie = ada.jar.header(new URL(answer))!
    await app.auth.handle(new Request(answer, { headers: { cookie } }))
    await app.clock.advance(61_000)
    const again = await app.auth.handle(new Request(answer, { headers: { cookie } }))
    expect(again!.status).toBe(400)
    expect(await again!.text()).toContain('transaction_consumed')
    await app.clock.advance(24 * 3_600_000)
    const later = await app.auth.handle(new Request(answer, { headers: { cookie } }))
    expect(await later!.text()).toContain('transaction_not_found')
    expect(exchanges(app)).toBe(1)
  })

  test('after it has failed does not spend the code again (A-13)', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada)
    app.server.fault('id-token-bad-signature', { times: 1 })
    const first = await ada.openTab(app.server.issuer).follow(answer)
    expect(first.status).toBe(502)
    const second = await ada.openTab(app.server.issuer).follow(answer)
    expect(second.status).toBe(400)
    expect([await whoIs(ada), exchanges(app)]).toEqual([undefined, 1])
    await ada.goto('/auth/login')
    expect(await whoIs(ada)).toBe('user-ada')
  })
})

describe('an answer that was begun elsewhere', () => {
  test('in another browser is refused there, and still good in its own (A-04)', async () => {
    const app = attackedApp()
    const [ada, thief] = [app.visit(), app.visit()]
    const answer = await answerFor(app, ada)
    expect((await thief.goto(answer)).status).toBe(400)
    expect((await thief.openTab(evil).follow(answer)).status).toBe(400)
    expect([await whoIs(thief), exchanges(app)]).toEqual([undefined, 0])
    await ada.openTab(app.server.issuer).follow(answer)
    expect(await whoIs(ada)).toBe('user-ada')
  })

  test('with a sealed cookie of another sign-in in its place is refused (A-04)', async () => {
    const app = attackedApp()
    const [ada, mallory] = [app.visit(), app.visit()]
    const answer = await answerFor(app, ada)
    await answerFor(app, mallory)
    const [mine] = cookiesOf(ada)
    const [other] = cookiesOf(mallory)
    const cookie = `${mine!.name}=${other!.value}`
    const page = await app.auth.handle(new Request(answer, { headers: { cookie } }))
    expect(page!.status).toBe(400)
    expect(exchanges(app)).toBe(0)
  })

  test('with a cookie that is changed or made up is refused (A-04)', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada)
    const { name, value } = cookiesOf(ada)[0]!
    const flipped = value.slice(0, 40) + (value[40] === 'A' ? 'B' : 'A') + value.slice(41)
    for (const wrong of [flipped, '', 'x', '{}', value.slice(1), value + value, 'A'.repeat(5000)]) {
      const headers = { cookie: `${name}=${wrong}` }
      const page = await app.auth.handle(new Request(answer, { headers }))
      expect(page!.status).toBe(400)
    }
    expect(exchanges(app)).toBe(0)
  })

  test('and a sibling cannot plant the cookie of a sign-in (A-04)', async () => {
    const app = attackedApp()
    const [victim, mallory] = [app.visit(), app.visit()]
    const answer = await answerFor(app, mallory)
    const { name, value } = cookiesOf(mallory)[0]!
    const attributes = 'Secure; HttpOnly; Path=/; Domain=example.com'
    victim.jar.store(new URL(sibling), `${name}=${value}; ${attributes}`)
    expect((await victim.openTab(evil).follow(answer)).status).toBe(400)
    expect(await whoIs(victim)).toBeUndefined()
  })
})

test('two tabs sign in at once: both arrive, each where it wanted to go', async () => {
  const app = attackedApp()
  const one = app.visit()
  const other = one.openTab()
  await one.goto('/auth/login?returnTo=/one')
  await other.goto('/auth/login?returnTo=/other')
  expect((await one.signIn('ada')).url).toBe(`${origin}/one`)
  expect((await other.signIn('ada')).url).toBe(`${origin}/other`)
  expect(await whoIs(one)).toBe('user-ada')
  expect(cookiesOf(one)).toHaveLength(1)
})

describe('what is no answer', () => {
  test.each([
    ['', 'callback_invalid'],
    ['?code=x', 'callback_invalid'],
    ['?state=', 'callback_invalid'],
    ['?state=x', 'callback_invalid'],
    ['?code=x&state=', 'transaction_not_found'],
    ['?code=x&state=undefined', 'transaction_not_found'],
    ['?code=x&state=null', 'transaction_not_found'],
    ['?code=x&state=__proto__', 'transaction_not_found'],
    ['?code=x&code=y&state=z', 'callback_invalid'],
    ['?code=x&state=y&state=z', 'callback_invalid'],
    ['?access_token=x&state=y', 'callback_invalid'],
    ['?code=x&id_token=x&state=y', 'callback_invalid'],
  ])('%s is told %s, and nothing is sent (A-14, A-16)', async (query, code) => {
    const app = attackedApp()
    const page = await app.visit().goto(`/auth/callback${query}`)
    expect([page.status, page.text.includes(code)]).toEqual([400, true])
    expect(exchanges(app)).toBe(0)
  })

  test('changed on the way is refused, and a session that was there stays', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    for (const fault of [
      'callback-iss-wrong',
      'callback-iss-missing',
      'callback-state-wrong',
      'callback-code-duplicate',
      'callback-access-token',
      'callback-error',
    ] as const) {
      const off = app.server.fault(fault)
      const page = await ada.goto('/auth/login')
      expect([fault, page.status >= 400]).toEqual([fault, true])
      off()
      expect(await whoIs(ada)).toBe('user-ada')
    }
    expect(exchanges(app)).toBe(1)
  })
})

describe('a visitor who leaves', () => {
  test('while the code is exchanged is signed in when they come back', async () => {
    const app = attackedApp()
    const ada = app.visit()
    const answer = await answerFor(app, ada)
    const held = app.server.hold('/token')
    const leaving = new AbortController()
    const load = ada.openTab(app.server.issuer).follow(answer, { signal: leaving.signal })
    while (held.count === 0) await app.clock.settle()
    leaving.abort()
    await expect(load).rejects.toThrow('abort')
    held.release()
    await app.clock.settle()
    expect((await ada.openTab(app.server.issuer).follow(answer)).status).toBe(200)
    expect([await whoIs(ada), exchanges(app)]).toEqual(['user-ada', 1])
  })

  test('while the token is refreshed costs nobody the session', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    await app.clock.advance(16 * 60_000)
    const held = app.server.hold('/token')
    const leaving = new AbortController()
    const load = ada.goto('/me', { signal: leaving.signal })
    while (held.count === 0) await app.clock.settle()
    leaving.abort()
    await expect(load).rejects.toThrow('abort')
    held.release()
    await app.clock.settle()
    expect((await ada.goto('/me')).status).toBe(200)
    expect(exchanges(app)).toBe(2)
  })
})

test('an expired client secret: nobody is signed in or out, and all goes on with the new one', async () => {
  const app = attackedApp()
  const ada = await someoneAt(app)
  app.server.changeSecret('my-web-app', 'the next secret')
  const grace = app.visit()
  await grace.goto('/auth/login')
  const page = await grace.signIn('grace')
  expect(page.status).toBe(502)
  expect(page.text).not.toContain('secret')
  await app.clock.advance(16 * 60_000)
  await expect(ada.goto('/me')).rejects.toMatchObject({ code: 'server_error', sessionEnded: false })
  expect(await whoIs(ada)).toBe('user-ada')
  await app.clock.advance(61_000)
  const mended = app.startMachine({ clientAuthentication: clientSecret('the next secret') })
  const session = await mended.session(
    new Request(origin, { headers: { cookie: ada.jar.header(new URL(origin))! } }),
  )
  if (session.status !== 'signed-in') throw new Error('Ada was signed out.')
  expect((await session.fetch('https://api.example.com/users/me')).status).toBe(200)
})
