import { isPkceClientError, PkceClientError } from '../errors.ts'
import { sha256 } from './bytes.ts'
import type { Clock } from '../clock.ts'
import type { ErrorCode } from '../errors.ts'
import type { Cookies } from './cookies.ts'
import type { Seal } from './seal.ts'
import type { SessionStore } from './store/session-store.ts'

/** A sign-in under way, as the browser of the user keeps it, sealed. */
export interface Departure {
  state: string
  nonce: string
  verifier: string
  scope: string
  ask: string
  resource?: readonly string[] | undefined
  maxAge?: number | undefined
  /** A URL of this app. */
  returnTo: string
  createdAt: number
  /** Where the session or account is kept that the sign-in began under; nothing when nobody was signed in. */
  under?: string | undefined
}

/** What became of a sign-in. */
export interface Arrival {
  /** The new session cookie; none where the session is that of an account. */
  cookie?: string | undefined
  returnTo: string
}

interface DeparturesOptions {
  cookies: Cookies
  seal: Seal
  store: SessionStore
  clock: Clock
  /** Milliseconds one request to the authorization server may take. */
  timeout: number
}

export type Departures = ReturnType<typeof createDepartures>

const mostAtOnce = 5
/** Browsers refuse larger cookies, and silently. */
const longestCookie = 3800
const lifetime = 3_600_000
/** The clocks of two machines may differ by this much. */
const skew = 7_200_000
/** For how long whoever asks again gets what the first got. */
const repeatable = 60_000
const firstPause = 20
const longestPause = 250

type Outcome =
  | { taken: true }
  | { at: number; arrival: Arrival }
  | { at: number; failure: { code: ErrorCode; message: string } }

/**
 * Sign-ins under way. They are kept in the browser, so that any machine can finish them and a flood of visits fills no memory;
 * the store learns of one only when its answer comes, and takes care that it is used once.
 */
export function createDepartures({ cookies, seal, store, clock, timeout }: DeparturesOptions) {
  const nameOf = async (state: string): Promise<{ id: string; key: string }> => {
    const hash = await sha256(state)
    return { id: hash.slice(0, 8), key: `tx|${hash}` }
  }

  async function begin(request: Request, departure: Departure): Promise<string[]> {
    const { id, key } = await nameOf(departure.state)
    let sealed = await seal.seal(JSON.stringify(departure), key)
    if (sealed.length > longestCookie)
      sealed = await seal.seal(JSON.stringify({ ...departure, returnTo: '' }), key)
    // With this one there are no more than may be; the browser sends the oldest first.
    const dropped = cookies
      .transactionIds(request)
      .reverse()
      .slice(mostAtOnce - 1)
    return [...dropped.map(cookies.clearTransaction), cookies.setTransaction(id, sealed)]
  }

  /** The sign-in that this browser began under this state. */
  async function find(request: Request, state: string): Promise<Departure | undefined> {
    const { id, key } = await nameOf(state)
    const sealed = cookies.readTransaction(request, id)
    const text = sealed && (await seal.open(sealed, key))
    const departure = text ? (JSON.parse(text) as Departure) : undefined
    const age = clock.now() - (departure?.createdAt ?? NaN)
    return Math.abs(age) < lifetime + skew ? departure : undefined
  }

  async function readOutcome(key: string): Promise<Outcome | undefined> {
    const sealed = await store.get(key)
    const text = sealed === undefined ? undefined : await seal.open(sealed, key)
    return text === undefined ? undefined : (JSON.parse(text) as Outcome)
  }

  /** What came of the same answer, which somebody else is using or has used. */
  async function repeat(key: string): Promise<Arrival> {
    const until = clock.now() + 2 * timeout
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const outcome = await readOutcome(key)
      if (outcome && 'at' in outcome) return resultOf(outcome, clock.now())
      if (!outcome || clock.now() > until) throw consumed()
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, pause))
    }
  }

  /** Uses the answer, once; whoever brings it again within a minute gets the same result. */
  async function finish(state: string, work: () => Promise<Arrival>): Promise<Arrival> {
    const { key } = await nameOf(state)
    const taken = await seal.seal(JSON.stringify({ taken: true } satisfies Outcome), key)
    if (!(await store.add(key, taken, { ttl: lifetime }))) return repeat(key)
    const settle = async (outcome: Outcome): Promise<void> => {
      const value = await seal.seal(JSON.stringify(outcome), key)
      // Whoever asks again will then be told that the answer is used up.
      await store.swap(key, { seen: taken, value, ttl: lifetime }).catch(() => {})
    }
    try {
      const arrival = await work()
      await settle({ at: clock.now(), arrival })
      return arrival
    } catch (error) {
      if (isPkceClientError(error)) {
        const { code, message } = error
        await settle({ at: clock.now(), failure: { code, message } })
      }
      throw error
    }
  }

  return {
    begin,
    find,
    finish,
    clear: async (state: string): Promise<string> =>
      cookies.clearTransaction((await nameOf(state)).id),
  }
}

function resultOf(outcome: Exclude<Outcome, { taken: true }>, now: number): Arrival {
  if (Math.abs(now - outcome.at) > repeatable) throw consumed()
  if ('arrival' in outcome) return outcome.arrival
  const { code, message } = outcome.failure
  throw new PkceClientError(code, message)
}

const consumed = () =>
  new PkceClientError('transaction_consumed', 'This answer was used before; sign in again.')
