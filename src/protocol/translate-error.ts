import { AuthorizationResponseError } from 'oauth4webapi'
import { OAuthServerError, PkceClientError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/** What a server answers that would have to show a page (OpenID Connect Core §3.1.2.6). */
const silentRefusals = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]

/**
 * Where anything caught becomes a {@link PkceClientError}.
 *
 * - An error of ours stays as it is.
 * - An answer that is an error by its HTTP status or its OAuth `error` becomes an {@link OAuthServerError}.
 *   408, 429 and 5xx are worth another try, the rest is not.
 * - Everything else is an answer that broke a rule: it gets the code of what was being done. The reason
 *   is oauth4webapi's own fixed sentence, or ours where the platform lacks an algorithm. Its `cause` is left behind, as it can hold raw tokens.
 */
export function translateError(
  error: unknown,
  [code, what]: readonly [ErrorCode, string],
): PkceClientError {
  if (error instanceof PkceClientError) return error
  if (error instanceof AuthorizationResponseError) {
    const why = named(error.error)
    const [code, what]: [ErrorCode, string] = silentRefusals.includes(error.error)
      ? [
          'login_required',
          `The authorization server must ask the user${why}; call signIn() from a click, without prompt "none".`,
        ]
      : [
          'authorization_denied',
          `The authorization server did not sign the user in${why}; \`cause\` has its reason.`,
        ]
    return new OAuthServerError(code, what, wordsOf(error))
  }
  // A challenge has the answer beside its cause.
  const { cause, response: answer = cause } = error as { cause?: unknown; response?: unknown }
  if (answer instanceof Response && answer.status !== 200) return statusError(answer.status)
  let reason = error instanceof Error && 'code' in error ? error.message : 'unexpected answer'
  if ((error as Error).name === 'NotSupportedError')
    reason =
      'this browser cannot check signatures of this kind, such as EdDSA; have the server sign with RS256 or ES256'
  return new PkceClientError(code, `${what}: ${reason}.`)
}

/** What an answer with such a status means, with the words of the server if it had any. */
export function statusError(
  status: number,
  words: Words = {},
  server = 'The authorization server',
): OAuthServerError {
  const limited = status === 429
  const retryable = limited || status === 408 || status > 499
  return new OAuthServerError(
    limited ? 'rate_limited' : 'server_error',
    `${server} answered ${status}${named(words.error)}; ${retryable ? 'try again later' : '`error` has its reason, if it gave one'}.`,
    { ...wordsOf(words), status, retryable },
  )
}

// The OAuth Extensions Error Registry of IANA, without what only device and UMA flows know.
const registered =
  /^(?:(?:access|request)_denied|(?:account_selection|consent|interaction|login)_required|(?:expired|invalid|unsupported)_token(?:_type)?|invalid_(?:authorization_details|client|dpop_proof|grant|request(?:_object|_uri)?|scope|target)|insufficient_(?:scope|user_authentication)|(?:registration|request|request_uri)_not_supported|server_error|temporarily_unavailable|un(?:authorized_client|met_authentication_requirements|supported_(?:grant|response)_type)|use_dpop_nonce)$/

/** Whether a specification defines the `error`, so that it can be shown and has a meaning. */
export const isRegistered = (error: string): boolean => registered.test(error)

/** The server's `error` for a message, which never has words that a server made up. */
export const named = (error: string | undefined): string =>
  error !== undefined && isRegistered(error) ? ` (${error})` : ''

interface Words {
  error?: string
  error_description?: string
}

function wordsOf({ error, error_description: description }: Words) {
  return { error, description }
}
