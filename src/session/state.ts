import { tokenOf } from './record.ts'
import type { Claims } from '../protocol/token-set.ts'
import type { SessionRecord, SignedOutReason } from './record.ts'

/** Nobody has looked yet: `start()` has not finished. */
export interface UnknownSession {
  /** Tells the kinds of sessions apart. */
  readonly status: 'unknown'
}

/** Nobody is signed in. */
export interface SignedOutSession {
  /** Tells the kinds of sessions apart. */
  readonly status: 'signed-out'
  /** Why, when there was a session before. */
  readonly reason?: SignedOutReason
}

/** Somebody is signed in. It holds no tokens. */
export interface SignedInSession {
  /** Tells the kinds of sessions apart. */
  readonly status: 'signed-in'
  /** From the ID token; missing when the server is not an OpenID Provider. */
  readonly claims?: Claims
  /** The scopes granted, separated by spaces. */
  readonly scope: string
  /** When the access token expires, in milliseconds of the local clock; missing when the server did not say. */
  readonly expiresAt?: number
  /** Refreshing fails at the moment, for a reason that passes. */
  readonly stale: boolean
}

/** Who is signed in. Immutable; the same object as long as nothing changed. */
export type Session = UnknownSession | SignedOutSession | SignedInSession

/** The session before `start()`, and the one to render on a server. */
export const unknownSession: UnknownSession = /* @__PURE__ */ Object.freeze({ status: 'unknown' })

/** The session to show for the record just adopted, given the record before it; the same object when nothing visible changed. */
export function reduce(
  state: Session,
  { record, previous }: Record<'record' | 'previous', SessionRecord | undefined>,
): Session {
  const reason = record?.signedOut
  if (record && !reason) {
    const before = state.status === 'signed-in' && previous?.sid === record.sid ? state : undefined
    return signedIn(record, before)
  }
  return state.status === 'signed-out' && (!reason || state.reason === reason)
    ? state
    : Object.freeze({ status: 'signed-out', ...(reason && { reason }) })
}

function signedIn(record: SessionRecord, before: SignedInSession | undefined): Session {
  const expiresAt = tokenOf(record).expiresAt
  const stale = (record.pending?.failures ?? 0) > 0
  if (before?.scope === record.scope && before.expiresAt === expiresAt && before.stale === stale)
    return before
  const claims = before?.claims ?? record.claims
  return Object.freeze({
    status: 'signed-in',
    ...(claims && { claims: Object.freeze(claims) }),
    scope: record.scope,
    ...(expiresAt !== undefined && { expiresAt }),
    stale,
  })
}
