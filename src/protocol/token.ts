import {
  None,
  authorizationCodeGrantRequest,
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  skipAuthTimeCheck,
} from 'oauth4webapi'
import { PkceClientError, retryable } from '../errors.ts'
import {
  OtherIdentity,
  checkAccessToken,
  checkClaims,
  fetchKeys,
  partiesFor,
  translateIdTokenError,
  verifySignature,
} from './id-token.ts'
import { asksForIdToken } from './server.ts'
import { statusError, translateError } from './translate-error.ts'
import type { OAuthServerError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { ServerMetadata } from './server.ts'
import type { Claims, Grant, GrantAnswer, TokenSet } from './token-set.ts'
import type { Transport } from './transport.ts'

interface TokenEndpoint {
  server: ServerMetadata
  clientId: string
  transport: Transport
  clock: Clock
}

interface CodeExchange {
  /** As {@link checkCallback} returned them. */
  parameters: URLSearchParams
  redirectUri: string
  verifier: string
  nonce: string
  scope: string
  maxAge?: number | undefined
  resource?: readonly string[] | undefined
}

const longestLife = 31_536_000
const unreadable = 'The answer of the token endpoint cannot be used'

/**
 * Exchanges the code (RFC 6749 §4.1.3, RFC 7636 §4.5) and validates everything before it counts, the ID token's
 * signature included. Throws `token_response_invalid`, `id_token_invalid` and the errors of the request.
 */
export async function exchangeCode(at: TokenEndpoint, exchange: CodeExchange): Promise<TokenSet> {
  const { server, clientId, transport, clock } = at
  const openid = asksForIdToken(exchange.scope)
  const keys = openid && server.jwks_uri ? fetchKeys(server, transport) : undefined
  const requestedAt = clock.now()
  const resource = [exchange.resource ?? []].flat().map((value) => ['resource', value])
  const raw = await authorizationCodeGrantRequest(
    server,
    { client_id: clientId },
    None(),
    exchange.parameters,
    exchange.redirectUri,
    exchange.verifier,
    { ...transport('token'), additionalParameters: new URLSearchParams(resource) },
  )
  const body = await readAnswer(raw)
  const { id_token: idToken, access_token: accessToken } = body
  const response = withoutOddities(body, raw)
  try {
    const [issuer, client] = partiesFor(at, { idToken, bounded: true })
    const result = await processAuthorizationCodeResponse(
      issuer,
      client,
      response,
      openid || idToken
        ? { expectedNonce: exchange.nonce, maxAge: exchange.maxAge ?? skipAuthTimeCheck }
        : {},
    )
    const claims = getValidatedIdTokenClaims(result) as Claims | undefined
    if (claims) {
      checkClaims(claims, { clientId })
      await verifySignature(at, { response, keys: await keys })
      await checkAccessToken(claims, { accessToken: accessToken!, idToken: idToken! })
    }
    return tokenSet(body, { claims, requestedAt })
  } catch (error) {
    throw translateAnswerError(error, body)
  }
}

/**
 * Refreshes (RFC 6749 §6) and says what the answer means; never throws. A refresh token goes only to the token endpoint
 * it came from. The access token counts only if the ID token beside it, if there is one, is still about the same person
 * (OpenID Connect Core §12.2).
 */
export async function refreshTokens(
  at: TokenEndpoint,
  { refreshToken: spent, tokenEndpoint, claims: original }: Parameters<Grant>[0],
): Promise<GrantAnswer> {
  const { server, clientId, transport, clock } = at
  if (server.token_endpoint !== tokenEndpoint) {
    const why = 'The token endpoint is another than the one this session is from; sign in again.'
    return { kind: 'refused', error: new PkceClientError('session_ended', why) }
  }
  const requestedAt = clock.now()
  let raw: Response | undefined
  let body = nothing()
  try {
    const sender = { client_id: clientId }
    // Firefox aborts other requests as soon as the page begins to leave, and the token would be sent a second time.
    const options = transport('refresh', { keepalive: true })
    raw = await refreshTokenGrantRequest(server, sender, None(), spent, options)
    body = await readAnswer(raw)
    // The sign-in brought no ID token, so there is nothing to compare this one with.
    if (!original) delete body.id_token
    const response = withoutOddities(body, raw)
    const [issuer, client] = partiesFor(at, { idToken: body.id_token, bounded: false })
    const result = await processRefreshTokenResponse(issuer, client, response)
    const claims = getValidatedIdTokenClaims(result) as Claims | undefined
    if (claims) checkClaims(claims, { clientId, original })
    return { kind: 'granted', tokens: tokenSet(body, { claims, requestedAt }) }
  } catch (caught) {
    const error = translateAnswerError(caught, body)
    const { refresh_token: refreshToken, access_token: accessToken } = body
    if (error instanceof OtherIdentity)
      return { kind: 'other-identity', token: refreshToken ?? accessToken!, error }
    return refreshToken || error.code === 'id_token_invalid'
      ? { kind: 'odd', refreshToken, error }
      : judgeFailure(error, { raw, now: clock.now() })
  }
}

/** What was wrong with an answer: if its access token can be used, it must have been the ID token. */
function translateAnswerError(error: unknown, body: Answer): PkceClientError {
  return body.access_token && isBearer(body)
    ? translateIdTokenError(error)
    : translateError(error, ['token_response_invalid', unreadable])
}

interface Answer {
  access_token?: string
  token_type?: string
  refresh_token?: string
  id_token?: string
  scope?: string
  error?: string
  error_description?: string
  expires_in?: number | undefined
}

const textMembers = [
  'access_token',
  'token_type',
  'refresh_token',
  'id_token',
  'scope',
  'error',
  'error_description',
] as const

/** Without a prototype: a refresh token that somebody put on Object.prototype would be used as if the server had sent it. */
const nothing = () => ({ __proto__: null }) as Answer

/** Takes the known members, and only where they make sense, so that an odd one does not cost the tokens beside it. */
async function readAnswer(raw: Response): Promise<Answer> {
  const source: Record<string, unknown> = {
    __proto__: null,
    ...((await raw.json().catch(() => undefined)) as object | undefined),
  }
  const body = nothing()
  for (const name of textMembers) {
    const value = source[name]
    if (typeof value === 'string' && value) body[name] = value
  }
  body.expires_in = lifetime(source['expires_in'])
  return body
}

/** The answer as oauth4webapi is to judge it: the members that make sense. An error is thrown; some servers send one with 200. */
function withoutOddities(body: Answer, { ok, status }: Response): Response {
  if (!ok || body.error) throw statusError(status, body)
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
function isBearer({ token_type: type, access_token: token }: Answer): boolean {
  return /^bearer [ -~]+$/i.test(`${type} ${token}`)
}

function tokenSet(
  body: Answer,
  { claims, requestedAt }: { claims?: Claims | undefined; requestedAt: number },
): TokenSet {
  if (!isBearer(body)) {
    const why = `${unreadable}: token_type or access_token is not Bearer.`
    throw new PkceClientError('token_response_invalid', why)
  }
  return {
    accessToken: body.access_token!,
    refreshToken: body.refresh_token,
    idToken: body.id_token,
    claims,
    scope: body.scope,
    expiresIn: body.expires_in,
    requestedAt,
  }
}

const endings = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required']

function judgeFailure(
  error: PkceClientError,
  { raw, now }: { raw: Response | undefined; now: number },
): GrantAnswer {
  const { error: word = '', status } = error as Partial<OAuthServerError>
  if (status === undefined) {
    // A page instead of an answer comes from something in between, such as the sign-in page of a hotel's network.
    const page = raw?.headers.get('content-type')?.startsWith('text/html')
    return { kind: page ? 'passing' : 'unknown', error: retryable(error) }
  }
  if (status < 500 && endings.includes(word)) return { kind: 'refused', error }
  if (status < 200 || (status > 299 && status < 400) || [408, 429, 503, 511].includes(status)) {
    // Seconds or an HTTP-date (RFC 9110 §10.2.3).
    const value = raw?.headers.get('retry-after') ?? ''
    // eslint-disable-next-line no-restricted-globals -- parsing reads no clock
    const wait = Number(value) * 1000 || Date.parse(value) - now
    return { kind: 'passing', error, retryAfter: wait > 0 ? wait : undefined }
  }
  if (status > 499 || (status < 300 && !word)) return { kind: 'unknown', error: retryable(error) }
  return { kind: 'wrong-request', error }
}
