import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Transactions } from './transactions.ts'

interface LoopGuardOptions {
  key: string
  host: Host
  clock: Clock
  transactions: Transactions
}

interface Departure {
  state: string
  at: number
}

const loopWindow = 60_000
const mostDepartures = 2
const mostRemembered = 20

export type LoopGuard = ReturnType<typeof createLoopGuard>

/**
 * What this tab remembers of its departures to sign in. It is kept per tab: a browser that restores five tabs, each of
 * which departs once, is not a loop.
 */
export function createLoopGuard({ key, host, clock, transactions }: LoopGuardOptions) {
  const name = `${key}|departures`

  /** Newest first. Anybody may have edited it. */
  function departures(): Departure[] {
    try {
      const stored = JSON.parse(host.getTabItem(name) ?? '[]') as Departure[]
      return stored.filter(({ state, at }) => typeof state === 'string' && Number.isFinite(at))
    } catch {
      return []
    }
  }

  return {
    /** Remembers that the user is being sent away under this `state`. */
    add(state: string): void {
      const all = [{ state, at: clock.now() }, ...departures()]
      host.setTabItem(name, JSON.stringify(all.slice(0, mostRemembered)))
    },

    /** Whether this tab sends its user away over and over without a finished sign-in. */
    async isLooping(): Promise<boolean> {
      let count = 0
      for (const { state, at } of departures()) {
        if (Math.abs(clock.now() - at) >= loopWindow) break
        if ((await transactions.find(state))?.finished) break
        count += 1
      }
      return count >= mostDepartures
    },
  }
}
