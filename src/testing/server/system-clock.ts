import type { Clock } from '../../clock.ts'

/** The clock of the machine, for a server that was not handed one. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    setTimeout(callback, milliseconds) {
      const timer = setTimeout(callback, milliseconds)
      return () => clearTimeout(timer)
    },
    random: () => Math.random(),
    systemOffset: () => 0,
  }
}
