/**
 * Stores strings by key. Each method may be synchronous or return a promise, and may throw or reject (quota exceeded, storage
 * blocked). A call that takes longer than five seconds counts as failed. Where the store fails, the session is kept in memory.
 */
export interface Store {
  /**
   * Whether all tabs of this origin read and write the same contents. False, or left out, when each tab has its own.
   */
  readonly shared?: boolean
  /** Whether the contents are lost when the page is left. */
  readonly volatile?: boolean
  /** The error because of which the contents are in memory and not in the page's storage. */
  readonly failure?: unknown
  /** Returns the value last set for the key; `undefined` or `null` when there is none. */
  get(key: string): Awaitable<string | null | undefined>
  /** Sets the value atomically: a reader sees the old value or the new one, never a part of one. */
  set(key: string, value: string): Awaitable<void>
  /** Removes the key and its value; not an error when there is none. */
  remove(key: string): Awaitable<void>
}

/** A store for sign-ins in progress, which can also list its keys, so that abandoned sign-ins can be removed. */
export interface TransactionStore extends Store {
  /** Returns all keys that start with the prefix, in any order. */
  keys(prefix: string): Awaitable<string[]>
}

/** A generation of a session: nothing secret. */
export interface Mark {
  sid: string
  gen: number
}

/** Marks whose order holds between processes. */
export interface OrderedMarks {
  /** Gives what was last set under the key, in whatever tab, if anything was. */
  get(key: string): Promise<Mark | undefined>
  /** Resolves when every tab can read the mark. */
  set(key: string, mark: Mark): Promise<unknown>
}

/** A value, or the promise of one. */
export type Awaitable<T> = T | PromiseLike<T>
