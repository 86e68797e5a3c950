import { AuthorizationResponseError } from 'oauth4webapi'
import { OAuthServerError, PkceClientError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/**
 * Where anything caught becomes a {@link PkceClientError}.
 *
 * - An error of ours stays as it is.
 * - An answer that is an error by its HTTP status or its OAuth `error` becomes an {@link OAuthServerError}.
 *   408, 429 and 5xx are worth another try, the rest is not.
 * - Everything else is an answer that broke a rule: it gets the code of what was being done. The reason
 *   is oauth4webapi's own fixed sentence. Its `cause` is left behind, as it can hold raw tokens.
 */
export function translateError(
  error: unknown,
  [code, what]: readonly [ErrorCode, string],
): PkceClientError {
  if (error instanceof PkceClientError) return error
  if (error instanceof AuthorizationResponseError) {
    const what = 'The authorization server did not sign the person in; `cause` has its reason.'
    return new OAuthServerError('authorization_denied', what, wordsOf(error))
  }
  const answer = (error as Error).cause
  if (answer instanceof Response && answer.status !== 200) return statusError(answer.status)
  const reason = error instanceof Error && 'code' in error ? error.message : 'unexpected answer'
  return new PkceClientError(code, `${what}: ${reason}.`)
}

/** What an answer with such a status means, with the words of the server if it had any. */
export function statusError(status: number, words: Words = {}): OAuthServerError {
  const limited = status === 429
  const retryable = limited || status === 408 || status > 499
  return new OAuthServerError(
    limited ? 'rate_limited' : 'server_error',
    `The authorization server answered ${status}; ${retryable ? 'try again later' : '`error` has its reason, if it gave one'}.`,
    { ...wordsOf(words), status, retryable },
  )
}

interface Words {
  error?: string
  error_description?: string
}

function wordsOf({ error, error_description: description }: Words) {
  return { error, description }
}
