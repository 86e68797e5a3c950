import { transact } from './indexed-db-transaction.ts'
import type { Mark, OrderedMarks } from './store.ts'

/** Marks in IndexedDB. Their methods reject with what the browser says, also where there is no IndexedDB. */
export function orderedMarks(): OrderedMarks {
  const name = 'pkce-client-order'
  return {
    get: (key) =>
      transact(name, 'readonly', (store) => store.get(key) as IDBRequest<Mark | undefined>),
    set: (key, mark) => transact(name, 'readwrite', (store) => store.put(mark, key)),
  }
}
