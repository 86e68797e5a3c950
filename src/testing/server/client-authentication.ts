import { checkAssertion } from './client-assertion.ts'
import { findClient } from './context.ts'
import type { Visit } from './context.ts'
import { oauthError, readAuthorization, withHeader } from './http.ts'
import type { Parameters, Reply } from './http.ts'
import { decodeJwt } from './keys.ts'
import { authenticationsOf } from './client-registration.ts'
import type { RegisteredClient } from './client-registration.ts'

/** RFC 6749 §2.3 and §3.2.1: the client of this request, or the refusal. */
export async function authenticateClient(
  visit: Visit,
  parameters: Parameters,
): Promise<RegisteredClient | Reply> {
  const { context, call } = visit
  const header = readAuthorization(call)
  const basic = header?.scheme === 'basic' ? readBasic(header.credentials) : undefined
  const clientId = parameters.get('client_id')
  const secret = parameters.get('client_secret')
  if (call.headers['authorization'] !== undefined && secret !== undefined) {
    return twoMethods()
  }
  const assertion = parameters.get('client_assertion')
  if (assertion !== undefined && (secret ?? call.headers['authorization']) !== undefined) {
    return twoMethods()
  }
  if (assertion !== undefined) return authenticateByAssertion(visit, parameters)
  if (call.headers['authorization'] !== undefined) {
    const client = basic && findClient(context, basic.id)
    const good =
      client?.clientSecret !== undefined &&
      authenticationsOf(client).includes('basic') &&
      client.clientSecret === basic?.secret &&
      (clientId ?? client.clientId) === client.clientId
    return good ? client : challenge(refuse('client authentication failed'))
  }
  if (clientId === undefined) {
    return refuse('the client_id is missing')
  }
  const client = findClient(context, clientId)
  if (!client) return refuse('unknown client')
  const method = secret === undefined ? 'none' : 'post'
  const allowed = authenticationsOf(client)
  if (allowed.includes('private_key_jwt')) return refuse('this client must send an assertion')
  if (!allowed.includes(method))
    return refuse(`this client must authenticate by ${allowed.join(' or ')}`)
  return client.clientSecret === secret ? client : refuse('client authentication failed')
}

/** RFC 7521 §4.2: the client of an assertion, which may be named beside it as well. */
async function authenticateByAssertion(
  visit: Visit,
  parameters: Parameters,
): Promise<RegisteredClient | Reply> {
  const assertion = parameters.get('client_assertion')!
  const type = parameters.get('client_assertion_type')
  if (type !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
    return refuse('the client_assertion_type is not that of a JWT')
  }
  const named = parameters.get('client_id') ?? decodeJwt(assertion)?.claims['sub']
  const client = typeof named === 'string' ? findClient(visit.context, named) : undefined
  if (!client || !authenticationsOf(client).includes('private_key_jwt'))
    return refuse('client assertions are not registered for this client')
  const complaint = await checkAssertion(visit, { client, assertion })
  return complaint === undefined ? client : refuse(complaint)
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

function twoMethods(): Reply {
  const description = 'more than one client authentication method'
  return oauthError({ error: 'invalid_request', description })
}

function refuse(description: string): Reply {
  return oauthError({ error: 'invalid_client', description }, 401)
}

function challenge(refusal: Reply): Reply {
  return withHeader(refusal, ['www-authenticate', 'Basic realm="token"'])
}
