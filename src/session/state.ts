import { tokenOf } from './record.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import type { Claims } from '../protocol/token-set.ts'
import type { SessionRecord, SignedOutReason } from './record.ts'

/** `start()` has not finished: whether a user is signed in is not known yet. */
export interface UnknownSession {
  /** Discriminates the union {@link Session}. */
  readonly status: 'unknown'
}

/** No user is signed in. */
export interface SignedOutSession {
  /** Discriminates the union {@link Session}. */
  readonly status: 'signed-out'
  /** Why the session before this one ended; missing when there was none. */
  readonly reason?: SignedOutReason
}

/** A user is signed in. The session object contains no tokens. */
export interface SignedInSession {
  /** Discriminates the union {@link Session}. */
  readonly status: 'signed-in'
  /** The claims of the ID token; missing when the server is not an OpenID Provider. */
  readonly claims?: Claims
  /** The scopes that the server granted, separated by spaces. */
  readonly scope: string
  /** What the server granted of `authorizationDetails` (RFC 9396 §7), which may be less than was asked for; missing when it said nothing. */
  readonly authorizationDetails?: readonly AuthorizationDetail[]
  /** When the access token expires, that of the first of `resources`, in milliseconds of the local clock; missing when the server did not say. */
  readonly expiresAt?: number
  /** Refreshing the tokens fails at the moment, for a temporary reason; the user is still signed in. */
  readonly stale: boolean
}

/** Whether a user is signed in, and who. Immutable; the same object as long as nothing has changed. */
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
  const expiresAt = tokenOf(record)?.expiresAt
  const stale = (record.pending?.failures ?? 0) > 0
  const authorizationDetails = detailsOf(record, before)
  if (
    before?.scope === record.scope &&
    before.expiresAt === expiresAt &&
    before.stale === stale &&
    before.authorizationDetails === authorizationDetails
  )
    return before
  const claims = before?.claims ?? record.claims
  return Object.freeze({
    status: 'signed-in',
    ...(claims && { claims: Object.freeze(claims) }),
    scope: record.scope,
    ...(authorizationDetails && { authorizationDetails: Object.freeze(authorizationDetails) }),
    ...(expiresAt !== undefined && { expiresAt }),
    stale,
  })
}

/** The same list as before, unless another one was granted. */
function detailsOf(
  { authorizationDetails: granted }: SessionRecord,
  before: SignedInSession | undefined,
): SignedInSession['authorizationDetails'] {
  const known = before?.authorizationDetails
  return JSON.stringify(known) === JSON.stringify(granted) ? known : granted
}
