/**
 * The only source of time and chance. Swap it in tests for the fake clock of `pkce-client/testing`.
 *
 * - `now` is the local wall clock in milliseconds. It may be wrong by hours and may jump.
 * - `setTimeout` calls back once, never synchronously, and returns the cancel function. A sleeping or
 *   frozen page calls back late; nothing may depend on it being on time. Delays are capped at
 *   2^31-1 ms, because browsers fire longer ones at once.
 * - `random` is for jitter only, in [0, 1). Secrets come from WebCrypto.
 * - `systemOffset` is how far `now` is ahead of `Date.now()`, in seconds.
 */
export interface Clock {
  now(): number
  setTimeout(callback: () => void, milliseconds: number): () => void
  random(): number
  systemOffset(): number
}

export const maximumDelay = 2 ** 31 - 1

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
