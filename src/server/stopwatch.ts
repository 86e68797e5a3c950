import type { Clock } from '../clock.ts'

/** Milliseconds since some moment, never less than before. */
export type Monotonic = () => number

export const monotonic: Monotonic = () => performance.now()

/**
 * Starts a stopwatch. It reads whichever has moved further: the monotonic clock stands still while some machines sleep, and the
 * wall clock may be set back.
 */
export function stopwatch(clock: Clock, monotonic: Monotonic): () => number {
  const [wall, steady] = [clock.now(), monotonic()]
  return () => Math.max(clock.now() - wall, monotonic() - steady)
}
