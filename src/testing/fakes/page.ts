import type { Clock } from '../../clock.ts'
import type { Awaitable, TransactionStore } from '../../storage/store.ts'

/** One document of a fake tab. Everything it does goes through here, and ends when it is gone. */
export interface FakePage {
  /** The address of the document, which `history.replaceState` changes. */
  url: string
  /** What `history.state` holds. */
  historyState: unknown
  /** Storage, locks and channels are those of this origin. */
  readonly origin: string
  /** `frozen` hears later what it misses, `cached` (back/forward cache) misses channel messages. */
  readonly state: 'running' | 'frozen' | 'cached' | 'gone'
  /** Calls the task now, once the page is resumed, or never. */
  run(task: () => void): void
  /** As {@link run}, for a task with a result; of a page that is gone the promise stays pending. */
  attempt<T>(task: () => T): Awaitable<T>
  /** Is called when the page goes, to let go of what the browser held for it. */
  onGone(release: () => void): void
  freeze(how?: 'frozen' | 'cached'): void
  /** Goes on: with `first`, then with what was held up. */
  resume(first?: () => void): void
  discard(): void
}

export function createFakePage(url: string): FakePage {
  const held: (() => void)[] = []
  const releases: (() => void)[] = []
  let state: FakePage['state'] = 'running'

  const run = (task: () => void) => {
    if (state === 'running') task()
    else if (state !== 'gone') held.push(task)
  }
  return {
    url,
    historyState: null,
    origin: new URL(url).origin,
    get state() {
      return state
    },
    run,
    attempt<T>(task: () => T): Awaitable<T> {
      if (state === 'running') return task()
      return new Promise<T>((resolve, reject) =>
        run(() => {
          try {
            resolve(task())
          } catch (error) {
            reject(error)
          }
        }),
      )
    },
    onGone(release) {
      releases.push(release)
    },
    freeze(how = 'frozen') {
      if (state === 'running') state = how
    },
    resume(first) {
      if (state === 'running' || state === 'gone') return
      state = 'running'
      first?.()
      for (const task of held.splice(0)) run(task)
    },
    discard() {
      if (state === 'gone') return
      state = 'gone'
      for (const release of releases) release()
    },
  }
}

/** The clock as a page has it: its timers wait while it is frozen and die with it. */
export function pageClock(page: FakePage, clock: Clock): Clock {
  const pending = new Set<() => void>()
  page.onGone(() => pending.forEach((cancel) => cancel()))
  return {
    now: () => clock.now(),
    random: () => clock.random(),
    systemOffset: () => clock.systemOffset(),
    setTimeout(callback, milliseconds) {
      if (page.state === 'gone') return () => undefined
      let cancelled = false
      const stop = clock.setTimeout(() => {
        pending.delete(cancel)
        page.run(() => {
          if (!cancelled) callback()
        })
      }, milliseconds)
      const cancel = () => {
        cancelled = true
        pending.delete(cancel)
        stop()
      }
      pending.add(cancel)
      return cancel
    },
  }
}

/** What a fake storage refuses: reading, writing, everything, or nothing. */
export type StorageFailure = 'get' | 'set' | 'all' | undefined

/** A page's way to a storage that outlives it. */
export function pageStorage(
  page: FakePage,
  options: { values: Map<string, string>; shared: boolean; failure: () => StorageFailure },
): TransactionStore {
  const { values, shared, failure } = options
  const unless = (kind: StorageFailure) => {
    if (failure() === 'all' || (kind && failure() === kind)) {
      throw new DOMException(
        `The fake storage refuses this (failStorage '${String(failure())}').`,
        failure() === 'set' ? 'QuotaExceededError' : 'SecurityError',
      )
    }
  }
  return {
    shared,
    get: (key) =>
      page.attempt(() => {
        unless('get')
        return values.get(key) ?? null
      }),
    set: (key, value) =>
      page.attempt(() => {
        unless('set')
        values.set(key, value)
      }),
    remove: (key) =>
      page.attempt(() => {
        unless(undefined)
        values.delete(key)
      }),
    keys: (prefix) =>
      page.attempt(() => {
        unless('get')
        return [...values.keys()].filter((key) => key.startsWith(prefix))
      }),
  }
}
