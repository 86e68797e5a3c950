import { describe, expect, test } from 'vitest'
import { iframe, memoryStore, redirect, relayAnswer } from '../../../src/index.ts'
import type { PkceClient, PkceClientOptions, SignInParams } from '../../../src/index.ts'
import type { FakeTab } from '../../../src/testing/index.ts'
import { callbackUri, createWorld, rejection } from '../../support/world.ts'

/** An app whose user is signed in at the server, or not, and asks for a sign-in in a frame. */
async function asking({
  knownAtServer = true,
  params = {},
  ...client
}: Partial<PkceClientOptions> & { knownAtServer?: boolean; params?: SignInParams } = {}) {
  const world = createWorld({ client: { navigator: [redirect(), iframe()], ...client } })
  if (knownAtServer) {
    await world.depart()
    world.tab.load('/')
  }
  const auth = world.client()
  const signedIn = auth.signIn({ navigator: iframe(), ...params })
  let outcome: { session?: unknown; error?: unknown } | undefined
  signedIn.then(
    (session) => (outcome = { session }),
    (error: unknown) => (outcome = { error }),
  )
  await world.until(() => world.tab.frames[0]?.url.startsWith(world.server.issuer))
  const frame = world.tab.frames[0]!
  return {
    world,
    auth,
    signedIn,
    frame,
    url: new URL(frame.url),
    outcome: () => outcome,
    /** The server answers, and the frame loads the page at the redirect URI. */
    async answer() {
      frame.load(await world.server.authorize(frame.url, { jar: world.jar }))
    },
  }
}

const pages: [string, (frame: FakeTab, client: () => PkceClient) => unknown][] = [
  ['the app', (_, client) => client().start()],
  ['a static page', (frame) => relayAnswer(frame.ports.host.window)],
  ['nothing but an empty page', (frame) => frame.loaded()],
]

describe('asking in a frame who is signed in', () => {
  test.each(pages)('with %s at the redirect URI', async (_, run) => {
    const { world, signedIn, frame, url, answer } = await asking()
    expect(url.searchParams.get('prompt')).toBe('none')
    await answer()
    await run(frame, () => world.client(frame))
    expect(await signedIn).toMatchObject({ status: 'signed-in', claims: { name: 'Ada Lovelace' } })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
    expect(world.tab.navigations).toEqual([expect.stringContaining(world.server.issuer)])
    await world.clock.advance(1_000)
    expect(world.clock.timers).toBe(0)
  })

  test('with memoryStore()', async () => {
    const { world, signedIn, frame, answer } = await asking({
      store: memoryStore(),
      transactionStore: memoryStore(),
    })
    await answer()
    expect(await world.client(frame).start()).toMatchObject({ kind: 'relayed' })
    expect(await signedIn).toMatchObject({ status: 'signed-in' })
  })

  test('what the caller asks for goes over prompt=none', async () => {
    const { url } = await asking({ params: { prompt: 'consent' } })
    expect(url.searchParams.get('prompt')).toBe('consent')
  })

  test('of a user who must sign in: login_required, and nobody is sent away (C-32)', async () => {
    const { world, signedIn, frame, answer } = await asking({ knownAtServer: false })
    await answer()
    frame.loaded()
    const error = await rejection(signedIn)
    expect(error).toMatchObject({ code: 'login_required', cause: { error: 'login_required' } })
    await world.clock.advance(60_000)
    expect(world.tab.navigations).toEqual([])
    expect(world.tab.frames).toHaveLength(1)
    expect(world.server.requestsTo('/authorize')).toHaveLength(1)
  })

  test.each(['interaction_required', 'consent_required', 'account_selection_required'])(
    'refused with %s: login_required, with the word (C-32)',
    async (word) => {
      const { world, signedIn, frame, answer } = await asking()
      world.server.fault('callback-error', { error: word })
      await answer()
      frame.loaded()
      const error = await rejection(signedIn)
      expect(error).toMatchObject({ code: 'login_required', cause: { error: word } })
    },
  )
})

describe('a frame that brings no answer', () => {
  const blocked = {
    code: 'iframe_blocked',
    retryable: false,
    sessionEnded: false,
    message: expect.stringContaining('https://login.example.com') as string,
  }

  test('a page in place of one: three seconds after it was loaded', async () => {
    const { world, frame, outcome } = await asking()
    await world.clock.advance(5_000)
    frame.loaded()
    await world.clock.advance(2_999)
    expect(outcome()).toBeUndefined()
    await world.clock.advance(1)
    expect(outcome()).toMatchObject({ error: blocked })
    expect(world.clock.timers).toBe(0)
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('a page that forwards by script is waited for', async () => {
    const { world, frame, signedIn, answer } = await asking()
    frame.loaded()
    await world.clock.advance(700)
    await answer()
    frame.loaded()
    expect(await signedIn).toMatchObject({ status: 'signed-in' })
  })

  test('pages that keep forwarding are not waited for for ever', async () => {
    const { world, frame, outcome } = await asking()
    for (let page = 0; page < 4; page += 1) {
      frame.loaded()
      await world.clock.advance(1_000)
    }
    expect(outcome()).toMatchObject({ error: blocked })
  })

  test('nothing at all: after ten seconds', async () => {
    const { world, outcome } = await asking()
    await world.clock.advance(9_999)
    expect(outcome()).toBeUndefined()
    await world.clock.advance(1)
    expect(outcome()).toMatchObject({ error: blocked })
  })

  test('a page of this origin that is no answer', async () => {
    const { world, frame, outcome } = await asking()
    frame.load(`${callbackUri}?error=nothing`)
    frame.loaded()
    await world.clock.advance(3_000)
    expect(outcome()).toMatchObject({ error: blocked })
  })

  test.each([
    ['its signal', (_: PkceClient, controller: AbortController) => controller.abort()],
    ['close()', (auth: PkceClient) => auth.close()],
  ])('given up by %s: the frame and its timers are gone', async (_, giveUp) => {
    const controller = new AbortController()
    const { world, auth, signedIn } = await asking({ params: { signal: controller.signal } })
    giveUp(auth, controller)
    await rejection(signedIn)
    await world.clock.settle()
    expect(world.clock.timers).toBe(0)
  })

  test('where there is no page, as on a server', async () => {
    const world = createWorld()
    const host = { ...world.tab.ports.host, url: () => undefined, window: undefined }
    const error = await rejection(world.client(world.tab, { host }).signIn({ navigator: iframe() }))
    expect(error).toMatchObject({ code: 'iframe_blocked' })
  })
})
