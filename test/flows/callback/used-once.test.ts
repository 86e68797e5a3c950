import { describe, expect, test } from 'vitest'
import { CallbackError } from '../../../src/index.ts'
import { expectRefusal } from '../../support/refusal.ts'
import { callbackUri, createWorld, listen, rejection } from '../../support/world.ts'

describe('a code is used once', () => {
  test('two calls at once, as in StrictMode, share one exchange (C-27, A-12)', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const [first, second] = await Promise.all([auth.handleCallback(), auth.handleCallback()])
    expect(first).toMatchObject({ kind: 'signed-in' })
    expect(second).toBe(first)
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('two calls at once with the URL as an argument share one exchange (C-27)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, '/')
    const all = await Promise.all([1, 2, 3].map(() => auth.handleCallback(callback)))
    for (const result of all) expect(result).toBe(all[0])
    expect(all[0]).toMatchObject({ kind: 'signed-in' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('two calls at once share one failure (C-27)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('respond', { path: '/token', status: 500 })
    const auth = world.load(world.tab, '/')
    const errors = await Promise.all([1, 2].map(() => rejection(auth.handleCallback(callback))))
    expect(errors[0]).toMatchObject({ code: 'server_error' })
    expect(errors[1]).toBe(errors[0])
    expect(await rejection(auth.handleCallback(callback))).toBe(errors[0])
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a call of start() beside handleCallback() waits for the same sign-in (C-27)', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const [handled, started] = await Promise.all([auth.handleCallback(), auth.start()])
    expect(handled).toMatchObject({ kind: 'signed-in' })
    expect(started.session).toMatchObject({ status: 'signed-in' })
  })

  test('an API call beside handleCallback() waits for the sign-in to finish', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const token = world.server.hold('/token')
    const handled = auth.handleCallback()
    await world.until(() => token.count === 1)
    const response = auth.fetch(`${world.server.api.url}users/me`)
    await world.clock.settle()
    token.release()
    expect((await response).status).toBe(200)
    expect(await handled).toMatchObject({ kind: 'signed-in' })
  })

  test('start() returns the same promise every time, also when it fails', async () => {
    const world = createWorld()
    world.server.fault('callback-error')
    const auth = world.load(world.tab, await world.depart())
    const started = auth.start()
    expect(auth.start()).toBe(started)
    await rejection(started)
    expect(auth.start()).toBe(started)
  })

  test('two clients on one page are both signed in (C-27, A-12)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const first = world.load(world.tab, callback)
    const second = world.client()
    const kinds = [await first.handleCallback(callback), await second.handleCallback(callback)].map(
      (result) => result?.kind,
    )
    expect(kinds).toEqual(['signed-in', 'already-signed-in'])
    expect(second.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('two tabs at the same moment are both signed in (C-27, A-12)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const other = world.client(world.browser.openTab(callback))
    const results = await Promise.all([world.load(world.tab, callback).start(), other.start()])
    expect(results.map(({ kind }) => kind).sort()).toEqual(['already-signed-in', 'signed-in'])
    for (const { session } of results)
      expect(session).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('going back to the callback page, or reloading it, is no failure (C-24, A-12)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here', appState: 7 } })
    await world.load(world.tab, callback).start()
    const events = listen(world.load(world.tab, callback))
    const auth = world.load(world.tab, callback)
    expect(await auth.start()).toMatchObject({
      kind: 'already-signed-in',
      returnTo: 'https://app.example.com/here',
      appState: 7,
      session: { status: 'signed-in' },
    })
    expect(world.tab.url).toBe(callbackUri)
    expect(world.server.requestsTo('/token')).toHaveLength(1)
    expect(events).toHaveLength(0)
  })

  test('a user who has signed out since then is told that the response was already used (C-24)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here', appState: 7 } })
    const signedIn = world.load(world.tab, callback)
    await signedIn.start()
    await signedIn.signOut({ redirect: false })
    const auth = world.load(world.tab, callback)
    const error = await rejection(auth.start())
    expect(error).toBeInstanceOf(CallbackError)
    expect(error).toMatchObject({
      code: 'transaction_consumed',
      returnTo: 'https://app.example.com/here',
      appState: 7,
    })
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a sign-in that failed cannot be completed with another response (A-13)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    await rejection(world.load(world.tab, `${callback}&code=another`).start())
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'transaction_consumed' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('the transaction is deleted before the code is sent: a page that is reloaded meanwhile cannot send it again (A-13, C-27)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here' } })
    world.server.fault('hang', { path: '/token' })
    void world.load(world.tab, callback).start()
    await world.until(() => world.server.requestsTo('/token').length === 1)
    expect([...world.transactions().values()]).toEqual([
      expect.objectContaining({ taken: true, verifier: '', nonce: '' }),
    ])
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({
      code: 'transaction_consumed',
      returnTo: 'https://app.example.com/here',
    })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a network failure does not make the code usable again (C-27)', async () => {
    const { world, tab, error } = await expectRefusal({
      code: 'network',
      given: ({ server }) => server.fault('network-error', { path: '/token' }),
      requests: ['/jwks', '/token', '/token'],
    })
    expect(error.retryable).toBe(false)
    expect(world.server.requestsTo('/token')).toHaveLength(4)
    expect(tab.url).toBe(callbackUri)
  })
})
