import { WWWAuthenticateChallengeError, processRevocationResponse } from 'oauth4webapi'
import type { Challenge } from '../api/scheme.ts'

/** Longer headers are not read: the parser's time grows faster than its input. */
const maximumLength = 8192

/**
 * Reads the WWW-Authenticate header of an answer (RFC 9110 §11.6.1); empty when there is none, or it cannot be read.
 * The header is parsed by oauth4webapi, which does so for any answer that is not a success.
 */
export async function readChallenges({ headers }: Response): Promise<readonly Challenge[]> {
  const header = headers.get('www-authenticate')
  if (header === null || header.length > maximumLength) return []
  try {
    await processRevocationResponse(
      new Response(null, { status: 401, headers: { 'www-authenticate': header } }),
    )
  } catch (error) {
    if (error instanceof WWWAuthenticateChallengeError) return error.cause
  }
  return []
}
