import type { DpopNonces, Proofs } from './dpop-memory.ts'
import { parseUrl } from './url.ts'
import type { FaultBoard } from '../faults/fault.ts'
import type { Grants } from './grants.ts'
import type { Call } from './http.ts'
import type { KeyRing } from './keys.ts'
import type { RegisteredClient } from './client-registration.ts'
import type { Settings } from './options.ts'
import type { Place } from './place.ts'
import type { PushedRequests } from './pushed-requests.ts'
import type { Sessions } from './sessions.ts'

/** All there is to one server. */
export interface Context {
  readonly settings: Settings
  readonly place: Place
  /** Milliseconds of the server's clock, which a fault may put ahead or behind. */
  now(): number
  readonly keys: KeyRing
  readonly grants: Grants
  readonly sessions: Sessions
  readonly pushedRequests: PushedRequests
  readonly proofs: Proofs
  readonly dpopNonces: DpopNonces
  readonly faults: FaultBoard
}

/** One step of an endpoint's work, given the server and the request. */
export interface Visit {
  context: Context
  call: Call
}

export const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

/** An endpoint's URL. */
export function endpoint(context: Pick<Context, 'place'>, path: string): string {
  return context.place.issuer.replace(/\/$/, '') + path
}

export function findClient(
  context: Context,
  clientId: string | undefined,
): RegisteredClient | undefined {
  return context.settings.clients.find((client) => client.clientId === clientId)
}

/** Exact, but for the port of a loopback IP literal (RFC 8252 §7.3). Never by parsed URL: parsers disagree. */
export function isRegisteredUri(uri: string, registered: readonly string[]): boolean {
  const key = loopbackKey(uri)
  return registered.some(
    (candidate) => candidate === uri || (key !== undefined && loopbackKey(candidate) === key),
  )
}

/** Says what would be right: whoever reads this has the two lists to compare, and here they are no secret. */
export function notRegistered(what: string, registered: readonly string[]): string {
  return `the ${shorten(what)} is not registered for this client; registered are ${registered.join(', ') || 'none'}`
}

export function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

function loopbackKey(uri: string): string | undefined {
  const match = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::\d{1,5})?(\/.*)?$/.exec(uri)
  return match && parseUrl(uri) ? `${match[1]!}${match[2] ?? ''}` : undefined
}
