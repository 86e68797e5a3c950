import type { Clock } from '../clock.ts'
import type { Departures } from './departures.ts'
import type { Transactions } from './transactions.ts'

interface LoopGuardOptions {
  clock: Clock
  departures: Departures
  transactions: Transactions
}

const loopWindow = 60_000
const mostDepartures = 2

/**
 * Whether this tab sends its user away over and over without a finished sign-in. It is counted per tab: a browser that
 * restores five tabs, each of which departs once, is not a loop.
 */
export async function isLooping({
  clock,
  departures,
  transactions,
}: LoopGuardOptions): Promise<boolean> {
  let count = 0
  for (const { state, at } of departures.all()) {
    if (Math.abs(clock.now() - at) >= loopWindow) break
    if ((await transactions.find(state))?.finished) break
    count += 1
  }
  return count >= mostDepartures
}
