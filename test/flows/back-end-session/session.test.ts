import { expect, test } from 'vitest'
import { backEndSession } from '../../../src/index.ts'
import { rejection } from '../../support/world.ts'
import { createBackEndWorld, hear, signedInAtBackEnd } from '../../support/back-end.ts'

test('start() asks the back end who is signed in', async () => {
  const world = createBackEndWorld()
  world.signIn()
  const auth = world.client()
  expect(auth.getSession()).toEqual({ status: 'unknown' })

  const started = await auth.start()
  expect(started).toMatchObject({ kind: 'restored', session: auth.getSession() })
  expect(auth.getSession()).toEqual({
    status: 'signed-in',
    claims: { sub: 'ada', iss: 'https://login.example.com' },
    scope: 'openid profile',
    expiresAt: world.clock.now() + 900_000,
    stale: false,
  })
  expect(Object.isFrozen(auth.getSession())).toBe(true)
  expect(auth.start()).toBe(auth.start())
  expect(world.paths()).toEqual(['GET /auth/session'])
})

test('somebody who is not signed in is signed out, for no reason', async () => {
  const auth = createBackEndWorld().client()
  await auth.start()
  expect(auth.getSession()).toEqual({ status: 'signed-out' })
})

test('a session that has ended since the last visit says why', async () => {
  const world = createBackEndWorld()
  world.reason = 'ended-by-server'
  const auth = world.client()
  await auth.start()
  expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
})

test('the session is the same object as long as nothing but the seconds have changed', async () => {
  const { auth, clock, visitor } = await signedInAtBackEnd()
  const before = auth.getSession()
  const heard = hear(auth)
  await clock.advance(5000)
  visitor!.expiresIn = 894
  expect(await auth.refresh()).toBe(before)
  expect(heard).toEqual([])

  visitor!.expiresIn = 900
  await clock.advance(60_000)
  const after = await auth.refresh()
  expect(after).not.toBe(before)
  expect(after.claims).toBe((before as typeof after).claims)
  expect(heard.map(({ name }) => name)).toEqual(['session-changed'])
})

test('a page that wakes up asks passively, and at most every five seconds', async () => {
  const { auth, tab, clock, paths } = await signedInAtBackEnd()
  expect(auth.getSession().status).toBe('signed-in')
  tab.wake()
  await clock.advance(4999)
  tab.wake()
  await clock.settle()
  expect(paths()).toEqual([])
  await clock.advance(1)
  tab.wake()
  tab.wake()
  await clock.settle()
  expect(paths()).toEqual(['GET /auth/session?passive'])
})

test('a question that counts as use stays one when the page wakes up at the same time', async () => {
  const { auth, tab, clock, paths } = await signedInAtBackEnd()
  await clock.advance(10_000)
  const refresh = auth.refresh()
  tab.wake()
  await refresh
  await clock.settle()
  expect(paths()).toEqual(['GET /auth/session'])
})

test('a page out of the back/forward cache asks at once: the user may have signed out since', async () => {
  const world = await signedInAtBackEnd()
  world.auth.signIn().catch(() => {})
  await world.clock.settle()
  world.visitor = undefined
  world.tab.restoreFromBackForwardCache()
  await world.until(() => world.auth.getSession().status === 'signed-out')
  expect(world.paths()).toEqual(['GET /auth/session?passive'])
})

test('a session that was not used for too long has expired', async () => {
  const world = await signedInAtBackEnd()
  const heard = hear(world.auth)
  await world.clock.advance(3_700_000)
  world.visitor = undefined
  world.tab.wake()
  await world.until(() => world.auth.getSession().status === 'signed-out')
  expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  expect(heard.map(({ name }) => name)).toEqual(['session-changed', 'signed-out'])
})

test('a sign-out in one tab is one in all tabs', async () => {
  const world = await signedInAtBackEnd()
  const other = await world.openTab()
  await other.auth.signOut({ redirect: false })
  await world.until(() => world.auth.getSession().status === 'signed-out')
  expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
})

test('a tab that comes back from the sign-in tells the others', async () => {
  const world = createBackEndWorld()
  const other = await world.openTab()
  world
    .client()
    .signIn()
    .catch(() => {})
  await world.until(() => world.tab.navigations.length > 0)
  world.signIn()
  world.tab.load('/')
  await world.client().start()
  await world.until(() => other.auth.getSession().status === 'signed-in')
})

test('a tab that notices another user tells the others, and they do not tell each other again and again', async () => {
  const world = await signedInAtBackEnd()
  const other = await world.openTab()
  const heard = hear(other.auth)
  world.signIn('grace')
  await world.auth.refresh()
  await world.until(() => heard.length > 1)
  expect(heard.map(({ name }) => name)).toEqual(['session-changed', 'signed-in'])
  expect(other.auth.getSession()).toMatchObject({ claims: { sub: 'grace' } })
  const { length } = world.requests
  await world.clock.advance(60_000)
  expect(world.requests).toHaveLength(length)
  expect(world.browser.posted).toEqual(['signed-in'])
})

test('messages hold nothing secret', async () => {
  const world = await signedInAtBackEnd()
  world.signIn('grace')
  await world.auth.refresh()
  await world.auth.signOut({ redirect: false })
  expect(world.browser.posted).toEqual(['signed-in', 'signed-out'])
})

test('an answer from before the sign-out does not bring the session back', async () => {
  const world = await signedInAtBackEnd()
  let answer: (response: Response) => void
  world.instead = ({ url }) =>
    url.endsWith('?passive') ? new Promise<Response>((resolve) => (answer = resolve)) : undefined
  await world.clock.advance(10_000)
  world.tab.wake()
  await world.auth.signOut({ redirect: false })
  world.instead = undefined
  answer!(Response.json({ status: 'signed-in', scope: '' }))
  await world.clock.settle()
  expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
})

test('refresh() tells a session that has ended from none, and from tokens that cannot be refreshed now', async () => {
  const world = await signedInAtBackEnd()
  world.visitor!.stale = true
  expect(await rejection(world.auth.refresh())).toMatchObject({
    code: 'server_error',
    retryable: true,
  })
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
  world.visitor = undefined
  world.reason = 'ended-by-server'
  expect(await rejection(world.auth.refresh())).toMatchObject({
    code: 'session_ended',
    sessionEnded: true,
  })
  expect(await rejection(world.auth.refresh())).toMatchObject({ code: 'sign_in_required' })
  const aborted = AbortSignal.abort(new Error('never mind'))
  expect(await rejection(world.auth.refresh({ signal: aborted }))).toBe(aborted.reason)
})

test('after close() nothing is asked or heard any more', async () => {
  const world = await signedInAtBackEnd()
  const heard = hear(world.auth)
  world.auth.close()
  await world.clock.advance(60_000)
  world.tab.wake()
  await (await world.openTab()).auth.signOut({ redirect: false })
  await world.clock.settle()
  expect(heard).toEqual([])
  expect(world.paths()).toEqual(['GET /auth/session', 'POST /auth/logout'])
})

test('an answer after close() changes nothing', async () => {
  const world = await signedInAtBackEnd()
  const before = world.auth.getSession()
  world.visitor = undefined
  const refresh = world.auth.refresh()
  await Promise.resolve()
  world.auth.close()
  await refresh
  expect(world.auth.getSession()).toBe(before)
})

test('where there is no page, it says what to use there', async () => {
  expect(await rejection(backEndSession().start())).toMatchObject({
    code: 'invalid_option',
    message: 'There is no page here; on a server, ask ServerClient.session(request).',
  })
})

test.each([
  [{ basePath: 'auth' }, 'basePath'],
  [{ basePath: '/auth/' }, 'basePath'],
  [{ basePath: '//evil.example' }, 'basePath'],
  [{ basePath: 'https://evil.example/auth' }, 'basePath'],
  [{ resources: ['https://api.example.com/'] }, 'resources'],
  [{ resources: ['//api.example.com/'] }, 'resources'],
  [{ resources: '/api' as never }, 'resources'],
  [{ issuer: 'https://login.example.com' } as never, 'issuer'],
  [{ fetch: 'fetch' as never }, 'fetch'],
])('the wrong option %j is named', (options, name) => {
  const make = () => backEndSession(options)
  expect(make).toThrow(name)
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_option' }))
})
