/**
 * Sealed values by key, shared by all processes of an app. Each method is atomic by itself; none creates what another has
 * removed. What a store throws becomes `storage_unavailable`.
 */
export interface SessionStore {
  /** The value, unless it has expired. */
  get(key: string): Promise<string | undefined>
  /** True for exactly one of all callers, while there is no value that has not expired. `ttl` is in milliseconds; `Infinity` never ends. */
  add(key: string, value: string, options: AddOptions): Promise<boolean>
  /** Replaces the value only if it is exactly `seen`; it then lives for `ttl` milliseconds from now. */
  swap(key: string, change: Swap): Promise<boolean>
  /** The value lives for `ttl` milliseconds from now, if there is one. May skip the first sixtieth of the ttl. */
  touch(key: string, ttl: number): Promise<void>
  /** With `seen`, only if the value is exactly that. */
  remove(key: string, seen?: string): Promise<void>
  /** The keys that were added under this index; some may have expired since. */
  find(index: string): Promise<string[]>
  /** Tells when what is behind the store begins to fail and when it works again; for a store that goes on meanwhile. */
  listen?(listener: (event: StoreEvent) => void): void
}

/** What {@link SessionStore.listen} tells. `error` is what the app's own client threw. */
export type StoreEvent = { type: 'storage-failed'; error: unknown } | { type: 'storage-recovered' }

/** Options of {@link SessionStore.add}. */
export interface AddOptions {
  /** Milliseconds the value lives. */
  ttl: number
  /** Under which names {@link SessionStore.find} gives the key. */
  index?: SessionIndex | undefined
}

/** Names of a value beside its key. */
export interface SessionIndex {
  /** What {@link SessionStore.find} is asked with. */
  names: readonly string[]
  /** Milliseconds the names live, which may be longer than the value does at first. */
  ttl: number
}

/** What {@link SessionStore.swap} does. */
export interface Swap {
  /** The exact value that was read. */
  seen: string
  /** What replaces it. */
  value: string
  /** Milliseconds the new value lives. */
  ttl: number
  /** The value says that this has ended: a store that goes on while another fails lets no other value win over it later. */
  final?: boolean | undefined
}
