import { discoveryRequest } from 'oauth4webapi'
import { PkceClientError, inert } from '../errors.ts'
import { published } from './published.ts'
import type { Transport } from './transport.ts'

/** The part of the authorization server's metadata (RFC 8414 §2) this client uses. */
export type ServerMetadata = {
  /**
   * The server's own name, which must be exactly the `issuer` option. Where the option is Microsoft Entra's for many
   * tenants (`.../organizations/v2.0`, `.../common/v2.0`), it is a template: `.../{tenantid}/v2.0`.
   */
  readonly issuer: string
  /** Where people sign in (RFC 6749 §3.1). */
  readonly authorization_endpoint: string
  /** Where codes and refresh tokens become tokens (RFC 6749 §3.2). */
  readonly token_endpoint: string
  /** The keys that sign ID tokens (RFC 7517). */
  readonly jwks_uri?: string
  /** Where `getUserInfo()` asks (OpenID Connect Core §5.3). */
  readonly userinfo_endpoint?: string
  /** Where `signOut()` revokes tokens (RFC 7009). */
  readonly revocation_endpoint?: string
  /** Where a back end asks whether a token is active (RFC 7662); a client in a browser never does. */
  readonly introspection_endpoint?: string
  /** Where `signOut()` sends people (RP-Initiated Logout §2.1). */
  readonly end_session_endpoint?: string
  /** Where `pushedRequests()` sends authorization requests (RFC 9126 §5). */
  readonly pushed_authorization_request_endpoint?: string
  /** Whether the server takes authorization requests there only; a client without `pushedRequests()` sends nobody away then. */
  readonly require_pushed_authorization_requests?: boolean
  /** Whether every answer to a sign-in names its server; one that does not is refused then (RFC 9207 §2.3). */
  readonly authorization_response_iss_parameter_supported?: boolean
  /** How ID tokens are signed; symmetric algorithms and `none` are taken off the list, and RS256 is assumed without one. */
  readonly id_token_signing_alg_values_supported?: string[]
  /** How signed userinfo answers are signed; judged as the list for ID tokens, which counts when this one is left out. */
  readonly userinfo_signing_alg_values_supported?: string[]
  /** Must include S256 when the server publishes it (RFC 7636 §4.3). */
  readonly code_challenge_methods_supported?: string[]
}

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'end_session_endpoint',
  'pushed_authorization_request_endpoint',
] as const

const otherMembers = [
  'issuer',
  'require_pushed_authorization_requests',
  'authorization_response_iss_parameter_supported',
  'id_token_signing_alg_values_supported',
  'userinfo_signing_alg_values_supported',
  'code_challenge_methods_supported',
] as const

interface ServerOptions {
  issuer: string
  scope: string
  metadata?: Partial<ServerMetadata> | undefined
  transport: Transport
  secureUrl: (value: unknown) => URL | undefined
}

/** Finds the server's metadata: the given one when it is complete, else by discovery (OpenID Connect Discovery §4, RFC 8414 §3). */
export async function discoverServer(options: ServerOptions): Promise<ServerMetadata> {
  const { issuer, scope, metadata: given, secureUrl } = options
  const openid = asksForIdToken(scope)
  const byHand = knownMembers({ ...given })
  const complete =
    byHand.authorization_endpoint && byHand.token_endpoint && (byHand.jwks_uri || !openid)
  const found = complete
    ? { issuer }
    : await discover(options, openid ? ['oidc', 'oauth2'] : ['oauth2', 'oidc'])
  return checkServer({ ...found, ...byHand }, { issuer, secureUrl })
}

/** What a verifier of access tokens must know of the server. */
export type TokenIssuer = Pick<ServerMetadata, 'issuer' | 'jwks_uri' | 'introspection_endpoint'>

/** Finds the endpoints of the server that an API needs; nothing else in the metadata matters to it. */
export async function discoverIssuer({
  issuer,
  metadata,
  transport,
  secureUrl,
  needed,
}: Omit<ServerOptions, 'scope' | 'metadata'> & {
  metadata: object | undefined
  needed: readonly ('jwks_uri' | 'introspection_endpoint')[]
}): Promise<TokenIssuer> {
  const byHand = knownMembers({ ...metadata })
  const complete = needed.every((name) => byHand[name])
  const found = complete ? { issuer } : await discover({ issuer, transport }, ['oidc', 'oauth2'])
  const server = knownMembers({ ...found, ...byHand })
  if (!isNameOf(issuer, server.issuer)) throw issuerMismatch(server.issuer, issuer)
  for (const name of ['jwks_uri', 'introspection_endpoint'] as const) {
    const value = server[name]
    if (value === undefined ? needed.includes(name) : !secureUrl(value))
      throw unusable(issuer, `${name} is missing or not an https URL`)
  }
  return server as unknown as TokenIssuer
}

/** Entra's metadata for many tenants name a template in place of the issuer; it is filled in by each ID token. */
function isNameOf(issuer: string, named: unknown): boolean {
  return (
    named === issuer || named === issuer.replace(/\/(?:common|organizations)\//, '/{tenantid}/')
  )
}

export function asksForIdToken(scope: string): boolean {
  return scope.split(' ').includes('openid')
}

/** The metadata as the server publishes them. */
export async function discover(
  options: Pick<ServerOptions, 'issuer' | 'transport'>,
  [algorithm, other]: ('oidc' | 'oauth2')[],
): Promise<object> {
  const { issuer, transport } = options
  const request = { algorithm: algorithm!, ...transport('discovery') }
  const response = await published(discoveryRequest(new URL(issuer), request))
  if (!response) {
    if (other) return discover(options, [other])
    throw noMetadata(issuer)
  }
  const found = (await response.json().catch(() => undefined)) as { issuer?: unknown } | undefined
  // oauth4webapi would compare the issuer as URLs are compared. It is compared afterwards: character by character, and with a message
  // that shows both.
  if (typeof found?.issuer === 'string') return found
  throw noMetadata(issuer)
}

/** The members this client uses. Some servers write `null` or an empty string for what they do not have. */
function knownMembers(source: object): Record<string, unknown> {
  // Without a prototype, where anybody could have put a member that is missing here.
  const known: Record<string, unknown> = { __proto__: null }
  const members: string[] = [...endpoints, ...otherMembers]
  for (const [name, value] of Object.entries<unknown>({ ...source })) {
    if (members.includes(name) && (value ?? '') !== '') known[name] = value
  }
  return known
}

/**
 * Copies the known members and refuses what would send people or secrets to the wrong place. Also run on
 * metadata that comes back out of a stored transaction, because storage can be edited.
 */
export function checkServer(
  source: object,
  { issuer, secureUrl }: Pick<ServerOptions, 'issuer' | 'secureUrl'>,
): ServerMetadata {
  const server = knownMembers(source)
  if (!isNameOf(issuer, server.issuer)) throw issuerMismatch(server.issuer, issuer)
  for (const name of endpoints) {
    const value = server[name]
    if (value === undefined ? /^auth|^tok/.test(name) : !secureUrl(value)) {
      throw unusable(issuer, `${name} is missing or not an https URL`)
    }
  }
  const methods = server.code_challenge_methods_supported
  if (Array.isArray(methods) && !methods.includes('S256'))
    throw unusable(issuer, 'it does not offer PKCE with S256')
  const algorithms = asymmetric(server.id_token_signing_alg_values_supported) ?? ['RS256']
  server.id_token_signing_alg_values_supported = algorithms
  server.userinfo_signing_alg_values_supported =
    asymmetric(server.userinfo_signing_alg_values_supported) ?? algorithms
  return server as unknown as ServerMetadata
}

/** Never 'none' and never HS*: this client has no secret that could make or check such a signature. */
function asymmetric(algorithms: unknown): string[] | undefined {
  return Array.isArray(algorithms)
    ? algorithms.filter((alg): alg is string => /^"(?:[RPE]S|Ed)/.test(JSON.stringify(alg)))
    : undefined
}

function noMetadata(issuer: string): PkceClientError {
  const url = `${issuer.slice(0, 200).replace(/\/$/, '')}/.well-known/openid-configuration`
  return new PkceClientError(
    'discovery_failed',
    `There is no server metadata at ${url}; check the option issuer, or give the endpoints in the option metadata.`,
  )
}

function unusable(issuer: string, why: string): PkceClientError {
  return new PkceClientError(
    'discovery_failed',
    `The metadata of ${issuer.slice(0, 200)} cannot be used: ${why}.`,
  )
}

function issuerMismatch(named: unknown, issuer: string): PkceClientError {
  return new PkceClientError(
    'issuer_mismatch',
    `The server calls itself "${inert(named, 200)}", but issuer is "${issuer.slice(0, 200)}"; they must be exactly the same.`,
  )
}
