import {
  clockSkew,
  processUserInfoResponse,
  skipSubjectCheck,
  userInfoRequest,
  validateApplicationLevelSignature,
} from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { skewOf, unverified } from './id-token.ts'
import { translateError } from './translate-error.ts'
import type { Client } from 'oauth4webapi'
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

const unusable = 'The answer of the userinfo endpoint cannot be used'

/**
 * Asks for the claims of the user who is signed in, and refuses those of anybody else. A signed answer (application/jwt)
 * counts once its signature is verified. Resolves to `undefined` when the server does not accept the token.
 */
export async function requestUserInfo(
  at: OAuthClient,
  { token, subject }: { token: string; subject: string | undefined },
): Promise<UserInfo | undefined> {
  const { server, clientId, send } = at
  if (server.userinfo_endpoint === undefined) {
    throw new PkceClientError('server_error', 'The authorization server has no userinfo endpoint.')
  }
  try {
    const client = { client_id: clientId }
    const response = await send('userinfo', (options) =>
      userInfoRequest(server, client, token, options),
    )
    const expected = subject ?? skipSubjectCheck
    return isSigned(response)
      ? await verifiedUserInfo(at, { response, expected })
      : await processUserInfoResponse(server, client, expected, response)
  } catch (error) {
    const translated = translateError(error, ['server_error', unusable])
    if ((translated as Partial<OAuthServerError>).status === 401) return undefined
    throw translated
  }
}

function isSigned({ ok, headers }: Response): boolean {
  return ok && /^application\/jwt\b/i.test(headers.get('content-type') ?? '')
}

/** The claims of a signed answer (OpenID Connect Core §5.3.2), judged by the server's clock: it was made a moment ago. */
async function verifiedUserInfo(
  { server, clientId, transport, clock }: OAuthClient,
  { response, expected }: { response: Response; expected: string | typeof skipSubjectCheck },
): Promise<UserInfo> {
  const jwt = await response.clone().text()
  if (jwt.split('.').length === 5) {
    const why = 'it is encrypted, and this client has no key for it; have the server sign it only'
    throw new PkceClientError('server_error', `${unusable}: ${why}.`)
  }
  const skew = skewOf(unverified(jwt, 1).iat, clock, false)
  const client: Client = { client_id: clientId, [clockSkew]: clock.systemOffset() + skew }
  // A copy, or oauth4webapi would keep keys for this object and not see that they have changed.
  const issuer = { ...server }
  const claims = await processUserInfoResponse(issuer, client, expected, response)
  await validateApplicationLevelSignature(issuer, response, transport('jwks'))
  return claims
}
