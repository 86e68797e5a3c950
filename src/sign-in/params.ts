import { isAuthorizationDetails } from '../protocol/authorization-details.ts'
import { asJson, checkOptions, signal, text, url, wholeSeconds } from '../check-options.ts'
import { isResource, redirectUri, requestParams, scope } from '../options.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import type { Rules } from '../check-options.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Parameters } from '../protocol/authorization.ts'

/** What one sign-in may ask for beyond the client's options. */
export interface SignInParams {
  /** Scopes separated by spaces, in place of the client's. */
  scope?: string | undefined
  /** Such as `'login'`, `'consent'` or `'none'` (OpenID Connect Core §3.1.2.1); never added for you. */
  prompt?: string | undefined
  /** Who is probably signing in. */
  loginHint?: string | undefined
  /** Wanted authentication context classes, separated by spaces; what was given is in `claims.acr`. */
  acrValues?: string | undefined
  /** Seconds that may have passed since the user authenticated. */
  maxAge?: number | undefined
  /** Languages for the pages of the server, in order of preference, separated by spaces. */
  uiLocales?: string | undefined
  /** Absolute URIs the token is meant for (RFC 8707). */
  resource?: string | readonly string[] | undefined
  /**
   * Rich authorization requests (RFC 9396): objects with a `type`. Without `pushedRequests()` they travel in the address bar,
   * where the user can read and change them. What the server granted of them is in `session.authorizationDetails`.
   */
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** In place of the client's redirect URI. */
  redirectUri?: string | undefined
  /** Where the user wants to be afterwards; anything that is not of this origin is dropped. */
  returnTo?: string | URL | undefined
  /** Anything JSON can hold; given back after the sign-in. It is stored, so keep secrets out. */
  appState?: unknown
  /** Further parameters of the authorization request. The client's own ones throw `invalid_option`. */
  extraParams?: Readonly<Record<string, string>> | undefined
  /** In place of the client's navigator. */
  navigator?: Navigator | undefined
  /** Gives up before the user is sent away. */
  signal?: AbortSignal | undefined
}

export type CheckedParams = ReturnType<typeof checkParams>

const rules: Rules<SignInParams> = {
  scope,
  prompt: text,
  loginHint: text,
  acrValues: text,
  maxAge: wholeSeconds,
  uiLocales: text,
  resource: [
    (value: unknown) => [value].flat().every(isResource),
    'absolute URIs without a fragment',
  ],
  authorizationDetails: [
    (value: unknown) => isAuthorizationDetails(value) && asJson(value),
    'a list of objects with a type, and JSON',
  ],
  redirectUri,
  returnTo: url,
  appState: [asJson, 'JSON'],
  extraParams: requestParams,
  navigator: [
    (value?: Partial<Navigator> | null) => typeof value?.open === 'function',
    'a navigator, such as redirect()',
  ],
  signal,
}

/** What every sign-in of a client has in common. */
type RequestDefaults = Pick<
  ResolvedOptions,
  'scope' | 'asks' | 'authorizationParams' | 'redirectUri'
>

/** Checks what one sign-in asks for, and words it as parameters; throws `invalid_option`. */
export function checkParams(given: SignInParams, options: RequestDefaults) {
  const params = checkOptions(given, rules)
  const { scope = options.scope } = params
  const resource = [params.resource ?? []].flat()
  const asks = options.asks.map((ask) => new URLSearchParams(ask))
  const resources = union(resource, ...asks.map((ask) => ask.getAll('resource')))
  // What has a name of its own here goes over what was given as a plain parameter.
  const parameters: Parameters = [
    ...Object.entries(options.authorizationParams ?? {}),
    ...asks[0]!,
    ...Object.entries(params.extraParams ?? {}),
    ['prompt', params.prompt],
    ['login_hint', params.loginHint],
    ['acr_values', params.acrValues],
    ['max_age', params.maxAge],
    ['ui_locales', params.uiLocales],
    ['resource', resources[0] && resources],
    ['authorization_details', asJson(params.authorizationDetails)],
  ]
  return {
    parameters,
    scope: union(...[scope, ...asks.map((ask) => ask.get('scope') ?? '')].map(words)).join(' '),
    ask: options.asks[0],
    resource,
    redirectUri: params.redirectUri ?? options.redirectUri,
    maxAge: params.maxAge,
    returnTo: params.returnTo?.toString(),
    appState: params.appState,
    navigator: params.navigator,
    signal: params.signal,
  }
}

const words = (scope: string): string[] => scope.split(' ').filter(Boolean)

const union = (...lists: string[][]): string[] => [...new Set(lists.flat())]
