import { createFakeLocks } from '../../src/testing/fakes/locks.ts'
import { createFakePage } from '../../src/testing/fakes/page.ts'
import type { Lock, LockOptions } from '../../src/tabs/lock.ts'

/** `navigator.locks` as the Web Locks specification has it, for tabs that share one lock manager. */
export function fakeLockManagers(count: number) {
  const locks = createFakeLocks()
  return Array.from({ length: count }, () => {
    const lock = locks.of(createFakePage('https://app.example.com/'))
    return new FakeLockManager(lock)
  })
}

class FakeLockManager {
  readonly #lock: Lock

  constructor(lock: Lock) {
    this.#lock = lock
  }

  async request<T>(
    ...[name, options, callback]: [string, LockOptions, () => Promise<T>]
  ): Promise<T> {
    // Called without its `this`, a method of the platform throws just so.
    if (!(#lock in this)) throw new TypeError('Illegal invocation')
    if (name.startsWith('-')) throw new DOMException('A name of the platform.', 'NotSupportedError')
    if (options.steal && options.signal) {
      throw new DOMException('steal and signal exclude each other.', 'NotSupportedError')
    }
    return await this.#lock.request(name, options, callback)
  }
}
