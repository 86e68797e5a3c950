import { PkceClientError } from './errors.ts'
import { defaultToken } from './session/record.ts'
import type { Clock } from './clock.ts'
import type { Emit } from './events.ts'
import type { Credential, Scheme } from './fetch.ts'
import type { AccessToken, SessionRecord } from './session/record.ts'
import type { Refresher } from './session/refresh.ts'
import type { SessionKeeper } from './session/session.ts'

export interface TokensOptions {
  session: SessionKeeper
  refresher: Refresher
  clock: Clock
  scheme: Scheme
  emit: Emit
  /** Resolves when the session is known. */
  started: () => Promise<unknown>
}

/** A token is renewed this long before it expires, or a quarter of its life if that is less. */
const aheadAtMost = 60_000
/** A token younger than this is not the reason for a 401. */
const youngest = 10_000

export type Tokens = ReturnType<typeof createTokens>

/** Hands out the session's access token, and has it renewed when it is due or was refused. */
export function createTokens({ session, refresher, clock, scheme, emit, started }: TokensOptions) {
  let ready: Credential | undefined
  let freshUntil = 0

  function credential(record: SessionRecord): Credential {
    const { token } = record.access[defaultToken]!
    return { token, header: scheme.authorize(token), subject: record.claims?.sub }
  }

  function required(): PkceClientError {
    const error = new PkceClientError(
      'sign_in_required',
      'Nobody is signed in; call signIn() first.',
      { sessionEnded: true },
    )
    emit('sign-in-required', { error })
    return error
  }

  async function renewed(
    record: SessionRecord,
    signal: AbortSignal | undefined,
  ): Promise<Credential> {
    try {
      return credential(await unlessAborted(refresher.refresh(record), signal))
    } catch (error) {
      if (error instanceof PkceClientError && error.sessionEnded)
        emit('sign-in-required', { error })
      throw error
    }
  }

  /** Without a refresh token, an expired access token is the end. */
  async function dropExpired(): Promise<void> {
    const record = session.current()
    if (!record || record.refreshToken !== undefined) return
    if (clock.now() >= (record.access[defaultToken]?.expiresAt ?? Infinity))
      await session.end(record, 'expired')
  }

  return {
    dropExpired,

    /** Keeps what the hot path of fetch needs. */
    adopted(record: SessionRecord | undefined): void {
      const token = record?.access[defaultToken]
      ready = token && credential(record)
      freshUntil = token ? dueAt(token) : 0
    },

    peek: (): Credential | undefined => (clock.now() < freshUntil ? ready : undefined),

    /** `minValidity` in milliseconds. */
    async obtain(signal?: AbortSignal, minValidity = 0): Promise<Credential> {
      await unlessAborted(started(), signal)
      const record = session.current()
      const token = record?.access[defaultToken]
      if (!token) throw required()
      const now = clock.now()
      if (now + minValidity >= (token.expiresAt ?? Infinity)) return renewed(record, signal)
      if (now >= dueAt(token) && record.refreshToken !== undefined) refresher.inBackground(record)
      return credential(record)
    },

    /** Another credential than the refused one; `undefined` when a 401 is the last word. */
    async renew(
      refused: Credential,
      { signal, invalidToken }: { signal: AbortSignal | undefined; invalidToken: boolean },
    ): Promise<Credential | undefined> {
      const record = session.current()
      const token = record?.access[defaultToken]
      if (!token) return undefined
      const newest = credential(record)
      // What was asked in one person's name is not asked again in another's.
      if (newest.subject !== refused.subject) return undefined
      if (newest.token !== refused.token) return newest
      const age = clock.now() - token.obtainedAt
      // A negative age means that the clock was set back, and says nothing.
      if (age >= 0 && age < youngest) return undefined
      if (record.refreshToken !== undefined) return renewed(record, signal)
      if (invalidToken) await session.end(record, 'expired')
      return undefined
    },

    /** Forces a renewal. */
    async refresh(signal?: AbortSignal): Promise<void> {
      await unlessAborted(started(), signal)
      const record = session.current()
      if (!record) throw required()
      await renewed(record, signal)
    },

    /** Looks at the token after time may have passed unseen. */
    async lookAgain(): Promise<void> {
      const record = session.current()
      const token = record?.access[defaultToken]
      if (!token || (clock.now() < dueAt(token) && !record.pending?.failures)) return
      if (record.refreshToken !== undefined) refresher.inBackground(record)
      else await dropExpired()
    },
  }
}

function dueAt({ obtainedAt, expiresAt = Infinity }: AccessToken): number {
  return expiresAt - Math.min(aheadAtMost, (expiresAt - obtainedAt) / 4)
}

/** Ends the caller's wait, never the work. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
