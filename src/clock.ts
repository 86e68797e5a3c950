/** The only source of time and random jitter. Replace it in tests by the fake clock of `pkce-client/testing`. */
export interface Clock {
  /** The local time in milliseconds since 1970. It may be wrong by hours, and may jump. */
  now(): number
  /**
   * Calls back once, never synchronously, and returns a function that cancels it. In a page that sleeps or is frozen it calls back
   * late. Delays are capped at 2^31-1 ms, because browsers fire longer ones at once.
   */
  setTimeout(callback: () => void, milliseconds: number): () => void
  /** Returns a number in [0, 1), for jitter only; secrets come from WebCrypto. */
  random(): number
  /** Returns how many seconds `now` is ahead of `Date.now()`. */
  systemOffset(): number
}

export const maximumDelay = 0x7fffffff

/** The clock of the machine: `Date`, `setTimeout` and `Math.random`. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    setTimeout(callback, milliseconds) {
      const timer = setTimeout(callback, Math.min(milliseconds, maximumDelay))
      return () => clearTimeout(timer)
    },
    random: () => Math.random(),
    systemOffset: () => 0,
  }
}

/** How many timers one wait is made of. */
const steps = 20

/**
 * Calls back after so many milliseconds awake, and returns the cancel function. Time asleep does not count, because whoever
 * is waited for may have slept as well; so the wait is made of short timers, of which a sleep completes one at most.
 */
export function afterAwake(clock: Clock, callback: () => void, milliseconds: number): () => void {
  let left = steps
  let cancel = () => {}
  const wait = () => {
    left -= 1
    cancel = clock.setTimeout(left ? wait : callback, milliseconds / steps)
  }
  wait()
  return () => cancel()
}
