import { chooseTarget, readScope } from '../apis.ts'
import { areAmong, readDetails } from '../authorization-details.ts'
import { circumstancesOf } from '../circumstances.ts'
import { authenticateClient } from '../client-authentication.ts'
import { isConfidential } from '../client-registration.ts'
import type { Context, Visit } from '../context.ts'
import { cookie, refreshCookie } from '../cookies.ts'
import { base64url, sha256 } from '../encoding.ts'
import { readProof } from '../dpop.ts'
import type { Code, Grant } from '../grants.ts'
import { json, oauthError, readBody, withHeader } from '../http.ts'
import type { Parameters, Reply } from '../http.ts'
import type { GrantType, RegisteredClient } from '../client-registration.ts'
import { issueTokens } from '../tokens.ts'
import type { Issue } from '../tokens.ts'

interface GrantRequest {
  context: Context
  client: RegisteredClient
  parameters: Parameters
  /** The key of the DPoP proof, if one came along. */
  jkt: string | undefined
}

const invalidGrant = (description: string): Reply =>
  oauthError({ error: 'invalid_grant', description })

/** POST /token (RFC 6749 §3.2). */
export async function token(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const parameters = readBody(call)
  if ('status' in parameters) return parameters
  const grantType = parameters.get('grant_type')
  if (grantType === undefined) return invalidRequest('the grant type is missing')
  const client = await authenticateClient(visit, parameters)
  if ('status' in client) return client
  const grant = isOffered(context, grantType) ? grants[grantType] : undefined
  if (!grant) {
    return oauthError({ error: 'unsupported_grant_type', description: 'this grant is not offered' })
  }
  if (!client.grantTypes.some((allowed) => allowed === grantType)) {
    const description = 'this client may not use this grant'
    return oauthError({ error: 'unauthorized_client', description })
  }
  const proof = await readProof(visit)
  if (proof && 'error' in proof) return oauthError(proof)
  if (!proof && client.dpopBound) return invalidRequest('this client must send a DPoP proof')
  const issue = await grant({ context, client, parameters, jkt: proof?.jkt })
  if ('status' in issue) return issue
  const isIgnored = proof && context.faults.use('dpop-bearer-answer', circumstancesOf(visit))
  const answered = isIgnored ? { ...issue, jkt: undefined } : issue
  return answerWithTokens(context, { client, issue: answered })
}

function invalidRequest(description: string): Reply {
  return oauthError({ error: 'invalid_request', description })
}

function isOffered(context: Context, grantType: string): grantType is GrantType {
  if (grantType === 'password') return context.settings.legacyPasswordGrant
  return grantType === 'authorization_code' || grantType === 'refresh_token'
}

const grants: Record<GrantType, (request: GrantRequest) => Promise<Issue | Reply> | Issue | Reply> =
  {
    authorization_code: exchangeCode,
    refresh_token: refresh,
    password: signInWithPassword,
  }

async function answerWithTokens(
  context: Context,
  { client, issue }: { client: RegisteredClient; issue: Issue },
): Promise<Reply> {
  const { refresh_token: refreshToken, ...rest } = await issueTokens(context, issue)
  if (refreshToken === undefined) return json(rest)
  if (client.refreshTokenIn === 'response') return json({ ...rest, refresh_token: refreshToken })
  return withRefreshCookie(context, { answer: json(rest), refreshToken })
}

/** Strict and HttpOnly: no script reads it, no other site sends it. */
export function withRefreshCookie(
  context: Context,
  {
    answer,
    refreshToken,
    maxAge = context.settings.refreshTokenLifetime,
  }: { answer: Reply; refreshToken: string; maxAge?: number },
): Reply {
  const path = new URL(context.place.issuer).pathname.replace(/\/$/, '') + '/refresh_token'
  const name = refreshCookie(context)
  return withHeader(
    answer,
    cookie(context, { name, value: refreshToken, path, sameSite: 'Strict', maxAge }),
  )
}

async function exchangeCode(request: GrantRequest): Promise<Issue | Reply> {
  const { context, client, parameters, jkt } = request
  const verifier = parameters.get('code_verifier')
  const hash = verifier === undefined ? undefined : base64url(await sha256(verifier))
  // From here to `used = true` nothing may be awaited: of two parallel exchanges one must win.
  const code = context.grants.findCode(parameters.get('code') ?? '')
  const redirectUri = parameters.get('redirect_uri')
  if (!code || code.grant.clientId !== client.clientId || code.redirectUri !== redirectUri) {
    return invalidGrant('the code is not valid for this client and redirect URI')
  }
  if (!context.faults.see('ignore-pkce') && !provesPossession(code, { verifier, hash })) {
    // A guess may be the first of many. What a used code gave stays: whoever stole the code must not end it.
    if (!code.used) context.grants.revoke(code.grant, 'wrong-code-verifier')
    return invalidGrant('the code verifier is wrong')
  }
  if (code.used) {
    // Only someone who knows the verifier gets here, so this is no way to end other people's sessions.
    context.grants.revoke(code.grant, 'code-replayed')
    return invalidGrant('the code was used before')
  }
  if (context.now() >= code.expiresAt || code.grant.revoked)
    return invalidGrant('the code has expired or was revoked')
  if ((code.jkt ?? jkt) !== jkt) return invalidGrant('the code is bound to another key')
  const grant = code.grant
  const narrowed = narrow(request, { grant, scope: grant.scope })
  if ('status' in narrowed) return narrowed
  code.used = true
  // RFC 9449 §5: a client that authenticates may change its key.
  if (!isConfidential(client)) grant.jkt = jkt
  return issueFor(request, { grant, grantType: 'authorization_code', ...narrowed })
}

function provesPossession(
  code: Code,
  { verifier, hash }: { verifier: string | undefined; hash: string | undefined },
): boolean {
  return /^[\w.~-]{43,128}$/.test(verifier ?? '') && hash === code.challenge
}

/** What an access token is for: everything that was granted for one API, or less. */
type Narrowed = Pick<Issue, 'audience' | 'scope' | 'authorizationDetails'>

function narrow(
  request: GrantRequest,
  { grant, scope }: { grant: Grant; scope: readonly string[] },
): Narrowed | Reply {
  const { context, parameters } = request
  const target = chooseTarget(context, { grant, parameters, scope })
  if ('error' in target) return oauthError(target)
  const details = narrowDetails(request, grant)
  return 'status' in details ? details : { ...target, ...details }
}

/** RFC 9396 §6 */
function narrowDetails(
  { context, parameters }: GrantRequest,
  grant: Grant,
): Pick<Narrowed, 'authorizationDetails'> | Reply {
  const refuse = (description: string): Reply =>
    oauthError({ error: 'invalid_authorization_details', description })
  const requested = readDetails(
    parameters.get('authorization_details'),
    context.settings.authorizationDetailsTypes,
  )
  if (typeof requested === 'string') return refuse(requested)
  if (requested.length === 0) return { authorizationDetails: grant.authorizationDetails }
  return areAmong(requested, grant.authorizationDetails)
    ? { authorizationDetails: requested }
    : refuse('authorization details that were not granted')
}

function issueFor(
  { context, client, jkt }: GrantRequest,
  issue: Omit<Issue, 'refreshToken' | 'jkt'>,
): Issue {
  const { grant } = issue
  const wantsOffline =
    grant.scope.includes('offline_access') && client.grantTypes.includes('refresh_token')
  return {
    ...issue,
    jkt,
    refreshToken: wantsOffline ? context.grants.issueRefreshToken(grant).value : undefined,
  }
}

/** RFC 6749 §6: nothing is awaited, so of two parallel refreshes one is the reuse. */
function refresh(request: GrantRequest): Issue | Reply {
  const { context, client, parameters, jkt } = request
  const value = parameters.get('refresh_token')
  if (value === undefined) return invalidRequest('the refresh token is missing')
  const refreshToken = context.grants.findRefreshToken(value)
  if (refreshToken?.grant.clientId !== client.clientId) {
    return invalidGrant('unknown refresh token')
  }
  const { grant } = refreshToken
  if ((grant.jkt ?? jkt) !== jkt) return invalidGrant('the refresh token is bound to another key')
  const scope = readScope(parameters, grant)
  if (scope.length === 0 || !scope.every((entry) => grant.scope.includes(entry))) {
    return oauthError({
      error: 'invalid_scope',
      description: 'the scope is empty or more than was granted',
    })
  }
  const narrowed = narrow(request, { grant, scope })
  if ('status' in narrowed) return narrowed
  const spent = context.grants.spend(refreshToken)
  if (spent !== 'spent') return invalidGrant(refusals[spent])
  return {
    grant,
    grantType: 'refresh_token',
    ...narrowed,
    jkt,
    refreshToken: context.settings.rotation
      ? context.grants.issueRefreshToken(grant).value
      : undefined,
  }
}

const refusals = {
  expired: 'the refresh token has expired',
  revoked: 'the refresh token was revoked',
  reused: 'the refresh token was used before',
}

function signInWithPassword(request: GrantRequest): Issue | Reply {
  const { context, client, parameters } = request
  const user = context.settings.users.find(
    (candidate) => candidate.username === parameters.get('username'),
  )
  if (!user || user.password !== parameters.get('password')) {
    return invalidGrant('wrong username or password')
  }
  const scope = parameters.get('scope')?.split(' ').filter(Boolean) ?? ['openid']
  if (!scope.every((entry) => client.scopes.includes(entry))) {
    return oauthError({ error: 'invalid_scope', description: 'a scope is not for this client' })
  }
  const grant: Grant = {
    clientId: client.clientId,
    user,
    scope,
    resources: [],
    authorizationDetails: [],
    sid: undefined,
    authTime: Math.floor(context.now() / 1000),
    nonce: undefined,
    acr: 'pwd',
    jkt: client.clientSecret === undefined ? request.jkt : undefined,
    refreshableUntil: undefined,
    revoked: undefined,
  }
  const narrowed = narrow(request, { grant, scope })
  if ('status' in narrowed) return narrowed
  return issueFor(request, { grant, grantType: 'password', ...narrowed })
}
