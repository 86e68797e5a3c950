import { systemClock } from '../../clock.ts'
import { createCopy } from './copy.ts'
import { createLocalChanges } from './local-changes.ts'
import { memorySessions } from './memory.ts'
import { replay } from './replay.ts'
import { within } from './within.ts'
import type { Clock } from '../../clock.ts'
import type { SessionStore, StoreEvent } from './session-store.ts'

/** Options of {@link withFallback}. */
export interface FallbackOptions {
  /** True when no other process uses the store: then sessions are refreshed while the store fails, too. */
  alone?: boolean | undefined
  /** How many keys are remembered; 10,000 when left out. */
  limit?: number | undefined
  /** The source of time; the machine's when left out. */
  clock?: Clock | undefined
}

/** Milliseconds that the store may take to answer. */
const longest = 2000
/** Milliseconds between two attempts to reach the store again. */
const pause = 1000

/**
 * Lets an app go on while its store of sessions fails, or takes longer than two seconds to answer. What is read comes from a copy of
 * what this process has seen, new sign-ins live in it, and endings are remembered; a key that this process has not seen rejects with
 * what the store failed with. Nobody gets a lock, so that nothing is refreshed, unless the process is `alone`.
 *
 * Once the store works again, the changes are made there. A value replaces only what this process has seen or written, so that
 * what another process wrote later wins. An ending (`remove`, or a `swap` that is `final`) replaces whatever is there. Nothing is
 * created but what was added here; alone, also what the store has lost.
 */
export function withFallback(store: SessionStore, options: FallbackOptions = {}): SessionStore {
  const { alone = false, limit = 10_000, clock = systemClock() } = options
  const prompt = promptStore(store, clock)
  const copy = createCopy({ clock, limit })
  const local = createLocalChanges({ copy, clock })
  const listeners: ((event: StoreEvent) => void)[] = []
  let failure: { error: unknown } | undefined
  /** When the store failed the last time. */
  let triedAt = 0
  let isProbeDue = false
  let probing: Promise<void> | undefined

  function tell(event: StoreEvent): void {
    for (const listener of listeners) listener(event)
  }

  function failed(error: unknown): void {
    if (!failure) tell({ type: 'storage-failed', error })
    failure = { error }
    triedAt = clock.now()
  }

  function probeLater(): void {
    if (isProbeDue) return
    isProbeDue = true
    clock.setTimeout(() => {
      isProbeDue = false
      void probe()
    }, pause)
  }

  function probe(): Promise<void> {
    return (probing ??= tryAgain().finally(() => (probing = undefined)))
  }

  async function tryAgain(): Promise<void> {
    try {
      await prompt.get('probe')
      await replay({ copy, store: prompt, clock, alone })
      failure = undefined
      tell({ type: 'storage-recovered' })
    } catch (error) {
      failed(error)
    }
    // Without changes to be made the next call is soon enough: no process is kept alive for nothing.
    if (copy.unsaved.size > 0) probeLater()
  }

  /** For somebody who cannot be answered without the store. */
  async function isBack(): Promise<boolean> {
    if (Math.abs(clock.now() - triedAt) >= pause) await probe()
    return !failure
  }

  /** Asks the store and, when it fails, this process. */
  async function ask<T>(question: Question<T>): Promise<T> {
    const { work, seen, known } = question
    let tried = false
    if (!failure) {
      try {
        const result = await work()
        seen?.(result)
        return result
      } catch (error) {
        failed(error)
        tried = true
      }
    }
    const answer = known(tried)
    if (!answer && !tried && (await isBack())) return ask(question)
    probeLater()
    if (!answer) throw failure?.error
    return answer.is
  }

  const locks = alone ? memorySessions({ clock }) : forwardAll(prompt, ask)
  const sessions: SessionStore = {
    get(key) {
      const begun = copy.nextTurn()
      return ask({
        work: () => prompt.get(key),
        seen: (value) => copy.read(key, { value, begun }),
        known: () => answerOf(local.get(key), ({ value }) => value),
        // It may have been changed here since.
      }).then((value) => (copy.unsaved.has(key) ? copy.find(key)?.value : value))
    },
    add: (key, value, added) =>
      ask({
        work: () => prompt.add(key, value, added),
        seen: (isAdded) => isAdded && copy.wrote(key, value, added.ttl),
        known: (tried) => answerOf(local.add(key, { ...added, value, tried })),
      }),
    swap: (key, swap) =>
      ask({
        work: () => prompt.swap(key, swap),
        seen: (swapped) => (swapped ? copy.wrote(key, swap.value, swap.ttl) : copy.forget(key)),
        known: (tried) => answerOf(local.swap(key, { ...swap, tried })),
      }),
    touch(key, ttl) {
      if (!failure) copy.touch(key, { ttl })
      return ask({
        work: () => prompt.touch(key, ttl),
        known: () => ({ is: local.touch(key, ttl) }),
      })
    },
    remove: (key, seen) =>
      ask<unknown>({
        work: () => prompt.remove(key, seen),
        seen: () => (seen === undefined ? copy.wrote(key, undefined) : copy.forget(key)),
        known: () => answerOf(local.remove(key, seen)),
      }).then(() => {}),
    // Whoever asks must not believe that these are all.
    find: (index) => ask({ work: () => prompt.find(index), known: () => undefined }),
  }
  const placeOf = (key: string) => (key.startsWith('lock|') ? locks : sessions)

  return {
    get: (key) => placeOf(key).get(key),
    add: (key, value, added) => placeOf(key).add(key, value, added),
    swap: (key, swap) => placeOf(key).swap(key, swap),
    touch: (key, ttl) => placeOf(key).touch(key, ttl),
    remove: (key, seen) => placeOf(key).remove(key, seen),
    find: sessions.find,
    listen: (listener) => void listeners.push(listener),
  }
}

interface Question<T> {
  work: () => Promise<T>
  seen?: (result: T) => unknown
  /** Nothing when this process cannot know. `tried`: the store may have done it all the same. */
  known: (tried: boolean) => { is: T } | undefined
}

function answerOf<T extends object | boolean, R = T>(
  known: T | undefined,
  read = (one: T) => one as unknown as R,
): { is: R } | undefined {
  return known === undefined ? undefined : { is: read(known) }
}

/** Locks are never remembered: another process may hold them. */
function forwardAll(
  store: SessionStore,
  ask: <T>(question: Question<T>) => Promise<T>,
): SessionStore {
  const forward = <T>(work: () => Promise<T>) => ask({ work, known: () => undefined })
  return everyCall(store, forward)
}

function promptStore(store: SessionStore, clock: Clock): SessionStore {
  const late = () => new Error('The store of sessions did not answer within two seconds.')
  return everyCall(store, (work) => within(longest, { clock, late, work }))
}

function everyCall(
  store: SessionStore,
  call: <T>(work: () => Promise<T>) => Promise<T>,
): SessionStore {
  return {
    get: (key) => call(() => store.get(key)),
    add: (key, value, added) => call(() => store.add(key, value, added)),
    swap: (key, swap) => call(() => store.swap(key, swap)),
    touch: (key, ttl) => call(() => store.touch(key, ttl)),
    remove: (key, seen) => call(() => store.remove(key, seen)),
    find: (index) => call(() => store.find(index)),
  }
}
