import { keepingPage } from '../../support/navigators.ts'
import { describe, expect, test } from 'vitest'
import { anotherTab, createWorld, rejection, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const cancelled = { code: 'sign_in_cancelled' }

/** Holds the code exchange; resolves once it has been sent. */
async function held(world: World, begin: () => Promise<unknown>) {
  const token = world.server.hold('/token')
  const failing = rejection(begin())
  await world.until(() => token.count === 1)
  return { token, failing }
}

async function expectSignedOut(world: World, revoked: number) {
  await world.clock.advance(60_000)
  expect(world.storedSession()?.['refreshToken']).toBeUndefined()
  expect(world.storedSession()?.['access'] ?? {}).toEqual({})
  expect(world.server.revoked).toHaveLength(revoked)
}

describe('signOut() while a sign-in is being finished: the later wish counts (F19)', () => {
  test('handleCallback(url): the result is dropped and revoked (F19)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, '/')
    const { token, failing } = await held(world, () => auth.handleCallback(callback))
    await auth.signOut({ redirect: false })
    token.release()
    expect(await failing).toMatchObject({ name: 'CallbackError', ...cancelled })
    expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
    await expectSignedOut(world, 1)
  })

  test('its tokens are revoked where the sign-in began, and a failure of that changes nothing (F14, F19)', async () => {
    for (const isReachable of [true, false]) {
      const world = createWorld()
      const callback = await world.depart()
      const revocation_endpoint = `${world.server.issuer}/v2/revoke`
      world.server.fault('metadata', { patch: { revocation_endpoint } })
      if (!isReachable) world.server.fault('network-error', { path: '/revoke' })
      const auth = world.load(world.tab, '/')
      const { token, failing } = await held(world, () => auth.handleCallback(callback))
      await auth.signOut({ redirect: false })
      token.release()
      expect(await failing).toMatchObject(cancelled)
      await expectSignedOut(world, isReachable ? 1 : 0)
      expect(world.server.requestsTo('/v2/revoke')).toEqual([])
    }
  })

  test('start(): signOut() does not wait for it, and a session before it ends too (F19)', async () => {
    const world = await signedInTab()
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    const { token, failing } = await held(world, () => auth.start())
    await auth.signOut({ redirect: false })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    token.release()
    expect(await failing).toMatchObject(cancelled)
    await expectSignedOut(world, 2)
  })

  test('before the code was sent: it is not sent (F19)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, '/')
    const failing = rejection(auth.handleCallback(callback))
    await auth.signOut({ redirect: false })
    expect(await failing).toMatchObject(cancelled)
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('while the session is being stored: it is ended again (F19)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.tab.load('/')
    const { store } = world.tab.ports
    let stored!: () => void
    const slow = new Promise<void>((resolve) => (stored = resolve))
    let writing = false
    const set = async (key: string, value: string) => {
      if (!value.includes('signedOut')) {
        writing = true
        await slow
      }
      await store.set(key, value)
    }
    const auth = world.client(world.tab, { store: { ...store, set } })
    const handling = auth.handleCallback(callback)
    await world.until(() => writing)
    const signingOut = auth.signOut({ redirect: false })
    await world.clock.settle()
    stored()
    await handling
    await signingOut
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    await expectSignedOut(world, 1)
  })

  test('a popup: the same (F19)', async () => {
    const world = createWorld()
    const navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)))
    const auth = world.client(world.tab, { navigator })
    const { token, failing } = await held(world, () => auth.signIn())
    await auth.signOut({ redirect: false })
    token.release()
    expect(await failing).toMatchObject(cancelled)
    await expectSignedOut(world, 1)
  })

  test('in another tab: the same (F19)', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    const { token, failing } = await held(world, () => auth.start())
    await other.signOut({ redirect: false })
    token.release()
    expect(await failing).toMatchObject(cancelled)
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    await expectSignedOut(world, 2)
  })

  test('a sign-out before it began is no later wish (F19)', async () => {
    const world = await signedInTab()
    const callback = await world.depart()
    const { auth: other } = await anotherTab(world)
    await other.signOut({ redirect: false })
    const result = await world.load(world.tab, callback).start()
    expect(result).toMatchObject({ kind: 'signed-in' })
  })

  test('the next sign-in works (F19)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, '/')
    const { token, failing } = await held(world, () => auth.handleCallback(callback))
    await auth.signOut({ redirect: false })
    token.release()
    await failing
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })
})
