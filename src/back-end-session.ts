import { createBackEndFetch, notSignedIn } from './back-end/fetch.ts'
import { createRoutes, longest } from './back-end/routes.ts'
import { createKnownSession } from './back-end/session.ts'
import { createBackEndSignIn } from './back-end/sign-in.ts'
import { createBackEndSignOut } from './back-end/sign-out.ts'
import { callable, checkOptions, object, signal, text, url, wholeSeconds } from './check-options.ts'
import { systemClock } from './clock.ts'
import { PkceClientError } from './errors.ts'
import { createEmitter } from './events.ts'
import { pageHost } from './host/page.ts'
import { createTurns } from './sign-in/turns.ts'
import { signInRequired, watchSignOut } from './sign-in/watch-sign-out.ts'
import { broadcastChannel } from './tabs/broadcast-channel.ts'
import { unlessAborted } from './unless-aborted.ts'
import type { AuthClient, AuthClientSignInParams, WaitOptions } from './auth-client.ts'
import type { Rules } from './check-options.ts'
import type { Clock } from './clock.ts'
import type { Host } from './host/host.ts'
import type { SignedInSession } from './session/state.ts'
import type { StartResult } from './sign-in/start.ts'
import type { Channel } from './tabs/channel.ts'

/** Options of {@link backEndSession}. */
export interface BackEndSessionOptions {
  /** Where `ServerClient` answers on the app's own origin; `'/auth'` when left out. */
  basePath?: string | undefined
  /** The paths of the app's own origin that `fetch` may call, each with what lies under it; all of them when left out. */
  resources?: readonly string[] | undefined
  /** Time and jitter. */
  clock?: Clock | undefined
  /** The page around the client. */
  host?: Host | undefined
  /** Messages between tabs; BroadcastChannel when left out. */
  channel?: Channel | undefined
  /** Used for every request; the `globalThis.fetch` of the moment when left out. */
  fetch?: typeof globalThis.fetch | undefined
}

const isPath = (value: unknown) => /^\/(?!\/)[^?#\\\s]*$/.test(String(value))

const optionRules: Rules<BackEndSessionOptions> = {
  basePath: [
    (value: string) => isPath(value) && !value.endsWith('/'),
    'a path without a slash at the end, such as "/auth"',
  ],
  resources: [
    (value: unknown) => Array.isArray(value) && value.every(isPath),
    'a list of paths of this origin, such as ["/api/"]',
  ],
  clock: object,
  host: object,
  channel: object,
  fetch: callable,
}
const signInRules: Rules<AuthClientSignInParams> = {
  returnTo: url,
  prompt: text,
  loginHint: text,
  acrValues: text,
  maxAge: wholeSeconds,
  uiLocales: text,
  scope: text,
  signal,
}
const waitRules: Rules<WaitOptions> = { signal }

/**
 * The session of a user whose tokens a back end keeps (`ServerClient` of `pkce-client/server`): the browser has a cookie
 * that scripts cannot read, and asks the back end who is signed in. Throws `invalid_option`.
 */
export function backEndSession(given: BackEndSessionOptions = {}): AuthClient {
  const options = checkOptions(given, optionRules)
  const { basePath = '/auth', resources = ['/'] } = options
  const { clock = systemClock(), host = pageHost(), channel = broadcastChannel() } = options
  const fetch: typeof globalThis.fetch = (input, init) =>
    (options.fetch ?? globalThis.fetch)(input, init)
  const name = `pkce-client ${basePath}`
  const page = { host, clock, timeout: longest }
  const { emit, on, close: closeEvents } = createEmitter((error) => host.reportError(error))

  const routes = createRoutes({ basePath, host, clock, fetch })
  const session = createKnownSession({ name, routes, channel, host, clock, emit })
  const turns = createTurns(page)
  const signIn = createBackEndSignIn({ name, page, routes, turns, emit })
  const { fetch: ownFetch, fetchAsUser } = createBackEndFetch({
    resources,
    origin: routes.origin,
    baseUrl: () => host.baseUrl(),
    session,
    fetch,
    emit,
  })
  const signOut = createBackEndSignOut({ routes, session, turns, fetchAsUser })
  const signedOut = watchSignOut(host)
  on('session-changed', ({ session: now }) => signedOut.note(now))
  on('signed-in', () => {
    if (signIn.arrived()) session.tell()
  })

  let started: Promise<StartResult> | undefined

  async function start(): Promise<StartResult> {
    await host.whenShown()
    // Spelled out although undefined: an app navigates to `returnTo`, and must not find one on Object.prototype.
    return {
      kind: 'restored',
      session: await session.find(),
      returnTo: undefined,
      appState: undefined,
      resumed: undefined,
    }
  }

  /** Whoever is signed in, once no sign-out is under way. */
  async function settled(): Promise<SignedInSession | undefined> {
    const away = await turns.afterSignOut()
    await away?.back
    const state = session.state()
    const now = state.status === 'signed-in' ? state : await session.ask()
    return now.status === 'signed-in' ? now : undefined
  }

  async function guard(params: AuthClientSignInParams): Promise<SignedInSession> {
    // Asked in the turn of the call too: a click that comes while this waits asks for something else.
    const early = signedOut.isHere()
    await host.whenShown()
    const state = await settled()
    if (state) return state
    if (early || signedOut.isHere()) throw signInRequired('signOut() was called at this address')
    params.signal?.throwIfAborted()
    return signIn.signIn({ returnTo: host.url(), ...params }).catch(async (error: unknown) => {
      // The Back button shows this page as it was left, though the user may have signed in on a later one.
      const since = await settled()
      if (since) return since
      throw error
    })
  }

  return {
    getSession: session.state,
    subscribe: (listener) => on('session-changed', () => listener()),
    on,
    fetch: ownFetch,
    signOut,

    start: () =>
      (started ??= start().catch((error: unknown) => {
        started = undefined
        throw error
      })),

    async signIn(params = {}) {
      return signIn.signIn(checkOptions(params, signInRules))
    },

    async requireSession(params = {}) {
      const checked = checkOptions(params, signInRules)
      return unlessAborted(guard(checked), checked.signal)
    },

    async refresh(params = {}) {
      const before = session.state()
      const now = await unlessAborted(session.ask(), checkOptions(params, waitRules).signal)
      if (now.status !== 'signed-in') throw notSignedIn(now, before)
      if (!now.stale) return now
      const why = 'The back end cannot refresh the tokens at the moment; try again soon.'
      throw new PkceClientError('server_error', why, { retryable: true })
    },

    close() {
      turns.close()
      closeEvents()
      signedOut.close()
      session.close()
    },
  }
}
