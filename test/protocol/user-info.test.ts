import { describe, expect, test } from 'vitest'
import { createWorld, rejection, signedInTab } from '../support/world.ts'

describe('getUserInfo()', () => {
  test('gives what the server says about the person', async () => {
    const { auth } = await signedInTab()
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada', name: 'Ada Lovelace' })
  })

  test.each([
    ['about somebody else', { set: { sub: 'user-mallory' } }],
    ['about nobody', { remove: ['sub'] }],
    ['about nobody in particular', { set: { sub: '' } }],
    ['about a number', { set: { sub: 7 } }],
  ])('refuses an answer %s, and keeps the session (C-65)', async (_, patch) => {
    const { auth, server } = await signedInTab()
    server.fault('user-info-claims', patch)
    const session = auth.getSession()
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error' })
    expect(auth.getSession()).toBe(session)
  })

  test.each([
    ['an error', { status: 500 }, true],
    ['no access', { status: 403 }, false],
    ['a page', { body: '<h1>Hotel</h1>' }, false],
    ['a list', { body: '[]', headers: { 'content-type': 'application/json' } }, false],
  ])('is a typed failure with %s', async (_, answer, retryable) => {
    const { auth, server } = await signedInTab()
    server.fault('respond', { path: '/userinfo', ...answer })
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error', retryable })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('is a typed failure with a server that has no such endpoint', async () => {
    const world = createWorld()
    world.server.fault('metadata', { patch: { userinfo_endpoint: undefined } })
    const auth = await world.signIn()
    const again = world.load(world.tab, '/')
    for (const client of [auth, again]) {
      expect(await rejection(client.getUserInfo())).toMatchObject({ code: 'server_error' })
    }
    expect(world.server.requestsTo('/userinfo')).toHaveLength(0)
  })

  test('renews a token that the server does not accept any more, once', async () => {
    const { auth, server, clock } = await signedInTab()
    await clock.advance(11_000)
    server.expireAccessTokens()
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    expect(server.requestsTo('/userinfo')).toHaveLength(2)
  })

  test('gives up on a server that accepts no token at all', async () => {
    const { auth, server, clock } = await signedInTab()
    await clock.advance(11_000)
    server.fault('respond', { path: '/userinfo', status: 401 })
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error' })
    expect(server.requestsTo('/userinfo')).toHaveLength(2)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('asks for a sign-in when nobody is signed in', async () => {
    const world = createWorld()
    expect(await rejection(world.client().getUserInfo())).toMatchObject({
      code: 'sign_in_required',
    })
    expect(world.server.requests).toHaveLength(0)
  })

  test('ends the wait when it is told to', async () => {
    const { auth, server, until } = await signedInTab()
    const stop = new AbortController()
    const reason = new Error('left the page')
    server.fault('hang', { path: '/userinfo' })
    const failed = rejection(auth.getUserInfo({ signal: stop.signal }))
    await until(() => server.requestsTo('/userinfo').length === 1)
    stop.abort(reason)
    expect(await failed).toBe(reason)
  })

  test('sends the token in the header, and nowhere else', async () => {
    const { auth, server } = await signedInTab()
    const token = await auth.getAccessToken()
    await auth.getUserInfo()
    const [request] = server.requestsTo('/userinfo')
    expect(request?.headers['authorization']).toBe(`Bearer ${token}`)
    expect(`${request!.url}${request!.body}`).not.toContain(token)
  })
})
