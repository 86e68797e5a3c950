import { describe, expect, test } from 'vitest'
import { memoryStore, popup, redirect, relayAnswer } from '../../../src/index.ts'
import { anotherTab, appOrigin, listen, rejection } from '../../support/world.ts'
import { windowWorld } from '../../support/windows.ts'

const stores = [
  ['a shared store', () => ({})],
  ['memoryStore()', () => ({ store: memoryStore(), transactionStore: memoryStore() })],
] as const

describe('signing in with a popup', () => {
  test('opens the window in the turn of the click, empty, and the page stays', async () => {
    const world = windowWorld()
    void world.auth.signIn()
    expect(world.browser.tabs.map(({ url }) => url)).toEqual([`${appOrigin}/`, 'about:blank'])
    await world.until(() => world.browser.tabs[1]!.url.startsWith(world.server.issuer))
    expect(world.tab.navigations).toEqual([])
  })

  describe.each(stores)('with %s', (_, client) => {
    test.each([
      ['keeps its opener', false],
      ['is cut off by the login page', true],
    ])('a window that %s hands its answer on and closes (A-23)', async (_, isCutOff) => {
      const world = windowWorld({ client: client() })
      const waiting = await world.click()
      if (isCutOff) waiting.window.cutOff()
      const there = await world.finish(waiting)
      expect(there).toMatchObject({ kind: 'relayed', session: { status: 'signed-out' } })
      const session = await waiting.signedIn
      expect(session).toMatchObject({ status: 'signed-in', claims: { name: 'Ada Lovelace' } })
      expect(world.browser.tabs).toEqual([world.tab])
      expect(world.server.requestsTo('/token')).toHaveLength(1)
    })
  })

  test('a static page at the redirect URI hands the answer on', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    await world.answer(waiting)
    expect(await relayAnswer(waiting.window.ports.host.window)).toBe(true)
    expect(await waiting.signedIn).toMatchObject({ status: 'signed-in' })
    expect(world.browser.tabs).toEqual([world.tab])
  })

  test('a login page that takes five seconds and cuts the window off is waited for (A-23)', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    waiting.window.cutOff()
    await world.clock.advance(5_000)
    expect(waiting.outcome()).toBeUndefined()
    await world.finish(waiting)
    expect(await waiting.signedIn).toMatchObject({ status: 'signed-in' })
  })

  test('an error in the answer is what it is in a redirect', async () => {
    const world = windowWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    const waiting = await world.click({ appState: 7 })
    await world.finish(waiting)
    const error = await rejection(waiting.signedIn)
    expect(error).toMatchObject({
      name: 'CallbackError',
      code: 'authorization_denied',
      appState: 7,
    })
    expect(world.browser.tabs).toEqual([world.tab])
  })

  test('nothing is left of it afterwards: no timer, no listener, no channel', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    await world.finish(waiting)
    await waiting.signedIn
    expect(world.clock.timers).toBe(0)
  })

  test('a tab that cannot be closed shows that the answer was handed on', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    const opened = world.browser.openTab(await world.server.authorize(waiting.window.url))
    const result = await world.client(opened).start()
    expect(result.kind).toBe('relayed')
    expect(world.browser.tabs).toContain(opened)
    expect(opened.url).not.toContain('code=')
    expect(await waiting.signedIn).toMatchObject({ status: 'signed-in' })
  })
})

describe('a window that the browser does not open', () => {
  test('without a fallback: popup_blocked, and nothing is sent or stored', async () => {
    const world = windowWorld()
    world.tab.blocksWindows = true
    const heard = listen(world.auth)
    const error = await rejection(world.auth.signIn())
    expect(error).toMatchObject({ code: 'popup_blocked', retryable: false, sessionEnded: false })
    expect(heard).toEqual([{ name: 'sign-in-failed', facts: { error } }])
    expect(world.server.requests).toEqual([])
    expect(world.transactions().size).toBe(0)
  })

  test('with a fallback: signs in like that', async () => {
    const world = windowWorld({ navigator: popup({ fallback: redirect() }) })
    world.tab.blocksWindows = true
    const url = await world.leave(world.tab, world.auth, { returnTo: '/orders' })
    const client = world.load(world.tab, await world.server.authorize(url))
    expect(await client.start()).toMatchObject({
      kind: 'signed-in',
      returnTo: `${appOrigin}/orders`,
    })
  })

  test('and the next click opens it', async () => {
    const world = windowWorld()
    world.tab.blocksWindows = true
    await rejection(world.auth.signIn())
    world.tab.blocksWindows = false
    const waiting = await world.click()
    await world.finish(waiting)
    expect(await waiting.signedIn).toMatchObject({ status: 'signed-in' })
  })
})

describe('a second click while the window is open', () => {
  test.each([
    ['the same navigator', undefined],
    ['a navigator of its own', () => popup()],
  ])('with %s: the first sign-in is cancelled, and takes no second window', async (_, own) => {
    const world = windowWorld()
    const params = () => (own ? { navigator: own() } : {})
    const first = await world.click(params())
    const second = await world.click(params())
    expect(await rejection(first.signedIn)).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.browser.tabs).toHaveLength(2)
    expect(second.window).toBe(first.window)
    await world.finish(second)
    expect(await second.signedIn).toMatchObject({ status: 'signed-in' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('in the same turn: one window, and the second sign-in has it', async () => {
    const world = windowWorld()
    const first = world.auth.signIn()
    const second = await world.click()
    expect(await rejection(first)).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.browser.tabs).toHaveLength(2)
    await world.finish(second)
    expect(await second.signedIn).toMatchObject({ status: 'signed-in' })
  })

  test('a window that was cut off cannot be used again: another one opens', async () => {
    const world = windowWorld()
    const first = await world.click()
    first.window.cutOff()
    const second = await world.click()
    expect(second.window).not.toBe(first.window)
    expect(await rejection(first.signedIn)).toMatchObject({ code: 'sign_in_cancelled' })
    await world.finish(second)
    expect(await second.signedIn).toMatchObject({ status: 'signed-in' })
  })

  test('Firefox runs tasks inside window.open: they open no second window', async () => {
    const world = windowWorld()
    const { window } = world.tab.ports.host
    let opened = 0
    let second: Promise<unknown> | undefined
    const host = {
      ...world.tab.ports.host,
      window: Object.create(window!, {
        open: {
          value: (...given: Parameters<NonNullable<typeof window>['open']>) => {
            opened += 1
            second ??= auth.signIn()
            return window!.open(...given)
          },
        },
      }),
    }
    const auth = world.client(world.tab, { host })
    expect(await rejection(auth.signIn())).toMatchObject({ code: 'sign_in_cancelled' })
    expect(opened).toBe(1)
    const there = world.browser.tabs[1]!
    await world.until(() => there.url.startsWith(world.server.issuer))
    there.load(await world.server.authorize(there.url))
    await world.client(there).start()
    expect(await second).toMatchObject({ status: 'signed-in' })
  })
})

describe('a window that the user closes', () => {
  test('within two seconds: popup_closed', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    waiting.window.close()
    await world.clock.advance(2_000)
    expect(waiting.outcome()).toMatchObject({
      error: { code: 'popup_closed', retryable: false, sessionEnded: false },
    })
    expect(world.clock.timers).toBe(0)
  })

  test('while the server is not known yet: the same', async () => {
    const world = windowWorld()
    const held = world.server.hold('/.well-known/openid-configuration')
    const signedIn = world.auth.signIn()
    world.browser.tabs[1]!.close()
    held.release()
    signedIn.catch(() => {})
    await world.clock.advance(2_000)
    expect(await rejection(signedIn)).toMatchObject({ code: 'popup_closed' })
  })

  test('looks closed for a moment before the answer arrives: it counts', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    const address = await world.server.authorize(waiting.window.url)
    waiting.window.cutOff()
    world.tab.focus()
    await world.clock.advance(500)
    expect(waiting.outcome()).toBeUndefined()
    waiting.window.load(address)
    await world.client(waiting.window).start()
    expect(await waiting.signedIn).toMatchObject({ status: 'signed-in' })
  })

  test('is left alone, by a click beside it, and finishes later: tabs with a shared store adopt the session (A-23)', async () => {
    const world = windowWorld()
    const other = await anotherTab(world)
    await world.auth.start()
    world.tab.focus()
    const waiting = await world.click()
    waiting.window.cutOff()
    world.tab.focus()
    await world.clock.advance(2_000)
    expect(waiting.outcome()).toMatchObject({ error: { code: 'popup_closed' } })
    await world.answer(waiting)
    const finishing = world.client(waiting.window).start()
    await world.clock.advance(1_000)
    expect(await finishing).toMatchObject({ kind: 'signed-in' })
    await world.clock.settle()
    for (const client of [world.auth, other.auth])
      expect(client.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('is left alone, and its page is a static one: that nobody waits is for the app to finish', async () => {
    const world = windowWorld()
    const { window, ...waiting } = await world.click()
    window.cutOff()
    world.tab.load()
    const address = await world.answer({ window, ...waiting })
    const relayed = relayAnswer(window.ports.host.window)
    await world.clock.advance(1_000)
    expect(await relayed).toBe(false)
    window.load(`/${new URL(address).search}`)
    const finishing = world.client(window).start()
    await world.clock.advance(1_000)
    expect(await finishing).toMatchObject({ kind: 'signed-in' })
    expect(window.url).toBe(`${appOrigin}/`)
  })
})

describe('a sign-in that is given up', () => {
  test('by the signal: rejects with its reason, and the window is closed', async () => {
    const world = windowWorld()
    const controller = new AbortController()
    const waiting = await world.click({ signal: controller.signal })
    const reason = new Error('changed my mind')
    controller.abort(reason)
    expect(await rejection(waiting.signedIn)).toBe(reason)
    await world.clock.settle()
    expect(world.browser.tabs).toEqual([world.tab])
    expect(world.clock.timers).toBe(0)
  })

  test('by signOut(): sign_in_cancelled, and the window is closed', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    await world.auth.signOut({ redirect: false })
    expect(await rejection(waiting.signedIn)).toMatchObject({ code: 'sign_in_cancelled' })
    expect(world.browser.tabs).toEqual([world.tab])
  })

  test('by close(): sign_in_cancelled, and the window is closed', async () => {
    const world = windowWorld()
    const waiting = await world.click()
    world.auth.close()
    expect(await rejection(waiting.signedIn)).toMatchObject({ code: 'sign_in_cancelled' })
    await world.clock.settle()
    expect(world.browser.tabs).toEqual([world.tab])
    expect(world.clock.timers).toBe(0)
  })

  test('when the server cannot be reached: the window is closed', async () => {
    const world = windowWorld()
    world.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    const error = await rejection(world.auth.signIn())
    expect(error).toMatchObject({ code: 'network' })
    expect(world.browser.tabs).toEqual([world.tab])
  })

  test('on another origin than the redirect URI: invalid_option, and the window is closed (F16)', async () => {
    const world = windowWorld()
    const tab = world.browser.openTab('https://other.example.com/')
    const error = await rejection(world.client(tab).signIn())
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect(world.browser.tabs).toEqual([world.tab, tab])
  })
})

test('an app in a frame of another site signs in, whose channels are partitioned', async () => {
  const world = windowWorld()
  const { BroadcastChannel: Channel } = world.tab.ports.host.window!
  class Partitioned extends Channel {
    constructor(name: string) {
      super(`in another site: ${name}`)
    }
  }
  const host = {
    ...world.tab.ports.host,
    window: Object.create(world.tab.ports.host.window!, {
      BroadcastChannel: { value: Partitioned },
    }),
  }
  const signedIn = world.client(world.tab, { host, store: memoryStore() }).signIn()
  const there = world.browser.tabs[1]!
  await world.until(() => there.url.startsWith(world.server.issuer))
  there.load(await world.server.authorize(there.url))
  expect(await world.client(there).start()).toMatchObject({ kind: 'relayed' })
  expect(await signedIn).toMatchObject({ status: 'signed-in' })
})
