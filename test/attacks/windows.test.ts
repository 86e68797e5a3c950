import { describe, expect, test } from 'vitest'
import { memoryStore, relayAnswer } from '../../src/index.ts'
import { appOrigin, callbackUri, rejection } from '../support/world.ts'
import { windowWorld } from '../support/windows.ts'
import type { WindowWorld, Waiting } from '../support/windows.ts'

interface Scene {
  world: WindowWorld
  waiting: Waiting
  /** A true answer to this sign-in. */
  answer: string
}

/** A page that waits for the answer of its popup, which has not come back yet. */
async function scene(): Promise<Scene> {
  const world = windowWorld()
  const waiting = await world.click()
  return { world, waiting, answer: await world.server.authorize(waiting.window.url) }
}

/** The wait went on, and ends with the answer of the window. */
async function stillSignsIn({ world, waiting, answer }: Scene): Promise<void> {
  await world.clock.settle()
  expect(waiting.outcome()).toBeUndefined()
  expect(world.server.requestsTo('/token')).toEqual([])
  waiting.window.load(answer)
  expect(await world.client(waiting.window).start()).toMatchObject({ kind: 'relayed' })
  expect(await waiting.signedIn).toMatchObject({ claims: { sub: 'user-ada' } })
  expect(world.server.requestsTo('/token')).toHaveLength(1)
}

describe('messages to a page that waits for a popup', () => {
  test('from another origin, even with the true answer, are ignored (A-21, C-33)', async () => {
    const here = await scene()
    const evil = here.world.browser.openTab('https://evil.example/')
    evil.postMessage(here.world.tab, here.answer)
    await stillSignsIn(here)
  })

  test('from the popup itself while a page of another origin is in it are ignored (A-21, C-33)', async () => {
    const here = await scene()
    here.waiting.window.load('https://evil.example/')
    here.waiting.window.postMessage(here.world.tab, here.answer)
    await stillSignsIn(here)
  })

  test('from another window of this origin, even with the true answer, are ignored (A-21, C-33)', async () => {
    const here = await scene()
    here.world.browser.openTab('/other').postMessage(here.world.tab, here.answer)
    await stillSignsIn(here)
  })

  test.each<[string, (here: Scene) => unknown]>([
    ['an object', ({ answer }) => ({ url: answer })],
    ['a list that reads like the answer', ({ answer }) => [answer]],
    ['nothing', () => null],
    ['no URL', () => 'hello'],
    ['a URL of another origin', ({ answer }) => answer.replace(appOrigin, 'https://evil.example')],
    [
      'a host that begins like ours',
      ({ answer }) => answer.replace(appOrigin, `${appOrigin}.evil`),
    ],
    [
      'our host as a password',
      ({ answer }) => answer.replace(appOrigin, `${appOrigin}:x@evil.example`),
    ],
    ['javascript:', ({ answer }) => `javascript:alert(1)//${answer}`],
    ['another state', ({ answer }) => answer.replace(/state=[^&]+/, `state=x.${'a'.repeat(43)}`)],
    ['no state', ({ answer }) => answer.replace(/state=[^&]+&?/, '')],
    ['the state alone', ({ answer }) => `${callbackUri}?${/state=[^&]+/.exec(answer)![0]}`],
  ])('from the popup that are %s are ignored (A-21, C-33)', async (_, forge) => {
    const here = await scene()
    here.waiting.window.load('/elsewhere')
    here.waiting.window.postMessage(here.world.tab, forge(here))
    await stillSignsIn(here)
  })

  test('a replayed answer to an earlier sign-in is ignored (A-21, C-33)', async () => {
    const world = windowWorld()
    const first = await world.click()
    const old = await world.answer(first)
    await world.client(first.window).start()
    await first.signedIn
    const waiting = await world.click({ prompt: 'login' })
    waiting.window.load('/elsewhere')
    waiting.window.postMessage(world.tab, old)
    await world.clock.settle()
    expect(waiting.outcome()).toBeUndefined()
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('a flood of them does not keep the answer out (A-21)', async () => {
    const here = await scene()
    const evil = here.world.browser.openTab('https://evil.example/')
    for (let count = 0; count < 1_000; count += 1) evil.postMessage(here.world.tab, here.answer)
    await stillSignsIn(here)
  })

  test('the answer twice, both ways at once, is used once (A-21)', async () => {
    const here = await scene()
    const { world, waiting, answer } = here
    waiting.window.load(answer)
    waiting.window.postMessage(world.tab, answer)
    waiting.window.postMessage(world.tab, answer)
    await waiting.signedIn
    await world.clock.settle()
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('on a channel of another name are not heard (A-21)', async () => {
    const here = await scene()
    const { channel } = here.world.browser.openTab('/other').ports
    for (const name of ['pkce', 'pkce|', 'pkce|x'])
      channel.open(name, () => undefined).post(here.answer)
    await stillSignsIn(here)
  })
})

describe('the window in which an answer lands', () => {
  /** A window that another site has opened, with what that site and others hear. */
  async function openedBy(opener: string) {
    const world = windowWorld()
    const { url } = await world.auth.createAuthorizationUrl()
    const answer = await world.server.authorize(url)
    const evil = world.browser.openTab(opener)
    const heard: unknown[] = []
    const { window } = evil.ports.host
    window!.addEventListener('message', ({ data }) => heard.push(data), {
      signal: new AbortController().signal,
    })
    window!.open('about:blank', '_blank', '')
    const victim = world.browser.tabs.at(-1)!
    victim.load(answer)
    return { world, evil, heard, victim, state: url.searchParams.get('state')! }
  }

  test('tells nothing to an opener of another origin, nor believes its receipt (A-22, C-33)', async () => {
    const { world, evil, heard, victim, state } = await openedBy('https://evil.example/')
    const starting = rejection(world.client(victim, { transactionStore: memoryStore() }).start())
    await world.clock.settle()
    evil.postMessage(victim, state)
    await world.clock.advance(1_000)
    expect(await starting).toMatchObject({ code: 'transaction_not_found' })
    expect(heard).toEqual([])
    expect(world.browser.tabs).toContain(victim)
  })

  test('tells nothing to an opener that went to another origin meanwhile (A-22)', async () => {
    const { world, waiting, answer } = await scene()
    world.tab.load('https://evil.example/')
    const heard: unknown[] = []
    world.tab.ports.host.window!.addEventListener('message', ({ data }) => heard.push(data), {
      signal: new AbortController().signal,
    })
    waiting.window.load(answer)
    const finishing = world.client(waiting.window).start()
    await world.clock.advance(1_000)
    expect(await finishing).toMatchObject({ kind: 'signed-in' })
    expect(heard).toEqual([])
  })

  test('a static page tells nothing to an opener of another origin (A-22)', async () => {
    const { world, heard, victim } = await openedBy('https://evil.example/')
    const relayed = relayAnswer(victim.ports.host.window)
    await world.clock.advance(1_000)
    expect(await relayed).toBe(false)
    expect(heard).toEqual([])
  })

  test.each([
    ['from a window that did not open it', (world: WindowWorld) => world.browser.openTab('/other')],
    ['from another origin', (world: WindowWorld) => world.browser.openTab('https://evil.example/')],
  ])('believes no receipt %s: it signs in by itself (A-21)', async (_, sender) => {
    const { world, waiting, answer } = await scene()
    const state = new URL(answer).searchParams.get('state')
    world.tab.load('/')
    waiting.window.load(answer)
    const finishing = world.client(waiting.window).start()
    await world.clock.settle()
    sender(world).postMessage(waiting.window, state)
    await world.clock.advance(1_000)
    expect(await finishing).toMatchObject({ kind: 'signed-in' })
  })

  test.each(['', '?code=x', '?error=access_denied', '#code=x'])(
    'a static page at an address that is no answer (%j) says so at once',
    async (query) => {
      const world = windowWorld()
      const tab = world.browser.openTab(callbackUri + query)
      expect(await relayAnswer(tab.ports.host.window)).toBe(false)
      expect(world.browser.posted).toEqual([])
    },
  )
})

describe('a popup that its login page cuts off (A-23)', () => {
  test('does not end the sign-in, however long the user takes', async () => {
    const here = await scene()
    const { window } = here.waiting
    window.cutOff()
    await here.world.clock.advance(600_000)
    await stillSignsIn({ ...here, answer: await here.world.server.authorize(window.url) })
  })

  test('cannot be closed by the page, nor can the page be sent away by it', async () => {
    const { world, waiting } = await scene()
    waiting.window.cutOff()
    expect(waiting.window.ports.host.window!.opener).toBeNull()
    expect(world.tab.navigations).toEqual([])
  })
})
