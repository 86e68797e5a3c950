import type { Host } from '../host/host.ts'
import type { Clock } from '../clock.ts'

interface DeparturesOptions {
  key: string
  host: Host
  clock: Clock
}

/** One time that this tab was sent away to sign in. */
interface Departure {
  state: string
  at: number
}

const mostRemembered = 20

export type Departures = ReturnType<typeof createDepartures>

/** What this tab, and no other, remembers of its departures to sign in. */
export function createDepartures({ key, host, clock }: DeparturesOptions) {
  const name = `${key}|departures`

  /** Newest first. Anybody may have edited it. */
  function all(): Departure[] {
    try {
      const stored = JSON.parse(host.getTabItem(name) ?? '[]') as Departure[]
      return stored.filter(({ state, at }) => typeof state === 'string' && Number.isFinite(at))
    } catch {
      return []
    }
  }

  return {
    all,

    /** Remembers that the user is being sent away under this `state`. */
    add(state: string): void {
      const departures = [{ state, at: clock.now() }, ...all()]
      host.setTabItem(name, JSON.stringify(departures.slice(0, mostRemembered)))
    },

    /** Whether this tab was sent away under this `state`. */
    includes: (state: string): boolean => all().some((departure) => departure.state === state),
  }
}
