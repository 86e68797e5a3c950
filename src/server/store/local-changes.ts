import type { Clock } from '../../clock.ts'
import type { Change, Copy, Entry } from './copy.ts'
import type { AddOptions, Swap } from './session-store.ts'

/** A store's methods on a copy, which remember what has to be done in the store. Each gives nothing when it cannot know. */
export function createLocalChanges({ copy, clock }: { copy: Copy; clock: Clock }) {
  function change(key: string, next: Pick<Entry, 'value' | 'change'> & { ttl: number }): true {
    const { ttl, ...facts } = next
    copy.put(key, {
      ...facts,
      isKnown: true,
      expiresAt: clock.now() + ttl,
      written: copy.nextTurn(),
    })
    return true
  }

  const cannotRemember = (entry: Entry | undefined) => copy.isFull() && !entry?.change

  return {
    get: copy.find,

    /** `tried`: the store may have done the same. */
    add(key: string, added: AddOptions & { value: string; tried: boolean }): boolean | undefined {
      const { value, tried, ttl, index } = added
      const entry = copy.find(key)
      if (entry?.value !== undefined) return false
      if (cannotRemember(entry)) return undefined
      const isAgain = entry?.change !== undefined && (entry.change.isAgain || entry.change.isEnd)
      const seen = new Set(tried ? [value] : [])
      return change(key, {
        value,
        ttl,
        change: { seen, isNew: true, isEnd: false, isAgain, index },
      })
    },

    swap(key: string, swap: Swap & { tried: boolean }): boolean | undefined {
      const { seen, value, ttl, final = false, tried } = swap
      const entry = copy.find(key)
      if (entry && entry.value !== seen) return false
      if ((!entry && !final) || cannotRemember(entry)) return undefined
      const before = entry?.change ?? firstChange(seen)
      if (tried) before.seen.add(value)
      return change(key, { value, ttl, change: { ...before, isEnd: before.isEnd || final } })
    },

    touch(key: string, ttl: number): void {
      if (copy.find(key)?.value !== undefined) copy.touch(key, { ttl, isUnsaved: true })
    },

    remove(key: string, seen: string | undefined): true | undefined {
      const entry = copy.find(key)
      if (seen !== undefined && entry?.value !== seen) return entry && true
      if (cannotRemember(entry)) return undefined
      const before = entry?.change ?? firstChange(seen)
      return change(key, { value: undefined, ttl: Infinity, change: { ...before, isEnd: true } })
    },
  }
}

function firstChange(seen: string | undefined): Change {
  const known = new Set(seen === undefined ? [] : [seen])
  return { seen: known, isNew: false, isEnd: false, isAgain: false }
}
