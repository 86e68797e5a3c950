import { parseUrl } from '../api/resources.ts'
import { checkOptions, flag } from '../check-options.ts'
import type { AuthClient } from '../auth-client.ts'
import type { Rules } from '../check-options.ts'
import type { PkceClientError } from '../errors.ts'
import type { SignOutOptions } from '../sign-in/sign-out-options.ts'
import type { Turns } from '../sign-in/turns.ts'
import type { Routes } from './routes.ts'
import type { KnownSession } from './session.ts'

interface BackEndSignOutParts {
  routes: Pick<Routes, 'url' | 'within' | 'read'>
  session: Pick<KnownSession, 'state' | 'ask' | 'end'>
  turns: Turns
  /** Sends a request to a route of ours. */
  fetchAsUser: (request: string, init: RequestInit) => Promise<Response>
}

const rules: Rules<Pick<SignOutOptions, 'redirect'>> = { redirect: flag }

/** Lets the back end end the session, and then leaves the page to sign out at the server. */
export function createBackEndSignOut({ routes, session, turns, fetchAsUser }: BackEndSignOutParts) {
  /** Where to go afterwards; `undefined` when there was no session. */
  async function end(): Promise<string | undefined> {
    try {
      const { location } = await routes.within('logout', async (signal) => {
        const init = { method: 'POST', headers: { accept: 'application/json' }, signal }
        const response = await fetchAsUser(routes.url('logout'), init)
        return routes.read<{ location: string }>('logout', { response, has: 'location' })
      })
      session.end()
      return location
    } catch (error) {
      // It had ended already, and the page knows by now.
      if ((error as PkceClientError).sessionEnded) return undefined
      throw error
    }
  }

  async function signOut(redirect: boolean): Promise<void> {
    if (session.state().status !== 'signed-in') await session.ask()
    if (session.state().status !== 'signed-in') return
    const location = await end()
    const url = location !== undefined && parseUrl(location, routes.url(''))
    if (redirect && url && /^https?:$/.test(url.protocol)) turns.leave(url.href)
  }

  return (async (given = {}) => {
    const { redirect = true } = checkOptions(given, rules)
    // The later wish of the user counts. Also on the second click: somebody may have asked for a sign-in in between.
    void turns.abandonSignIns()
    return turns.signOut(() => signOut(redirect))
  }) satisfies AuthClient['signOut']
}
