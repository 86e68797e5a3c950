import { WWWAuthenticateChallengeError, processRevocationResponse } from 'oauth4webapi'
import type { Challenge } from '../api/scheme.ts'

/** Longer headers are not read: the parser's time grows faster than its input. */
const maximumLength = 8192

export const isTooLong = (header: string | null): boolean => (header?.length ?? 0) > maximumLength

/**
 * Reads the WWW-Authenticate header of a response (RFC 9110 §11.6.1). Resolves to its challenges; to none when the header is
 * missing, hidden by CORS, longer than 8 KiB, or cannot be read.
 */
export async function readChallenges({ headers }: Response): Promise<readonly Challenge[]> {
  const header = headers.get('www-authenticate')
  if (header === null || isTooLong(header)) return []
  try {
    // oauth4webapi parses the header of any answer that is not a success.
    await processRevocationResponse(
      new Response(null, { status: 401, headers: { 'www-authenticate': header } }),
    )
  } catch (error) {
    if (error instanceof WWWAuthenticateChallengeError) return error.cause
  }
  return []
}
