import { tombstone } from '../session/record.ts'
import type { Clock } from '../clock.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionRecordStore } from '../session/session.ts'
import type { Seal } from './seal.ts'
import type { SessionStore } from './store/session-store.ts'

interface RecordsOptions {
  key: string
  store: SessionStore
  seal: Seal
  clock: Clock
  /** Milliseconds; `Infinity` for sessions that do not end by themselves. */
  idleTimeout: number
  lifetime: number
  /** Under which names the session of a record is found. */
  namesOf: (record: SessionRecord) => Promise<string[]>
}

export type SessionRecords = ReturnType<typeof createSessionRecords>

/** Milliseconds for which a session that has ended is remembered, so that no late result brings it back. */
const tombstoneLife = 600_000

/** What is stored: the record as text, and when its session began. */
interface Found {
  sealed: string
  text: string
  createdAt: number
}

const plain = ({ createdAt, text }: Pick<Found, 'createdAt' | 'text'>) => `${createdAt} ${text}`

/** One session's record in the store: sealed, and written only over what was read. */
export function createSessionRecords(options: RecordsOptions) {
  const { key, store, seal, clock, idleTimeout, lifetime, namesOf } = options
  let last: Found | undefined
  /** What stands for a session that was there and is gone. */
  let gone: string | undefined
  let failure: unknown
  let isNew = false
  let touchedAt = -Infinity

  async function open(sealed: string | undefined): Promise<Found | undefined> {
    if (sealed === undefined) return undefined
    // Other requests may just have opened the same.
    const opened = sealed === last?.sealed ? plain(last) : await seal.open(sealed, key)
    if (opened === undefined) return undefined
    const end = opened.indexOf(' ')
    const createdAt = Number(opened.slice(0, end))
    if (!(clock.now() < createdAt + lifetime)) return undefined
    return { sealed, text: opened.slice(end + 1), createdAt }
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      failure = undefined
      return result
    } catch (error) {
      failure = error
      throw error
    }
  }

  async function write(text: string, seen: string | null | undefined): Promise<boolean> {
    isNew = false
    const record = JSON.parse(text) as SessionRecord
    const found = last
    if ((seen ?? undefined) !== (found?.text ?? gone)) return false
    const createdAt = found?.createdAt ?? clock.now()
    const left = Math.min(idleTimeout, createdAt + lifetime - clock.now())
    const isOver = record.signedOut !== undefined
    const ttl = isOver ? tombstoneLife : Math.max(left, 1)
    const sealed = await seal.seal(plain({ createdAt, text }), key)
    const written = found
      ? await store.swap(key, { seen: found.sealed, value: sealed, ttl, final: isOver })
      : await store.add(key, sealed, {
          ttl,
          index: { names: await namesOf(record), ttl: lifetime },
        })
    if (written) last = { sealed, text, createdAt }
    return written
  }

  const records: SessionRecordStore = {
    shared: true,
    volatile: false,
    onLateAnswer: () => {},
    isWriting: () => failure !== undefined,
    async remove() {},

    async get() {
      const found = isNew ? undefined : await guarded(async () => open(await store.get(key)))
      // It has ended: it must not be taken for one that could not be read, and written again.
      if (!found && last) gone = goneAfter(last.text)
      last = found
      return found?.text ?? gone
    },

    set: (_, value, seen) => guarded(() => write(value, seen)),
  }
  return {
    ...records,

    /** Nobody has the key yet, so there is nothing to read before it is written. A store that fails could not say so. */
    expectNothing: () => void (isNew = true),

    /** Why the store could not be read or written the last time. */
    lastFailure: () => failure,

    /** The session does not end for want of requests yet. */
    touch() {
      const now = clock.now()
      if (idleTimeout === Infinity || Math.abs(now - touchedAt) < idleTimeout / 60) return undefined
      touchedAt = now
      return store.touch(key, idleTimeout)
    },
  }
}

function goneAfter(text: string): string {
  const record = JSON.parse(text) as SessionRecord
  return record.signedOut ? text : JSON.stringify(tombstone(record, 'expired'))
}
