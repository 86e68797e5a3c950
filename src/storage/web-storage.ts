import { memoryStore } from './memory.ts'
import type { TransactionStore } from './store.ts'

/** What {@link webStorageStore} can be told about the storage. */
export interface WebStorageStoreOptions {
  /** Whether all tabs see the same contents; by default true for all but this page's `sessionStorage`. */
  shared?: boolean | undefined
}

/** The part of a `Storage` that a store needs. */
export interface StorageLike {
  /** How many keys there are. */
  readonly length: number
  /** The key at this place, in any order that lasts while nothing changes. */
  key(index: number): string | null
  /** The value, or `null` when there is none. */
  getItem(key: string): string | null
  /** Replaces the value; throws when it cannot. */
  setItem(key: string, value: string): void
  /** Removes the value, if there is one. */
  removeItem(key: string): void
}

/**
 * Makes a store of a `Storage`, such as `localStorage` (one session for all tabs) or `sessionStorage`
 * (one for each). Its methods throw what the storage throws: quota, access denied.
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
