/** Every code a {@link PkceClientError} can carry. `docs/errors.md` has a row for each. */
export type ErrorCode =
  | 'invalid_option'
  | 'insecure_context'
  | 'discovery_failed'
  | 'network'
  | 'timeout'
  | 'server_error'
  | 'rate_limited'
  | 'storage_unavailable'
  | 'callback_invalid'
  | 'transaction_not_found'
  | 'transaction_consumed'
  | 'issuer_mismatch'
  | 'authorization_denied'
  | 'login_required'
  | 'id_token_invalid'
  | 'token_response_invalid'
  | 'session_ended'
  | 'sign_in_required'
  | 'sign_in_cancelled'
  | 'popup_blocked'
  | 'popup_closed'
  | 'iframe_blocked'
  | 'resource_not_allowed'
  | 'redirect_loop'
  | 'step_up_required'
  | 'csrf_rejected'
  | 'access_token_invalid'
  | 'insufficient_scope'
  | 'logout_token_invalid'

/** What an error is told beside its code and message. */
export interface ErrorFacts {
  /** Trying the same again later may work. */
  retryable?: boolean
  /** The session is over; only a new sign-in helps. */
  sessionEnded?: boolean
  /** What was caught. Never a raw answer of the token endpoint. */
  cause?: unknown
}

/** What every method of this package throws or rejects with, told apart by `code`. */
export class PkceClientError extends Error {
  /** Written out, because minifiers rename classes. */
  override name = 'PkceClientError'
  /** Stable, for programs. The message is for people and may change. */
  readonly code: ErrorCode
  /** Trying the same again later may work. */
  readonly retryable: boolean
  /** The session is over; only a new sign-in helps. */
  readonly sessionEnded: boolean
  /** Recognised across copies of this class, which bundlers make. */
  readonly isPkceClientError = true

  /** For adapters of your own; this package makes its errors itself. */
  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = code
    this.retryable = facts.retryable ?? false
    this.sessionEnded = facts.sessionEnded ?? false
  }
}

/** The authorization server answered with an OAuth error (RFC 6749 §4.1.2.1, §5.2) or an HTTP status that is one. */
export class OAuthServerError extends PkceClientError {
  /** Written out, because minifiers rename classes. */
  override name = 'OAuthServerError'
  /** The server's `error` value, or `undefined` when its answer had none. Untrusted. */
  readonly error: string | undefined
  /** The server's `error_description`, at most 500 characters, control characters escaped. Untrusted. */
  readonly description: string | undefined
  /** The HTTP status, or `undefined` when the answer came with a redirect. */
  readonly status: number | undefined

  /** `error` and `description` are capped and escaped here. */
  constructor(
    code: ErrorCode,
    message: string,
    facts: ErrorFacts & { error?: unknown; description?: unknown; status?: number },
  ) {
    super(code, message, facts)
    this.error = inert(facts.error, 100)
    this.description = inert(facts.description, 500)
    this.status = facts.status
  }
}

/** A sign-in that came back and could not be finished: `cause`, and what the sign-in was for. */
export class CallbackError extends PkceClientError {
  /** Written out, because minifiers rename classes. */
  override name = 'CallbackError'
  /** Where the person wanted to go, as a same-origin URL, when the transaction is known. */
  readonly returnTo: string | undefined
  /** What the app passed to `signIn`, when the transaction is known. */
  readonly appState: unknown

  /** Takes over code, message and flags of the cause. */
  constructor(
    cause: PkceClientError,
    { returnTo, appState }: { returnTo?: string | undefined; appState?: unknown },
  ) {
    super(cause.code, cause.message, { ...(cause as ErrorFacts), cause })
    this.returnTo = returnTo
    this.appState = appState
  }
}

/** Tells whether something caught is an error of this package, whichever copy of it threw. */
export function isPkceClientError(error: unknown): error is PkceClientError {
  return (
    error instanceof Error && (error as { isPkceClientError?: unknown }).isPkceClientError === true
  )
}

/** The same error, for somebody who tries again later. */
export function retryable(error: PkceClientError): PkceClientError {
  return error.retryable
    ? error
    : new PkceClientError(error.code, error.message, { retryable: true, cause: error })
}

/** Untrusted text made harmless: capped, and nothing in it that could break a line, a terminal or the reading direction. */
export function inert(text: unknown, length: number): string | undefined {
  if (typeof text !== 'string') return undefined
  return text
    .slice(0, length)
    .replace(
      /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
      (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
    )
}
