import { createFakeClock } from '../../src/testing/index.ts'
import { memorySessions } from '../../src/server/store/memory.ts'
import { withFallback } from '../../src/server/store/with-fallback.ts'
import { nextTurn } from '../contracts/lock.ts'
import type { SessionStore } from '../../src/server/store/session-store.ts'
import type { FallbackOptions } from '../../src/server/store/with-fallback.ts'

export const hour = 3_600_000
export const lasting = { ttl: hour }

/** A store that two processes share, and that can fail for one of them. */
export function createOutageWorld(options: FallbackOptions = {}) {
  const clock = createFakeClock(undefined, { settle: nextTurn })
  let real = memorySessions({ clock })
  let way: 'open' | 'refused' | 'silent' | 'answer lost' = 'open'
  let calls = 0
  let answers = Promise.resolve()
  const events: string[] = []
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    calls += 1
    if (way === 'refused') throw new Error('connection refused')
    if (way === 'silent') return new Promise<never>(() => {})
    const result = await work()
    await answers
    if (way === 'answer lost') throw new Error('connection reset')
    return result
  }
  const failing: SessionStore = {
    get: (key) => call(() => real.get(key)),
    add: (key, value, added) => call(() => real.add(key, value, added)),
    swap: (key, swap) => call(() => real.swap(key, swap)),
    touch: (key, ttl) => call(() => real.touch(key, ttl)),
    remove: (key, seen) => call(() => real.remove(key, seen)),
    find: (index) => call(() => real.find(index)),
  }
  const sessions = withFallback(failing, { clock, ...options })
  sessions.listen!((event) => events.push(event.type))
  return {
    clock,
    sessions,
    events,
    calls: () => calls,
    /** What another process does, which reaches the store. */
    other: () => real,
    fail: (how: typeof way = 'refused') => (way = how),
    /** The store fails for a request about something else: what follows was never asked of it. */
    notice: () => sessions.get('anything').catch(() => undefined),
    /** What is asked from now on is done at once, and answered when this is called; what is asked after `next` is answered at once. */
    holdAnswers() {
      let release = () => {}
      answers = new Promise((resolve) => (release = resolve))
      return { release, next: () => void (answers = Promise.resolve()) }
    },
    loseData: () => (real = memorySessions({ clock })),
    async recover() {
      way = 'open'
      await clock.advance(1_000)
    },
  }
}
