import { sha256 } from './bytes.ts'
import type { SessionRecord, SignedOutReason } from '../session/record.ts'
import type { Keeper, Keepers } from './keepers.ts'
import type { SessionStore } from './store/session-store.ts'

interface SessionsOptions {
  issuer: string
  keepers: Keepers
  store: SessionStore
}

/** Whose sessions: those of a person, or those of one sign-in at the authorization server. */
export type SessionsOf =
  | { /** The `sub` of the ID token. */ sub: string }
  | { /** The `sid` of the ID token. */ sid: string }

export type Sessions = ReturnType<typeof createSessions>

/** Reads and ends the sessions that the store has. */
export function createSessions({ issuer, keepers, store }: SessionsOptions) {
  /**
   * Reads the session, and does the work with it. `passive` does not count as the visitor's being there; under a key that `isNew`
   * there is none.
   */
  function open<T>(
    key: string,
    work: (keeper: Keeper) => T | Promise<T>,
    { passive = false, isNew = false } = {},
  ): Promise<T> {
    return keepers.use(key, async (keeper) => {
      const { session, records } = keeper
      if (isNew) records.expectNothing()
      const touched = passive || isNew ? undefined : records.touch()?.catch(() => {})
      await session.restore()
      await touched
      throwFailure(keeper)
      return work(keeper)
    })
  }

  /** Ends the session, whichever generation it is at. Resolves to its last record. */
  async function end(key: string, reason: SignedOutReason): Promise<SessionRecord | undefined> {
    return open(
      key,
      async (keeper) => {
        const { session } = keeper
        for (;;) {
          const record = session.current()
          if (!record) return undefined
          const ended = await session.end(record, reason)
          throwFailure(keeper)
          if (ended) return record
        }
      },
      { passive: true },
    )
  }

  const nameOf = ([kind, value]: [kind: string, value: string]): Promise<string> =>
    sha256(`${kind}|${issuer}|${value}`)

  return {
    open,
    end,

    /** Under which names a session is found. */
    async namesOf({ claims }: SessionRecord): Promise<string[]> {
      const { sub, sid } = { ...claims } as { sub?: unknown; sid?: unknown }
      const named = Object.entries({ sub, sid }).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      )
      return Promise.all(named.map(nameOf))
    },

    /** Resolves to how many sessions were ended. */
    async endAll(of: SessionsOf): Promise<number> {
      const [entry] = Object.entries(of) as [[string, string]]
      const keys = await store.find(await nameOf(entry))
      const ended = await Promise.all(keys.map((key) => end(key, 'ended-by-server')))
      return ended.filter(Boolean).length
    },
  }
}

/** The session's rules go on in memory when the store fails, which helps a page, and nobody here. */
export function throwFailure({ records }: Keeper): void {
  const failure = records.lastFailure()
  if (failure !== undefined) throw failure
}
