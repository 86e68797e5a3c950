import { afterAwake } from '../clock.ts'
import { transact } from './indexed-db-transaction.ts'
import type { Clock } from '../clock.ts'

const name = 'pkce-client-keys'
/** Milliseconds that IndexedDB may take to answer. */
const longest = 5000

export type KeyStore = ReturnType<typeof keyStore>

/** Key pairs in IndexedDB, where scripts can use and not export them. Its methods reject where there is none, or it does not answer. */
export function keyStore(clock: Clock) {
  const get = (key: string) =>
    inTime(
      clock,
      transact(
        name,
        'readonly',
        (store) => store.get(key) as IDBRequest<CryptoKeyPair | undefined>,
      ),
    )
  return {
    get,

    /** Keeps the pair unless there is one, and resolves to the one there is: tabs that each make one at once all get the same. */
    async add(key: string, pair: CryptoKeyPair): Promise<CryptoKeyPair> {
      const adding = transact(name, 'readwrite', (store) => store.add(pair, key))
      const failure: unknown = await inTime(clock, adding).catch((error: unknown) => error)
      const kept = await get(key)
      if (!kept) throw failure
      return kept
    },
  }
}

function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error('IndexedDB did not answer within five seconds.'))
    const cancel = afterAwake(clock, giveUp, longest)
    void work.then(resolve, reject).finally(cancel)
  })
}
