import { processPushedAuthorizationResponse, pushedAuthorizationRequest } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { readAnswer, readObject } from './answer.ts'
import { withParameters } from './authorization.ts'
import { statusError, translateError } from './translate-error.ts'
import type { OAuthClient } from './client-authentication.ts'

/**
 * Sends an authorization request to the server and gives the URL under which the server knows it now (RFC 9126 §2, §4).
 * It never falls back to the request itself: what was to be hidden from the address bar stays hidden.
 */
export async function pushRequest({ searchParams }: URL, at: OAuthClient): Promise<URL> {
  const { server, clientId, clientAuthentication, send } = at
  if (!server.pushed_authorization_request_endpoint)
    throw new PkceClientError(
      'invalid_option',
      `${server.issuer} takes no pushed authorization requests; take pushedRequests() out of the option use, or add pushed_authorization_request_endpoint to metadata.`,
    )
  const client = { client_id: clientId }
  const response = await send('par', (options) =>
    pushedAuthorizationRequest(server, client, clientAuthentication, searchParams, options),
  )
  const { status } = response
  // Judged here, because oauth4webapi keeps the words of an error only where nothing else is wrong with it.
  if (status !== 201) throw statusError(status, readAnswer(await readObject(response)))
  const { request_uri } = await processPushedAuthorizationResponse(server, client, response).catch(
    (error: unknown) => {
      throw translateError(error, ['server_error', 'The answer of the PAR endpoint cannot be used'])
    },
  )
  return withParameters(
    server.authorization_endpoint,
    Object.entries({ client_id: clientId, request_uri }),
  )
}
