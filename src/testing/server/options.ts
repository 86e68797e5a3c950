import type { Clock } from '../../clock.ts'
import { checkOptions } from '../check-options.ts'
import type { Choices } from '../check-options.ts'
import { readClientDocument } from './client-metadata.ts'
import type { ClientMetadata } from './client-metadata.ts'
import { randomToken, utf8 } from './encoding.ts'
import { registerClient } from './client-registration.ts'
import type { ClientRegistration, RegisteredClient } from './client-registration.ts'
import type { ApiRegistration } from './place.ts'
import { allScopes } from './scopes.ts'

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
  /** What is typed as the second factor, for `acr_values=mfa`. Default: 123456. */
  oneTimeCode?: string | undefined
}

/** How ID tokens can be signed (RFC 7518 §3.1). */
export type SigningAlgorithm = 'RS256' | 'PS256' | 'ES256'
/** The format of access tokens: random strings, or JWTs. Clients must not depend on it. */
export type AccessTokenFormat = 'opaque' | 'HS256' | 'RS256' | 'ES256'

/** The options of {@link createAuthServer}; every one has a default. */
export interface AuthServerOptions {
  /** Default: `https://login.example.com`, or the loopback address once listening. */
  issuer?: string | undefined
  /** Base of the protected API. Default: `https://api.example.com/`, or the loopback address once listening. */
  apiUrl?: string | undefined
  /** APIs beside it, each with tokens of its own. Default: none. */
  otherApis?: readonly ApiRegistration[] | undefined
  /** Default: `sandbox-app` (external) and `production-app` (internal). */
  clients?: readonly ClientRegistration[] | undefined
  /** Default: ada (password lovelace) and grace (password hopper). */
  users?: readonly User[] | undefined
  /** For all lifetimes and delays. Default: the machine's clock. */
  clock?: Clock | undefined
  /** Resource indicators (RFC 8707) that the server accepts in addition to those of its APIs. */
  resources?: readonly string[] | undefined
  /** The types of authorization details (RFC 9396) that the server accepts. Default: none. */
  authorizationDetailsTypes?: readonly string[] | undefined
  /** Default: opaque. */
  accessTokenFormat?: AccessTokenFormat | undefined
  /** The secret of HS256 access tokens, for an API that verifies them. Default: one that nobody knows. */
  accessTokenSecret?: string | undefined
  /** What the header `typ` of access tokens that are JWTs says: `at+jwt` (RFC 9068), or `JWT` as most servers do. Default: at+jwt. */
  accessTokenType?: 'at+jwt' | 'JWT' | undefined
  /**
   * Sends the logout tokens of Back-Channel Logout, such as `(request) => app.handle(request)`, or `fetch` for an app that listens.
   * Default: none are sent.
   */
  deliver?: Deliver | undefined
  /** Seconds. Default: 900. */
  accessTokenLifetime?: number | undefined
  /** Seconds, counted from the first refresh token; rotation does not extend it. Default: 7 days. */
  refreshTokenLifetime?: number | undefined
  /** Seconds. Default: 60. */
  codeLifetime?: number | undefined
  /** Seconds that a pushed authorization request (RFC 9126) can be used. Default: 60. */
  requestUriLifetime?: number | undefined
  /** Seconds. Default: 3600. */
  idTokenLifetime?: number | undefined
  /** Whether DPoP proofs (RFC 9449) must carry a nonce: at the server, at the APIs, at both (true) or nowhere. Default: true. */
  dpopNonce?: boolean | 'server' | 'api' | undefined
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
  /** Lets any app register itself at `/register` (RFC 7591). Default: false. */
  dynamicRegistration?: boolean | undefined
  /**
   * Client ID metadata documents by their URLs, which are the ids of the clients they describe. The server looks for them here
   * and not in the network. Default: none.
   */
  clientDocuments?: Readonly<Record<string, ClientMetadata>> | undefined
  /** Allows `grant_type=password`, which OAuth 2.1 removed. Default: false. */
  legacyPasswordGrant?: boolean | undefined
}

/** Carries a logout token to an app. */
export type Deliver = (request: Request) => Response | undefined | Promise<Response | undefined>

export interface Settings {
  accessTokenFormat: AccessTokenFormat
  accessTokenSecret: Uint8Array<ArrayBuffer>
  accessTokenType: 'at+jwt' | 'JWT'
  deliver: Deliver | undefined
  accessTokenLifetime: number
  refreshTokenLifetime: number
  codeLifetime: number
  requestUriLifetime: number
  idTokenLifetime: number
  dpopNonce: boolean | 'server' | 'api'
  idTokenAlg: SigningAlgorithm
  userInfoAlg: SigningAlgorithm | undefined
  rotation: boolean | 'until-used'
  reuseGraceSeconds: number
  dynamicRegistration: boolean
  hasClientDocuments: boolean
  legacyPasswordGrant: boolean
  resources: readonly string[]
  authorizationDetailsTypes: readonly string[]
  /** Every scope but those of single clients. */
  scopes: readonly string[]
  /** Grows where apps may register themselves. */
  clients: RegisteredClient[]
  users: readonly User[]
}

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
  otherApis: 'array',
  clients: 'array',
  users: 'array',
  clock: 'anything',
  resources: 'array',
  authorizationDetailsTypes: 'array',
  accessTokenFormat: ['opaque', 'HS256', 'RS256', 'ES256'],
  accessTokenSecret: 'anything',
  accessTokenType: ['at+jwt', 'JWT'],
  deliver: 'anything',
  accessTokenLifetime: 'anything',
  refreshTokenLifetime: 'anything',
  codeLifetime: 'anything',
  requestUriLifetime: 'anything',
  idTokenLifetime: 'anything',
  dpopNonce: [true, false, 'server', 'api'],
  idTokenAlg: ['RS256', 'PS256', 'ES256'],
  userInfoAlg: ['RS256', 'PS256', 'ES256'],
  rotation: [true, false, 'until-used'],
  reuseGraceSeconds: 'anything',
  dynamicRegistration: [true, false],
  clientDocuments: 'anything',
  legacyPasswordGrant: [true, false],
}

const apiChoices: Choices<ApiRegistration> = {
  url: 'anything',
  audience: 'anything',
  scopes: 'array',
}

export function resolveSettings(options: AuthServerOptions): Settings {
  checkOptions(options, { of: 'createAuthServer', choices: serverChoices })
  const { otherApis = [] } = options
  for (const api of otherApis) checkOptions(api, { of: 'An API', choices: apiChoices })
  const scopes = [...new Set([...allScopes, ...otherApis.flatMap((api) => api.scopes ?? [])])]
  return {
    accessTokenFormat: options.accessTokenFormat ?? 'opaque',
    accessTokenSecret: utf8(options.accessTokenSecret ?? randomToken()),
    accessTokenType: options.accessTokenType ?? 'at+jwt',
    deliver: options.deliver,
    accessTokenLifetime: options.accessTokenLifetime ?? 15 * 60,
    refreshTokenLifetime: options.refreshTokenLifetime ?? 7 * 24 * 60 * 60,
    codeLifetime: options.codeLifetime ?? 60,
    requestUriLifetime: options.requestUriLifetime ?? 60,
    idTokenLifetime: options.idTokenLifetime ?? 60 * 60,
    dpopNonce: options.dpopNonce ?? true,
    idTokenAlg: options.idTokenAlg ?? 'RS256',
    userInfoAlg: options.userInfoAlg,
    rotation: options.rotation ?? true,
    reuseGraceSeconds: options.reuseGraceSeconds ?? 0,
    dynamicRegistration: options.dynamicRegistration ?? false,
    hasClientDocuments: options.clientDocuments !== undefined,
    legacyPasswordGrant: options.legacyPasswordGrant ?? false,
    resources: options.resources ?? [],
    authorizationDetailsTypes: options.authorizationDetailsTypes ?? [],
    scopes,
    clients: [
      ...(options.clients ?? defaultClients).map((client) => registerClient(client, scopes)),
      ...Object.entries(options.clientDocuments ?? {}).map(([url, document]) =>
        readClientDocument(url, { document, scopes }),
      ),
    ],
    users: options.users ?? defaultUsers,
  }
}
