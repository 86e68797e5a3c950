import { PkceClientError } from './errors.ts'
import { isSecureUrl, parseResource } from './resources.ts'
import type { Clock } from './clock.ts'
import type { Host } from './host/host.ts'
import type { Navigator } from './navigation/navigator.ts'
import type { ServerMetadata } from './protocol/server.ts'
import type { Resource } from './resources.ts'
import type { Store, TransactionStore } from './storage/store.ts'
import type { Channel } from './tabs/channel.ts'
import type { Lock } from './tabs/lock.ts'

/** What {@link PkceClient} needs to know, and the ports through which it can be fitted to any place. */
export interface PkceClientOptions {
  /** The authorization server's issuer identifier, exactly as the server writes it (RFC 8414 §2). */
  issuer: string
  /** The `client_id` this app is registered under. */
  clientId: string
  /** Where the authorization server sends people back to: absolute, and registered exactly so (RFC 6749 §3.1.2). */
  redirectUri: string
  /** Scopes separated by spaces; `'openid'` when left out. */
  scope?: string
  /**
   * The only places that ever receive an access token: URLs or paths, each covering what lies under it.
   * Paths resolve against `redirectUri`. Nothing is listed when left out.
   */
  resources?: readonly (string | { url: string })[]
  /** Server metadata that goes over what discovery finds; complete metadata makes discovery unnecessary. */
  metadata?: Partial<ServerMetadata>
  /** Sent with every authorization request, such as a vendor's `audience`. */
  authorizationParams?: Readonly<Record<string, string>>
  /** Where the server sends people after signing out, if it is registered (RP-Initiated Logout §2). */
  postSignOutRedirectUri?: string
  /** Tells two sessions of one client on one origin apart. */
  sessionKey?: string
  /** Milliseconds one OAuth request may take, headers and body; 15 000 when left out. */
  timeout?: number
  /** Where the session is kept; `localStorage` in a page, memory elsewhere, when left out. */
  store?: Store
  /** Where sign-ins under way are kept; `localStorage` in a page, memory elsewhere, when left out. */
  transactionStore?: TransactionStore
  /** How people get to the authorization server; `redirect()` when left out. */
  navigator?: Navigator
  /** Mutual exclusion between tabs; Web Locks when left out. */
  lock?: Lock
  /** Messages between tabs; BroadcastChannel when left out. */
  channel?: Channel
  /** The page, worker or process around the client. */
  host?: Host
  /** Time and jitter. */
  clock?: Clock
  /** Used for every request; the `globalThis.fetch` of the moment when left out. */
  fetch?: typeof globalThis.fetch
}

export type ResolvedOptions = Readonly<
  PkceClientOptions & {
    scope: string
    timeout: number
    key: string
    resourceList: readonly Resource[]
  }
>

const optionNames =
  'issuer clientId redirectUri scope resources metadata authorizationParams postSignOutRedirectUri sessionKey timeout store transactionStore navigator lock channel host clock fetch'.split(
    ' ',
  )

/** Parameters of the authorization request that are the client's own to set. */
const reserved =
  'response_type client_id redirect_uri state nonce code_challenge code_challenge_method response_mode request request_uri'.split(
    ' ',
  )

/** Checks everything an app passed in; throws `invalid_option` naming the option and what would be right. */
export function resolveOptions(options: PkceClientOptions): ResolvedOptions {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null) {
    throw new PkceClientError(
      'invalid_option',
      'Pass an object with issuer, clientId and redirectUri.',
    )
  }
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name))
      fail(name, `is not known; the options are ${optionNames.join(', ')}`)
  }
  const { issuer, clientId, redirectUri, sessionKey } = options
  const scope = options.scope ?? 'openid'
  const timeout = options.timeout ?? 15_000
  const issuerUrl = webUrl('issuer', issuer)
  if (issuerUrl.search || issuerUrl.hash) fail('issuer', 'must have no query and no fragment')
  if (typeof clientId !== 'string' || !clientId)
    fail('clientId', 'must be the client_id from the registration')
  checkRedirectUri('redirectUri', redirectUri)
  if (options.postSignOutRedirectUri !== undefined) {
    checkRedirectUri('postSignOutRedirectUri', options.postSignOutRedirectUri)
  }
  checkScope(scope)
  if (!(Number.isFinite(timeout) && timeout > 0))
    fail('timeout', 'must be a positive number of milliseconds')
  if (sessionKey !== undefined && (typeof sessionKey !== 'string' || !sessionKey)) {
    fail('sessionKey', 'must be a non-empty string')
  }
  checkExtraParams('authorizationParams', options.authorizationParams)
  const resources: unknown = options.resources ?? []
  if (!Array.isArray(resources))
    fail('resources', 'must be a list, such as ["https://api.example.com/"]')
  return Object.freeze({
    ...options,
    scope,
    timeout,
    key: `pkce:${issuer}|${clientId}${sessionKey ? `|${sessionKey}` : ''}`,
    resourceList: (resources as unknown[]).map((entry) => {
      if (typeof entry === 'object' && entry !== null) {
        const unknown = Object.keys(entry).find((name) => name !== 'url')
        if (unknown)
          fail('resources', `has an entry with ${JSON.stringify(unknown)}; an entry has a url`)
      }
      return parseResource(entry, redirectUri)
    }),
  })
}

export function checkScope(scope: unknown): void {
  // RFC 6749 §3.3: visible ASCII without quotes and backslash, separated by single spaces.
  if (typeof scope !== 'string' || !/^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/.test(scope)) {
    fail('scope', 'must be scopes separated by single spaces, such as "openid profile"')
  }
}

/** An absolute URI without fragment: https, http on loopback, or a private-use scheme in reverse-DNS form (RFC 8252 §7.1). */
export function checkRedirectUri(name: string, uri: unknown): void {
  const url = parse(uri)
  if (!url)
    fail(name, `must be an absolute URL; new URL('/callback', location.origin).href makes one`)
  if ((uri as string).includes('#')) fail(name, 'must have no fragment')
  if (url.username || url.password) fail(name, 'must have no user name')
  if (!isSecureUrl(url) && !/^(?!https?:)[a-z][\w+-]*(?:\.[\w+-]+)+:$/.test(url.protocol)) {
    fail(name, 'must use https (http is for loopback hosts only)')
  }
}

export function checkExtraParams(name: string, params: unknown): void {
  if (params === undefined) return
  if (typeof params !== 'object' || params === null) fail(name, 'must be an object of strings')
  for (const [key, value] of Object.entries(params)) {
    if (reserved.includes(key)) fail(name, `must not set ${key}; it is the client's own`)
    if (typeof value !== 'string') fail(name, `must have a string for ${JSON.stringify(key)}`)
  }
}

function webUrl(name: string, value: unknown): URL {
  const url = parse(value)
  if (!url || !isSecureUrl(url) || url.username || url.password) {
    fail(name, 'must be an absolute https URL (http is for loopback hosts only)')
  }
  return url
}

function parse(value: unknown): URL | undefined {
  try {
    return typeof value === 'string' ? new URL(value) : undefined
  } catch {
    return undefined
  }
}

export function fail(option: string, problem: string): never {
  throw new PkceClientError('invalid_option', `Option ${option} ${problem}.`)
}
