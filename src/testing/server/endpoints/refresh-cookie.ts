import { isConfidential } from '../client-registration.ts'
import { chooseTarget } from '../apis.ts'
import { findClient } from '../context.ts'
import type { Visit } from '../context.ts'
import { corsOrigins, isAllowedOrigin } from '../cors.ts'
import { refreshCookie } from '../cookies.ts'
import type { RefreshToken } from '../grants.ts'
import { json, readAuthorization, readCookie, readParameters } from '../http.ts'
import type { Call, Reply } from '../http.ts'
import { issueTokens } from '../tokens.ts'
import { withRefreshCookie } from './token.ts'

const refuse = (code: 401 | 403, message: string): Reply =>
  json({ status: 'error', code, message }, code)

interface Held {
  refreshToken: RefreshToken
  /** It came in the Authorization header, so no browser sent it by itself. */
  inHeader: boolean
}

/** The refresh token in the cookie or in the Authorization header, if a page of its client sent it. */
function findToken({ context, call }: Visit): Held | Reply {
  const header = readAuthorization(call)
  const shown = header?.scheme === 'bearer' ? header.credentials : undefined
  const value = shown ?? readCookie(call, refreshCookie(context))
  if (value === undefined) return refuse(401, 'Refresh token missing.')
  const refreshToken = context.grants.findRefreshToken(value)
  const client = findClient(context, refreshToken?.grant.clientId)
  // RFC 6749 §6: a client that has a secret or a key must show it, which it can do at /token only.
  if (!refreshToken || !client || isConfidential(client) || refreshToken.grant.jkt) {
    return refuse(401, 'Invalid refresh token.')
  }
  // A browser sends the cookie by itself; a page of another origin can set neither of these.
  const isOwn = isAllowedOrigin(call, corsOrigins([client])) && isScripted(call)
  if (shown === undefined && !isOwn) return refuse(403, 'Cross-site request refused.')
  return { refreshToken, inHeader: shown !== undefined }
}

/** POST /refresh_token/sign_out: ends the session of the refresh token, and takes the cookie away. */
export function signOutByCookie(visit: Visit): Reply {
  const { context } = visit
  const found = findToken(visit)
  if ('status' in found && found.status === 403) return found
  if ('refreshToken' in found) context.grants.revoke(found.refreshToken.grant, 'signed-out')
  const answer = json({ status: 'success', code: 200 })
  return withRefreshCookie(context, { answer, refreshToken: '', maxAge: 0 })
}

/** POST /refresh_token: a new access token, in an envelope. */
export async function refreshByCookie(visit: Visit): Promise<Reply> {
  const { context } = visit
  const found = findToken(visit)
  if ('status' in found) return found
  const { refreshToken, inHeader } = found
  const { grant } = refreshToken
  const parameters = readParameters(new URLSearchParams())
  const target = chooseTarget(context, { grant, parameters, scope: grant.scope })
  if ('error' in target) return refuse(401, 'Invalid refresh token.')
  if (context.grants.spend(refreshToken) !== 'spent') return refuse(401, 'Invalid refresh token.')
  const next = context.settings.rotation ? context.grants.issueRefreshToken(grant).value : undefined
  const tokens = await issueTokens(context, {
    grant,
    grantType: 'refresh_token',
    ...target,
    jkt: undefined,
    authorizationDetails: grant.authorizationDetails,
    refreshToken: next,
  })
  const rotatedInHeader = inHeader && next !== undefined && { refresh_token: next }
  const answer = json({
    status: 'success',
    code: 200,
    data: { access_token: tokens.access_token, ...rotatedInHeader },
  })
  if (next === undefined || inHeader) return answer
  return withRefreshCookie(context, { answer, refreshToken: next })
}

/** What a form of another site cannot send without asking first. */
function isScripted(call: Call): boolean {
  return (
    call.headers['x-requested-with'] !== undefined ||
    call.headers['content-type']?.split(';')[0]?.trim() === 'application/json'
  )
}
