import { expect } from 'vitest'
import { CallbackError } from '../../src/index.ts'
import type { ErrorCode, PkceClient } from '../../src/index.ts'
import { createCookieJar } from '../../src/testing/index.ts'
import type { FakeTab } from '../../src/testing/index.ts'
import { callbackUri, createWorld, listen, rejection } from './world.ts'
import type { HeardEvent, SignInStory, World, WorldOptions } from './world.ts'

export interface RefusalOptions extends WorldOptions, SignInStory {
  /** What goes wrong, told after Ada is signed in and before the sign-in that fails begins. */
  given?: (world: World) => unknown
  /** What goes wrong while the person is at the server: the page come back to has not been loaded yet. */
  away?: (world: World) => unknown
  /** The callback URL as it arrives, when it is not the server's. */
  arrives?: (callback: URL) => string
  code: ErrorCode
  /** The OAuth requests of the page come back to, in alphabetical order; none by default. */
  requests?: string[]
  /** The sign-in cannot be recognised, so nothing is known of what it was for. */
  unrecognised?: boolean
}

export interface Refusal {
  world: World
  tab: FakeTab
  auth: PkceClient
  error: CallbackError
  events: HeardEvent[]
}

/**
 * Ada is signed in and signs in once more, which fails. Whatever the reason: the error says which sign-in it was, the
 * address is cleaned, Ada's session is as it was, nothing more is sent, and Grace can sign in right after.
 */
export async function expectRefusal(options: RefusalOptions): Promise<Refusal> {
  const world = createWorld(options)
  const { tab, server } = world
  await world.signIn(tab)
  const session = world.storedSession()
  const params = { returnTo: '/basket?id=7', appState: { basket: 7 }, ...options.params }

  await options.given?.(world)
  const person = { username: 'grace', jar: createCookieJar(), ...options.person }
  const callback = new URL(await world.depart(tab, { ...options, params, person }))
  await options.away?.(world)
  const before = server.requests.length
  const auth = world.load(tab, options.arrives?.(callback) ?? callback.href, options.overrides)
  const events = listen(auth)
  const error = await rejection(auth.start())

  expect(error).toBeInstanceOf(CallbackError)
  expect(error).toMatchObject({ name: 'CallbackError', code: options.code, sessionEnded: false })
  expect(error).toMatchObject(
    options.unrecognised
      ? { returnTo: undefined, appState: undefined }
      : { returnTo: 'https://app.example.com/basket?id=7', appState: { basket: 7 } },
  )
  expect(tab.url).toBe(callbackUri)

  expect(auth.getSession()).toMatchObject({ status: 'signed-in', claims: { sub: 'user-ada' } })
  expect(world.storedSession()).toEqual(session)
  expect(changes(events)).toEqual(['session-changed', 'signed-in'])
  for (const transaction of world.transactions().values()) {
    if (!options.unrecognised) expect(transaction).toMatchObject({ verifier: '', nonce: '' })
  }

  await world.clock.advance(60_000)
  const paths = server.requests.slice(before).map(({ path }) => path)
  expect(paths.sort()).toEqual(options.requests ?? [])

  await expectNextSignInWorks(world, options)
  return { world, tab, auth, error: error as CallbackError, events }
}

/** Those that tell of the session. The two of restoring it come first. */
function changes(events: readonly HeardEvent[]): string[] {
  return events.map(({ name }) => name).filter((name) => /^(?:session|signed)-/.test(name))
}

async function expectNextSignInWorks(world: World, { overrides }: SignInStory): Promise<void> {
  world.server.clearFaults()
  const person = { username: 'grace', jar: createCookieJar() }
  const { result } = await world.comeBack(world.browser.openTab(), {
    person,
    ...(overrides && { overrides }),
  })
  expect(result).toMatchObject({ kind: 'signed-in', session: { claims: { sub: 'user-grace' } } })
}
