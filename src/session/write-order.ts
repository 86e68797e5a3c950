import type { Clock } from '../clock.ts'
import type { Mark, OrderedMarks, Store } from '../storage/store.ts'
import type { SessionRecord } from './record.ts'

interface WriteOrderOptions {
  key: string
  store: Pick<Store, 'shared'>
  orderedMarks: OrderedMarks
  clock: Clock
  /** Milliseconds one request may take. */
  timeout: number
}

/** Milliseconds until a store that is behind is read again; doubled each time. */
const firstWait = 10

/**
 * A tab may get a lock before it can read what was written under that lock: browsers send localStorage to other processes by another
 * way than Web Locks. So each generation is announced, where order holds, before the record is written, and whoever has the lock
 * waits for a store that is behind. To be used under the lock only.
 */
export function createWriteOrder({ key, store, orderedMarks, clock, timeout }: WriteOrderOptions) {
  /** Whether the marks are worth waiting for: not since one could not be set or read, or was never followed by its record. */
  let works = true

  /** What the work comes to; nothing when it fails or hangs. */
  async function limited<T>(work: Promise<T>): Promise<T | undefined> {
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = clock.setTimeout(reject, timeout / 4)
    })
    try {
      const result = await Promise.race([work, late])
      works = true
      return result
    } catch {
      works = false
      return undefined
    } finally {
      cancel()
    }
  }

  return {
    async announce({ sid, gen }: SessionRecord): Promise<void> {
      if (!store.shared) return
      const wait = works
      const announced = limited(orderedMarks.set(key, { sid, gen }))
      if (wait) await announced
    },

    /**
     * Resolves to what `read` gives once that is what was announced last. All in all that takes less than a request may:
     * others steal the lock from whoever keeps it for longer than two of them.
     */
    async caughtUp(
      read: () => Promise<SessionRecord | undefined>,
    ): Promise<SessionRecord | undefined> {
      const mark = store.shared && works && (await limited(orderedMarks.get(key)))
      let found = await read()
      for (let wait = firstWait; works && mark && isBehind(found, mark); wait *= 2) {
        // The page that announced it died before it could write, or could not save.
        if (wait > timeout / 4) works = false
        else await new Promise<void>((resolve) => void clock.setTimeout(resolve, wait))
        found = await read()
      }
      return found
    },
  }
}

function isBehind(record: SessionRecord | undefined, { sid, gen }: Mark): boolean {
  return record?.sid !== sid || record.gen < gen
}
