import { PkceClientError } from '../errors.ts'
import { isSame } from './record.ts'
import type { Clock } from '../clock.ts'
import type { Pending, SessionRecord } from './record.ts'

export const firstDelay = 1000
const longestDelay = 60_000
export const longestRetryAfter = 300_000
export const nothingPending: Pending = { unknown: 0, failures: 0, notBefore: 0 }

/** When a refresh that failed may be tried again. What all tabs must know is in the record; here is what this tab knows besides. */
export function createBackoff(clock: Clock) {
  /** The session as the last failed refresh left it. */
  let failedAt: SessionRecord | undefined
  let lastError: PkceClientError | undefined
  /** The `notBefore` that no longer counts, because the person or the network is back; any later one does. */
  let lifted: number | undefined

  return {
    /** The record after one failure more. `retryAfter` is what the server asked for, in milliseconds. */
    after(record: SessionRecord, pending: Pending, retryAfter = 0): SessionRecord {
      const { failures } = pending
      const full = Math.min(firstDelay * 2 ** failures, longestDelay)
      const wait = full * (0.5 + 0.5 * clock.random())
      const notBefore = clock.now() + Math.max(wait, Math.min(retryAfter, longestRetryAfter))
      return {
        ...record,
        pending: { ...pending, failures: failures + 1, notBefore, sending: false },
      }
    },

    /** Remembers the failure that led to this record. */
    remember(record: SessionRecord, error: PkceClientError): void {
      failedAt = record
      lastError = error
    },

    /** Why nothing is sent for now. */
    heldBack(record: SessionRecord): PkceClientError | undefined {
      const last = isSame(failedAt, record) && lastError
      // A failure without a back-off: the request itself is wrong, and stays so until the session moves on or the page reloads.
      if (last && !failedAt?.pending?.failures) return last
      const { notBefore } = record.pending ?? nothingPending
      const wait = notBefore - clock.now()
      // A clock that was set back must not hold the session back for longer than any back-off could.
      return wait > 0 && wait <= longestRetryAfter && notBefore !== lifted
        ? last ||
            new PkceClientError('server_error', 'Refreshing the session failed; try again soon.', {
              retryable: true,
            })
        : undefined
    },

    /** The next refresh need not wait until this date, in milliseconds of the local clock. */
    reset(notBefore: number | undefined): void {
      lifted = notBefore
    },
  }
}
