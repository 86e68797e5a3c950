import { describe, expect, test } from 'vitest'
import type { PkceClientError } from '../../../src/index.ts'
import { createWorld, rejection } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

describe('sign-ins that do not complete are not repeated for ever', () => {
  /** An app that signs in whenever it is loaded without a session, and shows nothing. */
  async function visit(world: World, { gesture = false } = {}): Promise<string | undefined> {
    await world.clock.advance(1000)
    const auth = world.load(world.tab, '/')
    await auth.start()
    world.tab.gesture = gesture
    return world.leave(world.tab, auth).then(
      async (url) => {
        const callback = await world.server.authorize(url, { jar: world.jar })
        await world
          .load(world.tab, callback)
          .start()
          .catch(() => undefined)
        return undefined
      },
      (error: unknown) => (error as PkceClientError).code,
    )
  }

  test('access_denied again and again: the third redirect is refused with redirect_loop', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    expect(await visit(world)).toBeUndefined()
    expect(await visit(world)).toBeUndefined()
    const requests = world.server.requests.length
    expect(await visit(world)).toBe('redirect_loop')
    expect(world.tab.navigations).toHaveLength(2)
    expect(world.server.requests).toHaveLength(requests)
  })

  test('a click always allows another try', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    for (let click = 0; click < 5; click += 1) {
      expect(await visit(world, { gesture: true })).toBeUndefined()
    }
    expect(world.tab.navigations).toHaveLength(5)
  })

  test('a minute later another try is allowed, and no sooner', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    await visit(world)
    await visit(world)
    expect(await visit(world)).toBe('redirect_loop')
    // Each visit takes a second itself: this one comes a millisecond less than a minute after the first.
    await world.clock.advance(56_999)
    expect(await visit(world)).toBe('redirect_loop')
    expect(await visit(world)).toBeUndefined()
  })

  test('sign-ins that succeed are never a loop', async () => {
    const world = createWorld()
    for (let time = 0; time < 4; time += 1) expect(await visit(world)).toBeUndefined()
    expect(world.tab.navigations).toHaveLength(4)
  })

  test('failures before a sign-in that succeeded do not count', async () => {
    const world = createWorld()
    const stop = world.server.fault('callback-error', { error: 'access_denied' })
    await visit(world)
    await visit(world)
    stop()
    expect(await visit(world, { gesture: true })).toBeUndefined()
    await world.client().signOut({ redirect: false })
    expect(await visit(world)).toBeUndefined()
    expect(world.tab.navigations).toHaveLength(4)
  })

  test('coming back by the back button three times counts like any other redirect', async () => {
    const world = createWorld()
    for (let time = 0; time < 2; time += 1) {
      await world.leave(world.tab, world.client())
      world.tab.load('/')
    }
    expect(await rejection(world.client().signIn())).toMatchObject({ code: 'redirect_loop' })
  })
})
