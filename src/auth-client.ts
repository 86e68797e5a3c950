import type { Fetch } from './api/scheme.ts'
import type { EventMap, EventName } from './events.ts'
import type { Session, SignedInSession } from './session/state.ts'
import type { SignInParams } from './sign-in/params.ts'
import type { SignOutOptions } from './sign-in/sign-out-options.ts'
import type { StartResult } from './sign-in/start.ts'

/** Options of methods that may have to wait for the network. */
export interface WaitOptions {
  /** Ends the wait; what is under way goes on. */
  signal?: AbortSignal | undefined
}

/** What a sign-in may ask for, whoever keeps the tokens. */
export type AuthClientSignInParams = Pick<
  SignInParams,
  'returnTo' | 'prompt' | 'loginHint' | 'acrValues' | 'maxAge' | 'uiLocales' | 'scope' | 'signal'
>

/**
 * What {@link PkceClient} and {@link backEndSession} have in common. Components that are written against it do not change
 * when the tokens move from the browser to a back end.
 */
export interface AuthClient {
  /** Finds out whether a user is signed in. Always the same promise, unless it rejects with something that may change. */
  start(): Promise<StartResult>
  /** The session of this moment; the same object as long as nothing changed. Bound, for `useSyncExternalStore`. */
  readonly getSession: () => Session
  /** Calls the listener after each change of the session; returns a function that stops it. Bound, for `useSyncExternalStore`. */
  readonly subscribe: (listener: () => void) => () => void
  /** Listens to an event, for logs and tools; returns a function that stops it. Nothing in an event is secret. */
  on<Name extends EventName>(event: Name, listener: (facts: EventMap[Name]) => void): () => void
  /**
   * Fetches from a listed resource as the user who is signed in. Bound. Rejects with `resource_not_allowed`,
   * `sign_in_required`, `session_ended`, or a failure of finding out who is signed in (`network`, `timeout`, `server_error`,
   * ...); what the request itself rejects with passes through.
   */
  readonly fetch: Fetch
  /**
   * Sends the user to sign in. The page is left, and the promise stays pending. Rejects with `sign_in_cancelled` (the user
   * came back without an answer; an ignored promise does not report it), `redirect_loop`, `invalid_option`, and the reason of
   * an aborted `signal`.
   */
  signIn(params?: AuthClientSignInParams): Promise<SignedInSession>
  /**
   * Resolves to the session of whoever is signed in, and sends the user to sign in otherwise: the guard of a protected page.
   * Rejects with `sign_in_required` (the user has signed out at this address), with what {@link AuthClient.signIn} rejects
   * with, and with a failure of finding out who is signed in.
   */
  requireSession(params?: AuthClientSignInParams): Promise<SignedInSession>
  /**
   * Signs the user out in all tabs, and leaves the page to sign out at the server as well, unless `redirect` is false.
   * Rejects with `invalid_option`, or a failure of the request (`network`, `timeout`, `server_error`, ...).
   */
  signOut(options?: Pick<SignOutOptions, 'redirect'>): Promise<void>
  /**
   * Makes sure of the session now: by new tokens, or by the word of the back end. Resolves to the session afterwards. Rejects
   * with `sign_in_required`,
   * `session_ended`, a failure of the request (`network`, `timeout`, `server_error`, ...), or the reason of an aborted `signal`.
   */
  refresh(options?: WaitOptions): Promise<SignedInSession>
  /** Removes all listeners, channels and timers, for good. Do not call it in a React effect. */
  close(): void
}
