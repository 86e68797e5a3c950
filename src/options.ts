import {
  callable,
  checkOptions,
  checkValue,
  copyOwn,
  fail,
  milliseconds,
  object,
  strings,
  text,
} from './check-options.ts'
import { parseResource, parseUrl, secureUrl } from './api/resources.ts'
import type { Defined, Rule, Rules } from './check-options.ts'
import type { Capability } from './capabilities/capability.ts'
import type { Clock } from './clock.ts'
import type { Host } from './host/host.ts'
import type { Navigator } from './navigation/navigator.ts'
import type { ServerMetadata } from './protocol/server.ts'
import type { Resource } from './api/resources.ts'
import type { Store, TransactionStore } from './storage/store.ts'
import type { Channel } from './tabs/channel.ts'
import type { Lock } from './tabs/lock.ts'

/** What {@link PkceClient} needs to know, and the ports through which it can be fitted to any place. */
export interface PkceClientOptions {
  /**
   * The authorization server's issuer identifier, exactly as the server writes it (RFC 8414 §2). Microsoft Entra for many
   * tenants is the exception: its address with `organizations` or `common`, see docs/providers.md.
   */
  issuer: string
  /** The `client_id` this app is registered under. */
  clientId: string
  /** Where the authorization server sends people back to: absolute, and registered exactly so (RFC 6749 §3.1.2). */
  redirectUri: string
  /** Scopes separated by spaces; `'openid'` when left out. */
  scope?: string | undefined
  /**
   * The only places that ever receive an access token: URLs or paths, each covering what lies under it.
   * Paths resolve against `redirectUri`. Nothing is listed when left out. A path keeps tokens apart only where nothing below
   * it redirects by request: a redirect on the same origin takes the token along.
   *
   * Plain entries share one token, the session's. An entry with `resource`, `scope` or `params` has a token of its own, which
   * goes nowhere else: see docs/several-apis.md. The code of the sign-in becomes the token of the first entry; the others
   * come by a refresh when they are first needed. If any entry is plain, the first one must be.
   */
  resources?: readonly (string | ResourceEntry)[] | undefined
  /** Server metadata that goes over what discovery finds; complete metadata makes discovery unnecessary. */
  metadata?:
    { readonly [Name in keyof ServerMetadata]?: ServerMetadata[Name] | undefined } | undefined
  /** Sent with every authorization request, such as a vendor's `audience`. */
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /** Where the server sends people after signing out, if it is registered (RP-Initiated Logout §2). */
  postSignOutRedirectUri?: string | undefined
  /** Tells two sessions of one client on one origin apart. */
  sessionKey?: string | undefined
  /** Milliseconds one OAuth request may take, headers and body; 15 000 when left out. */
  timeout?: number | undefined
  /** Where the session is kept; `localStorage` in a page, memory elsewhere, when left out. */
  store?: Store | undefined
  /** Where sign-ins under way are kept; `localStorage` in a page, memory elsewhere, when left out. */
  transactionStore?: TransactionStore | undefined
  /**
   * How users get to the authorization server; `redirect()` when left out. The first of a list is the default of `signIn()`;
   * the page that users come back to must know all that the app signs in with.
   */
  navigator?: Navigator | readonly Navigator[] | undefined
  /** What the client can do beyond the plain flow, such as `[pushedRequests()]`. */
  use?: readonly Capability[] | undefined
  /** Mutual exclusion between tabs; Web Locks when left out. */
  lock?: Lock | undefined
  /** Messages between tabs; BroadcastChannel when left out. */
  channel?: Channel | undefined
  /** The page, worker or process around the client. */
  host?: Host | undefined
  /** Time and jitter. */
  clock?: Clock | undefined
  /** Used for every request; the `globalThis.fetch` of the moment when left out. */
  fetch?: typeof globalThis.fetch | undefined
}

/** An entry of {@link PkceClientOptions.resources}, which may have an access token of its own. */
export interface ResourceEntry {
  /** As the plain string. */
  url: string
  /** Asks for a token for this API: its absolute URI, as the server knows it (RFC 8707). */
  resource?: string | undefined
  /** Asks for a token with these scopes only, separated by spaces; in Microsoft Entra they name the API. */
  scope?: string | undefined
  /** Asks for a token with further parameters of the token request, such as Auth0's `audience`. */
  params?: Readonly<Record<string, string>> | undefined
}

export type ResolvedOptions = Readonly<
  Omit<Defined<PkceClientOptions>, 'metadata' | 'navigator' | 'use'> & {
    metadata: Partial<ServerMetadata>
    scope: string
    timeout: number
    key: string
    resourceList: readonly Resource[]
    /** What the access tokens are asked for with, each once; the first is the session's own. */
    asks: readonly [string, ...string[]]
    navigators?: readonly [Navigator, ...Navigator[]]
    use: readonly Capability[]
  }
>

/** Parameters of the authorization request and the token request that are the client's own to set. */
const reserved =
  /^(?:response_type|client_(?:id|secret|assertion\w*)|redirect_uri|scope|state|nonce|max_age|code|code_\w+|response_mode|request|request_uri|grant_type|refresh_token)$/

export const issuer: Rule = [
  (value: string) => secureUrl(value) && !value.includes('?'),
  'an absolute https URL without a fragment or query (http on loopback only)',
]
export const redirectUri: Rule = [
  // RFC 8252 §7.1: or a private-use scheme in reverse-DNS form.
  (value: unknown) =>
    typeof value === 'string' &&
    (secureUrl(value) ?? /^[a-z][\w+-]*\.[\w+.-]+:[^\s#]+$/.test(value)),
  "an absolute https URL without a fragment (http on loopback only), such as new URL('/callback', location.origin).href",
]
const resourceRule = 'https URLs or paths without wildcard, query, fragment or encoded slash'
const plainFirst =
  'a list whose first entry has no resource, scope or params, as another one has none'
// RFC 6749 §3.3: visible ASCII without quotes and backslash, separated by single spaces.
export const scope: Rule = [
  (value: string) => typeof value === 'string' && value && !/^ | $| {2}|[^ !#-[\]-~]/.test(value),
  'scopes separated by single spaces, such as "openid profile"',
]
/** RFC 8707 §2. */
export function isResource(value: unknown): boolean {
  return typeof value === 'string' && !!parseUrl(value) && !value.includes('#')
}

/** Parameters of the authorization request that an app may add. */
export const requestParams = /* @__PURE__ */ strings(
  (name) => reserved.test(name),
  'state, client_id',
)

/** What an entry of `resources` may have. */
const entryRules: Rules<ResourceEntry> = {
  // Judged with the redirect URI, against which it resolves.
  url: [() => true, ''],
  resource: [isResource, 'an absolute URI without a fragment'],
  scope,
  params: requestParams,
}

// localStorage itself is refused: it has getItem and no get, so every session would be lost at the next reload.
const store: Rule = [
  (value?: Partial<Store> | null) => value?.get,
  'an object such as webStorageStore(localStorage)',
]

/** Whether a value has a method of that name. */
const has = (method: string) => (value: unknown) =>
  typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function'

export const list: Rule = [Array.isArray, 'a list, such as ["/api/"]']

/** What each option must be; a name that is not here is a mistake. */
const rules: Rules<PkceClientOptions> = {
  issuer,
  clientId: text,
  redirectUri,
  scope,
  resources: list,
  metadata: object,
  authorizationParams: requestParams,
  postSignOutRedirectUri: redirectUri,
  sessionKey: text,
  timeout: milliseconds,
  store,
  transactionStore: store,
  navigator: [
    (value: unknown) => [value].flat().length > 0 && [value].flat().every(has('open')),
    'a navigator such as redirect(), or a list of them',
  ],
  use: [
    (value: unknown) => Array.isArray(value) && value.every(has('hooks')),
    'a list of capabilities, such as [pushedRequests()]',
  ],
  lock: object,
  channel: object,
  host: object,
  clock: object,
  fetch: callable,
}

/** Checks everything an app passed in; throws `invalid_option` naming the option and what would be right. */
export function resolveOptions(given: PkceClientOptions): ResolvedOptions {
  const options = checkOptions({ scope: 'openid', timeout: 15_000, ...copyOwn(given) }, rules)
  for (const name of ['issuer', 'clientId', 'redirectUri'] as const)
    checkValue(name, { value: options[name], rule: rules[name] })
  const { issuer, clientId, sessionKey, redirectUri: base } = options
  checkIssuer(issuer)
  const { navigator, use } = options
  return Object.freeze(
    // Not into a copy by `...`, which would have a prototype again.
    Object.assign(options, {
      ...(navigator && { navigators: [navigator].flat() as [Navigator, ...Navigator[]] }),
      use: [...(use ?? [])],
      metadata: copyOwn(options.metadata ?? {}),
      key: sessionKeyOf([issuer, clientId, sessionKey ?? []].flat()),
      ...readResources(options.resources, base),
    }),
  )
}

/** Throws `invalid_option` for the address of the metadata, which is often taken for the issuer. */
export function checkIssuer(issuer: string): void {
  const [wellKnown] = /\/\.well-known\/[\w-]+\/?/.exec(issuer) ?? []
  if (wellKnown) fail('issuer', `the issuer itself: leave off "${wellKnown.slice(0, 100)}"`, issuer)
}

/** The places that may receive a token, and what their tokens are asked for with, the session's own first. */
export function readResources(entries: PkceClientOptions['resources'] = [], base: string) {
  const resourceList = entries.map((entry) => readEntry(entry, base))
  const [first = '', ...others] = new Set(resourceList.map(({ ask }) => ask))
  if (others.includes('')) fail('resources', plainFirst, entries)
  return { resourceList, asks: [first, ...others] as const }
}

/** What the token is asked for with is sorted: it is the name under which the token is kept. */
function readEntry(entry: unknown, base: string): Resource {
  const given = typeof entry === 'string' ? { url: entry } : { ...(entry as ResourceEntry | null) }
  const { url, params, ...own } = checkOptions(given as ResourceEntry, entryRules)
  const place = parseResource(url, base) ?? fail('resources', resourceRule, entry)
  const ask = new URLSearchParams({ ...params, ...own })
  ask.sort()
  return { ...place, ask: ask.toString() }
}

/** The parts, separated by bars. Only bars and percent signs are encoded, so that most keys can be read as they are. */
const sessionKeyOf = (parts: string[]): string =>
  `pkce:${parts.map((part) => part.replace(/[%|]/g, encodeURIComponent)).join('|')}`
