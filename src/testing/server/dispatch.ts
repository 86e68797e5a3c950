import { spoil, spoilPage } from '../faults/answers.ts'
import { circumstancesOf } from './circumstances.ts'
import type { Visit } from './context.ts'
import { allowHeaders, exposedHeaders, preflight } from './cors.ts'
import type { Readers } from './cors.ts'
import { api } from './endpoints/api.ts'
import { authorize } from './endpoints/authorize.ts'
import { confirmSignOut, endSession } from './endpoints/end-session.ts'
import { consent, login, secondFactor, showNext } from './endpoints/interaction.ts'
import { introspect } from './endpoints/introspect.ts'
import { jwks, metadata } from './endpoints/metadata.ts'
import { pushRequest } from './endpoints/par.ts'
import { refreshByCookie, signOutByCookie } from './endpoints/refresh-cookie.ts'
import { register } from './endpoints/register.ts'
import { revoke } from './endpoints/revoke.ts'
import { token } from './endpoints/token.ts'
import { userInfo } from './endpoints/user-info.ts'
import { withNonce } from './dpop.ts'
import { standStillFor } from '../fakes/clock.ts'
import { oauthError, withHeader } from './http.ts'
import type { Call, Outcome, Problem, Reply } from './http.ts'
import { errorPage } from './pages.ts'
import { decideMishap } from '../faults/transport.ts'
import type { Sleep } from '../faults/transport.ts'

interface Endpoint {
  readers: Readers
  methods: Readonly<Partial<Record<string, (visit: Visit) => Outcome | Promise<Outcome>>>>
}

const endpoints: Readonly<Partial<Record<string, Endpoint>>> = {
  '/.well-known/openid-configuration': { readers: 'anybody', methods: { GET: metadata } },
  '/.well-known/oauth-authorization-server': { readers: 'anybody', methods: { GET: metadata } },
  '/jwks': { readers: 'anybody', methods: { GET: jwks } },
  '/authorize': { readers: 'nobody', methods: { GET: authorize, POST: authorize } },
  '/login': { readers: 'nobody', methods: { POST: login } },
  '/second_factor': { readers: 'nobody', methods: { GET: showNext, POST: secondFactor } },
  '/consent': { readers: 'nobody', methods: { GET: showNext, POST: consent } },
  '/end_session': { readers: 'nobody', methods: { GET: endSession, POST: endSession } },
  '/end_session/confirm': { readers: 'nobody', methods: { POST: confirmSignOut } },
  '/par': { readers: 'registered', methods: { POST: pushRequest } },
  '/token': { readers: 'registered', methods: { POST: token } },
  '/refresh_token': { readers: 'registered', methods: { POST: refreshByCookie } },
  '/refresh_token/sign_out': { readers: 'registered', methods: { POST: signOutByCookie } },
  '/register': { readers: 'anybody', methods: { POST: register } },
  '/introspect': { readers: 'nobody', methods: { POST: introspect } },
  '/revoke': { readers: 'registered', methods: { POST: revoke } },
  '/userinfo': { readers: 'registered', methods: { GET: userInfo, POST: userInfo } },
}

/** One request's way through the server: faults, endpoint, faults again, CORS. */
export async function dispatch(visit: Visit, sleep: Sleep): Promise<Outcome> {
  const { context, call } = visit
  const readers = readersOf(call)
  if (call.method === 'OPTIONS' && call.headers['access-control-request-method'] !== undefined) {
    const shut = context.faults.see('no-cors', { path: call.path })
    return preflight(context, { call, readers: shut ? 'nobody' : readers })
  }
  const circumstances = circumstancesOf(visit)
  const { faults } = context
  const mishap = decideMishap(faults, { circumstances, sleep })
  if (typeof mishap.instead === 'string') return mishap.instead
  const answer = mishap.instead ?? (await standStillFor(process(visit)))
  if (typeof answer === 'string') return answer
  const spoiled = mishap.instead ?? spoil(withNonce(visit, answer), { faults, circumstances })
  const outcome = await mishap.afterwards(spoilPage(spoiled, { faults, circumstances }))
  return typeof outcome === 'string' ? outcome : withCors(visit, { answer: outcome, readers })
}

function readersOf({ to, path }: Call): Readers {
  if (to === 'issuer') return endpoints[path]?.readers ?? 'nobody'
  return path === '/.well-known/oauth-protected-resource' ? 'anybody' : 'registered'
}

async function process(visit: Visit): Promise<Outcome> {
  const { call } = visit
  if (call.to === 'api') return api(visit)
  const found = endpoints[call.path]
  if (!found) {
    const problem = { error: 'not_found', description: 'there is nothing at this address' }
    return refuse(call, problem, 404)
  }
  const handler = found.methods[call.method === 'HEAD' ? 'GET' : call.method]
  if (handler) return handler(visit)
  const refusal = refuse(call, { error: 'invalid_request', description: 'wrong method' }, 405)
  return withHeader(refusal, ['allow', Object.keys(found.methods).join(', ')])
}

/** A page for a person, who may reload the address of a form; JSON for a program. */
function refuse(call: Call, problem: Problem, status: number): Reply {
  const isPerson = call.headers['accept']?.includes('text/html')
  return isPerson ? errorPage(problem.description, status) : oauthError(problem, status)
}

const hidingFaults = {
  'dpop-nonce-hidden': 'DPoP-Nonce',
  'challenge-hidden': 'WWW-Authenticate',
} as const

/** What faults leave out of Access-Control-Expose-Headers, though the answer has it. */
function hiddenHeaders({ context, call: { path } }: Visit, answer: Reply): string[] {
  const present = answer.headers.map(([name]) => name)
  return Object.entries(hidingFaults)
    .filter(([, header]) => present.includes(header.toLowerCase()))
    .filter(([fault]) => context.faults.use(fault as keyof typeof hidingFaults, { path }))
    .map(([, header]) => header)
}

function withCors(visit: Visit, { answer, readers }: { answer: Reply; readers: Readers }): Reply {
  const { context, call } = visit
  if (context.faults.use('no-cors', { path: call.path })) return { ...answer, visible: 'nothing' }
  const allow = allowHeaders(context, { call, readers })
  if (context.faults.use('no-expose-headers', { path: call.path })) {
    return { ...answer, headers: [...answer.headers, ...allow], visible: 'safe-listed headers' }
  }
  const hidden = hiddenHeaders(visit, answer)
  const exposed = exposedHeaders.filter((name) => !hidden.includes(name))
  const expose: [string, string][] =
    allow.length === 0 ? [] : [['access-control-expose-headers', exposed.join(', ')]]
  const shown = hidden.length === 0 ? {} : { visible: { allBut: hidden } }
  return { ...answer, ...shown, headers: [...answer.headers, ...allow, ...expose] }
}
