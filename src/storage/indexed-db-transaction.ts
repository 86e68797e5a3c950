type Work<T> = (store: IDBObjectStore) => IDBRequest<T>

const records = 'records'

/**
 * One transaction on the database's only object store. Tries twice, because browsers lose connections now and then; doing any of
 * our transactions twice does no harm.
 */
export async function transact<T>(
  name: string,
  mode: IDBTransactionMode,
  work: Work<T>,
): Promise<T> {
  const attempt = async () => {
    const database = await connect(name)
    try {
      return await run(database.transaction(records, mode), work)
    } finally {
      database.close()
    }
  }
  return attempt().catch(attempt)
}

/** Resolves when the transaction is complete: a request in it succeeds before anything is on disk. */
function run<T>(transaction: IDBTransaction, work: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = work(transaction.objectStore(records))
    transaction.oncomplete = () => resolve(request.result)
    transaction.onabort = () => reject(transaction.error)
  })
}

/** A connection is kept for one transaction only, and so never in the way of a deletion or of the back/forward cache. */
function connect(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    request.onupgradeneeded = () => request.result.createObjectStore(records)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
