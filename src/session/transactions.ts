import { PkceClientError } from '../errors.ts'
import { exclusive } from './exclusive.ts'
import type { Clock } from '../clock.ts'
import type { TransactionStore } from '../storage/store.ts'
import type { Lock } from '../tabs/lock.ts'

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
  resource?: readonly string[] | undefined
  /** A copy of the server's metadata, so that the return needs no second discovery. */
  server?: object | undefined
  returnTo?: string | undefined
  appState?: unknown
}

/** What is left of a transaction once it was taken: no secrets. */
export interface Tombstone {
  mode: string
  createdAt: number
  redirectUri: string
  taken: true
  finished?: boolean
  returnTo?: string | undefined
  appState?: unknown
}

export interface TransactionOptions {
  key: string
  store: TransactionStore
  lock: Lock
  clock: Clock
  timeout: number
}

const longestLife = 3_600_000
const mostTransactions = 20
const loopWindow = 60_000
const mostDepartures = 2

export type Transactions = ReturnType<typeof createTransactions>

/** Sign-ins under way, each under its own `state`: put once, taken once, swept when abandoned. */
export function createTransactions({ key, store, lock, clock, timeout }: TransactionOptions) {
  const prefix = `${key}|tx|`

  async function read(name: string): Promise<Transaction | Tombstone | undefined> {
    const text = await store.get(name)
    const found = typeof text === 'string' ? parse(text) : undefined
    const age = clock.now() - (found?.createdAt ?? 0)
    return found && Math.abs(age) < longestLife ? found : undefined
  }

  /** Removes what is too old, broken or too much, and gives what is left, newest first. */
  async function sweep(): Promise<(Transaction | Tombstone)[]> {
    const found: { name: string; entry: Transaction | Tombstone }[] = []
    for (const name of await store.keys(prefix)) {
      const entry = await read(name)
      if (entry) found.push({ name, entry })
      else await store.remove(name)
    }
    found.sort((a, b) => b.entry.createdAt - a.entry.createdAt)
    for (const { name } of found.splice(mostTransactions - 1)) await store.remove(name)
    return found.map(({ entry }) => entry)
  }

  async function storage<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw new PkceClientError(
        'storage_unavailable',
        'The sign-in cannot be remembered while the person is away: storage is blocked or full. Allow site data, or pass a transactionStore.',
        { cause },
      )
    }
  }

  return {
    /** Remembers a transaction; throws `storage_unavailable`. */
    put: (state: string, transaction: Transaction): Promise<void> =>
      storage(async () => {
        await sweep()
        await store.set(prefix + state, JSON.stringify(transaction))
      }),

    /** Whether people are being sent away over and over without anything to show for it. */
    isLooping: (mode: string): Promise<boolean> =>
      storage(async () => {
        const since = clock.now() - loopWindow
        const recent = (await sweep()).filter(
          (entry) => entry.mode === mode && entry.createdAt > since && !('finished' in entry),
        )
        return recent.length >= mostDepartures
      }),

    find: (state: string): Promise<Transaction | Tombstone | undefined> =>
      storage(() => read(prefix + state)),

    /**
     * Takes a transaction before it is used, so that it cannot be used twice, whatever becomes of it. The lock is held
     * while it is used: whoever comes second, in this tab or another, finds the outcome and not a half-done sign-in.
     */
    take: <T>(
      state: string,
      use: (found: Transaction | Tombstone | undefined) => Promise<T>,
    ): Promise<T> =>
      exclusive(
        { lock, clock, timeout },
        {
          name: `${key}|tx:${state}`,
          task: async () => {
            const found = await storage(async () => {
              const entry = await read(prefix + state)
              if (entry && !('taken' in entry)) {
                await store.set(prefix + state, JSON.stringify(tombstone(entry)))
              }
              return entry
            })
            return use(found)
          },
        },
      ),

    /** The sign-in succeeded: it does not count as a departure that came to nothing. */
    async finish(state: string, { mode, createdAt, redirectUri }: Transaction): Promise<void> {
      const finished: Tombstone = { mode, createdAt, redirectUri, taken: true, finished: true }
      try {
        await store.set(prefix + state, JSON.stringify(finished))
      } catch {
        // The tombstone without this mark is good enough.
      }
    },
  }
}

function tombstone({ mode, createdAt, redirectUri, returnTo, appState }: Transaction): Tombstone {
  return { mode, createdAt, redirectUri, taken: true, returnTo, appState }
}

function parse(text: string): Transaction | Tombstone | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const entry = Object.fromEntries(Object.entries(value)) as Record<string, unknown>
    const strings =
      entry.taken === true
        ? ['mode', 'redirectUri']
        : ['mode', 'redirectUri', 'issuer', 'clientId', 'scope', 'verifier', 'nonce']
    const fits = strings.every(
      (name) => Object.hasOwn(entry, name) && typeof entry[name] === 'string',
    )
    return fits && typeof entry.createdAt === 'number'
      ? (entry as unknown as Transaction)
      : undefined
  } catch {
    return undefined
  }
}
