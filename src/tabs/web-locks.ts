import { systemClock } from '../clock.ts'
import type { Lock } from './lock.ts'

/** Makes a lock that holds across all tabs of the origin (Web Locks). Rejects where the platform has none or denies it. */
export function webLocks(): Lock {
  const { setTimeout } = systemClock()
  return {
    request: (name, { linger = 0, ...options }, task) =>
      new Promise((resolve, reject) => {
        const hold = async () => {
          resolve(await task())
          // Web Locks outrun localStorage: Chromium hands the lock to another process before that one can read what was
          // written here.
          if (linger) await new Promise<void>((done) => void setTimeout(done, linger))
        }
        // `navigator` is missing in Node 20; `locks` on plain http, and null in some emulated DOMs.
        navigator.locks.request(name, options, hold).catch(reject)
      }),
  }
}
