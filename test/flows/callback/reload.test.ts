import { describe, expect, test } from 'vitest'
import { callbackUri, createWorld, rejection, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const params = { returnTo: '/basket', appState: { basket: 7 } }
const facts = { returnTo: 'https://app.example.com/basket', appState: { basket: 7 } }

/** The page of an answer, whose code is being exchanged. */
async function exchanging(world: World, historyState?: unknown) {
  const callback = await world.depart(world.tab, { params })
  const before = world.server.requestsTo('/token').length
  const token = world.server.hold('/token')
  const auth = world.load(world.tab, callback)
  if (historyState !== undefined) world.tab.ports.host.replaceUrl(callback, { state: historyState })
  void auth.start().catch(() => undefined)
  await world.until(() => world.server.requestsTo('/token').length > before)
  expect(world.tab.url).toBe(callbackUri)
  return { auth, token }
}

/** The page again: the address is clean, and `history.state` is as it was. */
function reload(world: World) {
  world.tab.load()
  return world.client()
}

const historyState = (world: World) => world.tab.ports.host.historyState()

describe('a reload while the code is exchanged (F18)', () => {
  test('says what happened, and where the user was going (F18)', async () => {
    const world = createWorld()
    const { token } = await exchanging(world)
    const auth = reload(world)
    token.release()
    const error = await rejection(auth.start())
    expect(error).toMatchObject({ name: 'CallbackError', code: 'transaction_consumed', ...facts })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
    expect(historyState(world)).toBeNull()
    expect(await reload(world).start()).toMatchObject({ kind: 'restored' })
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('with a live session it is already signed in (F18)', async () => {
    const world = await signedInTab()
    const { token } = await exchanging(world)
    const auth = reload(world)
    token.release()
    expect(await auth.start()).toMatchObject({ kind: 'already-signed-in', ...facts })
    expect(historyState(world)).toBeNull()
  })

  test('at the moment at which the session was stored: already signed in (F18)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params })
    const auth = world.load(world.tab, callback)
    let reloaded: ReturnType<typeof reload> | undefined
    auth.on('signed-in', () => {
      reloaded = reload(world)
    })
    void auth.start()
    await world.until(() => reloaded)
    expect(await reloaded!.start()).toMatchObject({ kind: 'already-signed-in', ...facts })
  })

  test('before the sign-in was taken, it says so as well (F18)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params })
    world.tab.load(callback)
    const { host } = world.tab.ports
    let isReloaded = false
    const replaceUrl: typeof host.replaceUrl = (url, options) => {
      host.replaceUrl(url, options)
      isReloaded = true
      world.tab.load()
    }
    void world.client(world.tab, { host: { ...host, replaceUrl } }).start()
    await world.until(() => isReloaded)
    const error = await rejection(world.client().start())
    expect(error).toMatchObject({ code: 'transaction_consumed', ...facts })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('only our mark is removed; what else is in history.state stays (F18)', async () => {
    const world = createWorld()
    const { token } = await exchanging(world, { idx: 3, key: 'abc' })
    expect(historyState(world)).toMatchObject({ idx: 3, key: 'abc' })
    const auth = reload(world)
    token.release()
    await rejection(auth.start())
    expect(historyState(world)).toEqual({ idx: 3, key: 'abc' })
  })

  test.each([7, 'text', [1, 2], new Date(0)])(
    'a history.state that is no plain object is left as it is: %s (F18)',
    async (state) => {
      const world = createWorld()
      const { token } = await exchanging(world, state)
      expect(historyState(world)).toEqual(state)
      token.release()
      await world.clock.settle()
      expect(historyState(world)).toEqual(state)
    },
  )

  test('a finished sign-in leaves nothing behind, a failed one neither (F18)', async () => {
    const world = createWorld()
    await world.signIn()
    expect(historyState(world)).toBeNull()
    world.server.fault('respond', { path: '/token', status: 500 })
    await rejection(world.load(world.tab, await world.depart()).start())
    expect(historyState(world)).toBeNull()
  })

  test('the mark of a sign-in that nobody knows is removed, and nothing is said (F18)', async () => {
    const world = createWorld()
    const { token } = await exchanging(world)
    world.browser.local.clear()
    const auth = reload(world)
    token.release()
    expect(await auth.start()).toMatchObject({ kind: 'restored' })
    expect(historyState(world)).toBeNull()
  })

  test('an edited mark is not read, nor that of another client (F18)', async () => {
    const world = createWorld()
    for (const mark of [7, 'x', `other.${'x'.repeat(43)}`, { a: 1 }]) {
      const state = { 'pkce-client': mark }
      world.tab.ports.host.replaceUrl('/', { state })
      expect(await reload(world).start()).toMatchObject({ kind: 'restored' })
      expect(historyState(world)).toEqual(state)
    }
  })

  test('a new answer in the address counts more than a mark (F18)', async () => {
    const world = createWorld()
    const { token } = await exchanging(world)
    token.release()
    const mark = historyState(world)
    const callback = await world.depart(world.tab, { params: { returnTo: '/other' } })
    world.tab.load(callback)
    world.tab.ports.host.replaceUrl(callback, { state: mark })
    expect(await world.client().start()).toMatchObject({
      kind: 'signed-in',
      returnTo: 'https://app.example.com/other',
    })
    expect(historyState(world)).toBeNull()
  })
})
