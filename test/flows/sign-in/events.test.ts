import { keepingPage } from '../../support/navigators.ts'
import { describe, expect, test } from 'vitest'
import { CallbackError } from '../../../src/index.ts'
import type { PkceClient } from '../../../src/index.ts'
import { createWorld, listen, rejection } from '../../support/world.ts'

/** The events about sign-ins that a client emits from now on. */
function signInEvents(auth: PkceClient) {
  const heard = listen(auth)
  return () => heard.filter(({ name }) => /^sign-in-(?:started|failed)$/.test(name))
}

describe('sign-in-started', () => {
  test('is emitted once the request is made, with the mode of the navigator', async () => {
    const world = createWorld()
    const auth = world.client()
    const events = signInEvents(auth)
    await world.leave(world.tab, auth)
    expect(events()).toEqual([{ name: 'sign-in-started', facts: { mode: 'redirect' } }])
  })

  test('says manual for createAuthorizationUrl()', async () => {
    const auth = createWorld().client()
    const events = signInEvents(auth)
    await auth.createAuthorizationUrl()
    expect(events()).toEqual([{ name: 'sign-in-started', facts: { mode: 'manual' } }])
  })
})

describe('sign-in-failed', () => {
  test('is emitted for an answer that is refused, with the error that start() rejects with', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    const auth = world.load(world.tab, await world.depart())
    const events = signInEvents(auth)
    const error = await rejection(auth.start())
    expect(error).toBeInstanceOf(CallbackError)
    expect(events()).toEqual([{ name: 'sign-in-failed', facts: { error } }])
  })

  test('is emitted once, however often the answer is handled', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    const callback = await world.depart()
    const auth = world.load(world.tab, callback)
    const events = signInEvents(auth)
    await Promise.allSettled([auth.start(), auth.handleCallback(callback), auth.handleCallback()])
    await rejection(auth.handleCallback(callback))
    expect(events()).toHaveLength(1)
  })

  test('is emitted when the user cannot be sent to the server, and nothing was started', async () => {
    const world = createWorld()
    world.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    const auth = world.client()
    const events = signInEvents(auth)
    const errors = [await rejection(auth.signIn()), await rejection(auth.createAuthorizationUrl())]
    expect(events()).toEqual(errors.map((error) => ({ name: 'sign-in-failed', facts: { error } })))
  })

  test('is emitted when the user comes back without an answer', async () => {
    const world = createWorld()
    const auth = world.client()
    const events = signInEvents(auth)
    const signIn = rejection(auth.signIn())
    await world.until(() => world.tab.navigations.length === 1)
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    const error = await signIn
    expect(error).toMatchObject({ code: 'sign_in_cancelled' })
    expect(events().map(({ name }) => name)).toEqual(['sign-in-started', 'sign-in-failed'])
    expect(events().at(-1)).toEqual({ name: 'sign-in-failed', facts: { error } })
  })

  test('is emitted once for a refused answer that a popup brought', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    const navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)))
    const auth = world.client(world.tab, { navigator })
    const events = signInEvents(auth)
    const error = await rejection(auth.signIn())
    expect(events()).toEqual([
      { name: 'sign-in-started', facts: { mode: 'popup' } },
      { name: 'sign-in-failed', facts: { error } },
    ])
  })

  test('is not emitted for a sign-in that the app itself aborts', async () => {
    const auth = createWorld().client()
    const events = signInEvents(auth)
    await rejection(auth.signIn({ signal: AbortSignal.abort(new Error('never mind')) }))
    expect(events()).toEqual([])
  })
})
