import type { Context } from './context.ts'
import { reply } from './http.ts'
import type { Call, Reply } from './http.ts'
import type { RegisteredClient } from './client-registration.ts'

/** Who may read an endpoint's answers: nobody, pages of registered clients, or any page. */
export type Readers = 'nobody' | 'registered' | 'anybody'

export function corsOrigins(clients: readonly RegisteredClient[]): string[] {
  return clients.flatMap((client) => [
    // Private-use schemes have the origin "null", which pages in a sandbox send too.
    ...client.redirectUris.map((uri) => new URL(uri).origin).filter((origin) => origin !== 'null'),
    ...(client.allowedOrigins ?? []),
  ])
}

/** Any port will do on a registered loopback IP literal, as it does for the redirect URI. */
export function isAllowedOrigin(call: Call, origins: readonly string[]): boolean {
  const origin = call.headers['origin']
  if (origin === undefined) return false
  const literal = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?=:\d+$|$)/.exec(origin)?.[0]
  return origins.includes(origin) || (literal !== undefined && origins.includes(literal))
}

export function preflight(
  context: Context,
  { call, readers }: { call: Call; readers: Readers },
): Reply {
  const method = call.headers['access-control-request-method'] ?? 'GET'
  const headers: [string, string][] = [
    ['access-control-allow-methods', method],
    ['access-control-allow-headers', call.headers['access-control-request-headers'] ?? ''],
    ['access-control-max-age', '600'],
  ]
  const allow = allowHeaders(context, { call, readers })
  return reply(allow.length === 0 ? 403 : 204, {
    headers: allow.length === 0 ? [] : [...allow, ...headers],
  })
}

export function allowHeaders(
  context: Context,
  { call, readers }: { call: Call; readers: Readers },
): [string, string][] {
  if (readers === 'nobody' || call.headers['origin'] === undefined) return []
  if (readers === 'anybody') return [['access-control-allow-origin', '*']]
  if (!isAllowedOrigin(call, corsOrigins(context.settings.clients))) return []
  return [
    ['access-control-allow-origin', call.headers['origin']],
    ['access-control-allow-credentials', 'true'],
    ['vary', 'Origin'],
  ]
}

export const exposedHeaders = ['DPoP-Nonce', 'WWW-Authenticate', 'Retry-After', 'Date']
