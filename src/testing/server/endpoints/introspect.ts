import { authenticateClient } from '../client-authentication.ts'
import { isConfidential } from '../client-registration.ts'
import { seconds } from '../context.ts'
import type { Context, Visit } from '../context.ts'
import type { AccessToken, Grant } from '../grants.ts'
import { json, oauthError, readBody } from '../http.ts'
import type { Reply } from '../http.ts'
import { patch, recognizeAccessToken } from '../tokens.ts'

/** POST /introspect (RFC 7662 §2). */
export async function introspect(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const parameters = readBody(call)
  if ('status' in parameters) return parameters
  const client = await authenticateClient(visit, parameters)
  if ('status' in client) return client
  if (!isConfidential(client)) {
    const description = 'the caller must authenticate'
    return oauthError({ error: 'invalid_client', description }, 401)
  }
  const token = parameters.get('token')
  if (token === undefined) {
    return oauthError({ error: 'invalid_request', description: 'the token is missing' })
  }
  const answer = await describe(context, token)
  return json(patch(answer, context.faults.use('introspection-members')))
}

/** RFC 7662 §2.2: of a token that is not good, nothing but that. */
async function describe(context: Context, token: string): Promise<Record<string, unknown>> {
  const record = await recognizeAccessToken(context, token)
  if (record && context.grants.isLive(record)) return ofAccessToken(context, record)
  const grant = context.grants.findRefreshToken(token)?.grant
  const until = grant?.refreshableUntil ?? 0
  if (!grant || grant.revoked || context.now() >= until) return { active: false }
  return { ...ofGrant(context, { grant, scope: grant.scope }), exp: seconds(until) }
}

function ofAccessToken(context: Context, record: AccessToken): Record<string, unknown> {
  const exp = seconds(record.expiresAt)
  return {
    ...ofGrant(context, record),
    token_type: record.jkt === undefined ? 'Bearer' : 'DPoP',
    aud: record.audience,
    exp,
    iat: exp - context.settings.accessTokenLifetime,
    ...(record.jkt !== undefined && { cnf: { jkt: record.jkt } }),
  }
}

function ofGrant(
  { place }: Context,
  { grant, scope }: { grant: Grant; scope: readonly string[] },
): Record<string, unknown> {
  const { clientId, user } = grant
  return {
    active: true,
    scope: scope.join(' '),
    client_id: clientId,
    username: user.username,
    sub: user.sub,
    iss: place.issuer,
  }
}
