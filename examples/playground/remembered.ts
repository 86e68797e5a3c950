// What this tab remembers while the page is left for a sign-in, and when it is loaded anew.
import type { TroubleName } from './verdict.ts'

export interface Remembered {
  /** Which kind of token the client asks for. */
  kind: 'bearer' | 'dpop'
  /** How a click on "Sign in" gets to the server. */
  mode: 'redirect' | 'popup'
  /** The clock of the client is two hours ahead. */
  isClockAhead: boolean
  /** How many nights the page has slept through. */
  nights: number
  /** The faults of the server that were switched on here. */
  faults: string[]
  /** The trouble whose verdict is given after the return. */
  pending?: TroubleName | undefined
  /** The `state` of the last sign-in that left. */
  state?: string | undefined
  /** The address that the last finished sign-in came back to. */
  callback?: string | undefined
  theme?: 'light' | 'dark' | undefined
}

const key = 'playground'
const beginning: Remembered = {
  kind: 'bearer',
  mode: 'redirect',
  isClockAhead: false,
  nights: 0,
  faults: [],
}

export function recall(): Remembered {
  return {
    ...beginning,
    ...(JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Remembered>),
  }
}

export function remember(changes: Partial<Remembered>): void {
  sessionStorage.setItem(key, JSON.stringify({ ...recall(), ...changes }))
}
