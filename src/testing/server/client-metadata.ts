import { registerClient } from './client-registration.ts'
import type { ClientRegistration, GrantType, RegisteredClient } from './client-registration.ts'
import type { Problem } from './http.ts'
import { parseUrl } from './url.ts'

/** A client as it describes itself (RFC 7591 §2), in a request or in a document. */
export type ClientMetadata = Readonly<Record<string, unknown>>

const authMethods = ['none', 'client_secret_basic', 'client_secret_post'] as const
const grantTypes: readonly GrantType[] = ['authorization_code', 'refresh_token']

/** The client that the metadata describe, or what is wrong with them. */
export function readClientMetadata(
  metadata: ClientMetadata,
  { clientId, clientSecret, scopes }: Identity,
): RegisteredClient | Problem {
  const refuse = (description: string): Problem => ({
    error: 'invalid_client_metadata',
    description,
  })
  const redirectUris = listOf(metadata['redirect_uris'])
  if (!redirectUris || redirectUris.length === 0) {
    const description = 'redirect_uris is an array of at least one URI'
    return { error: 'invalid_redirect_uri', description }
  }
  const complaint = complain(metadata, scopes)
  if (complaint !== undefined) return refuse(complaint)
  const grants = listOf(metadata['grant_types']) ?? ['authorization_code']
  const registration: ClientRegistration = {
    clientId,
    clientSecret,
    redirectUris,
    name: textOf(metadata['client_name']),
    postLogoutRedirectUris: listOf(metadata['post_logout_redirect_uris']),
    scopes: textOf(metadata['scope'])?.split(' '),
    grantTypes: grantTypes.filter((grant) => grants.includes(grant)),
    dpopBound: metadata['dpop_bound_access_tokens'] === true,
    requirePushedRequests: metadata['require_pushed_authorization_requests'] === true,
  }
  try {
    return registerClient(registration, scopes)
  } catch (error) {
    return { error: 'invalid_redirect_uri', description: (error as Error).message }
  }
}

interface Identity {
  clientId: string
  clientSecret: string | undefined
  /** Every scope of the server. */
  scopes: readonly string[]
}

/** How a client that says nothing authenticates (RFC 7591 §2). */
export function authMethodOf(metadata: ClientMetadata): string {
  return textOf(metadata['token_endpoint_auth_method']) ?? 'client_secret_basic'
}

function complain(metadata: ClientMetadata, scopes: readonly string[]): string | undefined {
  const isOffered = (name: string, offered: readonly string[]): boolean =>
    metadata[name] === undefined ||
    (listOf(metadata[name])?.every((entry) => offered.includes(entry)) ?? false)
  if (!authMethods.some((method) => method === authMethodOf(metadata))) {
    return `token_endpoint_auth_method is one of ${authMethods.join(', ')}`
  }
  if (!isOffered('grant_types', grantTypes)) return `grant_types are of ${grantTypes.join(', ')}`
  if (!isOffered('response_types', ['code'])) return 'the only response type is code'
  const scope = metadata['scope']
  if (scope === undefined) return undefined
  const isKnown =
    textOf(scope)
      ?.split(' ')
      .every((entry) => scopes.includes(entry)) ?? false
  return isKnown ? undefined : 'scope has a scope that the server does not know'
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function listOf(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
    ? value
    : undefined
}

/** A client whose id is the URL of a document that describes it. The document cannot have a secret. */
export function readClientDocument(
  url: string,
  { document, scopes }: { document: ClientMetadata; scopes: readonly string[] },
): RegisteredClient {
  const refuse = (reason: string): never => {
    throw new Error(`The client document ${url} cannot be used: ${reason}.`)
  }
  const { protocol, pathname, hash, username, password, href } = parseUrl(url) ?? {}
  if (protocol !== 'https:' || pathname === '/') refuse('its URL is an https URL with a path')
  if (hash !== '' || username !== '' || password !== '' || href !== url) {
    refuse('its URL has neither a fragment, nor user info, nor dot segments')
  }
  if (document['client_id'] !== url) refuse('its client_id is not its URL')
  const method = document['token_endpoint_auth_method'] ?? 'none'
  if ('client_secret' in document || method !== 'none') {
    refuse('a client that publishes its metadata has no secret')
  }
  const metadata = { ...document, token_endpoint_auth_method: method }
  const client = readClientMetadata(metadata, { clientId: url, clientSecret: undefined, scopes })
  return 'error' in client ? refuse(client.description) : client
}
