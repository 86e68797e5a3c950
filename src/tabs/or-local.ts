import { localLock } from './local-lock.ts'
import type { Lock } from './lock.ts'

// Two clients of one page must share it as they share the store.
const pageLock = /* @__PURE__ */ localLock()

/** Makes a lock that holds within this page only where the given one fails before the task has begun, for whatever reason. */
export function orLocal(lock: Lock): Lock {
  return {
    async request(name, options, task) {
      const attempt = async (again: boolean): ReturnType<typeof task> => {
        let begun = false as boolean
        try {
          return await lock.request(name, options, () => {
            begun = true
            return task()
          })
        } catch (error) {
          if (begun) throw error
          options.signal?.throwIfAborted()
          // Stolen between the grant and the task: that lock works, and whoever stole it must not be joined.
          const isStolen = (error as Partial<Error> | undefined)?.name === 'AbortError'
          return isStolen && !again ? attempt(true) : pageLock.request(name, options, task)
        }
      }
      return attempt(false)
    },
  }
}
