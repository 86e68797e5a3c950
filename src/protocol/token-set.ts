import type { PkceClientError } from '../errors.ts'
import type { StandardClaims } from './standard-claims.ts'

/** The claims of a validated ID token (OpenID Connect Core §2). */
export interface Claims extends StandardClaims {
  /** The server that says so. */
  readonly iss: string
  /** The user: unique at this issuer and never given to anybody else. Identify a user by `iss` and `sub`, not by the e-mail address. */
  readonly sub: string
  /** Who it is for: this client. */
  readonly aud: string | string[]
  /** When the ID token expires, in seconds since 1970; the session does not end with it. */
  readonly exp: number
  /** When it was issued, in seconds since 1970. */
  readonly iat: number
  /** Ties the token to the sign-in that asked for it. */
  readonly nonce?: string
  /** When the person authenticated, in seconds since 1970. */
  readonly auth_time?: number
  /** The client it was issued to. */
  readonly azp?: string
  /** How the person authenticated, in words the server defines. */
  readonly acr?: string
  /** Claims that this server adds. */
  readonly [claim: string]: unknown
}

/** What the token endpoint granted, checked. */
export interface TokenSet {
  accessToken: string
  refreshToken?: string | undefined
  idToken?: string | undefined
  claims?: Claims | undefined
  scope?: string | undefined
  /** Seconds, at most a year; missing when the server did not say, or said nothing sensible. */
  expiresIn?: number | undefined
  /** Local milliseconds just before the request left. */
  requestedAt: number
}

/** What an answer to a refresh means for the session (RFC 6749 §5.2, §6). */
export type GrantAnswer =
  | { kind: 'granted'; tokens: TokenSet }
  /** Granted, but the ID token beside it cannot be used; the refresh token must still be kept. */
  | { kind: 'unusable'; refreshToken: string | undefined; error: PkceClientError }
  /** Granted to somebody else. */
  | { kind: 'other-identity'; token: string; error: PkceClientError }
  /** The refresh token is good for nothing any more. */
  | { kind: 'refused'; error: PkceClientError }
  /** Nobody can tell whether the server has used the refresh token. */
  | { kind: 'unknown'; error: PkceClientError }
  /** Not now. `retryAfter` in milliseconds, when the server said. */
  | { kind: 'transient'; error: PkceClientError; retryAfter?: number | undefined }
  /** The request itself is wrong, and will be until app or server are mended. */
  | { kind: 'invalid-request'; error: PkceClientError }

/** What a refresh needs of a session. */
export interface RefreshableSession {
  refreshToken?: string | undefined
  tokenEndpoint: string
  claims?: Claims | undefined
}
