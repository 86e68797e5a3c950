import type { Visit } from './context.ts'
import { proofAlgs, readProof } from './dpop.ts'
import type { AccessToken } from './grants.ts'
import { formOf, oauthError, readAuthorization, reply, withHeader } from './http.ts'
import type { Problem, Reply } from './http.ts'
import { verifyAccessToken } from './tokens.ts'

type Scheme = 'Bearer' | 'DPoP'

/** What an endpoint or a route demands of an access token. */
export interface Demand {
  scope?: string | undefined
  audience?: string | undefined
}

/** RFC 6750 and RFC 9449 §7: the live access token of this request, or the refusal. The query is never looked at. */
export async function authorizeAccess(visit: Visit, demand: Demand): Promise<AccessToken | Reply> {
  const shown = findToken(visit)
  if ('status' in shown) return shown
  const { token, scheme } = shown
  const proof = scheme === 'DPoP' ? await readProof(visit, token) : undefined
  if (proof && 'error' in proof) return refuse(scheme, { problem: proof })
  if (scheme === 'DPoP' && !proof) {
    const problem = { error: 'invalid_dpop_proof', description: 'the proof is missing' }
    return refuse(scheme, { problem })
  }
  const record = await verifyAccessToken(visit.context, { token, audience: demand.audience })
  if (!record) return refuse(scheme, { problem: invalidToken('the access token is not valid') })
  if (record.jkt !== proof?.jkt) {
    const description = 'the access token is not bound to this key'
    return refuse(record.jkt === undefined ? scheme : 'DPoP', {
      problem: invalidToken(description),
    })
  }
  return checkDemand(record, { scheme, demand })
}

function findToken({ context, call }: Visit): { token: string; scheme: Scheme } | Reply {
  const header = readAuthorization(call)
  const inBody = formOf(call)?.get('access_token') ?? undefined
  const scheme = header && schemes[header.scheme]
  if (scheme && inBody !== undefined) {
    const problem = { error: 'invalid_request', description: 'the token was sent in two ways' }
    return refuse(scheme, { problem, status: 400 })
  }
  if (scheme) return { token: header.credentials, scheme }
  if (inBody !== undefined) return { token: inBody, scheme: 'Bearer' }
  const bare = reply(401, { headers: [challenge('Bearer')] })
  const isDpopUsed = context.settings.clients.some((client) => client.dpopBound)
  return isDpopUsed ? withHeader(bare, challenge('DPoP')) : bare
}

const schemes: Partial<Record<string, Scheme>> = { bearer: 'Bearer', dpop: 'DPoP' }

const invalidToken = (description: string): Problem => ({ error: 'invalid_token', description })

function checkDemand(
  record: AccessToken,
  { scheme, demand }: { scheme: Scheme; demand: Demand },
): AccessToken | Reply {
  const { scope } = demand
  if (scope === undefined || record.scope.includes(scope)) return record
  const problem = { error: 'insufficient_scope', description: 'the scope is not enough' }
  return refuse(scheme, { problem, status: 403, more: { scope } })
}

function refuse(
  scheme: Scheme,
  {
    problem,
    status = 401,
    more,
  }: { problem: Problem; status?: number; more?: Record<string, string> },
): Reply {
  const { error, description } = problem
  const parameters = { error, ...(more ?? { error_description: description }) }
  return withHeader(oauthError(problem, status), challenge(scheme, parameters))
}

/** RFC 6750 §3, RFC 9449 §7.1 */
function challenge(scheme: Scheme, parameters: Record<string, string> = {}): [string, string] {
  const all = scheme === 'DPoP' ? { algs: proofAlgs.join(' '), ...parameters } : parameters
  const list = Object.entries(all).map(([name, value]) => `${name}="${value}"`)
  return ['www-authenticate', [scheme, list.join(', ')].filter(Boolean).join(' ')]
}
