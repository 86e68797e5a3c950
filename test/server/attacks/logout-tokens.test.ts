import { describe, expect, test } from 'vitest'
import type { FaultName } from '../../../src/testing/index.ts'
import { breakable, origin } from '../../support/web-app.ts'
import { memorySessions } from '../../../src/server/index.ts'
import { attackedApp, raw, someoneAt, whoIs } from './support.ts'
import type { App } from './support.ts'

const end = ({ server }: App) => server.endSession({ sub: 'user-ada' })

const send = (app: App, body: BodyInit | undefined, headers: Record<string, string> = {}) =>
  app.auth.handle(
    raw('/auth/backchannel-logout', {
      method: 'POST',
      headers,
      ...(body !== undefined && { body }),
    }),
  )

test('a good logout token ends the session, and only that one (oidcc-client-test-rp-backchannel-rpinitlogout)', async () => {
  const app = attackedApp()
  const [phone, laptop] = [await someoneAt(app), await someoneAt(app)]
  const grace = await someoneAt(app, 'grace')
  const session = await app.auth.session(
    new Request(origin, { headers: { cookie: phone.jar.header(new URL(origin))! } }),
  )
  const sid = session.status === 'signed-in' ? session.claims!['sid'] : undefined
  expect(await app.server.endSession({ sid: sid as string })).toMatchObject([{ status: 200 }])
  expect(await Promise.all([phone, laptop, grace].map(whoIs))).toEqual([
    undefined,
    'user-ada',
    'user-grace',
  ])
})

test('without a sid it ends all sessions of the user', async () => {
  const app = attackedApp()
  const [phone, laptop] = [await someoneAt(app), await someoneAt(app)]
  app.server.fault('logout-token-claims', { remove: ['sid'], times: 1 })
  const session = await app.auth.session(
    new Request(origin, { headers: { cookie: phone.jar.header(new URL(origin))! } }),
  )
  const sid = session.status === 'signed-in' ? session.claims!['sid'] : undefined
  await app.server.endSession({ sid: sid as string })
  expect([await whoIs(phone), await whoIs(laptop)]).toEqual([undefined, undefined])
})

const seven: [string, FaultName][] = [
  ['oidcc-client-test-rp-backchannel-rpinitlogout-alg-none', 'logout-token-alg-none'],
  ['oidcc-client-test-rp-backchannel-rpinitlogout-no-event', 'logout-token-events-missing'],
  ['oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce', 'logout-token-nonce'],
  ['oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg', 'logout-token-alg-other'],
  ['oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud', 'logout-token-aud-wrong'],
  ['oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event', 'logout-token-events-wrong'],
  ['oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss', 'logout-token-iss-wrong'],
]
const patches: [string, { set?: Record<string, unknown>; remove?: string[] }][] = [
  ['without sub and sid', { remove: ['sub', 'sid'] }],
  ['without a jti', { remove: ['jti'] }],
  ['without an iat', { remove: ['iat'] }],
  ['of last year', { set: { iat: 1, exp: 2 } }],
  ['of next year', { set: { iat: 1_900_000_000, exp: 1_900_000_100 } }],
  [
    'with events that are a list',
    { set: { events: ['http://schemas.openid.net/event/backchannel-logout'] } },
  ],
  ['with a sub that is a number', { set: { sub: 7 }, remove: ['sid'] }],
  ['for nobody', { set: { aud: [] } }],
]

describe('a logout token that is bad ends nothing', () => {
  async function refused(app: App): Promise<void> {
    const ada = await someoneAt(app)
    const [told] = await end(app)
    expect(told!.status).toBe(400)
    expect(await whoIs(ada)).toBe('user-ada')
    const names = app.log.map(([name]) => name)
    expect(names).toContain('request-refused')
    expect(names).not.toContain('signed-out')
  }

  test.each(seven)('%s', async (_, fault) => {
    const app = attackedApp()
    app.server.fault(fault as 'logout-token-nonce')
    await refused(app)
  })

  test.each(patches)('%s', async (_, patch) => {
    const app = attackedApp()
    app.server.fault('logout-token-claims', patch)
    await refused(app)
  })

  test.each(['logout-token-bad-signature', 'logout-token-typ'] as const)('%s', async (fault) => {
    const app = attackedApp()
    app.server.fault(fault)
    await refused(app)
  })

  test('an ID token in its place, or a token twice', async () => {
    const app = attackedApp()
    const ada = await someoneAt(app)
    const answer = await ada.submit({ action: `${origin}/nowhere`, method: 'GET' })
    expect(answer.status).toBe(200)
    const idToken = await idTokenOf(app)
    expect((await send(app, new URLSearchParams({ logout_token: idToken })))!.status).toBe(400)
    expect(await whoIs(ada)).toBe('user-ada')
  })

  test.each([
    ['nothing', undefined],
    ['no token', new URLSearchParams({ token: 'x' })],
    ['no JWT', new URLSearchParams({ logout_token: 'x' })],
    ['half a JWT', new URLSearchParams({ logout_token: 'e30.e30' })],
    ['JSON', '{"logout_token":"x"}'],
    ['a megabyte', new URLSearchParams({ logout_token: 'x'.repeat(1_000_000) })],
  ])('%s', async (_, body) => {
    const app = attackedApp()
    const response = await send(app, body)
    expect(response!.status).toBe(400)
    expect(await response!.json()).toMatchObject({ error: 'invalid_request' })
  })
})

/** What the server issued to the app at the last sign-in. */
async function idTokenOf(app: App): Promise<string> {
  const other = app.visit()
  const seen: string[] = []
  const { fetch } = app.server
  const machine = app.startMachine({
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      const text = await response.clone().text()
      const found = /"id_token":"([^"]+)"/.exec(text)?.[1]
      if (found) seen.push(found)
      return response
    },
  })
  const { url } = await other.goto('/auth/login')
  const answer = await app.server.authorize(url, { jar: other.jar })
  await machine.handle(
    new Request(answer, { headers: { cookie: other.jar.header(new URL(answer))! } }),
  )
  return seen[0]!
}

test('a logout token works once: the session after it lives on', async () => {
  const app = attackedApp()
  const ada = await someoneAt(app)
  app.server.fault('logout-token-claims', { remove: ['sid'] })
  const [told] = await end(app)
  expect(told!.status).toBe(200)
  expect(await whoIs(ada)).toBeUndefined()
  await ada.goto('/auth/login')
  await ada.signIn('ada')
  const body = new URLSearchParams({ logout_token: told!.token })
  const played = await send(app, body)
  expect([played!.status, await played!.json()]).toEqual([
    400,
    { error: 'invalid_request', error_description: 'The logout token was used before.' },
  ])
  expect(app.log.at(-1)).toMatchObject([
    'request-refused',
    { error: { code: 'logout_token_invalid' }, path: '/auth/backchannel-logout' },
  ])
  expect(await whoIs(ada)).toBe('user-ada')
  const [another] = await end(app)
  expect(another!.status).toBe(200)
  expect(await whoIs(ada)).toBeUndefined()
})

test('while the store fails the server is told to come again, and then it works', async () => {
  const { store, state } = breakable(memorySessions())
  const app = attackedApp({ options: { sessions: store } })
  const ada = await someoneAt(app)
  state.fails = true
  const [told] = await end(app)
  expect(told!.status).toBe(503)
  state.fails = false
  expect(await whoIs(ada)).toBe('user-ada')
  const body = new URLSearchParams({ logout_token: told!.token })
  const answer = await send(app, body)
  expect([answer!.status, answer!.headers.get('cache-control')]).toEqual([200, 'no-store'])
  expect(await whoIs(ada)).toBeUndefined()
})

test('when it could not be carried out, the same token may be sent again', async () => {
  const inner = memorySessions()
  let isIndexDown = true
  const find = (index: string): Promise<string[]> =>
    isIndexDown ? Promise.reject(new Error('ECONNRESET')) : inner.find(index)
  const app = attackedApp({ options: { sessions: { ...inner, find } } })
  const ada = await someoneAt(app)
  const [told] = await end(app)
  expect(told!.status).toBe(503)
  isIndexDown = false
  const body = new URLSearchParams({ logout_token: told!.token })
  expect((await send(app, body))!.status).toBe(200)
  expect(await whoIs(ada)).toBeUndefined()
})
