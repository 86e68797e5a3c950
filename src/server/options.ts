import { secureUrl } from '../api/resources.ts'
import {
  callable,
  checkOptions,
  checkValue,
  copyOwn,
  fail,
  flag,
  milliseconds,
  object,
  text,
} from '../check-options.ts'
import { checkIssuer, issuer, list, readResources, requestParams, scope } from '../options.ts'
import type { Resource } from '../api/resources.ts'
import type { Rule, Rules } from '../check-options.ts'
import type { Clock } from '../clock.ts'
import type { PkceClientError } from '../errors.ts'
import type { PkceClientOptions, ResourceEntry } from '../options.ts'
import type { ClientAuthenticationMethod } from '../protocol/client-authentication.ts'
import type { Claims } from '../protocol/token-set.ts'
import type { ProxyTarget } from './endpoints/proxy.ts'
import type { SessionStore } from './store/session-store.ts'

/** What {@link ServerClient} needs to know. */
export interface ServerClientOptions {
  /** The authorization server's issuer identifier, as for `PkceClient` (RFC 8414 §2). */
  issuer: string
  /** The `client_id` this app is registered under. */
  clientId: string
  /** The app's own origin, such as `https://app.example.com`. The headers Host and X-Forwarded-* are never believed. */
  baseUrl: string
  /**
   * Seals what is stored and what is in cookies: 32 random characters or more. A list while it is being changed: the first
   * seals, all of them open.
   */
  secret: string | readonly string[]
  /** How the client proves who it is, such as `clientSecret(…)`; a public client when left out. */
  clientAuthentication?: ClientAuthenticationMethod | undefined
  /** Scopes separated by spaces; `'openid'` when left out. */
  scope?: string | undefined
  /** The only places that ever receive an access token, as for `PkceClient`; paths are of `baseUrl`. */
  resources?: readonly (string | ResourceEntry)[] | undefined
  /** Server metadata that goes over what discovery finds. */
  metadata?: PkceClientOptions['metadata']
  /** Sent with every authorization request, such as a vendor's `audience`. */
  authorizationParams?: Readonly<Record<string, string>> | undefined
  /** Where sessions are kept; in the memory of this process when left out, and an event says so. */
  sessions?: SessionStore | undefined
  /** Below which path {@link ServerClient.handle} answers; `'/auth'` when left out. */
  basePath?: string | undefined
  /** Where the authorization server sends people back to, a path of `baseUrl`; `/callback` below `basePath` when left out. */
  redirectUri?: string | undefined
  /** Where people are after signing out, a path of `baseUrl`; `'/'` when left out. */
  postSignOutRedirectUri?: string | undefined
  /** Seconds without a request after which a session ends; 3600 when left out. */
  idleTimeout?: number | undefined
  /** Seconds after which a session ends in any case; 604 800, seven days, when left out. */
  lifetime?: number | undefined
  /** Milliseconds one request to the authorization server may take; 10 000 when left out. */
  timeout?: number | undefined
  /** The name of the session cookie, and whether it is withheld when people come from another site; `'strict'` when left out. */
  cookie?: { name?: string | undefined; sameSite?: 'strict' | 'lax' | undefined } | undefined
  /** Paths of this app that are passed on to an API with the access token; each target must be listed in `resources`. */
  proxy?: Readonly<Record<string, string>> | undefined
  /** Whether scripts of this app may have access tokens, at `POST /refresh_token` below `basePath`; false when left out. */
  refreshEndpoint?: boolean | undefined
  /**
   * Whose tokens these are: the id of a user of your app, where that has its own sign-in. No session cookie is used then, and
   * {@link ServerClient.of} has the session of an id.
   */
  owner?: ((request: Request) => string | undefined | Promise<string | undefined>) | undefined
  /** Whether a person who signed in may use the app, by the claims of the ID token. */
  accept?: ((claims: Claims) => boolean | Promise<boolean>) | undefined
  /** Makes the answer for an error, in place of the plain page. */
  onError?: ((error: PkceClientError, request: Request) => Response | Promise<Response>) | undefined
  /** Time and jitter. */
  clock?: Clock | undefined
  /** Used for every request; `globalThis.fetch` when left out. */
  fetch?: typeof globalThis.fetch | undefined
}

const seconds: Rule = [
  (value: number) => Number.isFinite(value) && value > 0,
  'a positive number of seconds',
]
const path: Rule = [
  (value: unknown) => typeof value === 'string' && /^\/(?!\/)[^\0- \\#?]*$/.test(value),
  'a path of baseUrl, such as "/auth"',
]
const shortestSecret = 32
const secretRule: Rule = [
  (value: unknown) =>
    [value].flat().length > 0 &&
    [value].flat().every((one) => typeof one === 'string' && one.length >= shortestSecret),
  `a random string of at least ${shortestSecret} characters, or a list of them`,
]
const cookieName: Rule = [
  (value: unknown) => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value),
  'letters, digits, dots, hyphens and underscores',
]
const sameSite: Rule = [(value) => value === 'strict' || value === 'lax', "'strict' or 'lax'"]
const baseUrl: Rule = [
  (value: unknown) => secureUrl(value)?.pathname === '/' && !String(value).includes('?'),
  'the origin of the app, such as "https://app.example.com" (http on loopback only)',
]

type PlainOptions = Omit<ServerClientOptions, 'secret'>

const rules: Rules<PlainOptions> = {
  issuer,
  clientId: text,
  baseUrl,
  clientAuthentication: [
    (value) => typeof value === 'function',
    'what clientSecret(), privateKeyJwt() or another of them gives',
  ],
  scope,
  resources: list,
  metadata: object,
  authorizationParams: requestParams,
  sessions: [
    (value?: Partial<SessionStore> | null) => typeof value?.swap === 'function',
    'a store of sessions, such as memorySessions()',
  ],
  basePath: path,
  redirectUri: path,
  postSignOutRedirectUri: path,
  idleTimeout: seconds,
  lifetime: seconds,
  timeout: milliseconds,
  cookie: object,
  proxy: object,
  refreshEndpoint: flag,
  owner: callable,
  accept: callable,
  onError: callable,
  clock: object,
  fetch: callable,
}

export type ResolvedServerOptions = ReturnType<typeof resolveServerOptions>

/** Checks everything an app passed in; throws `invalid_option` naming the option and what would be right. */
export function resolveServerOptions(given: ServerClientOptions) {
  const defaults = {
    scope: 'openid',
    basePath: '/auth',
    postSignOutRedirectUri: '/',
    idleTimeout: 3600,
    lifetime: 604_800,
    timeout: 10_000,
    refreshEndpoint: false,
  }
  const { secret, ...others } = { ...copyOwn(given) }
  // Apart from the others, because a message shows what it refuses.
  if (!secretRule[0](secret as never)) fail('secret', secretRule[1], typeof secret)
  const options = checkOptions<PlainOptions, PlainOptions & typeof defaults>(
    { ...defaults, ...others },
    rules,
  )
  for (const name of ['issuer', 'clientId', 'baseUrl'] as const)
    checkValue(name, { value: options[name], rule: rules[name] })
  checkIssuer(options.issuer)
  const origin = new URL(options.baseUrl).origin
  const basePath = options.basePath.replace(/\/$/, '')
  const { resourceList, asks } = readResources(options.resources, origin)
  const { name, sameSite = 'strict' } = checkOptions(options.cookie ?? {}, cookieRules)
  return Object.freeze({
    ...options,
    secrets: [secret].flat(),
    origin,
    basePath,
    redirectUri: origin + (options.redirectUri ?? `${basePath}/callback`),
    postSignOutRedirectUri: origin + options.postSignOutRedirectUri,
    idleTimeout: options.idleTimeout * 1000,
    lifetime: options.lifetime * 1000,
    cookie: { name, sameSite },
    metadata: copyOwn(options.metadata ?? {}),
    resourceList,
    asks,
    targets: readTargets(options.proxy, { origin, resourceList }),
  })
}

const cookieRules: Rules<NonNullable<ServerClientOptions['cookie']>> = {
  name: cookieName,
  sameSite,
}

function readTargets(
  proxy: ServerClientOptions['proxy'] = {},
  { resourceList }: { origin: string; resourceList: readonly Resource[] },
): ProxyTarget[] {
  return Object.entries(proxy).map(([prefix, to]) => {
    const target = secureUrl(to)
    const isListed = resourceList.some(
      ({ origin, path }) => target && `${target.href}/`.startsWith(`${origin}${path}/`),
    )
    const isPath = path[0](prefix as never) && prefix.endsWith('/') && prefix !== '/'
    if (!target || !isListed || !isPath)
      fail('proxy', 'paths that end in a slash, with https URLs that resources lists', {
        [prefix]: to,
      })
    return { prefix, target }
  })
}
