import {
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
} from 'oauth4webapi'
import type { ServerMetadata } from './server.ts'

/** A new PKCE code verifier: 43 characters from 32 random bytes (RFC 7636 §4.1). */
export const createCodeVerifier = (): string => generateRandomCodeVerifier()

/** The S256 code challenge of a verifier (RFC 7636 §4.2). */
export const createCodeChallenge = (verifier: string): Promise<string> =>
  calculatePKCECodeChallenge(verifier)

/** A new `state`: 43 characters from 32 random bytes (RFC 6749 §10.12). */
export const createState = (): string => generateRandomState()

export const createNonce = (): string => generateRandomNonce()

export interface AuthorizationRequest {
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

/** The authorization request as a URL (RFC 6749 §4.1.1, RFC 7636 §4.3); what the endpoint's own query has is kept. */
export async function authorizationUrl(
  server: ServerMetadata,
  request: AuthorizationRequest,
): Promise<URL> {
  const url = new URL(server.authorization_endpoint)
  const { searchParams } = url
  for (const [name, value] of request.parameters) {
    if (value === undefined) continue
    searchParams.delete(name)
    for (const one of Array.isArray(value) ? (value as string[]) : [String(value)]) {
      searchParams.append(name, one)
    }
  }
  searchParams.set('response_type', 'code')
  searchParams.set('client_id', request.clientId)
  searchParams.set('redirect_uri', request.redirectUri)
  searchParams.set('scope', request.scope)
  searchParams.set('state', request.state)
  searchParams.set('nonce', request.nonce)
  searchParams.set('code_challenge', await createCodeChallenge(request.verifier))
  searchParams.set('code_challenge_method', 'S256')
  return url
}
