import { seconds } from './context.ts'
import type { Visit } from './context.ts'
import { proofAlgs, readProof } from './dpop.ts'
import type { AccessToken } from './grants.ts'
import { formOf, oauthError, readAuthorization, reply, withHeader } from './http.ts'
import type { Problem, Reply } from './http.ts'
import { resourceMetadataUrl } from './place.ts'
import { verifyAccessToken } from './tokens.ts'

type Scheme = 'Bearer' | 'DPoP'

/** What an endpoint or a route demands of an access token. */
export interface Demand {
  /** One scope, or several with spaces between them. */
  scope?: string | undefined
  audience?: string | undefined
  /** How the user may have signed in; one of them is enough (RFC 9470). */
  acrValues?: readonly string[] | undefined
  /** For how many seconds the sign-in is recent enough. */
  maxAge?: number | undefined
}

/** RFC 6750 and RFC 9449 §7: the live access token of this request, or the refusal. The query is never looked at. */
export async function authorizeAccess(visit: Visit, demand: Demand): Promise<AccessToken | Reply> {
  const shown = findToken(visit)
  if ('status' in shown) return shown
  const { token, scheme } = shown
  const proof = scheme === 'DPoP' ? await readProof(visit, token) : undefined
  if (proof && 'error' in proof) return refuse(visit, { scheme, problem: proof })
  if (scheme === 'DPoP' && !proof) {
    const problem = { error: 'invalid_dpop_proof', description: 'the proof is missing' }
    return refuse(visit, { scheme, problem })
  }
  const record = await verifyAccessToken(visit.context, { token, audience: demand.audience })
  if (!record)
    return refuse(visit, { scheme, problem: invalidToken('the access token is not valid') })
  if (record.jkt !== proof?.jkt) {
    const description = 'the access token is not bound to this key'
    const asked = record.jkt === undefined ? scheme : 'DPoP'
    return refuse(visit, { scheme: asked, problem: invalidToken(description) })
  }
  const missing = findMissing(visit, { record, demand })
  return missing ? refuse(visit, { scheme, ...missing }) : record
}

function findToken(visit: Visit): { token: string; scheme: Scheme } | Reply {
  const { context, call } = visit
  const header = readAuthorization(call)
  const inBody = formOf(call)?.get('access_token') ?? undefined
  const scheme = header && schemes[header.scheme]
  if (scheme && inBody !== undefined) {
    const problem = { error: 'invalid_request', description: 'the token was sent in two ways' }
    return refuse(visit, { scheme, problem, status: 400 })
  }
  if (scheme) return { token: header.credentials, scheme }
  if (inBody !== undefined) return { token: inBody, scheme: 'Bearer' }
  const bare = reply(401, { headers: [challenge(visit, { scheme: 'Bearer' })] })
  const isDpopUsed = context.settings.clients.some((client) => client.dpopBound)
  return isDpopUsed ? withHeader(bare, challenge(visit, { scheme: 'DPoP' })) : bare
}

const schemes: Partial<Record<string, Scheme>> = { bearer: 'Bearer', dpop: 'DPoP' }

const invalidToken = (description: string): Problem => ({ error: 'invalid_token', description })

interface Refusal {
  problem: Problem
  status?: number
  /** What the challenge says instead of a description. */
  more?: Record<string, string>
}

/** What a live token is not enough for. */
function findMissing(
  { context, call }: Visit,
  { record, demand }: { record: AccessToken; demand: Demand },
): Refusal | undefined {
  const { grant, scope } = record
  const forEver =
    call.to === 'api' && context.faults.use('insufficient-for-ever', { path: call.path })
  if (forEver) return forEver.scope === undefined ? weak(forEver) : narrow(forEver.scope)
  // Spelled out, so that nothing is read from Object.prototype.
  const { acrValues, maxAge, scope: wanted } = { __proto__: null, ...demand } as Partial<Demand>
  const isStrong = acrValues?.includes(grant.acr) ?? true
  const isRecent = maxAge === undefined || seconds(context.now()) - grant.authTime <= maxAge
  if (!isStrong || !isRecent) return weak({ acrValues: acrValues?.join(' '), maxAge })
  const isWide = wanted?.split(' ').every((entry) => scope.includes(entry)) ?? true
  return isWide ? undefined : narrow(wanted!)
}

/** RFC 9470 §3 */
function weak({
  acrValues,
  maxAge,
}: {
  acrValues?: string | undefined
  maxAge?: number | undefined
}): Refusal {
  const error = 'insufficient_user_authentication'
  const asked = maxAge === undefined && acrValues === undefined ? 'mfa' : acrValues
  return {
    problem: { error, description: 'the user must sign in again, or with more' },
    more: {
      ...(asked !== undefined && { acr_values: asked }),
      ...(maxAge !== undefined && { max_age: String(maxAge) }),
    },
  }
}

/** RFC 6750 §3.1 */
function narrow(scope: string): Refusal {
  const problem = { error: 'insufficient_scope', description: 'the scope is not enough' }
  return { problem, status: 403, more: { scope } }
}

function refuse(
  visit: Visit,
  { scheme, problem, status = 401, more }: Refusal & { scheme: Scheme },
): Reply {
  const { error, description } = problem
  const parameters = { error, ...(more ?? { error_description: description }) }
  return withHeader(oauthError(problem, status), challenge(visit, { scheme, parameters }))
}

/** RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1 */
function challenge(
  { call }: Visit,
  { scheme, parameters = {} }: { scheme: Scheme; parameters?: Record<string, string> },
): [string, string] {
  const metadata = call.api && resourceMetadataUrl(call.api)
  const list = Object.entries({
    ...(scheme === 'DPoP' && { algs: proofAlgs.join(' ') }),
    ...parameters,
    ...(metadata !== undefined && { resource_metadata: metadata }),
  }).map(([name, value]) => `${name}="${value}"`)
  return ['www-authenticate', [scheme, list.join(', ')].filter(Boolean).join(' ')]
}
