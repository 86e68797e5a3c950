import { introspectionRequest, processIntrospectionResponse } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { translateError } from './translate-error.ts'
import type { OAuthClient } from './client-authentication.ts'

/** What the server says about a token (RFC 7662 §2.2). Nothing else counts unless `active` is true. */
export interface Introspection {
  /** Whether the token is good at this moment. */
  readonly active: boolean
  /** Scopes separated by spaces. */
  readonly scope?: string
  /** The client it was issued to. */
  readonly client_id?: string
  /** Whom it is about. */
  readonly sub?: string
  /** When it expires, in seconds since 1970. */
  readonly exp?: number
  /** Claims that this server adds. */
  readonly [claim: string]: unknown
}

const unusable = 'The answer of the introspection endpoint cannot be used'

/** Asks the server about a token, as a client that authenticates. Throws `server_error` and the errors of the request. */
export async function introspectToken(
  {
    server,
    clientId,
    clientAuthentication,
    transport,
  }: Pick<OAuthClient, 'clientId' | 'clientAuthentication' | 'transport'> & {
    server: { issuer: string; introspection_endpoint?: string }
  },
  token: string,
): Promise<Introspection> {
  if (server.introspection_endpoint === undefined) {
    const why =
      'The authorization server has no introspection endpoint, or does not publish it; name it in the option metadata.'
    throw new PkceClientError('server_error', why)
  }
  try {
    const client = { client_id: clientId }
    const response = await introspectionRequest(server, client, clientAuthentication, token, {
      ...transport('introspection'),
      additionalParameters: { token_type_hint: 'access_token' },
    })
    // Signed answers (RFC 9701) are not asked for, and would have to be checked.
    if (/\bjwt\b/i.test(response.headers.get('content-type') ?? ''))
      throw new PkceClientError('server_error', `${unusable}: it is a JWT.`)
    return await processIntrospectionResponse(server, client, response)
  } catch (error) {
    throw translateError(error, ['server_error', unusable])
  }
}
