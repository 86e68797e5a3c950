import { expect, test } from 'vitest'
import { expiredTab, failure, refreshes } from '../support/refreshes.ts'
import { createWorld, signedInTab } from '../support/world.ts'

test('the person signed in, as the server knows her', async () => {
  const world = await signedInTab({ params: { scope: 'openid profile email' } })
  expect(await world.auth.getUserInfo()).toEqual({
    sub: 'user-ada',
    name: 'Ada Lovelace',
    preferred_username: 'ada',
    email: 'ada@example.com',
    email_verified: true,
  })
})

test('the token travels in the header only (C-79)', async () => {
  const world = await signedInTab()
  await world.auth.getUserInfo()
  const [request] = world.server.requestsTo('/userinfo')
  expect(request!.headers.authorization).toBe(`Bearer ${await world.auth.getAccessToken()}`)
  expect(request!.query).toEqual({})
  expect(request!.body).toBe('')
})

test.each([
  ['somebody else', { set: { sub: 'user-grace' } }],
  ['nobody', { remove: ['sub'] }],
  ['a number', { set: { sub: 7 } }],
])('claims about %s are not used (C-65)', async (_, fault) => {
  const world = await signedInTab()
  world.server.fault('user-info-claims', fault)
  expect(await failure(world.auth.getUserInfo())).toMatchObject({
    code: 'server_error',
    sessionEnded: false,
  })
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
})

test('an expired token is renewed first', async () => {
  const world = await expiredTab()
  expect(await world.auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
  expect(refreshes(world)).toHaveLength(1)
  expect(world.server.requestsTo('/userinfo')).toHaveLength(1)
})

test('401: one refresh, and asked once more', async () => {
  const world = await signedInTab()
  await world.clock.advance(60_000)
  world.server.expireAccessTokens()
  expect(await world.auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
  expect(refreshes(world)).toHaveLength(1)
  expect(world.server.requestsTo('/userinfo')).toHaveLength(2)
})

test('401 for ever: one refresh, two requests, and an error', async () => {
  const world = await signedInTab()
  await world.clock.advance(60_000)
  world.server.fault('respond', { path: '/userinfo', status: 401 })
  expect(await failure(world.auth.getUserInfo())).toMatchObject({ code: 'server_error' })
  expect(refreshes(world)).toHaveLength(1)
  expect(world.server.requestsTo('/userinfo')).toHaveLength(2)
  expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
})

test.each([
  ['403', { status: 403 }, { code: 'server_error', retryable: false }],
  ['500', { status: 500 }, { code: 'server_error', retryable: true }],
  ['429', { status: 429 }, { code: 'rate_limited', retryable: true }],
  ['a page', { status: 200, body: '<html>' }, { code: 'server_error' }],
])('%s is an error, without a refresh', async (_, answer, error) => {
  const world = await signedInTab()
  await world.clock.advance(60_000)
  world.server.fault('respond', { path: '/userinfo', ...answer })
  expect(await failure(world.auth.getUserInfo())).toMatchObject(error)
  expect(refreshes(world)).toEqual([])
})

test('a server without the endpoint is an error before anything is sent', async () => {
  const world = createWorld()
  world.server.fault('metadata', { patch: { userinfo_endpoint: undefined } })
  const auth = world.client()
  await world.server.signInTo(auth)
  const error = await failure(auth.getUserInfo())
  expect(error).toMatchObject({ code: 'server_error' })
  expect(error.message).toContain('has no userinfo endpoint')
  expect(world.server.requestsTo('/userinfo')).toEqual([])
})

test('nobody signed in', async () => {
  const world = createWorld()
  expect(await failure(world.client().getUserInfo())).toMatchObject({ code: 'sign_in_required' })
  expect(world.server.requests).toEqual([])
})

test('an abort ends the wait', async () => {
  const world = await signedInTab()
  const held = world.server.hold('/userinfo')
  const controller = new AbortController()
  const call = world.auth.getUserInfo({ signal: controller.signal })
  await world.until(() => held.count)
  controller.abort(new Error('gone'))
  await expect(call).rejects.toThrow('gone')
  held.release()
})
