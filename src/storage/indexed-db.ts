import { transact } from './indexed-db-transaction.ts'
import type { TransactionStore } from './store.ts'

/** Options of {@link indexedDbStore}. */
export interface IndexedDbStoreOptions {
  /** The name of the database, which should contain nothing else. Default: `'pkce-client'`. */
  name?: string | undefined
}

/** A record brings the key that opens it, so that no two tabs can disagree about which key is the right one. */
interface SealedRecord {
  /** AES-GCM, 256 bits; scripts can use it and cannot export it. */
  key: CryptoKey
  iv: Uint8Array<ArrayBuffer>
  ciphertext: ArrayBuffer
}

const algorithm = 'AES-GCM'

/**
 * Creates a store that uses an IndexedDB database: all tabs share one session, and values are encrypted with keys that scripts
 * cannot export. Its methods reject with the browser's error: no IndexedDB, quota exceeded, access denied. A value that cannot be
 * decrypted counts as missing.
 */
export function indexedDbStore(options: IndexedDbStoreOptions = {}): TransactionStore {
  const { name = 'pkce-client' } = options
  return {
    shared: true,
    async get(key) {
      return open(key, await transact<unknown>(name, 'readonly', (store) => store.get(key)))
    },
    async set(key, value) {
      const sealed = await seal(key, value)
      await transact(name, 'readwrite', (store) => store.put(sealed, key))
    },
    async remove(key) {
      await transact(name, 'readwrite', (store) => store.delete(key))
    },
    async keys(prefix) {
      const keys = await transact(name, 'readonly', (store) => store.getAllKeys())
      return keys.filter((key) => typeof key === 'string' && key.startsWith(prefix)) as string[]
    },
  }
}

/**
 * Encrypts, before the transaction is begun: it would end during the wait. The name is authenticated too, so that records
 * cannot be swapped.
 */
async function seal(name: string, value: string): Promise<SealedRecord> {
  const key = await crypto.subtle.generateKey({ name: algorithm, length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
  const iv = crypto.getRandomValues(new Uint8Array(12))
  const plaintext = new TextEncoder().encode(value)
  return { key, iv, ciphertext: await crypto.subtle.encrypt(parameters(name, iv), key, plaintext) }
}

/** Decrypts. Anything that is not a record of ours, or was sealed under another name, counts as absent. */
async function open(name: string, sealed: unknown): Promise<string | undefined> {
  try {
    const { key, iv, ciphertext } = sealed as SealedRecord
    const plaintext = await crypto.subtle.decrypt(parameters(name, iv), key, ciphertext)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext)
  } catch {
    return undefined
  }
}

function parameters(name: string, iv: Uint8Array<ArrayBuffer>): AesGcmParams {
  return { name: algorithm, iv, additionalData: new TextEncoder().encode(name) }
}
