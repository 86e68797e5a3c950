import { authMethodOf, readClientMetadata } from '../client-metadata.ts'
import { seconds } from '../context.ts'
import type { Visit } from '../context.ts'
import { jsonObject, randomToken } from '../encoding.ts'
import { json, oauthError } from '../http.ts'
import type { Reply } from '../http.ts'

/** POST /register (RFC 7591 §3): any app may, where the server allows it at all. */
export function register({ context, call }: Visit): Reply {
  const { settings } = context
  if (!settings.dynamicRegistration) {
    return oauthError({ error: 'not_found', description: 'registration is not offered' }, 404)
  }
  const type = call.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  const metadata = type === 'application/json' ? jsonObject(call.body) : undefined
  if (!metadata) {
    const description = 'the body is not a JSON object'
    return oauthError({ error: 'invalid_client_metadata', description })
  }
  const method = authMethodOf(metadata)
  const clientSecret = method === 'none' ? undefined : randomToken()
  const identity = { clientId: randomToken(), clientSecret, scopes: settings.scopes }
  const client = readClientMetadata(metadata, identity)
  if ('error' in client) return oauthError(client)
  settings.clients.push(client)
  const { clientId, name, redirectUris, grantTypes, scopes } = client
  return json(
    {
      client_id: clientId,
      client_id_issued_at: seconds(context.now()),
      client_secret: clientSecret,
      client_secret_expires_at: clientSecret === undefined ? undefined : 0,
      client_name: name,
      redirect_uris: redirectUris,
      post_logout_redirect_uris: client.postLogoutRedirectUris,
      token_endpoint_auth_method: method,
      grant_types: grantTypes,
      response_types: ['code'],
      scope: scopes.join(' '),
      dpop_bound_access_tokens: client.dpopBound,
      require_pushed_authorization_requests: client.requirePushedRequests,
    },
    201,
  )
}
