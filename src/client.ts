import { PkceClientError } from './errors.ts'
import { withParameters } from './protocol/authorization.ts'
import { longestSignOut } from './protocol/sign-out.ts'
import { requestUserInfo } from './protocol/user-info.ts'
import { unlessAborted } from './api/credentials.ts'
import type { EventMap, EventName } from './events.ts'
import type { Credential, Fetch } from './api/fetch.ts'
import type { PkceClientOptions } from './options.ts'
import type { ServerMetadata } from './protocol/server.ts'
import type { UserInfo } from './protocol/user-info.ts'
import type { SessionRecord } from './session/record.ts'
import type { Session, SignedInSession } from './session/state.ts'
import type { CallbackResult } from './sign-in/sign-in.ts'
import type { SignInParams } from './sign-in/params.ts'
import { compose } from './compose/engine.ts'
import { checkOption } from './options.ts'
import type { Parts } from './compose/engine.ts'

/** What {@link PkceClient.start} found: a sign-in that came back, or the session there was. */
export type StartResult =
  | CallbackResult
  | {
      /** The page was no answer to a sign-in. */
      kind: 'restored'
      /** Signed in or signed out, never unknown. */
      session: Session
      /** Only a sign-in has one. */
      returnTo?: undefined
      /** Only a sign-in has one. */
      appState?: undefined
    }

/** Options of methods that may have to wait for the network. */
export interface WaitOptions {
  /** Ends the wait; what is under way goes on. */
  signal?: AbortSignal
}

/** What {@link PkceClient.getAccessToken} can be told. */
export interface AccessTokenOptions extends WaitOptions {
  /** A URL the token is for; judged as `fetch` judges it. */
  for?: string | URL
  /** Seconds the token must still be valid for. Where tokens do not live that long, one renewed within ten seconds will do. */
  minValidity?: number
}

/** What {@link PkceClient.signOut} can be told. */
export interface SignOutOptions {
  /** Whether to leave the page to end the session at the authorization server as well; true when left out. */
  redirect?: boolean
  /** Whether to revoke the tokens (RFC 7009); true when left out. */
  revoke?: boolean
  /** Where the server sends the person afterwards, in place of the client's option of this name. */
  postSignOutRedirectUri?: string
}

/**
 * Signs people in with the authorization code flow and PKCE, keeps them signed in, and calls APIs for them
 * (RFC 6749 §4.1, RFC 7636, OpenID Connect Core §3.1, RFC 9700).
 */
export class PkceClient {
  /** The session of this moment; the same object as long as nothing changed. Bound, for `useSyncExternalStore`. */
  readonly getSession: () => Session
  /** Calls the listener after each change of the session; returns the way to stop. Bound, for `useSyncExternalStore`. */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Fetches from a listed resource with the access token, which is renewed when it is due, and once after a 401
   * (RFC 6750). Bound. Rejects with `resource_not_allowed`, `sign_in_required`, `session_ended`, or what
   * {@link PkceClient.refresh} rejects with; what the request itself rejects with passes through.
   */
  readonly fetch: Fetch

  readonly #parts: Parts
  #started: Promise<StartResult> | undefined
  #handling: Promise<CallbackResult | undefined> | undefined
  #restored: Promise<void> | undefined
  #signingOut: Promise<void> | undefined
  #stopListening = () => {}
  #closed = false

  /** Checks the options and does nothing else. Throws `invalid_option`, naming the option and what would be right. */
  constructor(options: PkceClientOptions) {
    const parts = compose(options, () => this.start().catch(() => {}))
    this.#parts = parts
    this.getSession = parts.session.state
    this.subscribe = (listener) => parts.emitter.on('session-changed', () => listener())
    this.fetch = parts.api.fetch
  }

  /**
   * Makes an authorization request and goes nowhere (RFC 6749 §4.1.1). Resolves to its URL and state. Rejects with
   * `invalid_option`, `insecure_context`, `discovery_failed`, `issuer_mismatch`, `storage_unavailable` or a failure of the request.
   */
  createAuthorizationUrl(params: SignInParams = {}): Promise<{ url: URL; state: string }> {
    return this.#parts.signIn.prepare(params, 'manual')
  }

  /**
   * Sends the person to sign in. With a redirect the page is left; coming back to it without an answer rejects with
   * `sign_in_cancelled`. Also rejects with `redirect_loop` and what {@link PkceClient.createAuthorizationUrl} rejects with.
   */
  signIn(params: SignInParams = {}): Promise<SignedInSession> {
    return this.#parts.signIn.signIn(params)
  }

  /**
   * Finishes a sign-in if the URL, or else the address of the page, is its answer (RFC 6749 §4.1.2, RFC 9207). Resolves to
   * `undefined` when it is not. Handling one answer again gives the same promise. Rejects with a {@link CallbackError}:
   * `authorization_denied`, `callback_invalid`, `issuer_mismatch`, `transaction_not_found`, `transaction_consumed`,
   * `storage_unavailable`, or what the token request came to (`id_token_invalid`, `token_response_invalid`, `network`, ...).
   * @param url - in place of the address of the page, which is then left alone; a relative one resolves against `redirectUri`
   */
  handleCallback(url?: string | URL): Promise<CallbackResult | undefined> {
    if (url !== undefined) return this.#handle(url)
    // A second caller waits for the first one, which has already removed the answer from the address bar.
    return (this.#handling ??= this.#handle().finally(() => {
      this.#handling = undefined
    }))
  }

  async #handle(url?: string | URL): Promise<CallbackResult | undefined> {
    const { host, signIn, session, redirectUri } = this.#parts
    await host.whenShown()
    const text = url ?? host.url()
    await (this.#restored ??= this.#restore())
    try {
      if (text === undefined || !URL.canParse(text, redirectUri)) return undefined
      return await signIn.handle(new URL(text, redirectUri), url === undefined)
    } finally {
      if (!this.#closed) session.settle()
    }
  }

  /**
   * Finishes a sign-in if this page is its answer, else restores the session. Always the same promise.
   * Rejects with a {@link CallbackError} for a failed sign-in only; the session is known afterwards all the same.
   */
  start(): Promise<StartResult> {
    return (this.#started ??= this.#start())
  }

  async #start(): Promise<StartResult> {
    const result = await this.handleCallback()
    if (result) return result
    await this.#parts.tokens.dropExpired()
    // Spelled out although undefined: an app navigates to `returnTo`, and must not find one on Object.prototype.
    return {
      kind: 'restored',
      session: this.getSession(),
      returnTo: undefined,
      appState: undefined,
    }
  }

  async #restore(): Promise<void> {
    const { host, session, refresher, tokens } = this.#parts
    if (this.#closed) return
    this.#stopListening = host.onWake(() => {
      void session.reread().then(tokens.lookAgain)
    })
    refresher.liftBackOff(await session.restore())
  }

  /** Listens to an event, for logs and tools; returns the way to stop. Nothing in an event is secret. */
  on<Name extends EventName>(event: Name, listener: (facts: EventMap[Name]) => void): () => void {
    return this.#parts.emitter.on(event, listener)
  }

  /**
   * Resolves to an access token that is valid now, renewed first if need be.
   * Rejects as {@link PkceClient.fetch} does, and with the reason of an aborted `signal`.
   */
  async getAccessToken(options: AccessTokenOptions = {}): Promise<string> {
    const { tokens, api } = this.#parts
    const judge = () => options.for !== undefined && api.target(options.for)
    judge()
    const { token } = await tokens.obtain(options.signal, options.minValidity)
    // The server's endpoints may have become known only now.
    judge()
    return token
  }

  /**
   * Renews the tokens now (RFC 6749 §6). Resolves to the session afterwards. Rejects with `sign_in_required` (also without a
   * refresh token), `session_ended`, a failure of the request (`network`, `timeout`, `server_error`, `rate_limited`), an
   * answer that cannot be used (`discovery_failed`, `issuer_mismatch`, `token_response_invalid`, `id_token_invalid`), or the
   * reason of an aborted `signal`.
   */
  async refresh({ signal }: WaitOptions = {}): Promise<SignedInSession> {
    await this.#parts.tokens.refresh(signal)
    return this.getSession() as SignedInSession
  }

  /**
   * Makes `globalThis.fetch` put tokens on requests to the listed resources, as {@link PkceClient.fetch} does; all else passes
   * through untouched. Returns the way back.
   */
  replaceGlobalFetch(): () => void {
    return this.#parts.globalFetch.replace()
  }

  /**
   * Asks the server about the person signed in (OpenID Connect Core §5.3). Rejects as {@link PkceClient.getAccessToken} does, and with
   * `server_error` when the server has no such endpoint or answers for somebody else.
   */
  async getUserInfo({ signal }: WaitOptions = {}): Promise<UserInfo> {
    const { tokens, server, transport, clientId } = this.#parts
    const ask = (credential: Credential) =>
      unlessAborted(
        server().then((found) => requestUserInfo(found, { ...credential, clientId, transport })),
        signal,
      )
    const credential = await tokens.obtain(signal)
    let userInfo = await ask(credential)
    if (!userInfo) {
      const another = await tokens.renew(credential, { signal, invalidToken: true })
      userInfo = another && (await ask(another))
    }
    if (userInfo) return userInfo
    throw new PkceClientError(
      'server_error',
      'The userinfo endpoint does not accept the access token.',
    )
  }

  /**
   * Signs the person out: here and in all tabs first, then at the server by revocation (RFC 7009) and a redirect
   * (RP-Initiated Logout §2). Resolves once everything was sent. A server that cannot be reached delays it by two
   * seconds at most and changes nothing. A call while one is under way joins it. Rejects with `invalid_option` before
   * anything is ended.
   */
  signOut(options: SignOutOptions = {}): Promise<void> {
    // A second click joins the first. On its own it would find the session gone, and leave the page without the ID token
    // hint and before the tokens are revoked.
    return (this.#signingOut ??= this.#signOut(options).finally(() => {
      this.#signingOut = undefined
    }))
  }

  async #signOut(options: SignOutOptions): Promise<void> {
    const { session, server, host, clock, signIn, clientId, revoke } = this.#parts
    const uri = options.postSignOutRedirectUri ?? this.#parts.postSignOutRedirectUri
    if (uri !== undefined) checkOption('postSignOutRedirectUri', uri)
    await this.start().catch(() => {})
    const ended = await this.#endHere()
    let metadata = undefined as ServerMetadata | undefined
    const tellServer = async () => {
      metadata = await server()
      if (!ended || options.revoke === false) return
      const accessTokens = Object.values(ended.access).map(({ token }) => token)
      for (const token of [ended.refreshToken, ...accessTokens]) if (token) await revoke(token)
    }
    let cancel!: () => void
    const tooLong = new Promise<void>((resolve) => {
      cancel = clock.setTimeout(resolve, longestSignOut)
    })
    await Promise.race([tooLong, tellServer().catch(() => {})])
    cancel()
    const endpoint = metadata?.end_session_endpoint
    // Somebody may have signed in meanwhile, and the redirect would end that session at the server.
    if (!endpoint || options.redirect === false || !host.url() || session.current()) return
    const url = withParameters(endpoint, [
      ['id_token_hint', ended?.idToken],
      ['client_id', clientId],
      ['post_logout_redirect_uri', uri],
      ['state', uri && (await signIn.rememberSignOut(uri))],
    ])
    host.navigate(url.href)
  }

  /** `end` refuses when another tab has just renewed the session. The person still wants out, so the newer one is ended. */
  async #endHere(): Promise<SessionRecord | undefined> {
    const { session } = this.#parts
    for (;;) {
      const record = await session.reread()
      if (!record || (await session.end(record, 'signed-out'))) return record
    }
  }

  /** Lets go of listeners, channels and timers, for good. Does not belong in a React effect. */
  close(): void {
    this.#closed = true
    this.#stopListening()
    this.#parts.emitter.close()
    this.#parts.refresher.close()
    this.#parts.session.close()
    this.#parts.globalFetch.restore()
  }
}
