/**
 * Where strings are kept. Three methods, each of which may be synchronous or return a promise, and may throw or reject
 * (quota, blocked storage); the caller copes and loses nothing.
 */
export interface Store {
  /**
   * Every tab of this origin reads and writes the same contents. Leave it out, or make it false, when each tab has
   * contents of its own.
   */
  readonly shared?: boolean
  /** The contents do not survive leaving the page. */
  readonly volatile?: boolean
  /** Why the contents are in memory only, where they were to be kept in the page's storage. */
  readonly failure?: unknown
  /** Gives what was last set under the key, or `undefined` / `null` when there is nothing. */
  get(key: string): Awaitable<string | null | undefined>
  /** Replaces the value atomically: a reader sees the old value or the new one, never a part. */
  set(key: string, value: string): Awaitable<void>
  /** Removes the key; one that is not there is not an error. */
  remove(key: string): Awaitable<void>
}

/** A store for sign-ins under way, which can also list its keys so that abandoned ones can be swept. */
export interface TransactionStore extends Store {
  /** Gives every key present that starts with the prefix, in any order. */
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
