import { afterAwake } from '../clock.ts'
import { PkceClientError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Awaitable, Store, TransactionStore } from './store.ts'

/** Milliseconds that a store may take to answer. */
const longest = 5000

/** A store that answers in time, if only by a failure. */
export interface PromptStore extends Store {
  /** The listener hears when something comes after all that was not waited for. */
  onLateAnswer(listener: () => void): void
  readonly shared: boolean
  /** Something that failed for being late may still be written. */
  isWriting(): boolean
}

/**
 * Makes a store that fails when it does not answer within five seconds. What was to be written may still be written later: so
 * nothing else is written until an answer has come. A store that owes an answer is asked again, and not waited for.
 */
export function timeLimited<S extends Store>(store: S, clock: Clock): S & PromptStore {
  const lateReads = new Set<object>()
  const lateWrites = new Set<object>()
  const listeners: (() => void)[] = []

  function inTime<T>(work: () => Awaitable<T>, late: Set<object>): Awaitable<T> {
    const answer = work()
    if (!isPromise(answer)) return answer
    return new Promise((resolve, reject) => {
      const call = {}
      const giveUp = () => {
        late.add(call)
        reject(tooLate())
      }
      const cancel = lateReads.size > 0 ? giveUp() : afterAwake(clock, giveUp, longest)
      const answered = () => {
        cancel?.()
        const wasLate = late.delete(call)
        // One that answers again may have forgotten the earlier calls.
        if (late === lateReads) late.clear()
        if (wasLate) for (const listener of listeners) listener()
      }
      answer.then(resolve, reject)
      answer.then(answered, answered)
    })
  }

  const read = <T>(work: () => Awaitable<T>) => inTime(work, lateReads)
  const write = (work: () => Awaitable<void>): Awaitable<void> =>
    lateReads.size + lateWrites.size > 0 ? Promise.reject(tooLate()) : inTime(work, lateWrites)

  const limited: TransactionStore & PromptStore = {
    get shared() {
      return store.shared ?? false
    },
    get volatile() {
      return store.volatile ?? false
    },
    get failure() {
      return store.failure
    },
    get: (key) => read(() => store.get(key)),
    set: (key, value) => write(() => store.set(key, value)),
    remove: (key) => write(() => store.remove(key)),
    keys: (prefix) => read(() => (store as unknown as TransactionStore).keys(prefix)),
    isWriting: () => lateWrites.size > 0,
    onLateAnswer: (listener) => void listeners.push(listener),
  }
  return limited as unknown as S & PromptStore
}

function isPromise<T>(answer: Awaitable<T>): answer is PromiseLike<T> {
  return typeof (answer as Partial<PromiseLike<T>> | null | undefined)?.then === 'function'
}

const tooLate = () =>
  new PkceClientError('storage_unavailable', 'The store did not answer within five seconds.')
