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

export type Credentials = ReturnType<typeof createCredentials>

/** Hands out the session's access token, refreshed when it is due or was refused. */
export function createCredentials(options: CredentialsOptions) {
  const { session, refresher, clock, scheme, canRefresh, emit, started } = options
  let ready: Credential | undefined
  let freshUntil = 0
  /** The ending, or the session that cannot be refreshed, that `sign-in-required` was last emitted for: once for all calls. */
  let told: PkceClientError | string | undefined
  /** The token that an API refused, and that could not be refreshed: of the calls it fails, the first one tells. */
  let toldRefused: string | undefined

  function credential(record: SessionRecord): Credential {
    const { token } = tokenOf(record)
    return {
      token,
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
    { signal, because }: { signal?: AbortSignal | undefined; because?: 401 } = {},
  ): Promise<Credential> {
    try {
      return credential(await unlessAborted(refresher.refresh(record, because), signal))
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
    ready = record && credential(record)
    freshUntil = record ? dueAt(record) : 0
    if (record && !record.pending) told = undefined
  })

  return {
    peek: (): Credential | undefined => (clock.now() < freshUntil ? ready : undefined),

    /** `minValidity` in seconds. */
    async obtain(signal?: AbortSignal, minValidity = 0): Promise<Credential> {
      const record = await signedIn(signal)
      const now = clock.now()
      // Tokens that do not live that long are not refreshed again and again.
      const wanted =
        canRefresh(record) && now - tokenOf(record).obtainedAt < newFor ? 0 : minValidity * 1000
      if (now + wanted >= expiryOf(record)) return refreshed(record, { signal })
      if (now >= dueAt(record) && canRefresh(record)) refresher.inBackground(record)
      return credential(record)
    },

    /** Another credential than the refused one; `undefined` when there is none, and the caller gets the 401. */
    async renew(
      refused: Credential,
      { signal, invalidToken }: { signal?: AbortSignal | undefined; invalidToken: boolean },
    ): Promise<Credential | undefined> {
      const record = session.current()
      // What was asked for one user is not asked again for another.
      if (!record || ownerOf(record) !== refused.owner) return undefined
      const { token, obtainedAt, after401 } = tokenOf(record)
      if (token !== refused.token) return credential(record)
      if (canRefresh(record))
        return isNew(after401) ? undefined : refreshed(record, { signal, because: 401 })
      if (invalidToken && !isNew(obtainedAt)) await session.end(record, 'expired')
      else tellRefused(token)
      return undefined
    },

    /** Refreshes now, whatever the token is. */
    async refresh(signal?: AbortSignal): Promise<void> {
      await refreshed(await signedIn(signal), { signal })
    },
  }
}
