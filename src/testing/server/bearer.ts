import type { Visit } from './context.ts'
import type { AccessToken } from './grants.ts'
import { formOf, oauthError, readAuthorization, reply, withHeader } from './http.ts'
import type { Reply } from './http.ts'
import { verifyAccessToken } from './tokens.ts'

/** RFC 6750: the live access token of this request, or the refusal. The query is never looked at. */
export async function authorizeBearer(
  visit: Visit,
  { scope: requiredScope, audience }: { scope?: string | undefined; audience?: string },
): Promise<AccessToken | Reply> {
  const { context, call } = visit
  const header = readAuthorization(call)
  const inHeader = header?.scheme === 'bearer' ? header.credentials : undefined
  const inBody = formOf(call)?.get('access_token') ?? undefined
  if (inHeader !== undefined && inBody !== undefined) {
    const description = 'the token was sent in two ways'
    return withHeader(oauthError({ error: 'invalid_request', description }), [
      'www-authenticate',
      `Bearer error="invalid_request", error_description="${description}"`,
    ])
  }
  const token = inHeader ?? inBody
  if (token === undefined) return reply(401, { headers: [['www-authenticate', 'Bearer']] })
  const record = await verifyAccessToken(context, { token, audience })
  if (!record) {
    return refuse(401, 'error="invalid_token", error_description="the access token is not valid"')
  }
  if (requiredScope !== undefined && !record.scope.includes(requiredScope)) {
    return refuse(403, `error="insufficient_scope", scope="${requiredScope}"`)
  }
  return record
}

function refuse(status: 401 | 403, parameters: string): Reply {
  const error = status === 401 ? 'invalid_token' : 'insufficient_scope'
  return withHeader(oauthError({ error, description: 'see WWW-Authenticate' }, status), [
    'www-authenticate',
    `Bearer ${parameters}`,
  ])
}
