import { isPkceClientError, PkceClientError } from '../errors.ts'
import { stopwatch } from './stopwatch.ts'
import { within } from './store/within.ts'
import type { Clock } from '../clock.ts'
import type { Monotonic } from './stopwatch.ts'
import type { SessionStore } from './store/session-store.ts'

/** Milliseconds that a lease lasts unless it is renewed. */
const lease = 5000
const renewEvery = 1600
/** A holder with less than this left must not begin anything that cannot be undone. */
const reserve = 0.3 * lease
const firstPause = 5
const longestPause = 100

interface LeaseLockOptions {
  store: Pick<SessionStore, 'add' | 'swap' | 'remove'>
  clock: Clock
  monotonic: Monotonic
  /** Gives another text each time, which no other process gives. */
  newId: () => string
}

/** Mutual exclusion between all processes that share a store. */
export interface LeaseLock {
  /**
   * Runs the task while nobody else runs one of the same name, and gives what it gives. `lost()` tells the task that somebody
   * else may hold the lock by now, or soon. Whoever has waited for `patience` milliseconds gives up with `timeout`; a task that
   * takes longer than that loses the lock. Rejects with `storage_unavailable` where the store fails.
   */
  run<T>(
    name: string,
    task: (lost: () => boolean) => Promise<T>,
    options: { patience: number },
  ): Promise<T>
}

/** A lease is a key that only its holder can renew or remove; when the holder dies it expires, and the next one adds it. */
export function createLeaseLock({ store, clock, monotonic, newId }: LeaseLockOptions): LeaseLock {
  return {
    async run(name, task, { patience }) {
      const key = `lock|${name}`
      const holder = newId()
      // Nobody waits for this: a lease that is not let go ends by itself.
      const letGo = () => void store.remove(key, holder).catch(() => {})
      let age: () => number
      let isOver = false
      try {
        const work = () => take(key, holder, () => isOver)
        age = await within(patience, { clock, late: () => tooLate(patience), work })
      } catch (error) {
        isOver = true
        // What failed or came too late may have taken it all the same.
        letGo()
        throw unavailable(error)
      }
      const { lost, end } = keep(key, { holder, age, patience })
      try {
        return await task(lost)
      } finally {
        end()
        letGo()
      }
    },
  }

  /** Resolves to how old the lease is, counted from before it was asked for. */
  async function take(
    ...[key, holder, isOver]: [string, string, () => boolean]
  ): Promise<() => number> {
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const age = stopwatch(clock, monotonic)
      if (isOver() || (await store.add(key, holder, { ttl: lease }))) return age
      await new Promise<void>((resolve) =>
        clock.setTimeout(resolve, pause * (0.5 + clock.random() / 2)),
      )
    }
  }

  /** Renews the lease for as long as a task may take. */
  function keep(
    key: string,
    { holder, age, patience }: { holder: string; age: () => number; patience: number },
  ) {
    let renewals = Math.floor(patience / renewEvery)
    let refused = false
    let cancel = () => {}
    const renewLater = () => {
      renewals -= 1
      if (renewals >= 0) cancel = clock.setTimeout(() => void renew(), renewEvery)
    }
    const renew = async () => {
      const renewed = stopwatch(clock, monotonic)
      renewLater()
      try {
        if (!(await store.swap(key, { seen: holder, value: holder, ttl: lease }))) refused = true
        age = renewed
      } catch {
        // The next renewal may succeed while some of the lease is left.
      }
    }
    renewLater()
    return { lost: () => refused || age() > lease - reserve, end: () => cancel() }
  }
}

const tooLate = (milliseconds: number) =>
  new PkceClientError(
    'timeout',
    `Another request has been refreshing this session for ${milliseconds} ms. Try again.`,
    { retryable: true },
  )

function unavailable(cause: unknown): PkceClientError {
  if (isPkceClientError(cause)) return cause
  return new PkceClientError('storage_unavailable', 'The store of sessions failed. Try again.', {
    retryable: true,
    cause,
  })
}
