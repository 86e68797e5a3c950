import { PkceClientError } from '../errors.ts'
import { dueAt, expiryOf, needsSignIn, ownerOf, tokenOf } from '../session/record.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { Clock } from '../clock.ts'
import type { Emit } from '../events.ts'
import type { Credential, Scheme } from './scheme.ts'
import type { SessionRecord } from '../session/record.ts'
import type { Refresher } from '../session/refresh.ts'
import type { SessionKeeper } from '../session/session.ts'

interface CredentialsOptions {
  /** What the access tokens are asked for with, the session's own first. */
  asks: readonly [string, ...string[]]
  session: SessionKeeper
  refresher: Refresher
  clock: Clock
  scheme: Scheme
  canRefresh: (record: SessionRecord) => boolean
  emit: Emit
  /** Resolves when the session is known. */
  started: () => Promise<unknown>
}

/** Milliseconds for which a token counts as new. */
const newFor = 10_000

export interface TokenWish {
  /** What the token is asked for with; the session's own when left out. */
  ask?: string | undefined
  signal?: AbortSignal | undefined
  /** Seconds. */
  minValidity?: number | undefined
}

export type Credentials = ReturnType<typeof createCredentials>

/** Hands out the session's access tokens, refreshed when they are due or were refused. */
export function createCredentials(options: CredentialsOptions) {
  const { asks, session, refresher, clock, scheme, canRefresh, emit, started } = options
  const ready = new Map<string, Credential & { freshUntil: number }>()
  /** The ending, or the session that cannot be refreshed, that `sign-in-required` was last emitted for: once for all calls. */
  let told: PkceClientError | string | undefined
  /** The token that an API refused, and that could not be refreshed: of the calls it fails, the first one tells. */
  let toldRefused: string | undefined

  function credential(record: SessionRecord, ask: string): Credential {
    const { token } = tokenOf(record, ask)!
    return {
      token,
      ask,
      header: scheme.authorize(token),
      subject: record.claims?.sub,
      owner: ownerOf(record),
    }
  }

  async function signedIn(signal: AbortSignal | undefined): Promise<SessionRecord> {
    // The session this tab already has comes first. start() might find that somebody else has signed in in another tab, and
    // this call must not go out in their name.
    const record =
      session.current() ??
      (await unlessAborted(
        started()
          .catch(() => {})
          .then(session.current),
        signal,
      ))
    if (record) return record
    const why = 'Nobody is signed in; call signIn() first.'
    const error = new PkceClientError('sign_in_required', why, { sessionEnded: true })
    emit('sign-in-required', { error })
    throw error
  }

  async function refreshed(
    record: SessionRecord,
    { ask, signal, because }: { ask: string; signal: AbortSignal | undefined; because?: 401 },
  ): Promise<Credential> {
    try {
      const next = await unlessAborted(refresher.refresh(record, { ask, because }), signal)
      return credential(next, ask)
    } catch (error) {
      if (error instanceof PkceClientError) tellSignInRequired(record, error)
      throw error
    }
  }

  function tellSignInRequired({ sid }: SessionRecord, error: PkceClientError): void {
    const record = session.current()
    const isStuck = record?.sid === sid && needsSignIn(record, clock.now())
    const reason = error.sessionEnded ? error : sid
    if (reason === told || !(error.sessionEnded || isStuck)) return
    told = reason
    emit('sign-in-required', { error })
  }

  /** Whether it is less than ten seconds old; an age below zero means that the clock was set back, and says nothing. */
  function isNew(date: number | undefined): boolean {
    const age = clock.now() - (date ?? NaN)
    return age >= 0 && age < newFor
  }

  /** Without a refresh token, an API that refuses new tokens must not send the user to sign in again and again. */
  function tellRefused(token: string): void {
    if (token === toldRefused) return
    toldRefused = token
    const why =
      'An API answered 401 and there is no refresh token; check that it accepts tokens of this server, and add offline_access to scope.'
    emit('refresh-failed', { error: new PkceClientError('sign_in_required', why) })
  }

  /** Keeps what the hot path of fetch needs. */
  session.onAdopted((record) => {
    ready.clear()
    for (const ask of asks)
      if (record && tokenOf(record, ask))
        ready.set(ask, { ...credential(record, ask), freshUntil: dueAt(record, ask) })
    if (record && !record.pending) told = undefined
  })

  return {
    /** The credential, if it is fresh. */
    peek(ask: string): Credential | undefined {
      const found = ready.get(ask)
      return found && clock.now() < found.freshUntil ? found : undefined
    },

    async obtain({ signal, minValidity = 0, ...wish }: TokenWish): Promise<Credential> {
      const record = await signedIn(signal)
      const { ask = record.first } = wish
      const now = clock.now()
      // Tokens that do not live that long are not refreshed again and again.
      const isYoung = now - (tokenOf(record, ask)?.obtainedAt ?? NaN) < newFor
      const wanted = canRefresh(record) && isYoung ? 0 : minValidity * 1000
      if (now + wanted >= expiryOf(record, ask)) return refreshed(record, { ask, signal })
      if (now >= dueAt(record, ask) && canRefresh(record)) refresher.inBackground(record, ask)
      return credential(record, ask)
    },

    /** Another credential than the refused one; `undefined` when there is none, and the caller gets the 401. */
    async renew(
      refused: Credential,
      { signal, invalidToken }: { signal?: AbortSignal | undefined; invalidToken: boolean },
    ): Promise<Credential | undefined> {
      const record = session.current()
      // What was asked for one user is not asked again for another.
      if (!record || ownerOf(record) !== refused.owner) return undefined
      const { ask } = refused
      const known = tokenOf(record, ask)
      if (known && known.token !== refused.token) return credential(record, ask)
      if (canRefresh(record))
        return isNew(known?.after401) ? undefined : refreshed(record, { ask, signal, because: 401 })
      if (ask === record.first && invalidToken && !isNew(known?.obtainedAt))
        await session.end(record, 'expired')
      else tellRefused(refused.token)
      return undefined
    },

    /** Refreshes now, whatever the token is. */
    async refresh(signal?: AbortSignal): Promise<void> {
      const record = await signedIn(signal)
      await refreshed(record, { ask: record.first, signal })
    },
  }
}
