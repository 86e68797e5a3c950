import { isAuthorizationDetails } from './authorization-details.ts'
import { PkceClientError } from '../errors.ts'
import { translateIdTokenError } from './id-token.ts'
import { statusError, translateError } from './translate-error.ts'
import type { TokenType } from '../api/scheme.ts'
import type { AuthorizationDetail } from './authorization-details.ts'
import type { Claims, TokenSet } from './token-set.ts'

const longestLife = 31_536_000
export const unreadable = 'The answer of the token endpoint cannot be used'

/** What was wrong with an answer: if its access token can be used, it must have been the ID token. */
export function translateAnswerError(
  error: unknown,
  { body, tokenType }: { body: Answer; tokenType: TokenType },
): PkceClientError {
  return body.access_token && isOfType(body, tokenType)
    ? translateIdTokenError(error)
    : translateError(error, ['token_response_invalid', unreadable])
}

export interface Answer {
  access_token?: string
  token_type?: string
  refresh_token?: string
  id_token?: string
  scope?: string
  error?: string
  error_description?: string
  /** Why a sign-in in the browser is needed, as Microsoft Entra says it. */
  suberror?: string
  /** What the token is for, where the server says so. */
  resource?: unknown
  expires_in?: number | undefined
  authorization_details?: readonly AuthorizationDetail[] | undefined
}

const textMembers = [
  'access_token',
  'token_type',
  'refresh_token',
  'id_token',
  'scope',
  'error',
  'error_description',
  'suberror',
] as const

/** Without a prototype: a refresh token that somebody put on Object.prototype would be used as if the server had sent it. */
export const emptyAnswer = () => ({ __proto__: null }) as Answer

/** The JSON in an answer, if it is JSON. What is no object has none of the members that are looked for. */
export const readObject = (raw: Response): Promise<object | undefined> =>
  raw.json().catch(() => undefined)

/** Takes the known members, and only where they make sense, so that an odd one does not cost the tokens beside it. */
export function readAnswer(object: object | undefined): Answer {
  const source: Record<string, unknown> = { __proto__: null, ...object }
  const body = emptyAnswer()
  for (const name of textMembers) {
    const value = source[name]
    if (typeof value === 'string' && value) body[name] = value
  }
  // Left out, it is what was asked for: some servers forget it.
  body.token_type ??= 'Bearer'
  body.resource = source['resource']
  body.expires_in = lifetime(source['expires_in'])
  const details = source['authorization_details']
  if (isAuthorizationDetails(details)) body.authorization_details = details
  return body
}

/** Throws an answer that is an error; some servers send one with 200. */
export function refuseError(body: Answer, { ok, status }: Response): void {
  if (!ok || body.error) throw statusError(status, body)
}

/** The answer as oauth4webapi is to judge it: the members that make sense. */
export function asResponse(body: Answer, raw: Response): Response {
  refuseError(body, raw)
  // Tokens that come with 201 are tokens: to refuse them would lose the refresh token.
  return new Response(JSON.stringify(body))
}

/** Seconds; digits in a string count, everything else that is not a positive number is as if it were missing. */
function lifetime(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined
  return Math.min(seconds, longestLife)
}

/** A token with other characters (RFC 6749 A.12) fits no header, and platforms show it in the error that says so. */
function isOfType({ token_type, access_token }: Answer, type: TokenType): boolean {
  return token_type?.toLowerCase() === type.toLowerCase() && /^[ -~]+$/.test(access_token ?? '')
}

/** Why the token must not be used: the answer says that it is for another resource than the one that was asked for. */
export function otherResource(
  { resource }: Answer,
  ask: URLSearchParams,
): PkceClientError | undefined {
  const wanted = ask.getAll('resource')
  if (resource === undefined || !wanted[0]) return undefined
  if ([resource].flat().every((one) => wanted.includes(one as string))) return undefined
  const why = `${unreadable}: its token is not for ${wanted[0]}.`
  return new PkceClientError('token_response_invalid', why)
}

export function tokenSet(
  body: Answer,
  {
    tokenType,
    claims,
    requestedAt,
  }: { tokenType: TokenType; claims?: Claims | undefined; requestedAt: number },
): TokenSet {
  if (!isOfType(body, tokenType)) {
    const why = `${unreadable}: token_type or access_token is not ${tokenType}.`
    throw new PkceClientError('token_response_invalid', why)
  }
  return {
    accessToken: body.access_token!,
    type: tokenType.toLowerCase() as Lowercase<TokenType>,
    refreshToken: body.refresh_token,
    idToken: body.id_token,
    claims,
    scope: body.scope,
    authorizationDetails: body.authorization_details,
    expiresIn: body.expires_in,
    requestedAt,
  }
}
