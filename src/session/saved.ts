import { PkceClientError } from '../errors.ts'
import { isNewer } from './record.ts'
import type { Emit } from '../events.ts'
import type { PromptStore } from '../storage/time-limit.ts'
import type { SessionRecord } from './record.ts'

type KnownStore = Pick<PromptStore, 'shared' | 'isWriting'>

/** What this tab knows that its store does not have, or may not have. */
export function createSaved({ store, emit }: { store: KnownStore; emit: Emit }) {
  /** The sessions that others have replaced, should a late write bring one back. */
  const replaced = new Set<string>()
  let unsaved = false
  /** The session that was never in the store, if this is one. */
  let alone: string | undefined
  let told = false

  /** Says once that the store fails, until it has saved something. */
  function failed(cause: unknown): undefined {
    if (!told) emit('storage-failed', { error: storeFailed(cause) })
    told = true
  }

  return {
    failed,
    isUnsaved: () => unsaved,

    succeeded(): void {
      unsaved = told = false
      alone = undefined
    },

    /** The record could not be saved. */
    notSaved({ sid }: SessionRecord, { cause, begun }: { cause: unknown; begun: boolean }): void {
      failed(cause)
      unsaved = true
      // If the store may still save it, other tabs may get it.
      if (begun && !store.isWriting()) alone = sid
    },

    replace: (session: SessionRecord | undefined, { sid }: Partial<SessionRecord> = {}): void => {
      // A newer version may have stored one without a name.
      if (session?.sid && session.sid !== sid) replaced.add(session.sid)
    },

    /** Whether other tabs may have this session, and cannot know what this one does with it. */
    isUnannounced: ({ sid }: SessionRecord): boolean => unsaved && store.shared && sid !== alone,

    /** The newer of the stored record and this tab's, by { sid, gen }. A store that gave nothing usable has no say. */
    newest(
      stored: SessionRecord | undefined,
      record: SessionRecord | undefined,
    ): SessionRecord | undefined {
      if (!stored || !record) return stored ?? record
      if (stored.sid !== record.sid) return replaced.has(stored.sid) ? record : stored
      // A sign-out that could not be saved still counts, whatever other tabs have stored since.
      if (record.signedOut === 'signed-out' && (!stored.signedOut || isNewer(stored))) return record
      if (stored.signedOut) return stored
      // Of one generation, what this tab could not save is the later word.
      const isLater = unsaved && !record.signedOut
      return (isLater ? stored.gen > record.gen : stored.gen >= record.gen) ? stored : record
    },
  }
}

function storeFailed(cause: unknown): PkceClientError {
  return new PkceClientError(
    'storage_unavailable',
    'The store failed; until it works again, the session is kept in the memory of this page only.',
    { cause },
  )
}
