import { authenticateClient } from '../client-authentication.ts'
import type { Visit } from '../context.ts'
import { oauthError, readBody, reply } from '../http.ts'
import type { Reply } from '../http.ts'
import { recognizeAccessToken } from '../tokens.ts'

/** POST /revoke (RFC 7009): 200 for tokens that are unknown too. */
export async function revoke(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const parameters = readBody(call)
  if ('status' in parameters) return parameters
  const client = await authenticateClient(visit, parameters)
  if ('status' in client) return client
  const token = parameters.get('token')
  if (token === undefined) {
    return oauthError({ error: 'invalid_request', description: 'the token is missing' })
  }
  const hint = parameters.get('token_type_hint') ?? 'refresh_token'
  if (hint !== 'refresh_token' && hint !== 'access_token') {
    const description = 'only access and refresh tokens can be revoked'
    return oauthError({ error: 'unsupported_token_type', description })
  }
  const refreshToken = context.grants.findRefreshToken(token)
  const accessToken = refreshToken ? undefined : await recognizeAccessToken(context, token)
  const owner = (refreshToken ?? accessToken)?.grant.clientId
  if (owner !== undefined && owner !== client.clientId) {
    return oauthError({
      error: 'invalid_grant',
      description: 'the token was issued to another client',
    })
  }
  if (refreshToken) context.grants.revoke(refreshToken.grant, 'revoked-by-client')
  if (accessToken) context.grants.endAccessToken(accessToken)
  return reply(200, { headers: [['cache-control', 'no-store']] })
}
