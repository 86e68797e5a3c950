import { signInOnDemand } from '../../src/index.ts'
import type {
  PkceClient,
  PkceClientOptions,
  SignInOnDemandOptions,
  SignInParams,
} from '../../src/index.ts'
import type { AuthServer, AuthorizeOptions } from '../../src/testing/index.ts'
import { keepingPage } from './navigators.ts'
import { createWorld, listen } from './world.ts'
import type { HeardEvent, World, WorldOptions } from './world.ts'

export interface OnDemandOptions extends WorldOptions, SignInOnDemandOptions {
  /** Options of every client beside those of this world. */
  overrides?: Partial<PkceClientOptions>
  /** What goes on in the window, in place of a user who signs in. */
  window?: (request: { url: URL; server: AuthServer }) => Promise<URL | undefined>
  /** Is called while the window opens. */
  opened?: () => void
}

export interface OnDemandWorld extends World {
  auth: PkceClient
  heard: HeardEvent[]
  /** The authorization requests that windows were opened with, oldest first. */
  windows: URL[]
  /** Who signs in next, in a window. */
  user: AuthorizeOptions
  /** Signs in by a click, before anything else happens. */
  signInFirst(params?: SignInParams): Promise<void>
}

/** A page whose calls open a window for the user to sign in, when there is need. Nobody is signed in. */
export async function onDemandWorld(options: OnDemandOptions = {}): Promise<OnDemandWorld> {
  const { ask, overrides, window, opened, ...worldOptions } = options
  const world = createWorld(worldOptions)
  const windows: URL[] = []
  const navigator = keepingPage(
    async ({ url }) => {
      windows.push(url)
      return window
        ? window({ url, server: world.server })
        : new URL(await world.server.authorize(url, made.user))
    },
    { ...(opened && { opened }) },
  )
  const auth = world.client(world.tab, { navigator, use: [signInOnDemand({ ask })], ...overrides })
  const made: OnDemandWorld = Object.assign(world, {
    auth,
    heard: listen(auth),
    windows,
    user: {},
    async signInFirst(params?: SignInParams) {
      await auth.start()
      await auth.signIn(params)
      windows.length = 0
    },
  })
  return made
}

/** Ada is signed in, and her session is over at the server; the page does not know yet. */
export async function endedSession(
  options: OnDemandOptions & { params?: SignInParams } = {},
): Promise<OnDemandWorld> {
  const world = await onDemandWorld(options)
  await world.signInFirst(options.params)
  await world.clock.advance(60_000)
  world.server.revokeSessions('ada')
  return world
}

/** The requests for tokens with a code. */
export const codeExchanges = ({ server }: Pick<World, 'server'>) =>
  server.requestsTo('/token').filter(({ form }) => form?.grant_type === 'authorization_code')

/** Calls an API that answers with who the token belongs to. */
export const whoAmI = async (answer: Promise<Response>): Promise<unknown> =>
  ((await (await answer).json()) as { sub?: unknown }).sub
