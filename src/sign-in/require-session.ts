import { unlessAborted } from '../unless-aborted.ts'
import { checkParams } from './params.ts'
import { signInRequired, watchSignOut } from './watch-sign-out.ts'
import type { EventMap } from '../events.ts'
import type { Host } from '../host/host.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Refresher } from '../session/refresh.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { SignedInSession } from '../session/state.ts'
import type { CheckedParams, SignInParams } from './params.ts'
import type { SignIn } from './sign-in.ts'
import type { Start } from './start.ts'
import type { Turns } from './turns.ts'

interface RequireSessionParts {
  options: ResolvedOptions
  host: Host
  session: SessionKeeper
  refresher: Refresher
  start: Start
  turns: Turns
  signIn: SignIn
  onSessionChanged: (listener: (facts: EventMap['session-changed']) => void) => void
}

export type RequireSession = ReturnType<typeof createRequireSession>

/** The guard of protected pages: whoever is signed in, or the way to sign in. */
export function createRequireSession(parts: RequireSessionParts) {
  const { options, host, session, refresher, start, turns, signIn, onSessionChanged } = parts
  const signedOut = watchSignOut(host)
  let departing: Promise<SignedInSession> | undefined
  onSessionChanged(({ session: now }) => signedOut.note(now))

  /** The session, once no sign-out is under way and everything that other tabs did is known. */
  async function settled(): Promise<SignedInSession | undefined> {
    // What start() rejected with before this call was its caller's to show; after it, the user may be sent away again.
    if (!start.failure()) await start.start()
    let isStuck: boolean
    do {
      const away = await turns.afterSignOut()
      await away?.back
      if (session.state().status !== 'signed-in') await session.reread()
      await refresher.endExpired()
      isStuck = await refresher.isStuck()
    } while (turns.isSigningOut())
    const state = session.state()
    return state.status === 'signed-in' && !isStuck ? state : undefined
  }

  /** At the address where a refused answer was shown, its sign-in tells where the user wants to be. */
  function returnTo(): string | undefined {
    const failure = start.failure()
    return failure && failure.at === host.url() ? failure.returnTo : host.url()
  }

  /** The Back button shows this page as it was left, though the user may have signed in on a later one. */
  async function signedInSince(error: unknown): Promise<SignedInSession> {
    const state = await settled()
    if (state) return state
    throw error
  }

  async function guard(
    params: SignInParams,
    { signal, returnTo: wanted }: CheckedParams,
  ): Promise<SignedInSession> {
    // Asked in the turn of the call too: a click that comes while this waits asks for something else.
    const early = signedOut.isHere()
    const state = await settled()
    if (state) return state
    if (early || signedOut.isHere()) throw signInRequired('signOut() was called at this address')
    if (host.url() === undefined)
      throw signInRequired('there is no page to send the user away from')
    signal?.throwIfAborted()
    return depart({ ...params, returnTo: wanted ?? returnTo() }).catch(signedInSince)
  }

  /** Guards that ask at once are one sign-in, also where it keeps the page; one with a signal may give up by itself. */
  function depart(params: SignInParams): Promise<SignedInSession> {
    if (params.signal) return signIn.signIn(params)
    return (departing ??= signIn.signIn(params).finally(() => {
      departing = undefined
    }))
  }

  return {
    async requireSession(params: SignInParams): Promise<SignedInSession> {
      const checked = checkParams(params, options)
      return unlessAborted(guard(params, checked), checked.signal)
    },

    /** Whether the user was signed out at the address shown, and has done nothing since. */
    isSignedOutHere: signedOut.isHere,

    close: signedOut.close,
  }
}
