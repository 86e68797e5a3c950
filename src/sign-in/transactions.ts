import { copyOwn } from '../check-options.ts'
import { PkceClientError } from '../errors.ts'
import { pick } from '../session/stored.ts'
import type { Clock } from '../clock.ts'
import type { Exclusive } from '../session/exclusive.ts'
import type { TransactionStore } from '../storage/store.ts'
import type { Shape } from '../session/stored.ts'

/** A sign-in (or sign-out) under way: what its answer must fit, and what the app wants back. */
export interface Transaction {
  /** The navigator's mode, or 'sign-out'. */
  mode: string
  createdAt: number
  issuer: string
  clientId: string
  redirectUri: string
  scope: string
  verifier: string
  nonce: string
  maxAge?: number | undefined
  /** What the access token is asked for with. */
  ask?: string | undefined
  /** What it is for, where that does not say so. */
  resource?: readonly string[] | undefined
  /** A copy of the server's metadata, so that the return needs no second discovery. */
  server?: object | undefined
  returnTo?: string | undefined
  appState?: unknown
  /** The id under which this tab keeps the request that the sign-in was begun for. */
  resume?: string | undefined
  /** It was used before, and its secrets are gone. */
  taken?: boolean | undefined
  /** The sign-in succeeded: it does not count as a departure without a finished sign-in. */
  finished?: boolean | undefined
}

const shape: Shape = {
  mode: 'string',
  createdAt: 'number',
  issuer: 'string',
  clientId: 'string',
  redirectUri: 'string',
  scope: 'string',
  verifier: 'string',
  nonce: 'string',
  maxAge: 'number?',
  ask: 'string?',
  server: 'object?',
  returnTo: 'string?',
  resume: 'string?',
}

interface TransactionOptions {
  key: string
  transactionStore: TransactionStore
  /** Runs a task while nobody else runs one under its name. */
  exclusive: Exclusive
  clock: Clock
  /** Whether this tab began the sign-in. */
  isBegunHere: (state: string) => boolean
}

const longestLife = 3_600_000
const mostTransactions = 20

export type Transactions = ReturnType<typeof createTransactions>

/** Sign-ins under way, each under its own `state`: put once, taken once, swept when abandoned. */
export function createTransactions(options: TransactionOptions) {
  const { key, transactionStore: store, clock, isBegunHere } = options
  const prefix = `${key}|tx|`
  const tag = shortHash(key)

  async function read(name: string): Promise<Transaction | undefined> {
    const text = await store.get(name)
    try {
      const stored = JSON.parse(text ?? '') as Transaction
      // Without a prototype, where anybody could have put what this sign-in has not. Copies of it have none of that either.
      const source = Object.assign(copyOwn(stored), pick(stored, shape))
      // Throws unless it is one.
      new URL(source.redirectUri)
      // The clock may have been set right while the user was away, so age is no reason to refuse the tab that began it.
      const isYoung = Math.abs(clock.now() - source.createdAt) < longestLife
      return isYoung || isBegunHere(name.slice(prefix.length)) ? source : undefined
    } catch {
      return undefined
    }
  }

  const write = async (state: string, transaction: Transaction): Promise<void> =>
    store.set(prefix + state, JSON.stringify(transaction))

  /** Removes what is too old, broken or too much. */
  async function sweep(): Promise<void> {
    const found: { name: string; createdAt: number }[] = []
    for (const name of await store.keys(prefix + tag)) {
      const entry = await read(name)
      if (entry) found.push({ name, createdAt: entry.createdAt })
      else await store.remove(name)
    }
    found.sort((a, b) => b.createdAt - a.createdAt)
    for (const { name } of found.splice(mostTransactions - 1)) await store.remove(name)
  }

  async function storage<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      // Chromium's error names the key that could not be saved, and the key ends in the state, which is nobody's to read.
      throw cannotRemember(String(cause).includes(prefix) ? undefined : cause)
    }
  }

  return {
    /** What every state of this key begins with. */
    tag,

    /** Remembers a transaction; throws `storage_unavailable`. */
    put: (state: string, transaction: Transaction): Promise<void> =>
      storage(async () => {
        await sweep()
        await write(state, transaction)
      }),

    find: (state: string): Promise<Transaction | undefined> => storage(() => read(prefix + state)),

    /**
     * Takes a transaction before it is used, so that it cannot be used twice, whatever becomes of it. The lock is held
     * while it is used: whoever comes second, in this tab or another, finds the outcome and not a half-done sign-in.
     */
    take<T>(state: string, use: (found: Transaction | undefined) => Promise<T>): Promise<T> {
      const task = async () => {
        const found = await storage(async () => {
          const entry = await read(prefix + state)
          if (entry && !entry.taken) await write(state, spent(entry))
          return entry
        })
        const result = await use(found)
        if (found && !found.taken)
          await write(state, { ...spent(found), finished: true }).catch(() => {})
        return result
      }
      return options.exclusive({ name: `${key}|tx:${state}`, task })
    },
  }
}

export function cannotRemember(cause?: unknown): PkceClientError {
  return new PkceClientError(
    'storage_unavailable',
    'The sign-in cannot be remembered while the user is away; allow site data, or pass a transactionStore.',
    { cause },
  )
}

/** FNV-1a. Tells the clients of one origin apart; not a secret. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(36)
}

/** What stays of a transaction that was taken: no secrets. */
function spent(transaction: Transaction): Transaction {
  return { ...transaction, verifier: '', nonce: '', server: undefined, taken: true }
}
