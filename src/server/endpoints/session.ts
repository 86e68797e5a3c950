import { json } from '../answers.ts'
import type { Keeper } from '../keepers.ts'
import type { Sessions } from '../sessions.ts'
import type { Visitor } from '../visitor.ts'

interface SessionParts {
  sessions: Sessions
  now: () => number
}

/** What the scripts of the app may know of the session: no token. */
export function createSessionEndpoint({ sessions, now }: SessionParts) {
  async function describe({ session }: Keeper, visitor: Visitor): Promise<object> {
    const state = session.state()
    if (state.status !== 'signed-in') return { ...state }
    const { claims, scope, expiresAt, stale } = state
    const [csrf] = await visitor.csrfTokens()
    // Clocks differ: what is left counts.
    const expiresIn = expiresAt && Math.max(0, Math.round((expiresAt - now()) / 1000))
    return { status: state.status, claims, scope, expiresIn, stale, csrf }
  }

  return async (
    visitor: Visitor | undefined,
    { passive }: { passive: boolean },
  ): Promise<Response> => {
    const nobody = { status: 'signed-out' }
    const work = (keeper: Keeper) => describe(keeper, visitor!)
    return json(visitor ? await sessions.open(visitor.key, work, { passive }) : nobody)
  }
}
