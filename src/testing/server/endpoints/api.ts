import { authorizeAccess } from '../access.ts'
import type { Demand } from '../access.ts'
import type { Context, Visit } from '../context.ts'
import { json, readParameters, reply, withHeader } from '../http.ts'
import type { Call, Reply } from '../http.ts'
import { resourceMetadata } from './resource-metadata.ts'
import { userClaims } from '../id-token.ts'

/** A protected API: who the token belongs to, orders behind scopes, and echoes. */
export async function api(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  if (call.path === '/.well-known/oauth-protected-resource') {
    return resourceMetadata(context, call.api!)
  }
  const fault = context.faults.use('api-401', { path: call.path })
  if (fault) return unauthorized(fault.challenge)
  const open = openRoute(call)
  if (open) return open
  const route =
    stepUpRoute(call) ??
    routes[`${call.method === 'HEAD' ? 'GET' : call.method} ${call.path}`] ??
    routes[call.path]
  if (!route) return json({ error: 'not_found' }, 404)
  const token = await authorizeAccess(visit, { audience: call.api!.audience, ...route.demand })
  if ('status' in token) return token
  return route.answer({ context, call, user: token.grant.user, scope: token.scope })
}

interface Route {
  demand?: Omit<Demand, 'audience'>
  answer(request: {
    context: Context
    call: Call
    user: Parameters<typeof userClaims>[0]
    scope: readonly string[]
  }): Reply
}

const routes: Readonly<Partial<Record<string, Route>>> = {
  'GET /users/me': {
    demand: { scope: 'openid' },
    answer: ({ user, scope }) => json({ sub: user.sub, ...userClaims(user, scope) }),
  },
  'GET /orders': {
    demand: { scope: 'orders:read' },
    answer: () => json({ orders: [{ id: 1, title: 'A difference engine' }] }),
  },
  'POST /orders': {
    demand: { scope: 'orders:write' },
    answer: ({ call }) =>
      reply(201, {
        headers: [['content-type', call.headers['content-type'] ?? 'application/octet-stream']],
        body: call.body,
      }),
  },
  '/': { answer: ({ call }) => echo(call) },
  '/echo': { answer: ({ call }) => echo(call) },
}

/** An echo that demands what its query says: `acr_values`, `max_age`, `scope`. */
function stepUpRoute(call: Call): Route | undefined {
  if (call.path !== '/step-up') return undefined
  const { get } = readParameters(call.url.searchParams)
  const maxAge = get('max_age')
  return {
    demand: {
      scope: get('scope'),
      acrValues: get('acr_values')?.split(' '),
      maxAge: maxAge === undefined ? undefined : Number(maxAge),
    },
    answer: () => echo(call),
  }
}

/** Routes that ask for no token, so that tests see what was sent along all the same. */
function openRoute(call: Call): Reply | undefined {
  if (call.path === '/public') return echo(call)
  if (call.path !== '/redirect') return undefined
  const status = Number(call.url.searchParams.get('status') ?? 302)
  return reply(status, { headers: [['location', call.url.searchParams.get('to') ?? '/public']] })
}

function echo(call: Call): Reply {
  const kept = Object.entries(call.headers).filter(
    ([name]) => name.startsWith('x-') || ['accept', 'content-type', 'dpop'].includes(name),
  )
  return json({
    method: call.method,
    url: call.url.href,
    authorized: call.headers['authorization'] !== undefined,
    scheme: call.headers['authorization']?.split(' ')[0] ?? null,
    headers: Object.fromEntries(kept),
    body: call.body,
  })
}

function unauthorized(challenge: string | readonly string[] | false | undefined): Reply {
  const challenges = [challenge ?? 'Bearer error="invalid_token"'].flat()
  return challenges.reduce<Reply>(
    (answer, value) => (value === false ? answer : withHeader(answer, ['www-authenticate', value])),
    reply(401),
  )
}
