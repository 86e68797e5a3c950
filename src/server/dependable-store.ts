import { PkceClientError } from '../errors.ts'
import { within } from './store/within.ts'
import type { Clock } from '../clock.ts'
import type { EmitServerEvent } from './events.ts'
import type { SessionStore } from './store/session-store.ts'

/** Milliseconds that a store may take to answer: clients of Redis wait without end for a server that is gone. */
const longest = 5000

interface StoreOptions {
  store: SessionStore
  clock: Clock
  emit: EmitServerEvent
}

/** The app's store, which answers in time, fails with `storage_unavailable`, and whose failures are told once. */
export function dependableStore({ store, clock, emit }: StoreOptions): SessionStore {
  let failing = false

  function failed(error: PkceClientError): void {
    if (!failing) emit('storage-failed', { error })
    failing = true
  }

  function recovered(): void {
    if (failing) emit('storage-recovered', { message: 'The store of sessions works again.' })
    failing = false
  }

  // One that goes on in memory does not fail, and still has something to tell.
  store.listen?.((event) => {
    if (event.type === 'storage-failed') failed(unavailable(event.error))
    else recovered()
  })

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      const late = () => unavailable(undefined)
      const result = await within(longest, { clock, late, work })
      if (!store.listen) recovered()
      return result
    } catch (cause) {
      const error = unavailable(cause)
      failed(error)
      throw error
    }
  }

  return {
    get: (key) => ask(() => store.get(key)),
    add: (key, value, options) => ask(() => store.add(key, value, options)),
    swap: (key, change) => ask(() => store.swap(key, change)),
    touch: (key, ttl) => ask(() => store.touch(key, ttl)),
    remove: (key, seen) => ask(() => store.remove(key, seen)),
    find: (index) => ask(() => store.find(index)),
  }
}

function unavailable(cause: unknown): PkceClientError {
  return new PkceClientError(
    'storage_unavailable',
    'The store of sessions does not answer; try again soon.',
    { retryable: true, cause },
  )
}
