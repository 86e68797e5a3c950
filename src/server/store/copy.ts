import type { Clock } from '../../clock.ts'
import type { SessionIndex } from './session-store.ts'

/** What has to be done in the store, once it works again. */
export interface Change {
  /** What the store may hold, as far as this process knows. */
  seen: Set<string>
  /** The key may be created: it was added here. */
  isNew: boolean
  /** It ended here, which counts whatever the store holds. */
  isEnd: boolean
  /** It was removed here before it was added again. */
  isAgain: boolean
  index?: SessionIndex | undefined
}

/** What this process knows of a key. */
export interface Entry {
  /** Nothing when there is none. */
  value?: string | undefined
  /** False when only the time is known. */
  isKnown: boolean
  expiresAt: number
  /** The turn at which this process last wrote it. */
  written: number
  /** Its time was pushed on here, and not in the store. */
  isTouched?: boolean | undefined
  change?: Change | undefined
}

/** Milliseconds for which a value counts whose time is not known. */
const shortLife = 60_000

export type Copy = ReturnType<typeof createCopy>

/** What this process has seen of a store: the latest, and all that has to be done there. */
export function createCopy({ clock, limit }: { clock: Clock; limit: number }) {
  const entries = new Map<string, Entry>()
  const unsaved = new Map<string, Entry>()
  let turn = 0

  function put(key: string, entry: Entry): Entry {
    entries.delete(key)
    unsaved.delete(key)
    ;(entry.change ? unsaved : entries).set(key, entry)
    while (entries.size > 0 && entries.size + unsaved.size > limit) {
      entries.delete(entries.keys().next().value!)
    }
    return entry
  }

  /** Without a value when that has expired. */
  function find(key: string): Entry | undefined {
    const entry = unsaved.get(key) ?? entries.get(key)
    if (!entry?.isKnown) return undefined
    return entry.expiresAt > clock.now() ? entry : { ...entry, value: undefined }
  }

  return {
    find,
    put,
    unsaved,
    /** Nothing more that has to be done in the store can be remembered. */
    isFull: () => unsaved.size >= limit,
    nextTurn: () => (turn += 1),
    touched: () => [...entries].filter(([, { isTouched }]) => isTouched),

    /** What was read, unless something was written here since the read began. */
    read(key: string, { value, begun }: { value: string | undefined; begun: number }): void {
      const entry = unsaved.get(key) ?? entries.get(key)
      if (entry && (entry.change || entry.written > begun)) return
      if (value === undefined) entries.delete(key)
      else {
        const expiresAt = Math.max(entry?.expiresAt ?? 0, clock.now() + shortLife)
        put(key, { ...entry, value, isKnown: true, expiresAt, written: 0 })
      }
    },

    /** What was written into the store. */
    wrote(key: string, value: string | undefined, ttl = 0): void {
      const { change } = unsaved.get(key) ?? {}
      // Written there while something else was written here, which counts.
      if (change && value !== undefined) change.seen.add(value)
      if (!change)
        put(key, { value, isKnown: true, expiresAt: clock.now() + ttl, written: (turn += 1) })
    },

    /** The time is known before the value, when both are asked for at once. */
    touch(key: string, { ttl, isUnsaved = false }: { ttl: number; isUnsaved?: boolean }): void {
      const entry = unsaved.get(key) ?? entries.get(key)
      const isTouched = isUnsaved || entry?.isTouched
      const expiresAt = clock.now() + ttl
      put(key, { isKnown: false, written: 0, ...entry, expiresAt, isTouched })
    },

    forget(key: string): void {
      entries.delete(key)
      unsaved.delete(key)
    },
  }
}
