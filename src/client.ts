import { browserPorts } from './compose/browser.ts'
import { composeEngine } from './compose/engine.ts'
import { accessToken, refreshNow, userInfo } from './compose/token-methods.ts'
import { resolveOptions } from './options.ts'
import type { Fetch } from './api/scheme.ts'
import type { AuthClient, WaitOptions } from './auth-client.ts'
import type { Engine } from './compose/engine.ts'
import type { AccessTokenOptions } from './compose/token-methods.ts'
import type { EventMap, EventName } from './events.ts'
import type { PkceClientOptions } from './options.ts'
import type { UserInfo } from './protocol/user-info.ts'
import type { Session, SignedInSession } from './session/state.ts'
import type { CallbackResult } from './sign-in/finish.ts'
import type { SignOutOptions } from './sign-in/sign-out-options.ts'
import type { StartResult } from './sign-in/start.ts'
import type { SignInParams } from './sign-in/params.ts'

/**
 * Signs users in with the authorization code flow and PKCE, keeps them signed in, and calls APIs for them
 * (RFC 6749 §4.1, RFC 7636, OpenID Connect Core §3.1, RFC 9700).
 */
export class PkceClient implements AuthClient {
  /** The session of this moment; the same object as long as nothing changed. Bound, for `useSyncExternalStore`. */
  readonly getSession: () => Session
  /** Calls the listener after each change of the session; returns a function that stops it. Bound, for `useSyncExternalStore`. */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Fetches from a listed resource with the access token, which is refreshed when it is due, and once after a 401
   * (RFC 6750). Bound. Rejects with `resource_not_allowed`, `sign_in_required`, `step_up_required` (no token for this API
   * before another sign-in), `session_ended`, or what
   * {@link PkceClient.refresh} rejects with; what the request itself rejects with passes through.
   */
  readonly fetch: Fetch

  readonly #engine: Engine

  /** Checks the options and does nothing else. Throws `invalid_option`, naming the option and what would be right. */
  constructor(options: PkceClientOptions) {
    const resolved = resolveOptions(options)
    const engine = composeEngine(resolved, browserPorts(resolved))
    this.#engine = engine
    this.getSession = engine.session.state
    this.subscribe = (listener) => engine.on('session-changed', () => listener())
    this.fetch = engine.fetch
  }

  /**
   * Makes an authorization request and goes nowhere (RFC 6749 §4.1.1). Resolves to its URL and state. Rejects with
   * `invalid_option`, `insecure_context`, `discovery_failed`, `issuer_mismatch`, `storage_unavailable` or a failure of the request.
   */
  createAuthorizationUrl(params: SignInParams = {}): Promise<{ url: URL; state: string }> {
    return this.#engine.signIn.createUrl(params)
  }

  /**
   * Sends the user to sign in. With a redirect the page is left, and the promise stays pending; calls at once are one sign-in.
   * It waits while {@link PkceClient.signOut} is under way, and does not happen when that leaves the page. Rejects with
   * `sign_in_cancelled` (the user came back without an answer, the page is still visible after the option `timeout`, or
   * `signOut()` was called later; an ignored promise does not report it), `redirect_loop`, what {@link PkceClient.createAuthorizationUrl} rejects with
   * (`invalid_option` also where the page and the redirect URI are on two origins), and the reason of an aborted `signal`.
   */
  signIn(params: SignInParams = {}): Promise<SignedInSession> {
    return this.#engine.signIn.signIn(params)
  }

  /**
   * Finishes a sign-in if the URL, or else the address of the page, is its answer (RFC 6749 §4.1.2, RFC 9207). Resolves to
   * `undefined` when it is not. Handling one answer again gives the same promise. Rejects with a {@link CallbackError}:
   * `authorization_denied`, `callback_invalid`, `issuer_mismatch`, `transaction_not_found`, `transaction_consumed`,
   * `storage_unavailable`, `sign_in_cancelled` (`signOut()` was called meanwhile), or a failure of the token request
   * (`id_token_invalid`, `token_response_invalid`, `network`, ...).
   * @param url - in place of the address of the page, which is then left alone; a relative one resolves against `redirectUri`
   */
  handleCallback(url?: string | URL): Promise<CallbackResult | undefined> {
    return this.#engine.start.handleCallback(url)
  }

  /**
   * Finishes a sign-in if this page is its answer, else restores the session. Always the same promise.
   * Rejects with a {@link CallbackError} for a failed sign-in only; the session is known afterwards all the same.
   */
  start(): Promise<StartResult> {
    return this.#engine.start.start()
  }

  /**
   * Resolves to the session of whoever is signed in, and sends the user to sign in otherwise: one line for the guard of a
   * protected page. It calls {@link PkceClient.start} first, and may be called by any number of guards, any number of times.
   *
   * - Nobody is signed in: the page is left as by {@link PkceClient.signIn}, once, however many guards ask. The user comes
   *   back to the address of now, unless `returnTo` says otherwise. The promise stays pending while the page is being left.
   * - A sign-in that did not complete (the user clicked Deny, or came back by the Back button) rejects, unless the user has
   *   signed in meanwhile; the next call may send the user away again.
   * - While {@link PkceClient.signOut} is under way it waits. When that leaves the page, the promise stays pending.
   * - After a sign-out that did not leave the page, in this tab or another, it rejects with `sign_in_required` at the same
   *   address. After a navigation, or a click, tap or key press, it sends the user to sign in again.
   * - In a prerendered page it waits until the page is shown. Where there is no address, as on a server, it rejects with
   *   `sign_in_required`.
   *
   * Rejects with `sign_in_required`, with what {@link PkceClient.start} rejects with (a {@link CallbackError}), with what
   * {@link PkceClient.signIn} rejects with (`sign_in_cancelled`, `redirect_loop`, `invalid_option`, `insecure_context`,
   * `discovery_failed`, `network`, `storage_unavailable`, ...), and with the reason of an aborted `signal`.
   * @param params - as for `signIn()`; `signal` ends the wait of this caller
   */
  requireSession(params: SignInParams = {}): Promise<SignedInSession> {
    return this.#engine.requireSession(params)
  }

  /** Listens to an event, for logs and tools; returns a function that stops it. Nothing in an event is secret. */
  on<Name extends EventName>(event: Name, listener: (facts: EventMap[Name]) => void): () => void {
    return this.#engine.on(event, listener)
  }

  /**
   * Resolves to an access token that is valid now, refreshed first if need be.
   * Rejects as {@link PkceClient.fetch} does, with `invalid_option`, and with the reason of an aborted `signal`.
   */
  async getAccessToken(given: AccessTokenOptions = {}): Promise<string> {
    return accessToken(this.#engine, given)
  }

  /**
   * Refreshes the tokens now (RFC 6749 §6). Resolves to the session afterwards. Rejects with `sign_in_required` (also without a
   * refresh token), `session_ended`, a failure of the request (`network`, `timeout`, `server_error`, `rate_limited`), an
   * answer that cannot be used (`discovery_failed`, `issuer_mismatch`, `token_response_invalid`, `id_token_invalid`), or the
   * reason of an aborted `signal`.
   */
  async refresh(options: WaitOptions = {}): Promise<SignedInSession> {
    await refreshNow(this.#engine, options)
    return this.getSession() as SignedInSession
  }

  /**
   * Makes `globalThis.fetch` put tokens on requests to the listed resources, as {@link PkceClient.fetch} does; all else passes
   * through untouched. Returns a function that puts the old `fetch` back.
   */
  replaceGlobalFetch(): () => void {
    return this.#engine.globalFetch.replace()
  }

  /**
   * Asks the server about the user who is signed in (OpenID Connect Core §5.3). Rejects as {@link PkceClient.getAccessToken} does, and with
   * `server_error` when the server has no such endpoint or answers for somebody else.
   */
  async getUserInfo(options: WaitOptions = {}): Promise<UserInfo> {
    return userInfo(this.#engine, options)
  }

  /**
   * Signs the user out: here and in all tabs first, then at the server by revocation (RFC 7009) and a redirect
   * (RP-Initiated Logout §2). Resolves once everything was sent; revocation is waited for two seconds at most. The later
   * wish counts: sign-ins that were called before are cancelled. A call while one is under way joins it. Rejects with
   * `invalid_option` before anything is ended, and afterwards with `network`, `timeout` or `discovery_failed` when the
   * server's metadata were needed and could not be had: the user is signed out here, but not at the server.
   */
  signOut(options: SignOutOptions = {}): Promise<void> {
    return this.#engine.signOut(options)
  }

  /** Removes all listeners, channels and timers, for good. Do not call it in a React effect. */
  close(): void {
    this.#engine.close()
  }
}
