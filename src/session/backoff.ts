import { PkceClientError } from '../errors.ts'
import { expiryOf, isSame } from './record.ts'
import type { Clock } from '../clock.ts'
import type { GrantFailure } from '../protocol/token-set.ts'
import type { Pending, SessionRecord } from './record.ts'

export const firstDelay = 1000
const longestDelay = 60_000
const longestRetryAfter = 300_000
/** A Retry-After of the longest kind with its jitter; written out, so that bundlers can leave it out. */
export const longestWait = 330_000
export const nothingPending: Pending = { unknown: 0, failures: 0, notBefore: 0 }

/** When a refresh that failed may be tried again. What all tabs must know is in the record; here is what this tab knows besides. */
export function createBackoff(clock: Clock) {
  /** The session as the last failed refresh left it. */
  let failedAt: SessionRecord | undefined
  let lastError: PkceClientError | undefined
  /** The APIs that get no token of this session for a while, by what theirs is asked for with, and why. */
  const withheld = new Map<string, { sid: string; since: number; error: PkceClientError }>()
  /** The back-off that no longer counts, because the user or the network is back; any later one does. */
  let lifted: string | undefined

  function delayOf(record: SessionRecord, { failures }: Pending, failure: GrantFailure): number {
    const { kind, retryAfter = 0 } = failure
    // Nothing but a new deployment will help. What counts is whether there is one when the access token expires.
    const left = expiryOf(record) - clock.now()
    if (isMisconfigured(kind)) return left > 0 ? Math.min(left, longestDelay) : longestDelay
    const half = Math.min(firstDelay * 2 ** failures, longestDelay) / 2
    // Jitter in any case: a server that names a date names the same one to all its clients.
    return Math.max(half, Math.min(retryAfter, longestRetryAfter)) + half * clock.random()
  }

  return {
    /** The record after one failure more. */
    after(record: SessionRecord, pending: Pending, failure: GrantFailure): SessionRecord {
      const now = clock.now()
      const { kind } = failure
      // Such a session is stale only once it needs another access token.
      const isStale = kind !== 'misconfigured' || now >= expiryOf(record)
      return {
        ...record,
        pending: {
          unknown: pending.unknown,
          failures: isStale ? pending.failures + 1 : 0,
          notBefore: now + delayOf(record, pending, failure),
          sending: false,
          ...refusalsAfter(pending, { failure, now }),
          moved: kind === 'moved' ? 1 : undefined,
        },
      }
    },

    /** Remembers the failure that led to this record. */
    remember(record: SessionRecord, error: PkceClientError): void {
      failedAt = record
      lastError = error
    },

    /** The server gives no token for this API. A call asks again in a minute, or in another session. */
    withhold({ sid }: SessionRecord, ask: string, error: PkceClientError): void {
      withheld.set(ask, { sid, since: clock.now(), error })
    },

    /** Why nothing is sent for now. */
    heldBack(record: SessionRecord, ask: string): PkceClientError | undefined {
      const refusal = withheld.get(ask)
      const age = clock.now() - (refusal?.since ?? NaN)
      if (refusal?.sid === record.sid && age >= 0 && age < longestDelay) return refusal.error
      const pending = record.pending ?? nothingPending
      const wait = pending.notBefore - clock.now()
      // A clock that was set back must not hold the session back for longer than any back-off could.
      if (wait <= 0 || wait > longestWait || pendingName(record) === lifted) return undefined
      return (isSame(failedAt, record) && lastError) || reasonOf(pending)
    },

    /** The next refresh need not wait for the back-off of this record. */
    reset(record: SessionRecord | undefined): void {
      withheld.clear()
      lifted = record && pendingName(record)
    },
  }
}

const isMisconfigured = (kind: GrantFailure['kind']) => kind === 'misconfigured' || kind === 'moved'

/** A date is not enough: servers name the same one again and again. */
const pendingName = ({ sid, gen, pending = nothingPending }: SessionRecord): string =>
  `${sid} ${gen} ${pending.failures} ${pending.notBefore}`

/** Refusals in a row, as any other answer of the token endpoint ends the row, and no answer does not. */
function refusalsAfter(
  { refusals = 0, refusedSince }: Pending,
  { failure, now }: { failure: GrantFailure; now: number },
): Pick<Pending, 'refusals' | 'refusedSince'> {
  const { kind, error } = failure
  // A clock that was set back: it has not been long.
  const since = Math.min(refusedSince ?? now, now)
  if (kind === 'unclear') return { refusals: refusals + 1, refusedSince: since }
  const isAnswer = kind !== 'moved' && !/^(?:network|timeout|discovery_failed)$/.test(error.code)
  return isAnswer ? {} : { refusals, refusedSince }
}

const refusalsToEnd = 3
const timeToEnd = 600_000

/** A server that refuses again and again, for long, will not refresh this session any more, whatever it says. */
export function isOver(record: SessionRecord, now: number): boolean {
  const { refusals = 0, refusedSince = now } = record.pending ?? nothingPending
  return refusals >= refusalsToEnd && now - refusedSince >= timeToEnd && now >= expiryOf(record)
}

/** For a failure of another tab, or of the page before this one. */
function reasonOf({ refusals, moved }: Pending): PkceClientError {
  if (moved)
    return new PkceClientError(
      'sign_in_required',
      "The server's token endpoint is another than the one this session is from; sign in again.",
    )
  const advice = refusals ? 'signing in again may help' : 'try again soon'
  return new PkceClientError('server_error', `Refreshing the session failed; ${advice}.`, {
    retryable: true,
  })
}
