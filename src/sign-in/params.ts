import { parseUrl } from '../api/resources.ts'
import { asJson, checkOption, fail, copyOwn } from '../options.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Parameters } from '../protocol/authorization.ts'

/** What one sign-in may ask for beyond the client's options. */
export interface SignInParams {
  /** Scopes separated by spaces, in place of the client's. */
  scope?: string
  /** Such as `'login'`, `'consent'` or `'none'` (OpenID Connect Core §3.1.2.1); never added for you. */
  prompt?: string
  /** Who is probably signing in. */
  loginHint?: string
  /** Wanted authentication context classes, separated by spaces; what was given is in `claims.acr`. */
  acrValues?: string
  /** Seconds that may have passed since the person authenticated. */
  maxAge?: number
  /** Languages for the pages of the server, in order of preference, separated by spaces. */
  uiLocales?: string
  /** Absolute URIs the token is meant for (RFC 8707). */
  resource?: string | readonly string[]
  /**
   * Rich authorization requests (RFC 9396): objects with a `type`. They travel in the address bar, where the person can read
   * and change them, and what the server granted of them is not read from its answer: the API must look at the token.
   */
  authorizationDetails?: readonly { type: string; [member: string]: unknown }[]
  /** In place of the client's redirect URI. */
  redirectUri?: string
  /** Where the person wants to be afterwards; anything that is not of this origin is dropped. */
  returnTo?: string | undefined
  /** Anything JSON can hold; given back after the sign-in. It is stored, so keep secrets out. */
  appState?: unknown
  /** Further parameters of the authorization request. The client's own ones throw `invalid_option`. */
  extraParams?: Readonly<Record<string, string>>
  /** In place of the client's navigator. */
  navigator?: Navigator
  /** Gives up before the person is sent away. */
  signal?: AbortSignal
}

export type CheckedParams = ReturnType<typeof checkParams>

/** Checks what one sign-in asks for, and words it as parameters; throws `invalid_option`. */
export function checkParams(given: SignInParams, options: ResolvedOptions) {
  const {
    scope = options.scope,
    redirectUri = options.redirectUri,
    prompt,
    loginHint,
    acrValues,
    maxAge,
    uiLocales,
    resource: one,
    authorizationDetails: details,
    returnTo,
    appState,
    extraParams = {},
    navigator: _,
    signal: __,
    ...unknown
  } = copyOwn(given)
  const [stray] = Object.keys(unknown)
  if (stray) fail(stray, 'in extraParams', unknown[stray as never])
  const resource = one === undefined ? undefined : [one].flat()
  checkOption('scope', scope)
  checkOption('redirectUri', redirectUri)
  checkOption('authorizationParams', extraParams, 'extraParams')
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= 0))
    fail('maxAge', 'a whole number of seconds', maxAge)
  if (resource && !resource.every((one) => parseUrl(one) && !one.includes('#'))) {
    fail('resource', 'absolute URIs without a fragment', resource)
  }
  const detailsJson = asJson(details)
  if (details !== undefined && !(Array.isArray(details) && details.every(hasType) && detailsJson)) {
    fail('authorizationDetails', 'a list of objects with a type, and JSON', details)
  }
  if (appState !== undefined && !asJson(appState)) fail('appState', 'JSON', appState)
  // What has a name of its own here goes over what was given as a plain parameter.
  const parameters: Parameters = [
    ...Object.entries(options.authorizationParams ?? {}),
    ...Object.entries(extraParams),
    ['prompt', prompt],
    ['login_hint', loginHint],
    ['acr_values', acrValues],
    ['max_age', maxAge],
    ['ui_locales', uiLocales],
    ['resource', resource],
    ['authorization_details', detailsJson],
  ]
  return { scope, redirectUri, parameters, resource, maxAge, returnTo, appState }
}

function hasType(detail: unknown): boolean {
  return typeof (detail as { type?: unknown } | null)?.type === 'string'
}
