import { IDBFactory, IDBObjectStore } from 'fake-indexeddb'
import { vi } from 'vitest'
import { indexedDbStore, memoryStore, webStorageStore } from '../../src/index.ts'
import type { Store } from '../../src/index.ts'

/** One place that keeps a session, whatever the kind, and what can go wrong with it. */
export interface Place {
  /** The store as a page has it; each page makes its own. */
  open(): Store
  /** What lies under the key, behind the client's back. */
  peek(key: string): Promise<string | undefined>
  plant(key: string, text: string): Promise<void>
  /** Makes writing fail, as a full disk does, or everything, as blocked site data does; or mends it. */
  fail(how?: 'full' | 'blocked'): void
}

type Failure = 'full' | 'blocked' | undefined

/** A place in memory, which `store` gets to through a guard that throws as browsers do. */
function mapPlace(store: (values: Map<string, string>, guard: Guard) => () => Store): () => Place {
  return () => {
    const values = new Map<string, string>()
    let failure: Failure
    const open = store(values, (writes) => {
      if (failure === 'blocked')
        throw new DOMException('Access is denied for this document.', 'SecurityError')
      if (failure === 'full' && writes)
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
    })
    return {
      open,
      peek: async (key) => values.get(key),
      plant: async (key, text) => void values.set(key, text),
      fail(how) {
        failure = how
      },
    }
  }
}

type Guard = (writes: boolean) => void

function webStorage(shared: boolean) {
  return mapPlace((values, guard) => () => {
    const storage = {
      get length() {
        return values.size
      },
      key: (index: number) => [...values.keys()].at(index) ?? null,
      getItem(key: string) {
        guard(false)
        return values.get(key) ?? null
      },
      setItem(key: string, value: string) {
        guard(true)
        values.set(key, value)
      },
      removeItem(key: string) {
        guard(true)
        values.delete(key)
      },
    }
    return webStorageStore(storage, { shared })
  })
}

const plainObject = mapPlace((values, guard) => () => ({
  get(key) {
    guard(false)
    return values.get(key)
  },
  set(key, value) {
    guard(true)
    values.set(key, value)
  },
  remove(key) {
    guard(true)
    values.delete(key)
  },
}))

const asyncObject = mapPlace((values, guard) => {
  const later = async <T>(work: () => T): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve))
    return work()
  }
  return () => ({
    shared: true,
    get: (key) => later(() => (guard(false), values.get(key) ?? null)),
    set: (key, value) => later(() => (guard(true), void values.set(key, value))),
    remove: (key) => later(() => (guard(true), void values.delete(key))),
  })
})

function indexedDb(): Place {
  const factory = new IDBFactory()
  let full: { mockRestore(): void } | undefined
  vi.stubGlobal('indexedDB', factory)
  const blocked = () => {
    throw new DOMException('A mutation operation was attempted.', 'InvalidStateError')
  }
  const direct = indexedDbStore()
  return {
    open: indexedDbStore,
    peek: async (key) => (await direct.get(key)) ?? undefined,
    plant: async (key, text) => direct.set(key, text),
    fail(how) {
      factory.open = how === 'blocked' ? blocked : IDBFactory.prototype.open
      full?.mockRestore()
      if (how !== 'full') return
      full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
      })
    },
  }
}

/** A memory store is gone with its page; here the next page gets the same one. */
function memory(): Place {
  const store = memoryStore()
  return {
    open: () => store,
    peek: async (key) => (await store.get(key)) ?? undefined,
    plant: async (key, text) => store.set(key, text),
    fail: () => undefined,
  }
}

/** Every kind of store, with a new place for each test. */
export const places: Record<string, () => Place> = {
  'webStorageStore, shared by all tabs': webStorage(true),
  'webStorageStore, for each tab': webStorage(false),
  memoryStore: memory,
  indexedDbStore: indexedDb,
  'an object with three methods': plainObject,
  'an object with three asynchronous methods': asyncObject,
}

/** Those that can fail. */
export const failingPlaces = Object.entries(places).filter(([name]) => name !== 'memoryStore')
