import { systemClock } from '../../clock.ts'
import type { Clock } from '../../clock.ts'
import type { SessionIndex, SessionStore } from './session-store.ts'

/** Options of {@link memorySessions}. */
export interface MemorySessionsOptions {
  /** The source of time; the machine's when left out. */
  clock?: Clock | undefined
}

interface Entry {
  value: string
  /** Milliseconds since 1970. */
  expiresAt: number
}

/**
 * Creates a store of sessions in the memory of this process: for development, tests and apps that are one process. Sessions end
 * with the process. What has expired is swept by a write, at most once a minute.
 */
export function memorySessions({
  clock = systemClock(),
}: MemorySessionsOptions = {}): SessionStore {
  const entries = new Map<string, Entry>()
  /** When each key stops being found, by the name it is found under. */
  const names = new Map<string, Map<string, number>>()
  const isOver = (expiresAt: number) => expiresAt <= clock.now()
  const sweep = atMostOnceAMinute(clock, () => {
    for (const [key, { expiresAt }] of entries) if (isOver(expiresAt)) entries.delete(key)
    for (const [name, keys] of names) {
      for (const [key, until] of keys) if (isOver(until) || !entries.has(key)) keys.delete(key)
      if (keys.size === 0) names.delete(name)
    }
  })

  function entryOf(key: string): Entry | undefined {
    const entry = entries.get(key)
    return entry && !isOver(entry.expiresAt) ? entry : undefined
  }

  function write(key: string, value: string, ttl: number): void {
    entries.set(key, { value, expiresAt: clock.now() + ttl })
    sweep()
  }

  function nameKey(key: string, index: SessionIndex): void {
    const until = clock.now() + index.ttl
    for (const name of index.names) {
      const keys = names.get(name) ?? new Map<string, number>()
      names.set(name, keys.set(key, Math.max(until, keys.get(key) ?? 0)))
    }
  }

  return {
    get: async (key) => entryOf(key)?.value,
    async add(key, value, { ttl, index }) {
      if (entryOf(key)) return false
      if (index) nameKey(key, index)
      write(key, value, ttl)
      return true
    },
    async swap(key, { seen, value, ttl }) {
      if (entryOf(key)?.value !== seen) return false
      write(key, value, ttl)
      return true
    },
    async touch(key, ttl) {
      const entry = entryOf(key)
      if (entry) write(key, entry.value, ttl)
    },
    async remove(key, seen) {
      if (seen === undefined || entryOf(key)?.value === seen) entries.delete(key)
    },
    async find(name) {
      const keys = [...(names.get(name) ?? [])]
      return keys.filter(([, until]) => !isOver(until)).map(([key]) => key)
    },
  }
}

function atMostOnceAMinute(clock: Clock, work: () => void): () => void {
  let last = clock.now()
  return () => {
    // Also when the clock was set back.
    if (Math.abs(clock.now() - last) < 60_000) return
    last = clock.now()
    work()
  }
}
