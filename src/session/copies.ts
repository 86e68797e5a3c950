import type { Clock } from '../clock.ts'
import type { Store, TransactionStore } from '../storage/store.ts'
import type { SessionRecord } from './record.ts'

interface CopiesOptions {
  key: string
  store: Pick<Store, 'shared' | 'volatile'>
  /** Shared by all tabs, and never given a token. */
  marks: TransactionStore
  clock: Clock
}

/** Milliseconds after which a mark is in nobody's way: a session that was not refreshed for so long is over or forgotten. */
const longestIdle = 2_592_000_000

/**
 * Browsers copy sessionStorage into a duplicated tab. A mark that both tabs see holds the highest generation of a session;
 * it outlives the session, because a tab that is behind must not send a spent token even then. Stores that cannot be copied
 * need no marks, and without marks a copied tab finds out from the server: nothing here throws.
 */
export function createCopies({ key, store, marks, clock }: CopiesOptions) {
  const prefix = `${key}|gen|`

  const needsMarks = ({ signedOut }: SessionRecord) =>
    !store.shared && !store.volatile && !signedOut

  async function isBehindMark({ sid, gen }: SessionRecord): Promise<boolean> {
    return parseInt((await marks.get(prefix + sid)) ?? '') > gen
  }

  async function sweep(): Promise<void> {
    for (const name of await marks.keys(prefix))
      if (clock.now() - Number((await marks.get(name))?.split(' ')[1]) > longestIdle)
        await marks.remove(name)
  }

  return {
    /** Whether another tab has gone on with the session of this record. */
    async isBehind(record: SessionRecord): Promise<boolean> {
      return needsMarks(record) && (await isBehindMark(record).catch(() => false))
    },

    /** Moves the mark up to this record. Marks of forgotten sessions are removed when a new session begins. */
    async mark(record: SessionRecord): Promise<void> {
      if (!needsMarks(record)) return
      try {
        if (await isBehindMark(record)) return
        await marks.set(prefix + record.sid, `${record.gen} ${clock.now()}`)
        if (record.gen === 1) await sweep()
      } catch {
        // Then there is no mark.
      }
    },
  }
}
