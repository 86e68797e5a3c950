import type { Clock } from '../../clock.ts'
import type { Change, Copy, Entry } from './copy.ts'
import type { SessionStore } from './session-store.ts'

interface ReplayParts {
  copy: Copy
  store: SessionStore
  clock: Clock
  /** What is missing has been lost, because nobody else could remove it. */
  alone: boolean
}

/** How many keys are saved at once. */
const atOnce = 50
const endingTries = 10

/** Does in the store what was done in the copy while the store failed. Rejects when the store fails again; the rest stays to be done. */
export async function replay({ copy, store, clock, alone }: ReplayParts): Promise<void> {
  const leftOf = ({ expiresAt }: Entry) => expiresAt - clock.now()

  async function touch([key, entry]: [string, Entry]): Promise<void> {
    await store.touch(key, leftOf(entry))
    entry.isTouched = false
  }

  async function save([key, entry]: [string, Entry]): Promise<void> {
    const isSaved = await make(key, entry, entry.change!)
    // Another object: it was changed again meanwhile.
    if (copy.unsaved.get(key) !== entry) {
      if (entry.value !== undefined) copy.unsaved.get(key)?.change?.seen.add(entry.value)
    } else if (isSaved) copy.put(key, { ...entry, change: undefined, isTouched: false })
    else copy.forget(key)
  }

  /** Resolves to false when what another process wrote counts. */
  async function make(key: string, entry: Entry, change: Change): Promise<boolean> {
    const { value } = entry
    const ttl = leftOf(entry)
    const isOver = value === undefined || ttl <= 0
    if (change.isAgain || (change.isEnd && isOver)) await store.remove(key)
    if (isOver) return true
    if (change.isEnd) return end(key, value, ttl)
    for (const seen of new Set([...change.seen, value])) {
      if (await store.swap(key, { seen, value, ttl })) return true
    }
    return (change.isNew || alone) && store.add(key, value, { ttl, index: change.index })
  }

  async function end(key: string, value: string, ttl: number): Promise<true> {
    for (let tries = 0; tries < endingTries; tries += 1) {
      const seen = await store.get(key)
      const isEnded =
        seen === undefined
          ? await store.add(key, value, { ttl })
          : await store.swap(key, { seen, value, ttl, final: true })
      if (isEnded) return true
    }
    await store.remove(key)
    return true
  }

  for (const batch of batchesOf(copy.touched())) await Promise.all(batch.map(touch))
  while (copy.unsaved.size > 0) {
    for (const batch of batchesOf([...copy.unsaved])) await Promise.all(batch.map(save))
  }
}

function batchesOf<T>(all: T[]): T[][] {
  const count = Math.ceil(all.length / atOnce)
  return Array.from({ length: count }, (_, one) => all.slice(one * atOnce, (one + 1) * atOnce))
}
