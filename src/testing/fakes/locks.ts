import type { Lock, LockOptions } from '../../tabs/lock.ts'
import { turn } from './clock.ts'
import type { FakePage } from './page.ts'

/** The lock manager of a fake browser: one queue per name for all pages of an origin. */
interface FakeLocks {
  /** How many locks are held. */
  readonly held: number
  /** How many requests wait for a lock. */
  readonly waiting: number
  /** Whether a page holds a lock or waits for one. */
  uses(page: FakePage): boolean
  of(page: FakePage): Lock
}

interface Place {
  page: FakePage
  steal: boolean | undefined
  grant(): void
  lose(): void
}

export function createFakeLocks(): FakeLocks {
  // Who holds the lock is first in the queue.
  const queues = new Map<string, Place[]>()
  const lengths = () => [...queues.values()].map((queue) => queue.length)

  const leave = (name: string, place: Place) => {
    const queue = queues.get(name) ?? []
    const index = queue.indexOf(place)
    if (index < 0) return
    queue.splice(index, 1)
    if (queue.length === 0) queues.delete(name)
    else if (index === 0) queue[0]!.grant()
  }

  const enter = (name: string, place: Place) => {
    const queue = queues.get(name) ?? []
    queues.set(name, queue)
    if (place.steal) queue.shift()?.lose()
    if (place.steal) queue.unshift(place)
    else queue.push(place)
    if (queue[0] === place) place.grant()
  }

  const request = <T>(
    page: FakePage,
    asked: LockOptions & { name: string; task: () => Promise<T> },
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      const { name, signal, steal, task } = asked
      let begun = false
      const settle = (settled: () => void) =>
        page.run(() => {
          leave(name, place)
          settled()
        })
      const begin = () => {
        if (begun || signal?.aborted) return
        begun = true
        // As in the platform, not even a free lock is granted before the asker's next turn.
        Promise.resolve()
          .then(task)
          .then(
            (value) => settle(() => resolve(value)),
            (error: unknown) => settle(() => reject(error)),
          )
      }
      const place: Place = {
        page,
        steal,
        grant: () => void turn().then(() => page.run(begin)),
        lose: () =>
          page.run(() => reject(new DOMException('Another tab took the lock over.', 'AbortError'))),
      }
      const giveUp = () => {
        if (begun) return
        leave(name, place)
        reject(signal?.reason)
      }
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      enter(name, place)
    })

  return {
    get held() {
      return queues.size
    },
    get waiting() {
      return lengths().reduce((sum, length) => sum + length - 1, 0)
    },
    uses: (page) => [...queues.values()].flat().some((place) => place.page === page),
    of(page) {
      page.onGone(() => {
        for (const [name, queue] of [...queues]) {
          for (const place of [...queue]) if (place.page === page) leave(name, place)
        }
      })
      return {
        request(name, options, task) {
          const own = { ...options, name: `${page.origin} ${name}`, task }
          return Promise.resolve(page.attempt(() => request(page, own)))
        },
      }
    },
  }
}
