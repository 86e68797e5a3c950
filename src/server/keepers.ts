import type { Clock } from '../clock.ts'
import type { Credentials } from '../api/credentials.ts'
import type { AuthorizedFetch } from '../api/fetch.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { SessionRecords } from './session-records.ts'

/** What works with one session. */
export interface Keeper {
  key: string
  records: SessionRecords
  session: SessionKeeper
  credentials: Credentials
  fetch: AuthorizedFetch['fetch']
  askFor: AuthorizedFetch['askFor']
}

/** Keeps the keeper of its session in use until the work is over, also when nobody waits for it any more. */
export type Hold = <T>(work: () => Promise<T>) => Promise<T>

interface KeepersOptions {
  make: (key: string, hold: Hold) => Keeper
  clock: Clock
}

export type Keepers = ReturnType<typeof createKeepers>

/** How often, and how many milliseconds apart, a record is saved again that the store did not take. */
const savingTries = 60
const savingPause = 1000

/** For how many milliseconds a keeper that nobody uses is kept, and how many are. */
const restFor = 5000
const mostResting = 1000

interface Place {
  keeper: Keeper
  users: number
  /** Since when nobody uses it. */
  restsSince: number
  /** Saving was given up. */
  unsavable: boolean
}

/**
 * One keeper for each session in use, shared by the requests of this process, so that they refresh once. It stays for some
 * seconds after the last of them: a page makes several requests, and to make a keeper and open its record costs each of them
 * more than all the rest. Each request reads the store all the same.
 */
export function createKeepers({ make, clock }: KeepersOptions) {
  const kept = new Map<string, Place>()
  /** Those of `kept` that nobody uses, the longest unused first. */
  const resting = new Set<Place>()
  /** Also of those that are not in use: a session object of an app may be used again. */
  const places = new WeakMap<Keeper, Place>()

  async function holding<T>(place: Place, work: () => Promise<T>): Promise<T> {
    place.users += 1
    resting.delete(place)
    try {
      return await work()
    } finally {
      place.users -= 1
      if (place.users < 1) leave(place)
    }
  }

  function leave(place: Place): void {
    const { keeper } = place
    if (!place.unsavable && isUnsaved(keeper)) void holding(place, () => save(place))
    else if (kept.get(keeper.key) === place) rest(place)
  }

  /** Whoever sends made-up cookies has no session, and gets no keeper that stays. */
  function rest(place: Place): void {
    if (place.unsavable || place.keeper.session.state().status !== 'signed-in')
      kept.delete(place.keeper.key)
    else {
      place.restsSince = clock.now()
      resting.add(place)
    }
  }

  /** No timer does this: a process that has nothing to do can end, and what is left is no more than it was. */
  function forgetOld(): void {
    for (const place of resting) {
      const rested = clock.now() - place.restsSince
      if (rested >= 0 && rested < restFor && resting.size <= mostResting) return
      resting.delete(place)
      kept.delete(place.keeper.key)
    }
  }

  /** The refresh token in the store is spent, and the new one is only here. */
  async function save(place: Place): Promise<void> {
    for (let tries = 0; tries < savingTries && isUnsaved(place.keeper); tries++) {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, savingPause))
      await place.keeper.session.reread()
    }
    place.unsavable = isUnsaved(place.keeper)
  }

  function placeOf(key: string, known: Keeper | undefined): Place {
    forgetOld()
    const found = kept.get(key) ?? (known && places.get(known)) ?? newPlace(key)
    kept.set(key, found)
    return found
  }

  function newPlace(key: string): Place {
    const keeper = make(key, (work) => holding(place, work))
    const place: Place = { users: 0, keeper, restsSince: 0, unsavable: false }
    places.set(keeper, place)
    return place
  }

  return {
    /** Does the work with the keeper of the session; `known` is taken when none is kept. */
    use<T>(key: string, work: (keeper: Keeper) => Promise<T>, known?: Keeper): Promise<T> {
      const place = placeOf(key, known)
      return holding(place, () => work(place.keeper))
    },
  }
}

function isUnsaved({ session }: Keeper): boolean {
  const record = session.latest()
  return record !== undefined && session.isUnannounced(record)
}
