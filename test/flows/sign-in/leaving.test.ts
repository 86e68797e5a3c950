import { keepingPage } from '../../support/navigators.ts'
import { describe, expect, test } from 'vitest'
import { PkceClientError, memoryStore, redirect } from '../../../src/index.ts'
import type { Host } from '../../../src/index.ts'
import { callbackUri, createWorld, listen, rejection } from '../../support/world.ts'

describe('leaving for the server', () => {
  test('opens the navigator in the same turn as the click', () => {
    const world = createWorld()
    const seen: string[] = []
    const navigator = keepingPage(() => new Promise(() => undefined), {
      opened: () => seen.push('opened'),
    })
    void world.client(world.tab, { navigator }).signIn()
    expect(seen).toEqual(['opened'])
  })

  test('with a navigator that stays on the page, signIn() resolves to the session', async () => {
    const world = createWorld()
    const calls: string[] = []
    const navigator = keepingPage(async ({ url }) => new URL(await world.server.authorize(url)), {
      close: () => void calls.push('closed'),
    })
    const auth = world.client()
    const session = await auth.signIn({ navigator })
    expect(session).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
    expect(auth.getSession()).toBe(session)
    expect(calls).toEqual(['closed'])
    expect(world.tab.url).toBe('https://app.example.com/')
  })

  test('a navigator that returns without a response is a typed failure', async () => {
    const world = createWorld()
    const navigator = keepingPage(() => Promise.resolve(undefined))
    const error = await rejection(world.client(world.tab, { navigator }).signIn())
    expect(error).toMatchObject({ code: 'callback_invalid' })
  })

  async function goBack() {
    const world = createWorld()
    const auth = world.client()
    const signIn = rejection(auth.signIn())
    await world.until(() => world.tab.navigations.length === 1)
    await world.clock.settle()
    world.tab.restoreFromBackForwardCache()
    return { world, auth, error: await signIn }
  }

  test('coming back by the back button, without a response, rejects sign_in_cancelled', async () => {
    const { world, error } = await goBack()
    expect(error).toBeInstanceOf(PkceClientError)
    expect(error).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.tab.url).toBe('https://app.example.com/')
  })

  describe('a button that does nothing with the promise of signIn()', () => {
    /** What the page hears of as rejected and handled by nobody, up to a turn of the event loop later. */
    async function unhandled(click: () => Promise<unknown>): Promise<unknown[]> {
      const errors: unknown[] = []
      const listeners = process.listeners('unhandledRejection')
      process.removeAllListeners('unhandledRejection')
      process.on('unhandledRejection', (error) => errors.push(error))
      await click()
      await new Promise((resolve) => setTimeout(resolve, 0))
      process.removeAllListeners('unhandledRejection')
      for (const listener of listeners) process.on('unhandledRejection', listener)
      return errors
    }

    test.each([undefined, new AbortController().signal])(
      'is not reported when the user comes back by the back button (signal: %s)',
      async (signal) => {
        const world = createWorld()
        const auth = world.client()
        const errors = await unhandled(async () => {
          void auth.signIn({ signal })
          await world.until(() => world.tab.navigations.length === 1)
          await world.clock.settle()
          world.tab.restoreFromBackForwardCache()
          await world.clock.settle()
        })
        expect(errors).toEqual([])
      },
    )

    test('is reported when the server cannot be reached', async () => {
      const world = createWorld()
      const fetch = () => Promise.reject(new TypeError('Failed to fetch'))
      const errors = await unhandled(async () => {
        void world.client(world.tab, { fetch }).signIn()
        await world.clock.settle()
      })
      expect(errors).toMatchObject([{ code: 'network' }])
    })
  })

  test('the next click after a cancelled sign-in works', async () => {
    const { world, auth } = await goBack()
    const url = await world.leave(world.tab, auth)
    const callback = await world.server.authorize(url)
    expect(await world.load(world.tab, callback).start()).toMatchObject({ kind: 'signed-in' })
  })

  test('a sign-in that is aborted in time does not leave the page', async () => {
    const world = createWorld()
    const stop = new AbortController()
    const reason = new Error('the person closed the dialog')
    const signIn = rejection(world.client().signIn({ signal: stop.signal }))
    stop.abort(reason)
    expect(await signIn).toBe(reason)
    expect(world.tab.navigations).toHaveLength(0)
  })

  test('an insecure page is refused before anything happens (C-48, A-83)', async () => {
    const world = createWorld()
    const host: Host = { ...world.tab.ports.host, isSecureContext: () => false }
    const auth = world.client(world.tab, { host })
    for (const error of [
      await rejection(auth.signIn()),
      await rejection(auth.createAuthorizationUrl()),
    ]) {
      expect(error).toMatchObject({ code: 'insecure_context' })
      expect((error as Error).message).toContain('https://app.example.com')
    }
    expect(world.server.requests).toHaveLength(0)
    expect(world.browser.local.size).toBe(0)
  })

  test.each(['get', 'set', 'all'] as const)(
    'with storage that throws on %s, no user is redirected (A-76)',
    async (kind) => {
      const world = createWorld()
      const auth = world.client()
      await auth.start()
      world.browser.failStorage(kind)
      expect(await rejection(auth.signIn())).toMatchObject({ code: 'storage_unavailable' })
      expect(world.tab.navigations).toHaveLength(0)
      world.browser.failStorage()
      await world.leave(world.tab, auth)
      expect(world.tab.navigations).toHaveLength(1)
    },
  )

  test('with transactions in memory, no user is redirected either (A-76)', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { transactionStore: memoryStore() })
    expect(await rejection(auth.signIn())).toMatchObject({ code: 'storage_unavailable' })
    expect(world.tab.navigations).toHaveLength(0)
  })

  test('an authorization URL may be created with memory alone, as in Node (A-76)', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { transactionStore: memoryStore() })
    const { url } = await auth.createAuthorizationUrl()
    const callback = await world.server.authorize(url)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
  })

  test('storage that fails on the way back is a typed failure, and the next sign-in works (A-76)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.browser.failStorage('all')
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ name: 'CallbackError', code: 'storage_unavailable' })
    expect(world.tab.url).toBe(callbackUri)
    world.browser.failStorage()
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('the session lives in memory when only saving it fails (A-76)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.tab.load(callback)
    const { store } = world.tab.ports
    const set = () => Promise.reject(new DOMException('full', 'QuotaExceededError'))
    const auth = world.client(world.tab, { store: { ...store, set } })
    const events = listen(auth)
    expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    expect(events.map(({ name }) => name)).toContain('storage-failed')
  })

  test('leaves no entry in the history with redirect({ replace: true })', async () => {
    const world = createWorld()
    const ways: unknown[] = []
    const host: Host = { ...world.tab.ports.host, navigate: (_, options) => ways.push(options) }
    void world.client(world.tab, { host, navigator: redirect({ replace: true }) }).signIn()
    await world.until(() => ways.length === 1)
    expect(ways).toEqual([{ replace: true }])
  })
})
