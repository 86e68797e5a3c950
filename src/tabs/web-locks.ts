import { localLock } from './local-lock.ts'
import type { Lock } from './lock.ts'

// Two clients of one page must share it as they share the store.
const fallback = /* @__PURE__ */ localLock()

/**
 * Makes a lock that holds across all tabs of the origin (Web Locks), or within this page only where
 * the platform has none or denies it.
 */
export function webLocks(): Lock {
  return {
    async request(name, options, task) {
      // `navigator` is missing in Node 20; `locks` on plain http, and null in some emulated DOMs.
      const { locks } = (globalThis as { navigator?: Partial<Navigator> }).navigator ?? {}
      if (typeof locks?.request !== 'function') return fallback.request(name, options, task)
      let begun = false as boolean
      try {
        return await locks.request(name, options, () => {
          begun = true
          return task()
        })
      } catch (error) {
        // Opaque origins and blocked site data: there is nobody to share the lock with.
        if (begun || (error as Error).name !== 'SecurityError') throw error
        return fallback.request(name, options, task)
      }
    },
  }
}
