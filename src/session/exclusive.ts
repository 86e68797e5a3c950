import { afterAwake } from '../clock.ts'
import type { Clock } from '../clock.ts'
import type { Lock, LockOptions } from '../tabs/lock.ts'

interface Parts {
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
}

/** Runs a task alone, of all that ask under its name. */
export type Exclusive = <T>(task: ExclusiveTask<T>) => Promise<T>

/**
 * Runs tasks under the lock. A holder that is frozen or stuck must not keep the others out without end: whoever has waited
 * for twice the time a holder may take steals the lock. Only one waits for it at a time, and the others wait in line on a
 * second lock: two that lose patience together would steal it from each other.
 */
export const underLock =
  (parts: Parts): Exclusive =>
  (task) =>
    runAlone(parts, task)

async function runAlone<T>(parts: Parts, { name, task, linger }: ExclusiveTask<T>): Promise<T> {
  const patience = 2.02 * parts.timeout
  for (;;) {
    let work!: Promise<T | typeof lostPlace>
    const beNext = (robbed: AbortSignal) =>
      new Promise<void>((leaveLine) => {
        const begin: Wait<T>['task'] = (signal, stolen) => {
          leaveLine()
          return task(() => signal.aborted, stolen)
        }
        work = obtain(parts, { name, task: begin, patience, linger, giveUp: robbed })
        // Also when it cannot begin.
        work.catch(() => {}).finally(leaveLine)
      })
    // The one who is next may be frozen too. It has a little more time, because it may need all its patience.
    await obtain(parts, { name: `${name}|next`, task: beNext, patience: 1.1 * patience })
    const result = await work
    if (result !== lostPlace) return result
  }
}

interface Wait<T> {
  name: string
  /** `robbed` is aborted when the lock is stolen from the task; the task runs on, because what it sent cannot be unsent. */
  task: (robbed: AbortSignal, stolen?: boolean) => Promise<T>
  /** Milliseconds awake after which the lock is stolen. */
  patience: number
  linger?: number | undefined
  /** Aborted when the wait is to end without a result. */
  giveUp?: AbortSignal
}

const lostPlace = Symbol()

async function obtain<T>(
  { lock, clock }: Parts,
  { name, task, patience, linger = 0, giveUp }: Wait<T>,
): Promise<T | typeof lostPlace> {
  const waiting = new AbortController()
  const robbed = new AbortController()
  const stopWaiting = () => waiting.abort()
  const cancel = afterAwake(clock, stopWaiting, patience)
  giveUp?.addEventListener('abort', stopWaiting)
  const request = async (options: LockOptions): Promise<T | typeof lostPlace> => {
    let running: Promise<T> | undefined
    try {
      return await lock.request(name, { ...options, linger }, () => {
        cancel()
        return (running = task(robbed.signal, options.steal))
      })
    } catch (error) {
      if (running) {
        robbed.abort()
        return await running
      }
      if (!waiting.signal.aborted || options.steal) throw error
      return giveUp?.aborted ? lostPlace : await request({ steal: true })
    }
  }
  return request({ signal: waiting.signal }).finally(cancel)
}
