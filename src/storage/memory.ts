import type { TransactionStore } from './store.ts'

/** Makes a store that lives and dies with this object: nothing is written anywhere. */
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
