import { systemClock } from '../clock.ts'
import { localLock } from './local-lock.ts'
import type { Lock } from './lock.ts'

// Two clients of one page must share it as they share the store.
const fallback = /* @__PURE__ */ localLock()

/**
 * Makes a lock that holds across all tabs of the origin (Web Locks), or within this page only where
 * the platform has none or denies it.
 */
export function webLocks(): Lock {
  const { setTimeout } = systemClock()
  return {
    request(name, { linger = 0, ...options }, task) {
      // `navigator` is missing in Node 20; `locks` on plain http, and null in some emulated DOMs.
      const { locks } = (globalThis as { navigator?: Partial<Navigator> }).navigator ?? {}
      if (typeof locks?.request !== 'function') return fallback.request(name, options, task)
      return new Promise((resolve, reject) => {
        let begun = false as boolean
        const hold = async () => {
          begun = true
          resolve(await task())
          // Web Locks outrun localStorage: Chromium hands the lock to another process before that one can read what was
          // written here.
          if (linger) await new Promise<void>((done) => void setTimeout(done, linger))
        }
        locks.request(name, options, hold).catch((error: unknown) => {
          // Opaque origins and blocked site data: there is nobody to share the lock with.
          if (begun || (error as Error).name !== 'SecurityError') reject(error)
          else resolve(fallback.request(name, options, task))
        })
      })
    },
  }
}
