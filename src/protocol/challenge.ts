import { WWWAuthenticateChallengeError, processRevocationResponse } from 'oauth4webapi'

/** Longer headers are not read: the parser's time grows faster than its input. */
const maximumLength = 8192

/**
 * What a 401 from an API asks for (RFC 6750 §3, RFC 9470 §3): another token, or something a new token cannot give.
 * The header is parsed by oauth4webapi, which does so for any answer that is not a success.
 */
export async function judgeChallenge(
  header: string | null,
): Promise<{ renew: boolean; invalidToken: boolean }> {
  const errors: unknown[] = []
  if (header !== null && header.length <= maximumLength) {
    try {
      await processRevocationResponse(
        new Response(null, { status: 401, headers: { 'www-authenticate': header } }),
      )
    } catch (error) {
      if (error instanceof WWWAuthenticateChallengeError) {
        errors.push(...error.cause.map(({ parameters }) => parameters.error))
      }
    }
  }
  return {
    renew: !errors.some(
      (error) => error === 'insufficient_scope' || error === 'insufficient_user_authentication',
    ),
    invalidToken: errors.includes('invalid_token'),
  }
}
