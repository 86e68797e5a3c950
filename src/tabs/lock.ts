/** Mutual exclusion by name, in the manner of Web Locks. */
export interface Lock {
  /**
   * Runs the task once the lock is free, in the order asked, and settles as the task does. The lock is let go when the
   * task settles, or when the tab that holds it goes away.
   */
  request<T>(name: string, options: LockOptions, task: () => Promise<T>): Promise<T>
}

/** How a lock is asked for. `steal` and `signal` are never given together. */
export interface LockOptions {
  /**
   * Takes the lock from whoever holds it, ahead of everyone who waits. The former holder's task runs on, but its
   * `request` rejects; it must tell from its own data that it lost.
   */
  steal?: boolean
  /** Aborting gives up waiting and rejects with the signal's reason; a task that has begun is not interrupted. */
  signal?: AbortSignal
  /**
   * Milliseconds for which the lock may be kept after the request has settled, so that what the holder wrote reaches the
   * others first. A lock within one process has no need of it.
   */
  linger?: number
}
