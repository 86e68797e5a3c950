import {
  getValidatedIdTokenClaims,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi'
import { PkceClientError, retryable } from '../errors.ts'
import { asResponse, emptyAnswer, readAnswer, tokenSet, translateAnswerError } from './answer.ts'
import { OtherIdentity, checkClaims, partiesFor } from './id-token.ts'
import type { OAuthServerError } from '../errors.ts'
import type { OAuthClient } from './client-authentication.ts'
import type { Claims, GrantAnswer, RefreshableSession } from './token-set.ts'

/**
 * Refreshes (RFC 6749 §6) and says what the answer means; never throws. A refresh token goes only to the token endpoint
 * it came from. The access token counts only if the ID token beside it, if there is one, is still about the same person
 * (OpenID Connect Core §12.2).
 */
export async function refreshTokens(
  at: OAuthClient,
  { refreshToken: spent, tokenEndpoint, claims: original }: RefreshableSession,
): Promise<GrantAnswer> {
  const { server, clientId, clientAuthentication, transport, clock } = at
  if (server.token_endpoint !== tokenEndpoint) {
    const why = 'The token endpoint is another than the one this session is from; sign in again.'
    return { kind: 'refused', error: new PkceClientError('session_ended', why) }
  }
  const requestedAt = clock.now()
  let raw: Response | undefined
  let body = emptyAnswer()
  try {
    const sender = { client_id: clientId }
    // Firefox aborts other requests as soon as the page begins to leave, and the token would be sent a second time.
    const options = transport('refresh', { keepalive: true })
    raw = await refreshTokenGrantRequest(server, sender, clientAuthentication, spent!, options)
    body = await readAnswer(raw)
    // The sign-in brought no ID token, so there is nothing to compare this one with.
    if (!original) delete body.id_token
    const response = asResponse(body, raw)
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
      ? { kind: 'unusable', refreshToken, error }
      : classifyFailure(error, { raw, now: clock.now() })
  }
}

const endings = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required']

function classifyFailure(
  error: PkceClientError,
  { raw, now }: { raw: Response | undefined; now: number },
): GrantAnswer {
  const { error: word = '', status } = error as Partial<OAuthServerError>
  if (status === undefined) {
    // A page instead of an answer comes from something in between, such as the sign-in page of a hotel's network.
    const page = raw?.headers.get('content-type')?.startsWith('text/html')
    return { kind: page ? 'transient' : 'unknown', error: retryable(error) }
  }
  if (status < 500 && endings.includes(word)) return { kind: 'refused', error }
  if (status < 200 || (status > 299 && status < 400) || [408, 429, 503, 511].includes(status)) {
    // Seconds or an HTTP-date (RFC 9110 §10.2.3).
    const value = raw?.headers.get('retry-after') ?? ''
    // eslint-disable-next-line no-restricted-globals -- parsing reads no clock
    const wait = Number(value) * 1000 || Date.parse(value) - now
    return { kind: 'transient', error, retryAfter: wait > 0 ? wait : undefined }
  }
  if (status > 499 || (status < 300 && !word)) return { kind: 'unknown', error: retryable(error) }
  return { kind: 'invalid-request', error }
}
