import type { Context } from './context.ts'
import type { Grant } from './grants.ts'
import { formOf, readParameters } from './http.ts'
import type { Call, Parameters, Problem } from './http.ts'
import { apisOf } from './place.ts'
import type { Api } from './place.ts'
import { userScopes } from './scopes.ts'
import { parseUrl } from './url.ts'

/** Every audience that tokens may have. */
export function knownAudiences({ place, settings }: Pick<Context, 'place' | 'settings'>): string[] {
  return [...apisOf(place).map((api) => api.audience), ...settings.resources]
}

const invalidTarget = (description: string): Problem => ({ error: 'invalid_target', description })

/** What a request names by `resource` (RFC 8707) or by `audience` (Auth0). */
export function readTargets(context: Context, parameters: Parameters): string[] | Problem {
  const known = knownAudiences(context)
  const resources = parameters.all('resource')
  const audience = parameters.get('audience')
  if (!resources.every((resource) => isResource(resource) && known.includes(resource))) {
    return invalidTarget('unknown resource')
  }
  if (audience !== undefined && !known.includes(audience)) return invalidTarget('unknown audience')
  return [...new Set([...resources, ...(audience === undefined ? [] : [audience])])]
}

/** RFC 8707 §2: an absolute URI without a fragment. */
function isResource(resource: string): boolean {
  return parseUrl(resource) !== undefined && !resource.includes('#')
}

/** What one access token is for, or why there is none. */
export interface Target {
  audience: string
  scope: readonly string[]
}

/** Narrows a grant to one API: the one that the token request names, else that of its scopes (Entra), else the first. */
export function chooseTarget(
  context: Context,
  { grant, parameters, scope }: { grant: Grant; parameters: Parameters; scope: readonly string[] },
): Target | Problem {
  const targets = readTargets(context, parameters)
  if ('error' in targets) return targets
  const [target, second] = targets
  if (second !== undefined) return invalidTarget('exactly one known resource is allowed')
  if (!parameters.all('resource').every((resource) => isGranted(context, { grant, resource }))) {
    return invalidTarget('the user was not asked about this resource')
  }
  const apis = apisOf(context.place)
  const named = target ?? byScope(apis, parameters)
  if (typeof named === 'object') return named
  const audience = named ?? grant.resources[0] ?? apisOfScope(apis, scope)[0]?.audience
  return withScope(apis, { audience: audience ?? context.place.apiUrl, scope })
}

/** The API whose scopes a token request names, as at Entra. */
function byScope(apis: readonly Api[], parameters: Parameters): string | Problem | undefined {
  // Not the scope that was granted: a code exchange names an API in this way too.
  const found = apisOfScope(apis, parameters.get('scope')?.split(' ').filter(Boolean) ?? [])
  if (found.every((api) => api === apis[0])) return undefined
  if (found.length === 1) return found[0]!.audience
  return { error: 'invalid_scope', description: 'the scopes are of more than one API' }
}

/** The APIs that scopes are for, in the order of the scopes. Those about the user are for none. */
function apisOfScope(apis: readonly Api[], scope: readonly string[]): Api[] {
  const forApis = scope.filter((entry) => !userScopes.includes(entry))
  return [...new Set(forApis.map((entry) => ownerOf(apis, entry) ?? apis[0]!))]
}

function ownerOf(apis: readonly Api[], scope: string): Api | undefined {
  return apis.find((api) => api.scopes.includes(scope))
}

function withScope(apis: readonly Api[], { audience, scope }: Target): Target | Problem {
  const kept = scope.filter((entry) => (ownerOf(apis, entry)?.audience ?? audience) === audience)
  if (kept.length > 0) return { audience, scope: kept }
  return { error: 'invalid_scope', description: 'no scope is for this API' }
}

/** An API that the app did not name when the user signed in, and that has no scope of the grant, is none of its own. */
function isGranted(
  context: Context,
  { grant, resource }: { grant: Grant; resource: string },
): boolean {
  if (grant.resources.length > 0) return grant.resources.includes(resource)
  const [, ...others] = apisOf(context.place)
  const other = others.find((api) => api.audience === resource)
  return !other || other.scopes.some((entry) => grant.scope.includes(entry))
}

/** The API that a token request is about, also when it will be refused. */
export function audienceAskedFor(context: Context, call: Call): string | undefined {
  const form = call.path === '/token' ? formOf(call) : undefined
  if (!form) return undefined
  const parameters = readParameters(form)
  const { grants } = context
  const holder =
    grants.findRefreshToken(parameters.get('refresh_token') ?? '') ??
    grants.findCode(parameters.get('code') ?? '')
  const named = parameters.get('resource') ?? parameters.get('audience')
  if (named !== undefined || !holder) return named
  const { grant } = holder
  const target = chooseTarget(context, { grant, parameters, scope: readScope(parameters, grant) })
  return 'audience' in target ? target.audience : undefined
}

/** The scope of a token request: the grant's, unless it asks for less. */
export function readScope(parameters: Parameters, grant: Grant): readonly string[] {
  return parameters.get('scope')?.split(' ').filter(Boolean) ?? grant.scope
}
