import type { PkceClient, PkceClientOptions } from '../../src/index.ts'
import type { RecordedRequest } from '../../src/testing/index.ts'
import { signedInTab, usualScope } from './world.ts'
import type { SignedInOptions, World } from './world.ts'

export const orders = 'https://api.example.com/'
export const bills = 'https://bills.example.com/'
export const graph = 'https://graph.example.com/'
export const reports = 'https://reports.example.com/'

/** One server with an API of each of the ways to name one in a token request. */
export const otherApis = [
  { url: bills },
  { url: graph, audience: 'api://graph', scopes: ['api://graph/read', 'api://graph/write'] },
  { url: reports, audience: 'reports' },
] as const

export const entries = {
  orders: { url: orders, resource: orders },
  /** RFC 8707. */
  bills: { url: bills, resource: bills },
  /** Microsoft Entra. */
  graph: { url: graph, scope: 'api://graph/read' },
  /** Auth0. */
  reports: { url: reports, params: { audience: 'reports' } },
} as const

type Resources = NonNullable<PkceClientOptions['resources']>

/** Ada is signed in, in an app that has these APIs: two by resource indicators, when left out. */
export function signedInToApis(
  resources: Resources = [entries.orders, entries.bills],
  { client, server, ...options }: SignedInOptions = {},
): Promise<World & { auth: PkceClient }> {
  return signedInTab({
    server: { otherApis, ...server },
    client: { resources, scope: `${usualScope} orders:read`, ...client },
    ...options,
  })
}

/** The calls that an API has received, and with which token. */
export const tokensAt = ({ server }: Pick<World, 'server'>, api: string): string[] =>
  server.requests
    .filter(({ url, method }) => url.startsWith(api) && method !== 'OPTIONS')
    .map(({ headers }) => headers.authorization ?? '')

export const tokenRequests = ({ server }: Pick<World, 'server'>): RecordedRequest[] =>
  server.requestsTo('/token')

/** What the token requests since then asked for, beside the session. */
export function asked(world: Pick<World, 'server'>, since = 0): Record<string, string>[] {
  const usual = [
    'grant_type',
    'refresh_token',
    'client_id',
    'code',
    'code_verifier',
    'redirect_uri',
  ]
  return tokenRequests(world)
    .slice(since)
    .map(({ form }) =>
      Object.fromEntries(Object.entries(form!).filter(([name]) => !usual.includes(name))),
    )
}
