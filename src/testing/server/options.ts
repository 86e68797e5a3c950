import type { Clock } from '../../clock.ts'
import { checkOptions, checkValue } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { parseUrl } from './url.ts'

/** A user who can sign in. */
export interface User {
  /** What is typed into the login page. */
  username: string
  /** What is typed into the login page. */
  password: string
  /** The `sub` of the tokens. */
  sub: string
  /** The claim `name`, for the scope `profile`. */
  name?: string | undefined
  /** The claim `email`, for the scope `email`. */
  email?: string | undefined
}

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
   * A sandbox client has loopback redirect URIs only, a production client https ones only. Default:
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
  /**
   * Where the refresh token travels: in the token response, or in an HttpOnly cookie that only
   * `POST /refresh_token` reads, for clients without a secret. Default: response.
   */
  refreshTokenIn?: 'response' | 'cookie' | undefined
}

/** What a client may exchange for tokens (RFC 6749 §1.3). */
export type GrantType = 'authorization_code' | 'refresh_token' | 'password'
/** How ID tokens can be signed (RFC 7518 §3.1). */
export type SigningAlgorithm = 'RS256' | 'PS256' | 'ES256'
/** The format of access tokens: random strings, or JWTs. Clients must not depend on it. */
export type AccessTokenFormat = 'opaque' | 'HS256' | 'RS256'

/** The options of {@link createAuthServer}; every one has a default. */
export interface AuthServerOptions {
  /** Default: `https://login.example.com`, or the loopback address once listening. */
  issuer?: string | undefined
  /** Base of the protected API. Default: `https://api.example.com/`, or the loopback address once listening. */
  apiUrl?: string | undefined
  /** Default: `sandbox-app` (external) and `production-app` (internal). */
  clients?: readonly ClientRegistration[] | undefined
  /** Default: ada (password lovelace) and grace (password hopper). */
  users?: readonly User[] | undefined
  /** For all lifetimes and delays. Default: the machine's clock. */
  clock?: Clock | undefined
  /** Resource indicators (RFC 8707) that the server accepts in addition to the API's URL. */
  resources?: readonly string[] | undefined
  /** Default: opaque. */
  accessTokenFormat?: AccessTokenFormat | undefined
  /** Seconds. Default: 900. */
  accessTokenLifetime?: number | undefined
  /** Seconds, counted from the first refresh token; rotation does not extend it. Default: 7 days. */
  refreshTokenLifetime?: number | undefined
  /** Seconds. Default: 60. */
  codeLifetime?: number | undefined
  /** Seconds. Default: 3600. */
  idTokenLifetime?: number | undefined
  /** Default: RS256. */
  idTokenAlg?: SigningAlgorithm | undefined
  /** Answers at the user info endpoint are JWTs signed with it, instead of JSON. Default: JSON. */
  userInfoAlg?: SigningAlgorithm | undefined
  /**
   * Each refresh brings a new refresh token, and the old one can no longer be used: at once (true, the default), or once the
   * new one was used (`'until-used'`), so that a lost answer can be requested again. With false there is no new one.
   */
  rotation?: boolean | 'until-used' | undefined
  /** For how many seconds an old refresh token is still accepted. Default: 0, so every reuse ends the session. */
  reuseGraceSeconds?: number | undefined
  /** Allows `grant_type=password`, which OAuth 2.1 removed. Default: false. */
  legacyPasswordGrant?: boolean | undefined
}

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
}

export interface Settings {
  accessTokenFormat: AccessTokenFormat
  accessTokenLifetime: number
  refreshTokenLifetime: number
  codeLifetime: number
  idTokenLifetime: number
  idTokenAlg: SigningAlgorithm
  userInfoAlg: SigningAlgorithm | undefined
  rotation: boolean | 'until-used'
  reuseGraceSeconds: number
  legacyPasswordGrant: boolean
  resources: readonly string[]
  clients: readonly RegisteredClient[]
  users: readonly User[]
}

/** Every scope of the server, with its text on the consent page. */
export const scopeWords: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  profile: 'See your name',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your telephone number',
  offline_access: 'Stay signed in while you are away',
  'orders:read': 'See your orders',
  'orders:write': 'Place orders for you',
}

export const allScopes = Object.keys(scopeWords)

const defaultClients: readonly ClientRegistration[] = [
  {
    clientId: 'sandbox-app',
    name: 'Sandbox App',
    kind: 'external',
    environment: 'sandbox',
    redirectUris: [
      'http://localhost:3000/callback',
      'http://localhost:5173/callback',
      'http://127.0.0.1/callback',
      'http://[::1]/callback',
    ],
    postLogoutRedirectUris: [
      'http://localhost:3000/',
      'http://localhost:5173/',
      'http://127.0.0.1/',
      'http://[::1]/',
    ],
  },
  {
    clientId: 'production-app',
    name: 'Production App',
    kind: 'internal',
    environment: 'production',
    redirectUris: ['https://app.example.com/callback'],
    postLogoutRedirectUris: ['https://app.example.com/'],
  },
]

const defaultUsers: readonly User[] = [
  {
    username: 'ada',
    password: 'lovelace',
    sub: 'user-ada',
    name: 'Ada Lovelace',
    email: 'ada@example.com',
  },
  {
    username: 'grace',
    password: 'hopper',
    sub: 'user-grace',
    name: 'Grace Hopper',
    email: 'grace@example.com',
  },
]

export const serverChoices: Choices<AuthServerOptions> = {
  issuer: 'anything',
  apiUrl: 'anything',
  clients: 'array',
  users: 'array',
  clock: 'anything',
  resources: 'array',
  accessTokenFormat: ['opaque', 'HS256', 'RS256'],
  accessTokenLifetime: 'anything',
  refreshTokenLifetime: 'anything',
  codeLifetime: 'anything',
  idTokenLifetime: 'anything',
  idTokenAlg: ['RS256', 'PS256', 'ES256'],
  userInfoAlg: ['RS256', 'PS256', 'ES256'],
  rotation: [true, false, 'until-used'],
  reuseGraceSeconds: 'anything',
  legacyPasswordGrant: [true, false],
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
  refreshTokenIn: ['response', 'cookie'],
}

export function resolveSettings(options: AuthServerOptions): Settings {
  checkOptions(options, { of: 'createAuthServer', choices: serverChoices })
  return {
    accessTokenFormat: options.accessTokenFormat ?? 'opaque',
    accessTokenLifetime: options.accessTokenLifetime ?? 15 * 60,
    refreshTokenLifetime: options.refreshTokenLifetime ?? 7 * 24 * 60 * 60,
    codeLifetime: options.codeLifetime ?? 60,
    idTokenLifetime: options.idTokenLifetime ?? 60 * 60,
    idTokenAlg: options.idTokenAlg ?? 'RS256',
    userInfoAlg: options.userInfoAlg,
    rotation: options.rotation ?? true,
    reuseGraceSeconds: options.reuseGraceSeconds ?? 0,
    legacyPasswordGrant: options.legacyPasswordGrant ?? false,
    resources: options.resources ?? [],
    clients: (options.clients ?? defaultClients).map(registerClient),
    users: options.users ?? defaultUsers,
  }
}

function registerClient(client: ClientRegistration): RegisteredClient {
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
  }
}

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
  if (client.environment === 'production' && new URL(uri).protocol !== 'https:') {
    refuse('a production client has https redirect URIs only')
  }
}

function checkOrigin(origin: string): void {
  if (parseUrl(origin)?.origin === origin) return
  throw new Error(
    `A client cannot allow ${origin}: an origin is a scheme, a host and a port, no more.`,
  )
}

/** An http or https URL of this machine. */
function isLoopback(uri: string): boolean {
  const { protocol, hostname } = parseUrl(uri) ?? {}
  return (
    (protocol === 'http:' || protocol === 'https:') &&
    ['localhost', '127.0.0.1', '[::1]'].includes(hostname!)
  )
}

/** Refuses an issuer or API that would send tokens in clear over a network. */
export function checkPlace(url: string, what: 'issuer' | 'apiUrl'): string {
  const parsed = parseUrl(url)
  if (!parsed) throw new Error(`The ${what} ${url} is not a URL.`)
  const { protocol, search, hash } = parsed
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(url))) {
    throw new Error(`The ${what} ${url} must use https, or http on this machine.`)
  }
  if (search !== '' || hash !== '') {
    throw new Error(`The ${what} ${url} must not have a query or a fragment.`)
  }
  return url
}
