import { PkceClientError } from '../errors.ts'
import { exclusive } from './exclusive.ts'
import { isSame, renewed } from './session.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { Grant, GrantAnswer } from '../protocol/token-set.ts'
import type { Lock } from '../tabs/lock.ts'
import type { Pending, SessionRecord } from './record.ts'
import type { SessionKeeper } from './session.ts'
import type { SignedOutReason } from './state.ts'

export interface RefreshOptions {
  key: string
  /** All tabs hold the same session, so they take turns; otherwise only copies of this very session do. */
  shared: () => boolean
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
  const { key, shared, session, lock, clock, timeout, prepare, grant, discard, emit } = options
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
  function refresh(seen: SessionRecord): Promise<SessionRecord> {
    flight ??= run(seen).finally(() => (flight = undefined))
    return flight
  }

  async function run(seen: SessionRecord): Promise<SessionRecord> {
    // Looked at before anything is sent: discovery is a request as well.
    const known = session.current()
    if (known && isSame(known, seen)) stopIfHeldBack(known)
    const obstacle =
      seen.refreshToken === undefined
        ? undefined
        : await prepare().then(
            () => undefined,
            (error: unknown) => error as PkceClientError,
          )
    const name = shared() ? `${key}|grant` : `${key}|grant|${seen.sid}`
    for (;;) {
      // The lock is let go between two sends, so that no holder keeps it longer than one request takes.
      const task = () => attempt(seen, obstacle)
      const result = await exclusive({ lock, clock, timeout }, { name, task })
      if (result !== 'resend') return result
    }
  }

  function stopIfHeldBack(record: SessionRecord): void {
    if (givenUp?.sid === record.sid) throw givenUp.error
    if (isHeldBack(record.pending ?? none)) throw lastError ?? tryLater()
  }

  async function attempt(
    seen: SessionRecord,
    obstacle: PkceClientError | undefined,
  ): Promise<SessionRecord | 'resend'> {
    const record = await session.reread()
    if (!record) throw over()
    if (!isSame(record, seen)) return record
    if (record.refreshToken === undefined) return end(record, { reason: 'expired' })
    const before = record.pending ?? none
    stopIfHeldBack(record)
    if (obstacle) return failed(record, { before, answer: { kind: 'passing', error: obstacle } })
    // Written before the token leaves: if this page dies now, the next one knows that it may have been used.
    const unknown = before.unknown + 1
    const notBefore = unknown > 1 ? clock.now() + delay(before.failures + 1) : 0
    const sending = { ...record, pending: { ...before, unknown, notBefore } }
    if (!(await session.write(record, sending))) return session.current() ?? fail(over())
    const { refreshToken, tokenEndpoint, claims, idToken } = record
    const answer = await grant({ refreshToken, tokenEndpoint, claims, idToken })
    if (answer.kind !== 'granted') return failed(sending, { before, answer })
    return succeeded(sending, renewed(sending, answer.tokens))
  }

  async function succeeded(sent: SessionRecord, next: SessionRecord): Promise<SessionRecord> {
    if (!(await session.write(sent, next))) {
      const now = session.current()
      // Signed out, or signed in as somebody else, while the answer was on its way.
      if (now?.sid !== sent.sid && next.refreshToken) void discard(next.refreshToken)
      return now ?? fail(over())
    }
    const state = session.state()
    if (state.status === 'signed-in') emit('token-refreshed', { session: state })
    return next
  }

  async function failed(
    sent: SessionRecord,
    { before, answer }: { before: Pending; answer: Exclude<GrantAnswer, { kind: 'granted' }> },
  ): Promise<SessionRecord | 'resend'> {
    const failures = before.failures + 1
    switch (answer.kind) {
      case 'refused':
        return end(sent, {
          reason: before.unknown > 0 ? 'refresh-response-lost' : 'ended-by-server',
          cause: answer.error,
        })
      case 'other-identity':
        void discard(answer.token)
        return end(sent, { reason: 'identity-changed', cause: answer.error })
      case 'odd': {
        const { pending: _, ...kept } = sent
        if (answer.refreshToken) {
          await session.write(sent, {
            ...kept,
            gen: sent.gen + 1,
            refreshToken: answer.refreshToken,
          })
        }
        return giveUp(sent, answer.error)
      }
      case 'unknown': {
        if (before.unknown === 0) return 'resend'
        const pending = {
          unknown: before.unknown + 1,
          failures,
          notBefore: clock.now() + delay(failures),
        }
        await session.write(sent, { ...sent, pending })
        break
      }
      case 'passing': {
        const wait = Math.max(delay(failures), Math.min(answer.retryAfter ?? 0, longestRetryAfter))
        const pending = { ...before, failures, notBefore: clock.now() + wait }
        await session.write(sent, { ...sent, pending })
        break
      }
      case 'wrong-request': {
        const { pending: _, ...kept } = sent
        await session.write(sent, before.unknown > 0 ? { ...kept, pending: before } : kept)
        return giveUp(sent, answer.error)
      }
    }
    emit('refresh-failed', { error: answer.error })
    throw (lastError = answer.error)
  }

  function giveUp(record: SessionRecord, error: PkceClientError): never {
    givenUp = { sid: record.sid, error }
    emit('refresh-failed', { error })
    throw error
  }

  async function end(
    record: SessionRecord,
    { reason, cause }: { reason: SignedOutReason; cause?: PkceClientError },
  ): Promise<SessionRecord> {
    // Another tab may have moved the session on while the lock was stolen.
    if (!(await session.end(record, reason))) return session.current() ?? fail(over())
    const error = new PkceClientError('session_ended', endings[reason], {
      sessionEnded: true,
      cause,
    })
    emit('refresh-failed', { error })
    throw error
  }

  function isHeldBack({ notBefore }: Pending): boolean {
    const wait = notBefore - clock.now()
    // A clock that was set back must not hold the session back for longer than any back-off could.
    return wait > 0 && wait <= longestRetryAfter && notBefore !== lifted
  }

  function delay(failures: number): number {
    const full = Math.min(firstDelay * 2 ** (failures - 1), longestDelay)
    return full * (0.5 + 0.5 * clock.random())
  }

  return {
    refresh,

    /** A failed refresh is tried again, by itself, when its back-off is over. */
    watch(record: SessionRecord | undefined): void {
      cancelProbe()
      if (closed || !record?.pending?.failures || givenUp?.sid === record.sid) return
      const wait = Math.min(record.pending.notBefore - clock.now(), longestRetryAfter)
      cancelProbe = clock.setTimeout(
        () => void refresh(record).catch(() => {}),
        Math.max(wait, 0) + 1,
      )
    },

    /** The person or the network is back: the next refresh need not wait for the back-off. */
    liftBackOff(): void {
      lifted = session.current()?.pending?.notBefore
    },

    isFlying: () => flight !== undefined,
    hasGivenUp: (sid: string) => givenUp?.sid === sid,
    isHeldBack: (record: SessionRecord) => isHeldBack(record.pending ?? none),

    close(): void {
      closed = true
      cancelProbe()
    },
  }
}

const endings: Record<SignedOutReason, string> = {
  'signed-out': 'The session is over: the person signed out.',
  expired:
    'The session is over: the access token expired and there is no refresh token; sign in again.',
  'ended-by-server':
    'The session is over: the authorization server refused to renew it; sign in again.',
  'refresh-response-lost':
    'The session is over: an answer with renewed tokens got lost on the way and the server does not give it twice; sign in again.',
  'identity-changed':
    'The session is over: the server renewed it for somebody else; sign in again.',
  'tab-copied':
    'The session is over: this tab is a copy, and the other one has renewed the session since; sign in again.',
}

function over(): PkceClientError {
  return new PkceClientError(
    'session_ended',
    'The session ended while it was being renewed; sign in again.',
    { sessionEnded: true },
  )
}

function tryLater(): PkceClientError {
  return new PkceClientError(
    'server_error',
    'Renewing the session failed a moment ago and is tried again soon.',
    { retryable: true },
  )
}

function fail(error: PkceClientError): never {
  throw error
}
