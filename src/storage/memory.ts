import type { TransactionStore } from './store.ts'

/** Creates a store in memory: nothing is written anywhere, and the contents are lost with the page or process. */
export function memoryStore(): TransactionStore {
  const values = new Map<string, string>()
  return {
    shared: false,
    volatile: true,
    get: (key) => values.get(key),
    set(key, value) {
      values.set(key, value)
    },
    remove(key) {
      values.delete(key)
    },
    keys: (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
  }
}
