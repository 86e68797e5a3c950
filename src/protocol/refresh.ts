import {
  getValidatedIdTokenClaims,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
} from 'oauth4webapi'
import { OAuthServerError, PkceClientError, inert, retryable } from '../errors.ts'
import {
  asResponse,
  emptyAnswer,
  otherResource,
  readAnswer,
  readObject,
  refuseError,
  tokenSet,
  unreadable,
} from './answer.ts'
import { checkClaims, otherIdentity, partiesFor, translateIdTokenError } from './id-token.ts'
import { isRegistered, named, translateError } from './translate-error.ts'
import type { Answer } from './answer.ts'
import type { OAuthClient } from './client-authentication.ts'
import type { Claims, GrantAnswer, GrantFailure, RefreshableSession } from './token-set.ts'

/**
 * Refreshes (RFC 6749 §6) and says what the answer means; never throws. A refresh token goes only to the token endpoint
 * it came from. The tokens count only if the ID token beside them, if there is one, is about the same user
 * (OpenID Connect Core §12.2); one that cannot be used for another reason is left out.
 */
export async function refreshTokens(
  at: OAuthClient,
  { refreshToken: spent, tokenEndpoint, claims: original, ask }: RefreshableSession,
): Promise<GrantAnswer> {
  const { server, clientId, clientAuthentication, send, tokenType, clock } = at
  if (server.token_endpoint !== tokenEndpoint) return moved(server.token_endpoint, tokenEndpoint)
  const additionalParameters = new URLSearchParams(ask)
  const requestedAt = clock.now()
  let raw: Response | undefined
  let object: object | undefined
  let body = emptyAnswer()
  try {
    const sender = { client_id: clientId }
    raw = await send(
      'refresh',
      (options) =>
        refreshTokenGrantRequest(server, sender, clientAuthentication, spent!, {
          ...options,
          additionalParameters,
        }),
      // Firefox aborts other requests as soon as the page begins to leave, and the token would be sent a second time.
      { keepalive: true },
    )
    object = await readObject(raw)
    body = readAnswer(object)
    refuseError(body, raw)
    const { id_token: idToken, access_token: accessToken, refresh_token: refreshToken } = body
    const error = original && otherIdentity(idToken, original)
    if (error) return { kind: 'other-identity', token: refreshToken ?? accessToken, error }
    const forApi = otherResource(body, additionalParameters)
    if (forApi) return { kind: 'transient', error: forApi, forApi, refreshToken }
    // Where the sign-in brought no ID token, there is nothing to compare this one with.
    const idTokenError =
      original && idToken ? await judgeIdToken(at, { idToken, original }) : undefined
    if (!original || idTokenError) delete body.id_token
    const [issuer, client] = partiesFor(at, { idToken: body.id_token, bounded: false })
    await processRefreshTokenResponse(issuer, client, asResponse(body, raw))
    return { kind: 'granted', tokens: tokenSet(body, { tokenType, requestedAt }), idTokenError }
  } catch (caught) {
    return judgeFailure(translateError(caught, ['token_response_invalid', unreadable]), {
      raw,
      object,
      now: clock.now(),
      body,
    })
  }
}

function moved(now: string, before: string): GrantAnswer {
  const why = `The server's token endpoint is now ${now}, and this session is from ${inert(before, 200)}, so its refresh token was not sent; sign in again.`
  return { kind: 'moved', error: new PkceClientError('sign_in_required', why) }
}

/** Why a refreshed ID token cannot be used; judged by itself, so that nothing else in the answer has a say. */
async function judgeIdToken(
  at: OAuthClient,
  { idToken, original }: { idToken: string; original: Claims },
): Promise<PkceClientError | undefined> {
  try {
    const [issuer, client] = partiesFor(at, { idToken, bounded: false })
    const alone = JSON.stringify({ access_token: '-', token_type: 'bearer', id_token: idToken })
    const result = await processRefreshTokenResponse(issuer, client, new Response(alone))
    checkClaims(getValidatedIdTokenClaims(result) as Claims, original)
    return undefined
  } catch (error) {
    return translateIdTokenError(error)
  }
}

interface Facts {
  /** NaN without an answer, which fits no comparison. */
  status: number
  /** The OAuth `error`, or an empty string. */
  word: string
  /** It brought a token, though not an access token that can be used. */
  hasToken: boolean
  isPage: boolean
}

const endings = [
  'invalid_grant',
  'interaction_required',
  'login_required',
  'consent_required',
  // UAA, Spring and others say it where invalid_grant is meant.
  'invalid_token',
  'invalid_refresh_token',
]

/** What an answer without usable tokens means; the first line that fits counts. */
const meanings: [GrantFailure['kind'] | 'refused', (facts: Facts) => boolean][] = [
  ['refused', ({ status, word }) => status < 500 && endings.includes(word)],
  ['transient', ({ status }) => [408, 429, 503, 511].includes(status) || isRedirect(status)],
  // A page instead of an answer comes from something in between, such as the sign-in page of a hotel's network.
  ['transient', ({ status, isPage }) => status < 500 && isPage],
  ['unknown', ({ status }) => !(status < 500)],
  ['transient', ({ status, word, hasToken }) => status < 300 && !word && hasToken],
  ['unknown', ({ status, word }) => status < 300 && !word],
  ['unclear', ({ word }) => word === 'invalid_request' || (word !== '' && !isRegistered(word))],
  ['unclear', ({ status, word }) => !word && (status === 400 || status === 401)],
  ['misconfigured', () => true],
]

const isRedirect = (status: number) => status < 200 || (status > 299 && status < 400)

function judgeFailure(
  error: PkceClientError,
  answer: {
    raw: Response | undefined
    object: object | undefined
    now: number
    body: Answer
  },
): GrantAnswer {
  const { raw, object, body } = answer
  const { refresh_token: refreshToken } = body
  const { error: word = '', status = raw?.status ?? NaN } = error as Partial<OAuthServerError>
  const hasToken = Boolean(refreshToken ?? body.access_token)
  const isPage = !object && /^text\/html/i.test(raw?.headers.get('content-type') ?? '')
  const forApi = refusalForApi(error, body)
  const [kind] = meanings.find(([, fits]) => fits({ status, word, hasToken, isPage }))!
  switch (kind) {
    case 'refused':
      return { kind, error, forApi }
    case 'transient':
      return { kind, error: retryable(error), refreshToken, retryAfter: retryAfter(answer) }
    case 'unknown':
      return { kind, error: retryable(error), refreshToken }
    default:
      return { kind, error: refusal(error, kind === 'unclear'), forApi, refreshToken }
  }
}

/** What the calls of one API reject with, where the answer is about what was asked for and not about the refresh token. */
function refusalForApi(cause: PkceClientError, { suberror }: Answer): PkceClientError | undefined {
  const { error = '', description, status = 0 } = cause as Partial<OAuthServerError>
  const wantsUser =
    /^(?:interaction|login)_required$/.test(error) || (error === 'invalid_grant' && suberror)
  if (!wantsUser && !/^(?:invalid_(?:scope|target)|consent_required)$/.test(error)) return undefined
  const [code, advice] = wantsUser
    ? (['step_up_required', 'call signIn() from a click'] as const)
    : (['server_error', 'check its entry in the option resources'] as const)
  const why = `The authorization server gives no token for this API${named(error)}; ${advice}.`
  return new OAuthServerError(code, why, { error, description, status })
}

/** Seconds or an HTTP-date (RFC 9110 §10.2.3), in milliseconds. */
function retryAfter({ raw, now }: { raw: Response | undefined; now: number }): number | undefined {
  const value = raw?.headers.get('retry-after') ?? ''
  // eslint-disable-next-line no-restricted-globals -- parsing reads no clock
  const wait = Number(value) * 1000 || Date.parse(value) - now
  return wait > 0 ? wait : undefined
}

function refusal(cause: PkceClientError, retryable: boolean): PkceClientError {
  const { error, description, status = 0 } = cause as Partial<OAuthServerError>
  const why = `The authorization server refused to refresh the session with status ${status}${named(error)}; signing in again may help.`
  return new OAuthServerError('server_error', why, { error, description, status, retryable })
}
