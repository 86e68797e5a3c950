import { processUserInfoResponse, skipSubjectCheck, userInfoRequest } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { translateError } from './translate-error.ts'
import type { OAuthServerError } from '../errors.ts'
import type { OAuthClient } from './client-authentication.ts'
import type { StandardClaims } from './standard-claims.ts'

/** The claims the userinfo endpoint gives (OpenID Connect Core §5.3.2). */
export interface UserInfo extends StandardClaims {
  /** The same as `claims.sub` of the session. */
  readonly sub: string
  /** Claims that this server adds. */
  readonly [claim: string]: unknown
}

/**
 * Asks for the claims of the person signed in, and refuses those of anybody else.
 * Resolves to `undefined` when the server does not accept the token.
 */
export async function requestUserInfo(
  { server, clientId, transport }: OAuthClient,
  { token, subject }: { token: string; subject: string | undefined },
): Promise<UserInfo | undefined> {
  const client = { client_id: clientId }
  if (server.userinfo_endpoint === undefined) {
    throw new PkceClientError('server_error', 'The authorization server has no userinfo endpoint.')
  }
  try {
    const response = await userInfoRequest(server, client, token, transport('userinfo'))
    return await processUserInfoResponse(server, client, subject ?? skipSubjectCheck, response)
  } catch (error) {
    const translated = translateError(error, [
      'server_error',
      'The answer of the userinfo endpoint cannot be used',
    ])
    if ((translated as Partial<OAuthServerError>).status === 401) return undefined
    throw translated
  }
}
