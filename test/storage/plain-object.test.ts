import { storeContract } from '../contracts/store.ts'
import type { Store } from '../../src/index.ts'

// Stores as apps write them: an object with the three methods, and nothing of ours.

/** Everything at once. */
function syncStore(): Store {
  const values = new Map<string, string>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
  }
}

/** Everything later, as over a message port, with `null` for nothing. */
function asyncStore(): Store {
  const values = new Map<string, string>()
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    async get(key) {
      await turn()
      return values.get(key) ?? null
    },
    async set(key, value) {
      await turn()
      values.set(key, value)
    },
    async remove(key) {
      await turn()
      values.delete(key)
    },
  }
}

/** With state in the object, as in a class of an app. */
class ClassStore implements Store {
  #values = new Map<string, string>()
  get(key: string) {
    return this.#values.get(key)
  }
  set(key: string, value: string) {
    this.#values.set(key, value)
  }
  remove(key: string) {
    this.#values.delete(key)
  }
}

storeContract('a plain object with three methods', syncStore)
storeContract('a plain object with three asynchronous methods', asyncStore)
storeContract('an instance of a class', () => new ClassStore())
