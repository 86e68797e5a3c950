import type { AuthorizationDetail } from './authorization-details.ts'
import { seconds } from './context.ts'
import type { Context } from './context.ts'
import type { Patch } from '../faults/fault.ts'
import { base64url, randomToken, sha256 } from './encoding.ts'
import type { AccessToken, Grant } from './grants.ts'
import { issueIdToken } from './id-token.ts'
import { hmacJwt, signJwt, verifyHmacJwt } from './keys.ts'
import type { GrantType } from './client-registration.ts'

interface TokenResponse {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  scope: string
  refresh_token: string | undefined
  id_token?: string
  authorization_details?: readonly AuthorizationDetail[]
}

/** What one answer of the token endpoint is made from. */
export interface Issue {
  grant: Grant
  grantType: GrantType
  /** Of this access token; the grant's or less. */
  scope: readonly string[]
  audience: string
  /** The thumbprint of the key this access token is bound to. */
  jkt: string | undefined
  authorizationDetails: readonly AuthorizationDetail[]
  refreshToken: string | undefined
}

export async function issueTokens(context: Context, issue: Issue): Promise<TokenResponse> {
  const accessToken = await issueAccessToken(context, issue)
  const response: TokenResponse = {
    access_token: accessToken,
    token_type: issue.jkt === undefined ? 'Bearer' : 'DPoP',
    expires_in: context.settings.accessTokenLifetime,
    scope: issue.scope.join(' '),
    refresh_token: issue.refreshToken,
    ...namedDetails(issue),
  }
  if (issue.scope.includes('openid') && issue.grantType !== 'password') {
    const on = issue.grantType === 'refresh_token' ? 'refresh' : 'sign-in'
    const accessTokenHash = base64url((await sha256(accessToken)).slice(0, 16))
    response.id_token = await issueIdToken(context, {
      grant: issue.grant,
      on,
      api: issue.audience,
      accessTokenHash,
    })
  }
  return response
}

/** RFC 9396 §7 and §9.1: nothing when there are none. */
function namedDetails({ authorizationDetails }: Issue): {
  authorization_details?: readonly AuthorizationDetail[]
} {
  return authorizationDetails.length > 0 ? { authorization_details: authorizationDetails } : {}
}

async function issueAccessToken(context: Context, issue: Issue): Promise<string> {
  const { settings, place, keys } = context
  const { grant, scope } = issue
  const record: AccessToken = {
    id: randomToken(),
    grant,
    scope,
    audience: issue.audience,
    jkt: issue.jkt,
    expiresAt: context.now() + settings.accessTokenLifetime * 1000,
  }
  context.grants.registerAccessToken(record)
  if (settings.accessTokenFormat === 'opaque') return record.id
  const iat = seconds(context.now())
  const claims = {
    iss: place.issuer,
    sub: grant.user.sub,
    aud: record.audience,
    iat,
    exp: iat + settings.accessTokenLifetime,
    azp: grant.clientId,
    gty: issue.grantType,
    client_id: grant.clientId,
    scope: scope.join(' '),
    jti: record.id,
    acr: grant.acr,
    auth_time: grant.authTime,
    ...(issue.jkt !== undefined && { cnf: { jkt: issue.jkt } }),
    ...namedDetails(issue),
  }
  const { accessTokenFormat: alg, accessTokenSecret, accessTokenType: typ } = settings
  const patched = patch(claims, context.faults.use('access-token-claims', { api: issue.audience }))
  const jwt = { header: { alg, typ }, claims: patched }
  if (alg === 'HS256') return hmacJwt(jwt, accessTokenSecret)
  const key = await keys.current(alg)
  return signJwt({ header: { ...jwt.header, kid: key.kid }, claims: patched }, key)
}

/** What a fault makes of claims or members. */
export function patch(
  claims: Record<string, unknown>,
  { set = {}, remove = [] }: Patch = {},
): Record<string, unknown> {
  const kept = Object.entries(claims).filter(([name]) => !remove.includes(name))
  return { ...Object.fromEntries(kept), ...set }
}

/** The record of a live access token, for this audience if one is named, or `undefined`. */
export async function verifyAccessToken(
  context: Context,
  { token, audience }: { token: string; audience: string | undefined },
): Promise<AccessToken | undefined> {
  const record = await recognizeAccessToken(context, token)
  if (!record || !context.grants.isLive(record)) return undefined
  return audience === undefined || record.audience === audience ? record : undefined
}

/** The record of an access token, be it expired or for another audience. */
export async function recognizeAccessToken(
  context: Context,
  token: string,
): Promise<AccessToken | undefined> {
  const { settings, place, keys } = context
  if (settings.accessTokenFormat === 'opaque') return context.grants.findAccessToken(token)
  const jwt =
    settings.accessTokenFormat === 'HS256'
      ? await verifyHmacJwt(token, settings.accessTokenSecret)
      : await keys.verify(token)
  // RFC 9068 §4. An ID token is signed by the same key, and told apart by its type, or by having no jti.
  if (jwt?.header['typ'] !== settings.accessTokenType || jwt.claims['iss'] !== place.issuer)
    return undefined
  return context.grants.findAccessToken(String(jwt.claims['jti']))
}
