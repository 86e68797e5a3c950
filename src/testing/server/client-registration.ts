import { checkOptions, checkValue } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { readCertificate } from './certificate.ts'
import { parseUrl } from './url.ts'

/** How an app is registered. */
export interface ClientRegistration {
  /** Its `client_id`. */
  clientId: string
  /** Shown on the consent page. Default: the client id. */
  name?: string | undefined
  /** Compared character by character; only the port of a loopback IP literal may differ. */
  redirectUris: readonly string[]
  /** Where users may be sent after they sign out; compared character by character. */
  postLogoutRedirectUris?: readonly string[] | undefined
  /** Internal apps skip the consent page; external ones ask, once per person and scope. Default: external. */
  kind?: 'internal' | 'external' | undefined
  /**
   * A sandbox client has loopback redirect URIs only, a production client https ones and private-use
   * schemes of native apps, such as `com.example.app:/callback`. Default:
   * what the redirect URIs are.
   */
  environment?: 'sandbox' | 'production' | undefined
  /** What the client may ask for, including scopes of your own API. Default: every scope of the server. */
  scopes?: readonly string[] | undefined
  /** Origins that may read answers (CORS), in addition to those of the redirect URIs. */
  allowedOrigins?: readonly string[] | undefined
  /** The grants it may use. Default: all that the server offers. */
  grantTypes?: readonly GrantType[] | undefined
  /** Makes it a confidential client: client_secret_basic or client_secret_post. */
  clientSecret?: string | undefined
  /** Makes it a confidential client: private_key_jwt (RFC 7523), with the key that belongs to this public one. */
  publicKey?: object | undefined
  /**
   * Makes it a confidential client: private_key_jwt as Microsoft Entra has it, with this X.509 certificate (PEM, with an RSA key).
   * Assertions name it by `x5t#S256` (PS256) or `x5t` (RS256), and may be for the token endpoint.
   */
  certificate?: string | undefined
  /**
   * The one way the client may authenticate. Default: what the registration allows, with a secret both
   * `'basic'` (client_secret_basic) and `'post'` (client_secret_post).
   */
  authentication?: ClientAuthentication | undefined
  /** Where logout tokens are sent when somebody's session ends (OpenID Connect Back-Channel Logout). Default: nowhere. */
  backChannelLogoutUri?: string | undefined
  /**
   * Where the refresh token travels: in the token response, or in an HttpOnly cookie that only
   * `POST /refresh_token` reads, for clients without a secret. Default: response.
   */
  refreshTokenIn?: 'response' | 'cookie' | undefined
  /** Takes this client's authorization requests only if they were pushed (RFC 9126 §6). Default: false. */
  requirePushedRequests?: boolean | undefined
  /**
   * Gives this client no token without a DPoP proof (RFC 9449 §5.2). Other clients that send a proof get bound tokens as well.
   * Default: false.
   */
  dpopBound?: boolean | undefined
}

/** How a client proves who it is (OpenID Connect Core §9). */
export type ClientAuthentication = 'none' | 'basic' | 'post' | 'private_key_jwt'

/** What a client may exchange for tokens (RFC 6749 §1.3). */
export type GrantType = 'authorization_code' | 'refresh_token' | 'password'
/** An app as the server knows it, defaults filled in. */
export interface RegisteredClient extends ClientRegistration {
  name: string
  kind: 'internal' | 'external'
  environment: 'sandbox' | 'production'
  scopes: readonly string[]
  /** Where people may be sent after signing out. */
  postLogoutRedirectUris: readonly string[]
  /** What it may exchange for tokens, if the server allows it. */
  grantTypes: readonly GrantType[]
  refreshTokenIn: 'response' | 'cookie'
  requirePushedRequests: boolean
  dpopBound: boolean
}

/** Whether the client can prove who it is (RFC 6749 §2.1). */
export const isConfidential = (client: ClientRegistration): boolean =>
  credentials.some((name) => client[name] !== undefined)

const credentials = ['clientSecret', 'publicKey', 'certificate'] as const

/** The ways this client may authenticate. */
export function authenticationsOf(client: ClientRegistration): readonly ClientAuthentication[] {
  const { authentication, clientSecret } = client
  if (authentication) return [authentication]
  if (clientSecret !== undefined) return ['basic', 'post']
  return [isConfidential(client) ? 'private_key_jwt' : 'none']
}

export const clientChoices: Choices<ClientRegistration> = {
  clientId: 'anything',
  name: 'anything',
  redirectUris: 'array',
  postLogoutRedirectUris: 'array',
  kind: ['internal', 'external'],
  environment: ['sandbox', 'production'],
  scopes: 'array',
  allowedOrigins: 'array',
  grantTypes: 'array',
  clientSecret: 'anything',
  publicKey: 'anything',
  certificate: 'anything',
  authentication: ['none', 'basic', 'post', 'private_key_jwt'],
  backChannelLogoutUri: 'anything',
  refreshTokenIn: ['response', 'cookie'],
  requirePushedRequests: [true, false],
  dpopBound: [true, false],
}

export function registerClient(
  client: ClientRegistration,
  allScopes: readonly string[],
): RegisteredClient {
  checkOptions(client, { of: 'A client', choices: clientChoices })
  checkValue('redirectUris', { value: client.redirectUris, choice: 'array' })
  const environment =
    client.environment ??
    (client.redirectUris.every((uri) => isLoopback(uri)) ? 'sandbox' : 'production')
  if (client.redirectUris.length === 0) {
    throw new Error(`The client ${client.clientId} has no redirect URI.`)
  }
  const uris = [...client.redirectUris, ...(client.postLogoutRedirectUris ?? [])]
  for (const uri of uris) checkRedirectUri(uri, { clientId: client.clientId, environment })
  if (client.dpopBound && client.refreshTokenIn === 'cookie') {
    throw new Error(`The client ${client.clientId} cannot have dpopBound: a cookie has no proof.`)
  }
  checkCredentials(client)
  client.allowedOrigins?.forEach(checkOrigin)
  return {
    ...client,
    environment,
    name: client.name ?? client.clientId,
    kind: client.kind ?? 'external',
    scopes: client.scopes ?? allScopes,
    postLogoutRedirectUris: client.postLogoutRedirectUris ?? [],
    grantTypes: client.grantTypes ?? ['authorization_code', 'refresh_token', 'password'],
    refreshTokenIn: client.refreshTokenIn ?? 'response',
    requirePushedRequests: client.requirePushedRequests ?? false,
    dpopBound: client.dpopBound ?? false,
  }
}

function checkCredentials(client: ClientRegistration): void {
  const refuse = (reason: string): never => {
    throw new Error(`The client ${client.clientId} cannot ${reason}.`)
  }
  const given = credentials.filter((name) => client[name] !== undefined)
  if (given.length > 1) refuse(`have both ${given.join(' and ')}`)
  const fitting = given.flatMap((name) =>
    name === 'clientSecret' ? ['basic', 'post'] : [assertion],
  )
  const { authentication, backChannelLogoutUri, certificate } = client
  if (authentication && !(fitting.length === 0 ? ['none'] : fitting).includes(authentication)) {
    refuse(`have authentication ${authentication} with ${given[0] ?? 'no secret and no key'}`)
  }
  if (certificate !== undefined && !readCertificate(certificate)) {
    refuse('have this certificate: it is no PEM text of an X.509 certificate')
  }
  const uri = parseUrl(backChannelLogoutUri ?? 'https://app.example.com/')
  if (!uri || uri.hash !== '') {
    refuse(
      `have the backChannelLogoutUri ${backChannelLogoutUri}: it is an absolute URL without a fragment`,
    )
  }
}

const assertion = 'private_key_jwt'

function checkRedirectUri(
  uri: string,
  client: { clientId: string; environment: 'sandbox' | 'production' },
): void {
  const refuse = (reason: string): never => {
    throw new Error(`The client ${client.clientId} cannot register ${uri}: ${reason}.`)
  }
  if (!parseUrl(uri)) refuse('a redirect URI is an absolute URL')
  if (uri.includes('#')) refuse('a redirect URI has no fragment')
  if (uri.includes('*')) refuse('a redirect URI has no wildcard')
  if (client.environment === 'sandbox' && !isLoopback(uri)) {
    refuse('a sandbox client has loopback redirect URIs only')
  }
  if (client.environment === 'production' && !isHttps(uri) && !isPrivateUse(uri)) {
    refuse('a production client has https redirect URIs only, or those of a native app')
  }
}

function isHttps(uri: string): boolean {
  return new URL(uri).protocol === 'https:'
}

/** Of a native app, under a domain name in reverse order (RFC 8252 §7.1). */
function isPrivateUse(uri: string): boolean {
  return new URL(uri).protocol.includes('.')
}

function checkOrigin(origin: string): void {
  if (parseUrl(origin)?.origin === origin) return
  throw new Error(
    `A client cannot allow ${origin}: an origin is a scheme, a host and a port, no more.`,
  )
}

/** An http or https URL of this machine. */
export function isLoopback(uri: string): boolean {
  const { protocol, hostname } = parseUrl(uri) ?? {}
  return (
    (protocol === 'http:' || protocol === 'https:') &&
    ['localhost', '127.0.0.1', '[::1]'].includes(hostname!)
  )
}
