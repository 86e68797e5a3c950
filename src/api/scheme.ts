/** What `fetch` looks like to a caller, whoever provides it. */
// Spelled out, because the types of Node have no RequestInfo.
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** An access token ready for use. */
export interface Credential {
  /** The Authorization header. */
  header: string
  token: string
  /** What it was asked for with. */
  ask: string
  /** The `sub` of the user, if the server issued an ID token. */
  subject: string | undefined
  /** Tells users apart: the subject, or the sign-in where the server does not say who somebody is. */
  owner: string
}

/** One call to an API, as the caller made it. */
export interface ApiCall {
  request: string | Request
  init: RequestInit | undefined
  /** The headers that count: those of `init`, else those of the Request. */
  headers: HeadersInit | undefined
}

/** One challenge of a WWW-Authenticate header (RFC 9110 §11.6.1). */
export interface Challenge {
  /** In lower case, such as `bearer`. */
  readonly scheme: string
  /** By names in lower case, such as `error`, `scope` and `resource_metadata`. Anybody may have written the values. */
  readonly parameters: { readonly [name: Lowercase<string>]: string | undefined }
}

/** How a token must be used (RFC 6750, RFC 9449); any letter case in an answer, lower case in the session. */
export type TokenType = 'Bearer' | 'DPoP'

/** How an access token is put on a request, and what a refusal says. Bearer tokens, unless a capability has another. */
export interface Scheme {
  /** The `token_type` of its tokens (RFC 6749 §7.1). */
  type: TokenType
  /** The value of the Authorization header. */
  authorize(token: string): string
  /** Sends the call with the token on it. A call with a fresh token waits for nothing but the request. */
  send(fetch: Fetch, call: ApiCall & { credential: Credential }): Promise<Response>
  /** The challenges of a 401; none when the header is missing, hidden by CORS, or cannot be read. */
  readChallenges(response: Response): Promise<readonly Challenge[]>
}

/** Something that a new token of the same session cannot give: more scope, or a stronger sign-in (RFC 6750 §3.1, RFC 9470 §3). */
export function asksForMore(challenges: readonly Challenge[]): boolean {
  return challenges.some(({ parameters: { error } }) =>
    /^insufficient_(?:scope|user_authentication)$/.test(error ?? ''),
  )
}

/** The API says that this very token is expired, revoked or otherwise invalid (RFC 6750 §3.1). */
export function refusesToken(challenges: readonly Challenge[]): boolean {
  return challenges.some(({ parameters: { error } }) => error === 'invalid_token')
}
