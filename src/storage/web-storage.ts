import { memoryStore } from './memory.ts'
import type { TransactionStore } from './store.ts'

/** Options of {@link webStorageStore}. */
export interface WebStorageStoreOptions {
  /** Whether all tabs have the same contents. Default: true, except for this page's `sessionStorage`. */
  shared?: boolean | undefined
}

/** The members of `Storage` that {@link webStorageStore} uses. */
export interface StorageLike {
  /** The number of keys. */
  readonly length: number
  /** Returns the key at the index, or `null`. The order stays the same while nothing is set or removed. */
  key(index: number): string | null
  /** Returns the value, or `null` when there is none. */
  getItem(key: string): string | null
  /** Sets the value; throws when it cannot. */
  setItem(key: string, value: string): void
  /** Removes the value; not an error when there is none. */
  removeItem(key: string): void
}

/**
 * Creates a store that uses a `Storage`: `localStorage` (all tabs share one session) or `sessionStorage` (each tab has its own).
 * Its methods throw what the storage throws: quota exceeded, access denied.
 */
export function webStorageStore(
  storage: StorageLike,
  options: WebStorageStoreOptions = {},
): TransactionStore {
  return {
    get shared() {
      return options.shared ?? !isSessionStorage(storage)
    },
    get: (key) => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value),
    remove: (key) => storage.removeItem(key),
    keys: (prefix) =>
      Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '').filter((key) =>
        key.startsWith(prefix),
      ),
  }
}

/** Makes the default store: `localStorage` in a page that has it, memory everywhere else. */
export function pageStore(): TransactionStore {
  let store: TransactionStore | undefined
  const chosen = () => (store ??= chooseStore())
  return {
    get shared() {
      return chosen().shared ?? false
    },
    get volatile() {
      return chosen().volatile ?? false
    },
    get failure() {
      return chosen().failure
    },
    get: (key) => chosen().get(key),
    set: (key, value) => chosen().set(key, value),
    remove: (key) => chosen().remove(key),
    keys: (prefix) => chosen().keys(prefix),
  }
}

function chooseStore(): TransactionStore {
  // Node 25 and Deno have a localStorage that all visitors of a server would share.
  if (typeof document === 'undefined') return memoryStore()
  let failure: unknown = new Error('This page has no localStorage.')
  try {
    // Absent in some web views; merely reading it throws where site data is blocked.
    const storage = globalThis.localStorage as Storage | null | undefined
    if (storage) return webStorageStore(storage, { shared: true })
  } catch (cause) {
    failure = cause
  }
  return { ...memoryStore(), failure }
}

function isSessionStorage(storage: StorageLike): boolean {
  try {
    return storage === globalThis.sessionStorage
  } catch {
    return false
  }
}
