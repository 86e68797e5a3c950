import { PkceClientError } from '../errors.ts'
import { watchPageReturn } from '../sign-in/page-return.ts'
import { safeReturnTo } from '../sign-in/return-to.ts'
import { signInCancelled } from '../sign-in/turns.ts'
import { unreported } from '../sign-in/unreported.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { AuthClientSignInParams } from '../auth-client.ts'
import type { Emit } from '../events.ts'
import type { SignedInSession } from '../session/state.ts'
import type { Page } from '../sign-in/page-return.ts'
import type { Attempt, Turns } from '../sign-in/turns.ts'
import type { Routes } from './routes.ts'

interface BackEndSignInParts {
  /** Under which this tab remembers that it was sent away. */
  name: string
  page: Page
  routes: Pick<Routes, 'url' | 'origin'>
  turns: Turns
  emit: Emit
}

export type BackEndSignIn = ReturnType<typeof createBackEndSignIn>

const loopWindow = 60_000
const mostDepartures = 2

/** The way to the back end's own sign-in route. */
export function createBackEndSignIn({ name, page, routes, turns, emit }: BackEndSignInParts) {
  const { host, clock } = page
  let leaving: Promise<SignedInSession> | undefined

  /** When this tab was sent away lately, in milliseconds of the local clock. Anybody may have edited it. */
  function departures(): number[] {
    const stored = (host.getTabItem(name) ?? '').split(',').filter(Boolean)
    return stored.map(Number).filter((at) => Math.abs(clock.now() - at) < loopWindow)
  }

  function loginUrl({ returnTo, signal: _, ...others }: AuthClientSignInParams): string {
    const login = new URL(routes.url('login'))
    const place = safeReturnTo(returnTo?.toString(), host.url() ?? login.href)
    for (const [key, value] of Object.entries({ ...others, ...(place && { returnTo: place }) }))
      login.searchParams.set(parameterOf(key), String(value))
    return login.href
  }

  async function depart(params: AuthClientSignInParams, attempt: Attempt): Promise<never> {
    const away = await turns.afterSignOut()
    await away?.back
    if (away) throw signInCancelled('The page was left to sign out.')
    attempt.signal.throwIfAborted()
    const before = departures()
    if (before.length >= mostDepartures && !host.hasUserGesture())
      throw new PkceClientError(
        'redirect_loop',
        'Two sign-ins within a minute did not complete; check that the browser keeps the cookie, and let a click start the next.',
      )
    host.navigate(loginUrl(params))
    host.setTabItem(name, [...before, clock.now()].join())
    emit('sign-in-started', { mode: 'redirect' })
    const watch = watchPageReturn(page)
    await unlessAborted(watch.happened, attempt.signal).finally(watch.stop)
    throw signInCancelled('The user came back from the sign-in page without an answer.')
  }

  async function travel(params: AuthClientSignInParams): Promise<never> {
    const attempt = turns.beginSignIn()
    try {
      return await depart(params, attempt)
    } catch (error) {
      emit('sign-in-failed', { error: error as PkceClientError })
      throw error
    } finally {
      attempt.over()
      leaving = undefined
    }
  }

  return {
    /** Leaves the page; the same promise for all who leave at once. */
    signIn(params: AuthClientSignInParams): Promise<SignedInSession> {
      if (params.signal?.aborted) return Promise.reject(params.signal.reason as Error)
      leaving ??= unreported(travel(params))
      return unlessAborted(leaving, params.signal)
    },

    /** Somebody is signed in. Resolves to whether this tab was sent away for that. */
    arrived(): boolean {
      const wasAway = departures().length > 0
      if (wasAway) host.setTabItem(name, '')
      return wasAway
    },
  }
}

/** The query parameter of a name: those of OpenID Connect are in snake case, our own is not. */
const parameterOf = (name: string): string =>
  name === 'returnTo' ? name : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
