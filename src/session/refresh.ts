import { PkceClientError, retryable } from '../errors.ts'
import { createBackoff, firstDelay, isOver, longestWait, nothingPending } from './backoff.ts'
import { dueAt, expiryOf, isMovedOn, isSame, needsSignIn, ownerOf, tokenOf } from './record.ts'
import { withTokens } from './session.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { GrantAnswer, GrantFailure } from '../protocol/token-set.ts'
import type { Store } from '../storage/store.ts'
import type { Exclusive, ExclusiveTask } from './exclusive.ts'
import type { Pending, SessionRecord, SignedOutReason } from './record.ts'
import type { SessionKeeper } from './session.ts'
import type { SignedOutSession } from './state.ts'

interface RefreshOptions {
  key: string
  store: Pick<Store, 'shared'>
  session: SessionKeeper
  /** Runs a task while nobody else with the same refresh token runs one. */
  exclusive: Exclusive
  clock: Clock
  /** Milliseconds one request may take. */
  timeout: number
  /** Makes the grant possible (discovery), outside the lock. */
  prepare: () => Promise<unknown>
  /** Whether the session can get another access token without the user. */
  canRefresh: (record: SessionRecord) => boolean
  grant: (record: SessionRecord, ask: string) => Promise<GrantAnswer>
  /** Revokes a token of this session that will not be used. Never rejects. */
  discard: (token: string, record: SessionRecord) => Promise<void>
  emit: Emit
}

export type Refresher = ReturnType<typeof createRefresher>

export interface RefreshWish {
  /** What the access token is asked for with; the session's own when left out. */
  ask?: string | undefined
  /** An API has refused the token there is. */
  because?: 401 | undefined
}

/** One access token on its way, for all who wait for it in this tab. */
interface Flight {
  /** What the token is asked for with. */
  ask: string
  /** The session as whoever began the flight knew it. */
  seen: SessionRecord
  /** Somebody in the flight is there because of a 401. */
  after401: boolean
}

/** One request, with the session as it is stored while that is sent, and what was pending before. */
interface Sending {
  flight: Flight
  sent: SessionRecord
  before: Pending
}

interface ApiRefusal {
  error: PkceClientError
  /** What the calls reject with, if it is certain that only those of this API are concerned. */
  forApi?: PkceClientError | undefined
  refreshToken?: string | undefined
}

/** What came of one turn under the lock. An error is a refusal that may be about one API only. */
type Outcome = SessionRecord | 'again' | PkceClientError

/** Refreshes the session's tokens: flight, lock, re-read, grant, persist, publish. All grants of a session are made one after the other. */
export function createRefresher(options: RefreshOptions) {
  const { key, store, session, clock, timeout, emit } = options
  const { canRefresh, prepare, grant, discard } = options
  const backoff = createBackoff(clock)
  /** By what the access token is asked for with. */
  const flights = new Map<string, Flight & { work: Promise<SessionRecord> }>()
  let cancelProbe = () => {}
  let closed = false

  /**
   * Resolves to a record with another access token than `seen` has. All callers of one tab share one flight, and nobody's
   * abort ends it: because a refresh token can be used only once, a request that has left must be seen through.
   */
  async function refresh(seen: SessionRecord, wish: RefreshWish = {}): Promise<SessionRecord> {
    const { ask = seen.first, because } = wish
    const joined = flights.get(ask)
    const flight = joined ?? begin({ ask, seen, after401: false })
    flight.after401 ||= because === 401
    const next = await flight.work
    // A flight that began before this call may have brought what this call has seen already.
    if (joined && !isMovedOn(next, { ask, seen })) return refresh(seen, wish)
    // Somebody else may have signed in meanwhile, and this call must not be made in their name.
    if (ownerOf(next) !== ownerOf(seen)) throw sessionEnded('signed-out')
    return next
  }

  function begin(facts: Flight) {
    const flight = Object.assign(facts, { work: run(facts) })
    const over = () => void flights.delete(facts.ask)
    flight.work.then(over, over)
    flights.set(facts.ask, flight)
    return flight
  }

  async function run(flight: Flight): Promise<SessionRecord> {
    const { seen, ask } = flight
    // The back-off is looked at before `prepare`, because discovery is a request as well.
    const known = await session.reread()
    // What another tab is sending has not failed yet: its outcome is waited for, in line for the lock.
    const held =
      known && !known.pending?.sending && !isMovedOn(known, flight) && backoff.heldBack(known, ask)
    if (held) throw held
    let obstacle: PkceClientError | undefined
    if (canRefresh(seen)) {
      await prepare().catch((error: unknown) => (obstacle = retryable(error as PkceClientError)))
    }
    // Tabs with one store share its refresh token and take turns. With a store for each, only copies of this session have to.
    const name = `${key}|grant|${store.shared ? '' : seen.sid}`
    const task = attempt(flight, obstacle)
    for (;;) {
      // The lock is let go between two sends, so that no holder keeps it longer than one request takes.
      const outcome = await options.exclusive({ name, task })
      const now = currentOrThrow()
      // The refresh token was refused to one API. If it still brings the session's own token, only that API does without.
      if (outcome instanceof PkceClientError) throw withhold(await refresh(now), ask, outcome)
      if (outcome !== 'again') return outcome
    }
  }

  function withhold(record: SessionRecord, ask: string, error: PkceClientError): PkceClientError {
    backoff.withhold(record, ask, error)
    emit('refresh-failed', { error })
    return error
  }

  /** What is done under the lock. `obstacle` is what `prepare` failed with: then nothing can be sent. */
  function attempt(
    flight: Flight,
    obstacle: PkceClientError | undefined,
  ): ExclusiveTask<Outcome>['task'] {
    const { ask } = flight
    return async (robbed, stolen) => {
      await session.reread()
      const record = currentOrThrow()
      if (clock.now() < expiryOf(record, ask) && isMovedOn(record, flight)) return record
      if (!canRefresh(record)) {
        if (clock.now() >= expiryOf(record)) return end(record, 'expired')
        throw new PkceClientError(
          'sign_in_required',
          `The session cannot be refreshed: ${noRefreshToken}.`,
        )
      }
      const held = backoff.heldBack(record, ask)
      if (held) throw held
      const before = record.pending ?? nothingPending
      const unsent = { flight, sent: record, before }
      if (obstacle) return failed(unsent, { kind: 'transient', error: obstacle })
      // Written before the token leaves: if this page dies now, the next one knows that it may have been used.
      const unknown = before.unknown + 1
      // If the lock is stolen from a second attempt, or from one that stole it, the thief must wait until that one is over.
      const notBefore = unknown > 1 || stolen ? clock.now() + timeout + firstDelay : 0
      const sent = { ...record, pending: { ...before, unknown, notBefore, sending: true } }
      if (!(await session.write(record, sent))) return 'again'
      // The user may have signed out in this page since that was written.
      if (!isSame(session.current(), sent)) return 'again'
      // Another tab with the same token could not know that it is spent.
      if (session.isUnannounced(sent))
        return failed(unsent, { kind: 'transient', error: notAnnounced() })
      // Whoever stole the lock meanwhile sends the token, and this tab lines up again.
      if (robbed()) return 'again'
      const answer = await grant(record, ask)
      const sending = { flight, sent, before }
      return answer.kind === 'granted' ? succeeded(sending, answer) : failed(sending, answer)
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
    { flight, sent }: Sending,
    { tokens, idTokenError }: Extract<GrantAnswer, { kind: 'granted' }>,
  ): Promise<Outcome> {
    const { ask, after401 } = flight
    const { accessToken, type, refreshToken, expiresIn, requestedAt } = tokens
    // What comes with the token for one API says nothing about the session.
    const kept = ask ? { accessToken, type, refreshToken, expiresIn, requestedAt } : tokens
    const next = withTokens(sent, kept, ask)
    if (after401) tokenOf(next, ask)!.after401 = clock.now()
    if (!(await commit(sent, next))) return 'again'
    const state = session.state()
    if (state.status === 'signed-in')
      emit('token-refreshed', { session: state, ...(idTokenError && { idTokenError }) })
    return next
  }

  async function failed(
    sending: Sending,
    answer: Exclude<GrantAnswer, { kind: 'granted' }>,
  ): Promise<Outcome> {
    const { flight, sent, before } = sending
    const { kind, error } = answer
    const { unknown } = before
    const refusal: ApiRefusal = answer
    if (flight.ask !== sent.first && (kind === 'refused' || refusal.forApi))
      return refusedForApi(sending, refusal)
    switch (kind) {
      case 'refused':
        return end(sent, unknown ? 'refresh-response-lost' : 'ended-by-server', error)
      case 'other-identity':
        if (answer.token) void discard(answer.token, sent)
        return end(sent, 'identity-changed', error)
      case 'unknown':
        return unknown ? postponed({ ...sending, before: sent.pending! }, answer) : 'again'
      default:
        return postponed(sending, answer)
    }
  }

  /** The session stays as it was before the request, but for a refresh token that came all the same. */
  async function refusedForApi(
    { flight, sent, before }: Sending,
    { error, forApi, refreshToken }: ApiRefusal,
  ): Promise<Outcome> {
    const pending = before === nothingPending ? undefined : { ...before, sending: false }
    const next = refreshToken
      ? { ...sent, gen: sent.gen + 1, refreshToken, pending: undefined }
      : { ...sent, pending }
    if (!(await commit(sent, next))) return 'again'
    if (!forApi) return error
    throw withhold(next, flight.ask, forApi)
  }

  async function postponed({ sent, before }: Sending, failure: GrantFailure): Promise<Outcome> {
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
    if (!(await commit(sent, next))) return 'again'
    backoff.remember(next, error)
    emit('refresh-failed', { error })
    throw error
  }

  async function end(
    record: SessionRecord,
    reason: SignedOutReason,
    cause?: PkceClientError,
  ): Promise<Outcome> {
    // Another tab may have moved the session on while the lock was stolen.
    if (!(await session.end(record, reason))) return 'again'
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
  function inBackground(record: SessionRecord, ask = record.first): void {
    if (!closed && !flights.has(ask) && !backoff.heldBack(record, ask))
      refresh(record, { ask }).catch(() => {})
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
