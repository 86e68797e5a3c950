import { findClient } from './context.ts'
import type { Visit } from './context.ts'
import { oauthError, readAuthorization, withHeader } from './http.ts'
import type { Parameters, Reply } from './http.ts'
import type { RegisteredClient } from './client-registration.ts'

/** RFC 6749 §2.3 and §3.2.1: the client of this request, or the refusal. */
export function authenticateClient(
  { context, call }: Visit,
  parameters: Parameters,
): RegisteredClient | Reply {
  const header = readAuthorization(call)
  const basic = header?.scheme === 'basic' ? readBasic(header.credentials) : undefined
  const clientId = parameters.get('client_id')
  const secret = parameters.get('client_secret')
  if (call.headers['authorization'] !== undefined && secret !== undefined) {
    return oauthError({
      error: 'invalid_request',
      description: 'more than one client authentication method',
    })
  }
  if (parameters.get('client_assertion') !== undefined) {
    return refuse('client assertions are not registered for any client')
  }
  if (call.headers['authorization'] !== undefined) {
    const client = basic && findClient(context, basic.id)
    const good =
      client?.clientSecret !== undefined &&
      client.clientSecret === basic?.secret &&
      (clientId ?? client.clientId) === client.clientId
    return good ? client : challenge(refuse('client authentication failed'))
  }
  if (clientId === undefined) {
    return refuse('the client_id is missing')
  }
  const client = findClient(context, clientId)
  if (!client) return refuse('unknown client')
  return client.clientSecret === secret ? client : refuse('client authentication failed')
}

function readBasic(credentials: string): { id: string; secret: string } | undefined {
  try {
    const text = atob(credentials)
    const at = text.indexOf(':')
    if (at < 0) return undefined
    return { id: formDecode(text.slice(0, at)), secret: formDecode(text.slice(at + 1)) }
  } catch {
    return undefined
  }
}

/** RFC 6749 §2.3.1: both are form-encoded before they are joined. */
function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

function refuse(description: string): Reply {
  return oauthError({ error: 'invalid_client', description }, 401)
}

function challenge(refusal: Reply): Reply {
  return withHeader(refusal, ['www-authenticate', 'Basic realm="token"'])
}
