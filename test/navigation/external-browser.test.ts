import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { pageHost } from '../../src/host/page.ts'
import { PkceClient, externalBrowser } from '../../src/index.ts'
import type { ExternalBrowserOptions, SignInParams } from '../../src/index.ts'
import { createAuthServer } from '../../src/testing/index.ts'
import { rejection } from '../support/world.ts'

const redirectUri = 'com.example.app:/callback'
const link = 'com.example.app:/orders/7'

/** A phone with an app on it: what the app opens in the browser, and what the system opens the app with. */
function createPhone(options: Partial<ExternalBrowserOptions> = {}) {
  const server = createAuthServer({ clients: [{ clientId: 'app', redirectUris: [redirectUri] }] })
  const listeners = new Set<(url: string | URL) => boolean>()
  const opened: string[] = []
  let closeBrowser = () => {}
  const navigator = externalBrowser({
    open: (url) => void opened.push(url),
    listen(answer, cancel) {
      listeners.add(answer)
      closeBrowser = cancel
      return () => listeners.delete(answer)
    },
    ...options,
  })
  const startApp = (more: object = {}) =>
    new PkceClient({
      ...{ issuer: server.issuer, clientId: 'app', redirectUri, navigator },
      ...{ resources: [server.api.url], fetch: server.fetch, ...more },
    })
  const auth = startApp()
  return {
    ...{ server, auth, startApp, listeners, opened },
    closeBrowser: () => closeBrowser(),
    /** Resolves once the browser shows the sign-in page. */
    async signIn(params?: SignInParams) {
      const before = opened.length
      const session = auth.signIn(params)
      session.catch(() => {})
      await expect.poll(() => opened.length).toBe(before + 1)
      return { session, url: opened.at(-1)! }
    },
    /** The system opens the app with the URL; tells whether it was an answer. */
    openApp: (url: string | URL) => [...listeners].some((answer) => answer(url)),
  }
}

describe('an app that signs in in the browser of the system', () => {
  test('is signed in when it is opened with the answer, and calls its API (C-111, C-113)', async () => {
    const phone = createPhone()
    const { session, url } = await phone.signIn()
    expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256')
    expect(phone.openApp(await phone.server.authorize(url))).toBe(true)
    expect(await session).toMatchObject({ status: 'signed-in' })
    expect((await phone.auth.fetch(`${phone.server.api.url}users/me`)).status).toBe(200)
    expect(phone.listeners.size).toBe(0)
  })

  test('hears the answer even if it comes while the browser is being opened', async () => {
    const phone = createPhone({
      open: async (url) => void phone.openApp(new URL(await phone.server.authorize(url))),
    })
    expect(await phone.auth.signIn()).toMatchObject({ status: 'signed-in' })
  })

  test('says how it signs in', async () => {
    const phone = createPhone()
    const modes: string[] = []
    phone.auth.on('sign-in-started', ({ mode }) => modes.push(mode))
    await phone.signIn()
    expect(modes).toEqual(['external'])
  })

  test('is not listened for when nobody signs in', () => {
    expect(createPhone().listeners.size).toBe(0)
  })

  test.each([
    ['a link of its own', link],
    ['the redirect URI alone', redirectUri],
    ['an answer with another state', `${redirectUri}?code=1&state=other`],
    ['an error without a state', `${redirectUri}?error=access_denied`],
    ['what is no URL', 'orders'],
    ['nothing', ''],
  ])('goes on waiting when it is opened with %s', async (_, other) => {
    const phone = createPhone()
    const { session, url } = await phone.signIn()
    expect(phone.openApp(other)).toBe(false)
    phone.openApp(await phone.server.authorize(url))
    expect(await session).toMatchObject({ status: 'signed-in' })
  })

  test('hears that the user clicked Deny', async () => {
    const phone = createPhone()
    const { session, url } = await phone.signIn()
    phone.openApp(await phone.server.authorize(url, { consent: false }))
    expect(await rejection(session)).toMatchObject({ code: 'authorization_denied' })
    expect(phone.listeners.size).toBe(0)
  })

  test('can finish the sign-in although it was closed meanwhile, with a store that lasts', async () => {
    const contents = new Map<string, string>()
    const transactionStore = {
      get: (key: string) => contents.get(key),
      set: (key: string, value: string) => void contents.set(key, value),
      remove: (key: string) => void contents.delete(key),
      keys: () => [...contents.keys()],
    }
    const phone = createPhone()
    void phone.startApp({ transactionStore }).signIn()
    await expect.poll(() => phone.opened.length).toBe(1)
    const answer = await phone.server.authorize(phone.opened[0]!)
    const restarted = phone.startApp({ transactionStore })
    expect(await restarted.handleCallback(answer)).toMatchObject({ kind: 'signed-in' })
  })
})

describe('a sign-in in the browser that comes to nothing', () => {
  test('is over when the app says that the browser was closed', async () => {
    const phone = createPhone()
    const { session } = await phone.signIn()
    phone.closeBrowser()
    expect(await rejection(session)).toMatchObject({
      code: 'sign_in_cancelled',
      message: 'The user closed the browser.',
    })
    expect(phone.listeners.size).toBe(0)
  })

  test('is over when another one begins, which completes', async () => {
    const phone = createPhone()
    const first = await phone.signIn()
    const second = await phone.signIn()
    expect(await rejection(first.session)).toMatchObject({
      code: 'sign_in_cancelled',
      message: 'Another sign-in began.',
    })
    phone.openApp(await phone.server.authorize(second.url))
    expect(await second.session).toMatchObject({ status: 'signed-in' })
    expect(phone.listeners.size).toBe(0)
  })

  test('is over when the user signs out', async () => {
    const phone = createPhone()
    const { session } = await phone.signIn()
    await phone.auth.signOut()
    expect(await rejection(session)).toMatchObject({ code: 'sign_in_cancelled' })
    expect(phone.listeners.size).toBe(0)
  })

  test('is over when the app gives up, and lets go of its signal', async () => {
    const phone = createPhone()
    const controller = new AbortController()
    const { session } = await phone.signIn({ signal: controller.signal })
    controller.abort(new Error('enough'))
    expect(await rejection(session)).toMatchObject({ message: 'enough' })
    await expect.poll(() => phone.listeners.size).toBe(0)
  })

  test('that was cancelled later changes nothing any more', async () => {
    const phone = createPhone()
    const { session, url } = await phone.signIn()
    phone.openApp(await phone.server.authorize(url))
    await session
    phone.closeBrowser()
    expect(phone.auth.getSession().status).toBe('signed-in')
  })

  test.each(['open', 'listen'] as const)(
    'rejects with what %s throws, and stops listening',
    async (name) => {
      const failing = () => {
        throw new Error('There is no browser.')
      }
      const phone = createPhone({ [name]: failing })
      expect(await rejection(phone.auth.signIn())).toMatchObject({
        message: 'There is no browser.',
      })
      expect(phone.listeners.size).toBe(0)
    },
  )

  test('is not harmed by an app that cannot stop listening', async () => {
    let answer: (url: string) => boolean = () => false
    const phone = createPhone({
      listen(given) {
        answer = given
        return async () => {
          throw new Error('Too late.')
        }
      },
    })
    const { session, url } = await phone.signIn()
    answer(await phone.server.authorize(url))
    expect(await session).toMatchObject({ status: 'signed-in' })
  })
})

describe('one journey', () => {
  const request = { url: new URL('https://login.example.com/authorize'), state: 'tag.state' }

  /** A navigation whose listening begins a little later. */
  function slowListening() {
    const log: string[] = []
    let begin!: (stop: () => void) => void
    const navigator = externalBrowser({
      open: () => void log.push('opened'),
      listen: () => new Promise((resolve) => (begin = resolve)),
    })
    const navigation = navigator.open(pageHost(), systemClock())
    return { log, navigation, begin: () => begin(() => log.push('stopped')) }
  }

  test('opens no browser before it listens', async () => {
    const { log, navigation, begin } = slowListening()
    void navigation.go(request)
    await Promise.resolve()
    expect(log).toEqual([])
    begin()
    await expect.poll(() => log).toEqual(['opened'])
  })

  test('that ends before it listens opens no browser, and stops listening all the same', async () => {
    const { log, navigation, begin } = slowListening()
    const going = rejection(navigation.go(request))
    navigation.close()
    begin()
    await going
    await expect.poll(() => log).toEqual(['stopped'])
  })

  test('does nothing with a signal that was aborted before', async () => {
    const { log, navigation } = slowListening()
    const signal = AbortSignal.abort(new Error('enough'))
    expect(await rejection(navigation.go({ ...request, signal }))).toMatchObject({
      message: 'enough',
    })
    expect(log).toEqual([])
  })

  test('stops listening once, and lets go of the signal', async () => {
    const { log, navigation, begin } = slowListening()
    const { signal } = new AbortController()
    navigation.go({ ...request, signal }).catch(() => {})
    begin()
    await expect.poll(() => log).toEqual(['opened'])
    navigation.close()
    navigation.close()
    await expect.poll(() => log).toEqual(['opened', 'stopped'])
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
