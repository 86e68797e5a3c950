/** Mutual exclusion by name, like Web Locks. */
export interface Lock {
  /**
   * Runs the task when the lock is free, in the order of the requests, and settles as the task does. The lock is released when
   * the task settles, or when the tab that holds it is closed. If it rejects before the task has begun, a lock within this page
   * is used instead.
   */
  request<T>(name: string, options: LockOptions, task: () => Promise<T>): Promise<T>
}

/** Options of {@link Lock.request}. `steal` and `signal` are never given together. */
export interface LockOptions {
  /**
   * Takes the lock from its holder, ahead of all requests that wait. The task of the former holder goes on, but its `request`
   * rejects.
   */
  steal?: boolean
  /** Ends the wait, and rejects with the signal's reason. A task that has begun is not interrupted. */
  signal?: AbortSignal
  /**
   * Milliseconds for which the lock may be kept after the request has settled, so that other tabs can read what the holder has
   * written before they get the lock. A lock within one process does not need it.
   */
  linger?: number
}
