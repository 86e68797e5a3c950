import type { Clock } from '../clock.ts'
import type { Lock, LockOptions } from '../tabs/lock.ts'

interface Exclusive {
  lock: Lock
  clock: Clock
  /** Milliseconds a holder may take at most. */
  timeout: number
}

export interface ExclusiveTask<T> {
  name: string
  /** Can ask whether the lock was stolen from it, and is told whether it was stolen for it. */
  task: (robbed: () => boolean, stolen?: boolean) => Promise<T>
  linger?: number
  /** Whether another tab has stolen the lock already and is still at work: then this one goes on waiting. */
  taken?: () => boolean
}

/** How many timers one wait is made of. */
const steps = 20

/**
 * Runs the task under the lock. A holder that is frozen or stuck must not keep the others out for ever: whoever has waited
 * for twice the time a holder may take steals the lock. It waits one percent longer than that, because two holders before
 * it may both need all their time. Time asleep does not count, because the holder may have slept as well; so the wait is
 * made of short timers, of which a sleep completes one at most.
 */
export async function exclusive<T>(
  { lock, clock, timeout }: Exclusive,
  { name, task, linger = 0, taken }: ExclusiveTask<T>,
): Promise<T> {
  const patience = new AbortController()
  let cancel = () => {}
  let robbed = false
  const wait = (left: number) => {
    cancel = clock.setTimeout(
      () => (left > 0 || taken?.() ? wait(left - 1) : patience.abort()),
      (2.02 * timeout) / steps,
    )
  }
  const request = async (options: LockOptions): Promise<T> => {
    let running: Promise<T> | undefined
    try {
      return await lock.request(name, { ...options, linger }, () => {
        cancel()
        return (running = task(() => robbed, options.steal))
      })
    } catch (error) {
      // Robbed of the lock, the task still goes on: what it sent cannot be unsent.
      robbed = true
      if (running) return await running
      if (!patience.signal.aborted || options.steal) throw error
      robbed = false
      return await request({ steal: true })
    } finally {
      cancel()
    }
  }
  wait(steps - 1)
  return request({ signal: patience.signal })
}
