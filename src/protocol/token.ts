import {
  None,
  authorizationCodeGrantRequest,
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi'
import { OAuthServerError, PkceClientError } from '../errors.ts'
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
import { translateError } from './translate-error.ts'
import type { TokenEndpointResponse } from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { ServerMetadata } from './server.ts'
import type { Claims, Grant, GrantAnswer, TokenSet } from './token-set.ts'
import type { Transport } from './transport.ts'

export interface TokenEndpoint {
  server: ServerMetadata
  clientId: string
  transport: Transport
  clock: Clock
}

export interface CodeExchange {
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
  const resource = (exchange.resource ?? []).map((value) => ['resource', value] as [string, string])
  const raw = await sent(
    authorizationCodeGrantRequest(
      server,
      { client_id: clientId },
      None(),
      exchange.parameters,
      exchange.redirectUri,
      exchange.verifier,
      {
        ...transport('token'),
        additionalParameters: new URLSearchParams(resource),
      },
    ),
  )
  const { body, response } = await readAnswer(raw)
  const idToken = body.id_token
  const [issuer, client] = partiesFor(at, { idToken, bounded: true })
  let result: TokenEndpointResponse
  try {
    const expected =
      openid || idToken ? { expectedNonce: exchange.nonce, requireIdToken: true } : {}
    result = await processAuthorizationCodeResponse(issuer, client, response, {
      ...expected,
      ...(exchange.maxAge !== undefined && idToken && { maxAge: exchange.maxAge }),
    })
  } catch (error) {
    throw body.access_token && isBearer(body)
      ? translateIdTokenError(error)
      : translateError(error, ['token_response_invalid', unreadable])
  }
  const claims = idToken === undefined ? undefined : (getValidatedIdTokenClaims(result) as Claims)
  if (claims) {
    checkClaims(claims, { clientId })
    await verifySignature(server, { response, keys: await keys, clock, transport })
    await checkAccessToken(claims, { accessToken: result.access_token, idToken: idToken! })
  }
  return tokenSet(body, { claims, requestedAt })
}

/**
 * Refreshes (RFC 6749 §6) and says what the answer means; never throws. A refresh token goes only to the token endpoint
 * it came from.
 */
export async function refreshTokens(
  at: TokenEndpoint,
  { refreshToken, tokenEndpoint, claims: original }: Parameters<Grant>[0],
): Promise<GrantAnswer> {
  const { server, clientId, transport, clock } = at
  if (server.token_endpoint !== tokenEndpoint) {
    const why = 'The token endpoint is another than the one this session is from; sign in again.'
    return { kind: 'refused', error: new PkceClientError('session_ended', why) }
  }
  const client = { client_id: clientId }
  const requestedAt = clock.now()
  let raw: Response
  try {
    raw = await sent(
      refreshTokenGrantRequest(server, client, None(), refreshToken, transport('refresh')),
    )
  } catch (error) {
    return judgeFailure(error as PkceClientError)
  }
  const { body, response } = await readAnswer(raw)
  const { id_token: idToken, ...rest } = body
  try {
    await processRefreshTokenResponse(server, client, answer(rest, response))
    bearerOnly(body)
  } catch (error) {
    const translated = translateError(error, ['token_response_invalid', unreadable])
    return body.refresh_token === undefined
      ? judgeFailure(translated, raw)
      : { kind: 'odd', refreshToken: body.refresh_token, error: translated }
  }
  if (idToken === undefined || !original) {
    return { kind: 'granted', tokens: tokenSet(rest, { requestedAt }) }
  }
  return withIdToken(at, { body, response, original, requestedAt })
}

/** The access token counts only if the ID token beside it is still about the same person (OpenID Connect Core §12.2). */
async function withIdToken(
  at: TokenEndpoint,
  granted: { body: Answer; response: Response; original: Claims; requestedAt: number },
): Promise<GrantAnswer> {
  const { body, response, original, requestedAt } = granted
  try {
    const [issuer, client] = partiesFor(at, { idToken: body.id_token, bounded: false })
    const result = await processRefreshTokenResponse(issuer, client, response)
    const claims = getValidatedIdTokenClaims(result) as Claims
    checkClaims(claims, { clientId: at.clientId, original })
    return { kind: 'granted', tokens: tokenSet(body, { claims, requestedAt }) }
  } catch (caught) {
    const error = translateIdTokenError(caught)
    const { refresh_token: refreshToken, access_token: accessToken } = body
    return error instanceof OtherIdentity
      ? { kind: 'other-identity', token: refreshToken ?? accessToken!, error }
      : { kind: 'odd', refreshToken, error }
  }
}

async function sent(request: Promise<Response>): Promise<Response> {
  try {
    return await request
  } catch (error) {
    throw translateError(error, ['server_error', 'The token endpoint cannot be used'])
  }
}

interface Answer {
  access_token?: string
  token_type?: string
  refresh_token?: string
  id_token?: string
  scope?: string
  error?: string
  error_description?: string
  expires_in?: number
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

/**
 * Takes the known members, and only where they make sense, so that an odd `expires_in` or a null does not cost the
 * tokens beside it. An error that came with success becomes one, and WWW-Authenticate goes, as it would hide the body.
 */
async function readAnswer(raw: Response): Promise<{ body: Answer; response: Response }> {
  const text = await raw.text()
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = undefined
  }
  const type = raw.headers.get('content-type') ?? 'text/plain'
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return {
      body: {},
      // The constructor takes no body, not even an empty one, with 204.
      response: new Response(text || null, {
        status: raw.status,
        headers: { 'content-type': type },
      }),
    }
  }
  const source = new Map<string, unknown>(Object.entries(parsed))
  const body: Answer = {}
  for (const name of textMembers) {
    const value = source.get(name)
    if (typeof value === 'string' && value) body[name] = value
  }
  const life = lifetime(source.get('expires_in'))
  if (life !== undefined) body.expires_in = life
  // Tokens that come with 201 are tokens: to refuse them would lose the refresh token.
  const status = raw.ok ? (body.error === undefined ? 200 : 400) : raw.status
  return { body, response: answer(body, new Response(null, { status })) }
}

function answer(body: Answer, { status }: Response): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json' },
  })
}

/** Seconds; digits in a string count, everything else that is not a positive number is as if it were missing. */
function lifetime(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds > 0)) return undefined
  return Math.min(seconds, longestLife)
}

function isBearer({ token_type: type }: Answer): boolean {
  return type?.toLowerCase() === 'bearer'
}

function bearerOnly(body: Answer): void {
  if (!isBearer(body)) {
    throw new PkceClientError('token_response_invalid', `${unreadable}: token_type is not Bearer.`)
  }
}

function tokenSet(
  body: Answer,
  { claims, requestedAt }: { claims?: Claims | undefined; requestedAt: number },
): TokenSet {
  bearerOnly(body)
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

function judgeFailure(error: PkceClientError, raw?: Response): GrantAnswer {
  const { error: word, status } =
    error instanceof OAuthServerError ? error : { error: undefined, status: undefined }
  if (word !== undefined && endings.includes(word)) return { kind: 'refused', error }
  if (status === undefined) {
    // A page instead of an answer comes from something in between, such as the sign-in page of a hotel's network.
    const page = raw?.headers.get('content-type')?.startsWith('text/html')
    return { kind: page ? 'passing' : 'unknown', error: retryable(error) }
  }
  if (status < 200 || (status > 299 && status < 400) || [408, 429, 503, 511].includes(status)) {
    const seconds = Number(raw?.headers.get('retry-after') ?? NaN)
    return { kind: 'passing', error, retryAfter: seconds > 0 ? seconds * 1000 : undefined }
  }
  if (status > 499 || status < 300) return { kind: 'unknown', error: retryable(error) }
  return { kind: 'wrong-request', error }
}

function retryable(error: PkceClientError): PkceClientError {
  return error.retryable
    ? error
    : new PkceClientError(error.code, error.message, { retryable: true, cause: error })
}
