import { forceCloseDatabase } from 'fake-indexeddb'

/** What a request of IndexedDB comes to. */
export function request<T>(pending: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    pending.onsuccess = () => resolve(pending.result)
    pending.onerror = () => reject(pending.error)
  })
}

/** Every record of the database as it lies there, by name. */
export async function rawRecords(): Promise<[IDBValidKey, unknown][]> {
  const database = await request(indexedDB.open('pkce-client'))
  try {
    const records = database.transaction('records').objectStore('records')
    const [keys, values] = await Promise.all([
      request(records.getAllKeys()),
      request(records.getAll()),
    ])
    return keys.map((key, index) => [key, values[index]])
  } finally {
    database.close()
  }
}

/** Puts something else in the place of each record, and adds some, as script of the same origin could. */
export async function editRecords(
  edit: (name: IDBValidKey, record: unknown) => unknown,
  more: [IDBValidKey, unknown][] = [],
): Promise<void> {
  const found = await rawRecords()
  const database = await request(indexedDB.open('pkce-client'))
  const transaction = database.transaction('records', 'readwrite')
  const records = transaction.objectStore('records')
  for (const [name, record] of found) records.put(edit(name, record), name)
  for (const [name, record] of more) records.put(record, name)
  await new Promise((resolve) => (transaction.oncomplete = resolve))
  database.close()
}

/** What a browser does when its storage process dies, or the person clears the site data. */
export const closeFromOutside = forceCloseDatabase as unknown as (database: IDBDatabase) => void
