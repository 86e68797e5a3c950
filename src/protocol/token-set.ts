import type { AuthorizationDetail } from './authorization-details.ts'
import type { TokenType } from '../api/scheme.ts'
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
  /** When the user authenticated, in seconds since 1970. */
  readonly auth_time?: number
  /** The client it was issued to. */
  readonly azp?: string
  /** How the user authenticated, in words the server defines. */
  readonly acr?: string
  /** Claims that this server adds. */
  readonly [claim: string]: unknown
}

/** What the token endpoint granted, checked. */
export interface TokenSet {
  accessToken: string
  type: Lowercase<TokenType>
  refreshToken?: string | undefined
  idToken?: string | undefined
  claims?: Claims | undefined
  scope?: string | undefined
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** Seconds, at most a year; missing when the server did not say, or said nothing sensible. */
  expiresIn?: number | undefined
  /** Local milliseconds just before the request left. */
  requestedAt: number
}

/** What an answer to a refresh means for the session (RFC 6749 §5.2, §6). */
export type GrantAnswer =
  /** With why the ID token was left out, if it cannot be used. */
  | { kind: 'granted'; tokens: TokenSet; idTokenError?: PkceClientError | undefined }
  /** Granted for another user, and the token to revoke, if any came. */
  | { kind: 'other-identity'; token: string | undefined; error: PkceClientError }
  /** The refresh token is no longer valid. */
  | ({ kind: 'refused'; error: PkceClientError } & ForOneApi)
  | GrantFailure

interface ForOneApi {
  /** The answer is about what was asked for, and not about the refresh token: this is what the calls of that API reject with. */
  forApi?: PkceClientError | undefined
}

/** A refresh that failed and does not end the session. */
export interface GrantFailure extends ForOneApi {
  kind:
    /** It is not known whether the server has used the refresh token. */
    | 'unknown'
    /** Not now. */
    | 'transient'
    /** Refused, and it does not say whether the refresh token or the request is the reason. */
    | 'unclear'
    /** The app or the server is configured wrongly. */
    | 'misconfigured'
    /** Not sent, because the server names another token endpoint than the one the session is from. */
    | 'moved'
  error: PkceClientError
  /** Milliseconds, when the server said. */
  retryAfter?: number | undefined
  /** The new refresh token that came all the same: the old one is spent. */
  refreshToken?: string | undefined
}

/** What a refresh needs of a session. */
export interface RefreshableSession {
  /** What the access token is asked for with: parameters, form-encoded. */
  ask: string
  refreshToken?: string | undefined
  tokenEndpoint: string
  claims?: Claims | undefined
}
