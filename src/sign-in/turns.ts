import { PkceClientError } from '../errors.ts'
import { watchPageReturn } from './page-return.ts'
import type { Page, PageReturn } from './page-return.ts'

/** A sign-in, from the call that wants it until it is over. */
export interface Attempt {
  /** Aborted when a later sign-out, or everybody who waits for it, gives the sign-in up. */
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Runs what makes the user signed in. A sign-out waits for it, and then ends the session it began. */
  commit<T>(work: () => Promise<T>): Promise<T>
  /** It is over, whatever became of it. */
  over(): void
}

interface Entry {
  abort: Attempt['abort']
  committing?: Promise<unknown>
}

export type Turns = ReturnType<typeof createTurns>

/**
 * Sign-ins and sign-outs of one page. The later wish of the user counts:
 * a sign-out gives up the sign-ins called before it, and a sign-in called while one is under way waits for its end.
 * At most one sign-out runs at a time.
 */
export function createTurns(page: Page) {
  const attempts = new Set<Entry>()
  let signingOut: Promise<void> | undefined
  let leaving: PageReturn | undefined

  return {
    /** Registers a sign-in, in the turn of the call that wants it. */
    beginSignIn(): Attempt {
      const controller = new AbortController()
      const entry: Entry = { abort: (reason) => controller.abort(reason) }
      attempts.add(entry)
      return {
        signal: controller.signal,
        abort: entry.abort,
        commit(work) {
          const committing = work()
          entry.committing = committing
          return committing
        },
        over: () => void attempts.delete(entry),
      }
    },

    /** Runs a sign-out, or joins the one that is under way. */
    signOut(work: () => Promise<void>): Promise<void> {
      return (signingOut ??= work().finally(() => {
        signingOut = undefined
      }))
    },

    /** Gives up all sign-ins under way; resolves once none of them can make the user signed in any more. */
    async abandonSignIns(): Promise<void> {
      const why = 'signOut() was called before this sign-in was finished.'
      const under = [...attempts]
      for (const attempt of under) attempt.abort(signInCancelled(why))
      await Promise.allSettled(under.map(async ({ committing }) => committing))
    },

    /** Leaves the page to sign out at the server. */
    leave(url: string): void {
      page.host.navigate(url)
      const watch = watchPageReturn(page)
      leaving = watch
      void watch.happened.then(() => {
        leaving = undefined
      })
    },

    isSigningOut: (): boolean => (signingOut ?? leaving) !== undefined,

    /**
     * Waits for the sign-out under way, if any. When that leaves the page, resolves at once to the moment at which the
     * page is back, which usually never comes.
     */
    async afterSignOut(): Promise<{ back: Promise<void> } | undefined> {
      while (signingOut) await signingOut.catch(() => {})
      return leaving && { back: leaving.happened }
    },

    /** Gives up what is under way, for good. */
    close(): void {
      leaving?.stop()
      for (const attempt of attempts) attempt.abort(signInCancelled('close() was called.'))
    },
  }
}

export function signInCancelled(why: string): PkceClientError {
  return new PkceClientError('sign_in_cancelled', why)
}
