import { PkceClientError } from '../errors.ts'
import { exclusive } from './exclusive.ts'
import { expiryOf, ownerOf } from './record.ts'
import { isSame, renewed } from './session.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { Grant, GrantAnswer } from '../protocol/token-set.ts'
import type { Store } from '../storage/store.ts'
import type { Lock } from '../tabs/lock.ts'
import type { Pending, SessionRecord } from './record.ts'
import type { SessionKeeper } from './session.ts'
import type { SignedOutReason } from './state.ts'

export interface RefreshOptions {
  key: string
  store: Store
  session: SessionKeeper
  lock: Lock
  clock: Clock
  /** Milliseconds one request may take. */
  timeout: number
  /** Makes the grant possible (discovery), outside the lock. */
  prepare: () => Promise<unknown>
  grant: Grant
  /** Gets rid of a token that nobody will use. Never rejects. */
  discard: (token: string) => Promise<void>
  emit: Emit
}

const firstDelay = 1000
const longestDelay = 60_000
const longestRetryAfter = 300_000
const none: Pending = { unknown: 0, failures: 0, notBefore: 0 }

export type Refresher = ReturnType<typeof createRefresher>

/** Renews the session's tokens: flight, lock, re-read, grant, persist, publish. */
export function createRefresher(options: RefreshOptions) {
  const { key, store, session, clock, timeout, prepare, grant, discard, emit } = options
  let flight: Promise<SessionRecord> | undefined
  /** A request that the server calls wrong stays wrong until the next sign-in or reload. */
  let givenUp: { sid: string; error: PkceClientError } | undefined
  let lastError: PkceClientError | undefined
  /** The back-off that a wake-up has lifted; any later one counts again. */
  let lifted: number | undefined
  let cancelProbe = () => {}
  let closed = false

  /**
   * Resolves to a record newer than `seen`. All callers of one tab share one flight, and nobody's abort ends it: because
   * a refresh token can be used only once, a request that has left must be seen through.
   */
  async function refresh(seen: SessionRecord): Promise<SessionRecord> {
    flight ??= run(seen).finally(() => (flight = undefined))
    const next = await flight
    // Nobody's call is to be made in the name of whoever signed in meanwhile.
    if (ownerOf(next) !== ownerOf(seen)) throw ended('signed-out')
    return next
  }

  async function run(seen: SessionRecord): Promise<SessionRecord> {
    // Looked at before anything is sent: discovery is a request as well.
    const known = session.current()
    const held = known && isSame(known, seen) && heldBack(known)
    if (held) throw held
    let obstacle: PkceClientError | undefined
    if (seen.refreshToken) {
      await prepare().catch((error: unknown) => (obstacle = error as PkceClientError))
    }
    // All tabs take turns where they hold the same session; otherwise only the copies of this very one do.
    const name = `${key}|grant|${store.shared ? '' : seen.sid}`
    for (;;) {
      // The lock is let go between two sends, so that no holder keeps it longer than one request takes.
      const task = (robbed: () => boolean) => attempt(seen, { obstacle, robbed })
      const result = await exclusive(options, { name, task })
      if (result !== 'resend') return result
    }
  }

  async function attempt(
    seen: SessionRecord,
    { obstacle, robbed }: { obstacle: PkceClientError | undefined; robbed: () => boolean },
  ): Promise<SessionRecord | 'resend'> {
    await session.reread()
    const record = current()
    const usable = clock.now() < expiryOf(record)
    if (!isSame(record, seen) && usable) return record
    const { refreshToken } = record
    if (!refreshToken) {
      if (!usable) return end(record, 'expired')
      throw new PkceClientError(
        'sign_in_required',
        'There is no refresh token to renew with; sign in again.',
      )
    }
    const held = heldBack(record)
    if (held) throw held
    const before = record.pending ?? none
    if (obstacle) return failed(record, { before, answer: { kind: 'passing', error: obstacle } })
    // Written before the token leaves: if this page dies now, the next one knows that it may have been used.
    const unknown = before.unknown + 1
    // Whoever takes the lock over from a second attempt waits until that one is over.
    const notBefore = unknown > 1 ? clock.now() + timeout + firstDelay : 0
    const sent = { ...record, pending: { ...before, unknown, notBefore } }
    if (!(await session.write(record, sent))) return current()
    // Whoever stole the lock meanwhile sends the token.
    if (robbed()) return 'resend'
    const answer = await grant({ ...record, refreshToken })
    if (answer.kind !== 'granted') return failed(sent, { before, answer })
    return succeeded(sent, renewed(sent, answer.tokens))
  }

  async function commit(sent: SessionRecord, next: SessionRecord): Promise<boolean> {
    const written = await session.write(sent, next)
    // Signed out, or signed in as somebody else, while the answer was on its way: nobody will use what it brought.
    const brought = next.gen === sent.gen ? undefined : next.refreshToken
    if (!written && brought && session.current()?.sid !== sent.sid) void discard(brought)
    return written
  }

  async function succeeded(sent: SessionRecord, next: SessionRecord): Promise<SessionRecord> {
    if (!(await commit(sent, next))) return current()
    const state = session.state()
    if (state.status === 'signed-in') emit('token-refreshed', { session: state })
    return next
  }

  async function failed(
    sent: SessionRecord,
    { before, answer }: { before: Pending; answer: Exclude<GrantAnswer, { kind: 'granted' }> },
  ): Promise<SessionRecord | 'resend'> {
    const { kind, error } = answer
    const failures = before.failures + 1
    let wait = delay(failures)
    let next: Partial<SessionRecord> = { pending: before.unknown ? before : undefined }
    switch (kind) {
      case 'refused':
        return end(sent, before.unknown ? 'refresh-response-lost' : 'ended-by-server', error)
      case 'other-identity':
        void discard(answer.token)
        return end(sent, 'identity-changed', error)
      case 'unknown':
        if (!before.unknown) return 'resend'
        next = { pending: { unknown: before.unknown + 1, failures, notBefore: clock.now() + wait } }
        break
      case 'passing':
        wait = Math.max(wait, Math.min(answer.retryAfter ?? 0, longestRetryAfter))
        next = { pending: { ...before, failures, notBefore: clock.now() + wait } }
        break
      case 'odd':
      case 'wrong-request':
        givenUp = { sid: sent.sid, error }
    }
    if (kind === 'odd') {
      const { refreshToken = sent.refreshToken } = answer
      next = { gen: sent.gen + 1, refreshToken, pending: undefined }
    }
    await commit(sent, { ...sent, ...next })
    emit('refresh-failed', { error })
    throw (lastError = error)
  }

  async function end(
    record: SessionRecord,
    reason: SignedOutReason,
    cause?: PkceClientError,
  ): Promise<SessionRecord> {
    // Another tab may have moved the session on while the lock was stolen.
    if (!(await session.end(record, reason))) return current()
    const error = ended(reason, cause)
    emit('refresh-failed', { error })
    throw error
  }

  /** The session as it is now, also when others have changed it. */
  function current(): SessionRecord {
    const record = session.current()
    if (record) return record
    const state = session.state()
    throw ended((state.status === 'signed-out' && state.reason) || 'signed-out')
  }

  /** Why nothing is sent for now. */
  function heldBack({ sid, pending }: SessionRecord): PkceClientError | undefined {
    if (givenUp?.sid === sid) return givenUp.error
    const { notBefore } = pending ?? none
    const wait = notBefore - clock.now()
    // A clock that was set back must not hold the session back for longer than any back-off could.
    return wait > 0 && wait <= longestRetryAfter && notBefore !== lifted
      ? (lastError ??
          new PkceClientError(
            'server_error',
            'Renewing the session failed a moment ago; it is tried again soon.',
            { retryable: true },
          ))
      : undefined
  }

  function delay(failures: number): number {
    const full = Math.min(firstDelay * 2 ** (failures - 1), longestDelay)
    return full * (0.5 + 0.5 * clock.random())
  }

  /** Nobody waits for it; a failure is in the events. */
  function inBackground(record: SessionRecord): void {
    if (!flight && !heldBack(record)) refresh(record).catch(() => {})
  }

  return {
    refresh,
    inBackground,

    /** A failed refresh is tried again, by itself, when its back-off is over. */
    watch(record: SessionRecord | undefined): void {
      cancelProbe()
      if (closed || !record?.pending?.failures || givenUp?.sid === record.sid) return
      const wait = Math.min(record.pending.notBefore - clock.now(), longestRetryAfter)
      cancelProbe = clock.setTimeout(() => inBackground(record), Math.max(wait, 0) + 1)
    },

    /** The person or the network is back: the next refresh need not wait for the back-off. */
    liftBackOff(): void {
      lifted = session.current()?.pending?.notBefore
    },

    close(): void {
      closed = true
      cancelProbe()
    },
  }
}

function ended(reason: SignedOutReason, cause?: PkceClientError): PkceClientError {
  return new PkceClientError('session_ended', `The session is over (${reason}); sign in again.`, {
    sessionEnded: true,
    cause,
  })
}
