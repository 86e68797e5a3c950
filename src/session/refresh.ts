import { PkceClientError, retryable } from '../errors.ts'
import { exclusive } from './exclusive.ts'
import { createBackoff, firstDelay, isOver, longestWait, nothingPending } from './backoff.ts'
import { dueAt, expiryOf, isSame, needsSignIn, ownerOf, tokenOf } from './record.ts'
import { withTokens } from './session.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { GrantAnswer, GrantFailure } from '../protocol/token-set.ts'
import type { Store } from '../storage/store.ts'
import type { Lock } from '../tabs/lock.ts'
import type { ExclusiveTask } from './exclusive.ts'
import type { Pending, SessionRecord, SignedOutReason } from './record.ts'
import type { SessionKeeper } from './session.ts'
import type { SignedOutSession } from './state.ts'

interface RefreshOptions {
  key: string
  store: Store
  session: SessionKeeper
  lock: Lock
  clock: Clock
  /** Milliseconds one request may take. */
  timeout: number
  /** Makes the grant possible (discovery), outside the lock. */
  prepare: () => Promise<unknown>
  /** Whether the session can get another access token without the user. */
  canRefresh: (record: SessionRecord) => boolean
  grant: (record: SessionRecord) => Promise<GrantAnswer>
  /** Revokes a token of this session that will not be used. Never rejects. */
  discard: (token: string, record: SessionRecord) => Promise<void>
  emit: Emit
}

export type Refresher = ReturnType<typeof createRefresher>

/** Refreshes the session's tokens: flight, lock, re-read, grant, persist, publish. */
export function createRefresher(options: RefreshOptions) {
  const { key, store, session, clock, timeout, canRefresh, prepare, grant, discard, emit } = options
  const backoff = createBackoff(clock)
  let flight: Promise<SessionRecord> | undefined
  /** Somebody in the flight is there because of a 401. */
  let after401 = false
  let cancelProbe = () => {}
  let closed = false

  /**
   * Resolves to a record newer than `seen`. All callers of one tab share one flight, and nobody's abort ends it: because
   * a refresh token can be used only once, a request that has left must be seen through.
   */
  async function refresh(seen: SessionRecord, because?: 401): Promise<SessionRecord> {
    after401 ||= because === 401
    flight ??= run(seen).finally(() => {
      flight = undefined
      after401 = false
    })
    const next = await flight
    // A flight that began before this call may have brought what this call has seen already.
    if (isSame(next, seen)) return refresh(seen, because)
    // Somebody else may have signed in meanwhile, and this call must not be made in their name.
    if (ownerOf(next) !== ownerOf(seen)) throw sessionEnded('signed-out')
    return next
  }

  async function run(seen: SessionRecord): Promise<SessionRecord> {
    // The back-off is looked at before `prepare`, because discovery is a request as well.
    const known = await session.reread()
    // What another tab is sending has not failed yet: its outcome is waited for, in line for the lock.
    const held = known && !known.pending?.sending && isSame(known, seen) && backoff.heldBack(known)
    if (held) throw held
    let obstacle: PkceClientError | undefined
    if (canRefresh(seen)) {
      await prepare().catch((error: unknown) => (obstacle = retryable(error as PkceClientError)))
    }
    // Tabs with one store share its refresh token and take turns. With a store for each, only copies of this session have to.
    const name = `${key}|grant|${store.shared ? '' : seen.sid}`
    const task = attempt(seen, obstacle)
    for (;;) {
      // The lock is let go between two sends, so that no holder keeps it longer than one request takes.
      const result = await exclusive(options, { name, task })
      if (result !== 'resend') return result
    }
  }

  /** What is done under the lock. `obstacle` is what `prepare` failed with: then nothing can be sent. */
  function attempt(
    seen: SessionRecord,
    obstacle: PkceClientError | undefined,
  ): ExclusiveTask<SessionRecord | 'resend'>['task'] {
    return async (robbed, stolen) => {
      await session.reread()
      const record = currentOrThrow()
      const usable = clock.now() < expiryOf(record)
      // Moved on with a failure, it has no other access token.
      if (!isSame(record, seen) && usable && !record.pending?.failures) return record
      if (!canRefresh(record)) {
        if (!usable) return end(record, 'expired')
        throw new PkceClientError(
          'sign_in_required',
          `The session cannot be refreshed: ${noRefreshToken}.`,
        )
      }
      const held = backoff.heldBack(record)
      if (held) throw held
      const before = record.pending ?? nothingPending
      if (obstacle) return failed(record, before, { kind: 'transient', error: obstacle })
      // Written before the token leaves: if this page dies now, the next one knows that it may have been used.
      const unknown = before.unknown + 1
      // If the lock is stolen from a second attempt, or from one that stole it, the thief must wait until that one is over.
      const notBefore = unknown > 1 || stolen ? clock.now() + timeout + firstDelay : 0
      const sent = { ...record, pending: { ...before, unknown, notBefore, sending: true } }
      if (!(await session.write(record, sent))) return currentOrThrow()
      // The user may have signed out in this page since that was written.
      if (!isSame(session.current(), sent)) return currentOrThrow()
      // Another tab with the same token could not know that it is spent.
      if (session.isUnannounced(sent))
        return failed(record, before, { kind: 'transient', error: notAnnounced() })
      // Whoever stole the lock meanwhile sends the token, and this tab lines up again.
      if (robbed()) return 'resend'
      const answer = await grant(record)
      if (answer.kind !== 'granted') return failed(sent, before, answer)
      return succeeded(sent, answer)
    }
  }

  async function commit(sent: SessionRecord, next: SessionRecord): Promise<boolean> {
    const written = await session.write(sent, next)
    // Signed out, or another user signed in, while the answer was on its way: what it brought will not be used.
    const brought = next.gen === sent.gen ? undefined : next.refreshToken
    if (!written && brought && session.current()?.sid !== sent.sid) void discard(brought, sent)
    return written
  }

  async function succeeded(
    sent: SessionRecord,
    { tokens, idTokenError }: Extract<GrantAnswer, { kind: 'granted' }>,
  ): Promise<SessionRecord> {
    const next = withTokens(sent, tokens)
    if (after401) tokenOf(next).after401 = clock.now()
    if (!(await commit(sent, next))) return currentOrThrow()
    const state = session.state()
    if (state.status === 'signed-in')
      emit('token-refreshed', { session: state, ...(idTokenError && { idTokenError }) })
    return next
  }

  async function failed(
    sent: SessionRecord,
    before: Pending,
    answer: Exclude<GrantAnswer, { kind: 'granted' }>,
  ): Promise<SessionRecord | 'resend'> {
    const { kind, error } = answer
    const { unknown } = before
    switch (kind) {
      case 'refused':
        return end(sent, unknown ? 'refresh-response-lost' : 'ended-by-server', error)
      case 'other-identity':
        if (answer.token) void discard(answer.token, sent)
        return end(sent, 'identity-changed', error)
      case 'unknown':
        return unknown ? postponed(sent, sent.pending!, answer) : 'resend'
      default:
        return postponed(sent, before, answer)
    }
  }

  async function postponed(
    sent: SessionRecord,
    before: Pending,
    failure: GrantFailure,
  ): Promise<SessionRecord> {
    const { refreshToken, error } = failure
    const [known, pending] = refreshToken
      ? [
          { ...sent, gen: sent.gen + 1, refreshToken },
          { ...before, unknown: 0 },
        ]
      : [sent, before]
    const next = backoff.after(known, pending, failure)
    if (isOver(next, clock.now())) return end(sent, 'ended-by-server', error)
    // If the session has moved on meanwhile, this failure says nothing about it.
    if (!(await commit(sent, next))) return currentOrThrow()
    backoff.remember(next, error)
    emit('refresh-failed', { error })
    throw error
  }

  async function end(
    record: SessionRecord,
    reason: SignedOutReason,
    cause?: PkceClientError,
  ): Promise<SessionRecord> {
    // Another tab may have moved the session on while the lock was stolen.
    if (!(await session.end(record, reason))) return currentOrThrow()
    const error = sessionEnded(reason, cause)
    emit('refresh-failed', { error })
    throw error
  }

  /** The session as it is now, also when others have changed it. */
  function currentOrThrow(): SessionRecord {
    const record = session.current()
    if (record) return record
    const { reason = 'signed-out' } = session.state() as SignedOutSession
    throw sessionEnded(reason)
  }

  /** Refreshes in the background; a failure is told by events only. */
  function inBackground(record: SessionRecord): void {
    if (!closed && !flight && !backoff.heldBack(record)) refresh(record).catch(() => {})
  }

  /** Tries a pending refresh again when its time is over: one that failed, or one whose outcome is not recorded. */
  function watch(record: SessionRecord | undefined): void {
    cancelProbe()
    if (closed || !record?.pending) return
    const { failures, notBefore } = record.pending
    const wait = Math.min(notBefore - clock.now(), longestWait)
    // Without failures, a tab may be sending the token right now; it has as long as a request may take to record the outcome.
    cancelProbe = clock.setTimeout(
      () => {
        // The wait is over, whatever the clock was set to meanwhile.
        backoff.reset(record)
        inBackground(record)
      },
      Math.max(wait, failures ? 0 : timeout),
    )
  }
  session.onAdopted(watch)

  /** Ends a session whose access token has expired, if it cannot get another one. */
  async function endExpired(): Promise<void> {
    const record = session.current()
    if (record && !canRefresh(record) && clock.now() >= expiryOf(record))
      await session.end(record, 'expired')
  }

  /** The user or the network is back: the next refresh need not wait for the back-off. */
  const resetBackoff = backoff.reset

  return {
    refresh,
    inBackground,
    endExpired,
    resetBackoff,

    /** Whether a session whose access token has expired has nowhere to send its refresh token; looks again first. */
    async isStuck(): Promise<boolean> {
      const record = session.current()
      if (!record?.pending?.moved || !needsSignIn(record, clock.now())) return false
      await refresh(record).catch(() => {})
      return Boolean(session.current()?.pending?.moved)
    },

    /** After a wake-up: refreshes a token that came due while the page slept, or ends a session that expired. */
    async onWake(record: SessionRecord | undefined): Promise<void> {
      resetBackoff(record)
      if (!record || !canRefresh(record)) return endExpired()
      if (clock.now() >= dueAt(record) || record.pending?.failures) inBackground(record)
    },

    close(): void {
      closed = true
      cancelProbe()
    },
  }
}

const noRefreshToken =
  'the server gave no refresh token; sign in again, and ask for offline_access in scope'

function sessionEnded(reason: SignedOutReason, cause?: PkceClientError): PkceClientError {
  const why = reason === 'expired' ? `: ${noRefreshToken}` : '; sign in again'
  return new PkceClientError('session_ended', `The session is over (${reason})${why}.`, {
    sessionEnded: true,
    cause,
  })
}

const notAnnounced = () =>
  new PkceClientError(
    'storage_unavailable',
    'The session was not refreshed, because the store cannot tell the other tabs about it; try again soon.',
    { retryable: true },
  )
