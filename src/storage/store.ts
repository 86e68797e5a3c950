/**
 * Where strings are kept. Three methods, each of which may be synchronous or return a promise.
 *
 * - `get` gives what was last set under the key, or `undefined` / `null` when there is nothing.
 * - `set` replaces the value atomically: a reader sees the old value or the new one, never a part.
 * - `remove` of a key that is not there is not an error.
 * - Any method may throw or reject (quota, blocked storage); the caller copes and loses nothing.
 * - `shared` says that every tab of this origin reads and writes the same contents. Leave it out,
 *   or make it false, when each tab has contents of its own.
 * - `volatile` says that contents do not survive leaving the page.
 */
export interface Store {
  readonly shared?: boolean
  readonly volatile?: boolean
  get(key: string): Awaitable<string | null | undefined>
  set(key: string, value: string): Awaitable<void>
  remove(key: string): Awaitable<void>
}

/**
 * A store for sign-ins under way, which can also list its keys so that abandoned ones can be swept.
 *
 * - `keys` gives every key present that starts with the prefix, in any order.
 */
export interface TransactionStore extends Store {
  keys(prefix: string): Awaitable<string[]>
}

export type Awaitable<T> = T | PromiseLike<T>
