import {
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
} from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import type { OAuthClient } from './client-authentication.ts'
import type { ServerMetadata } from './server.ts'

/** A new PKCE code verifier: 43 characters from 32 random bytes (RFC 7636 §4.1). */
export const createCodeVerifier = (): string => generateRandomCodeVerifier()

/** The S256 code challenge of a verifier (RFC 7636 §4.2). */
export const createCodeChallenge = (verifier: string): Promise<string> =>
  calculatePKCECodeChallenge(verifier)

/** A new `state`: 43 characters from 32 random bytes (RFC 6749 §10.12). */
export const createState = (): string => generateRandomState()

export const createNonce = (): string => generateRandomNonce()

interface AuthorizationRequest {
  clientId: string
  redirectUri: string
  scope: string
  state: string
  nonce: string
  verifier: string
  parameters: Parameters
}

/** Names with one value, but for `resource`, which may have several (RFC 8707 §2). The last of a name counts. */
export type Parameters = (readonly [
  name: string,
  value: string | number | readonly string[] | undefined,
])[]

/** The endpoint as a URL with these parameters; what its own query has is kept. */
export function withParameters(endpoint: string, parameters: Parameters): URL {
  const url = new URL(endpoint)
  for (const [name, value] of parameters) {
    if (value === undefined) continue
    url.searchParams.delete(name)
    for (const one of [value].flat()) url.searchParams.append(name, String(one))
  }
  return url
}

/** The authorization request as a URL (RFC 6749 §4.1.1, RFC 7636 §4.3). */
export async function authorizationUrl(
  server: ServerMetadata,
  request: AuthorizationRequest,
): Promise<URL> {
  return withParameters(server.authorization_endpoint, [
    ...request.parameters,
    ['response_type', 'code'],
    ['client_id', request.clientId],
    ['redirect_uri', request.redirectUri],
    ['scope', request.scope],
    ['state', request.state],
    ['nonce', request.nonce],
    ['code_challenge', await createCodeChallenge(request.verifier)],
    ['code_challenge_method', 'S256'],
  ])
}

/** The request as it is, for a server that takes it from the address bar (RFC 9126 §5). */
export async function openRequest(url: URL, { server }: OAuthClient): Promise<URL> {
  if (server.require_pushed_authorization_requests !== true) return url
  throw new PkceClientError(
    'invalid_option',
    `${server.issuer} takes pushed authorization requests only; add pushedRequests() to the option use.`,
  )
}
