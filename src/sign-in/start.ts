import { parseUrl } from '../api/resources.ts'
import type { CallbackError } from '../errors.ts'
import type { Host } from '../host/host.ts'
import type { Refresher } from '../session/refresh.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { Session } from '../session/state.ts'
import type { CallbackResult, Finish } from './finish.ts'
import type { Turns } from './turns.ts'

/** What {@link PkceClient.start} found: a sign-in that came back, or the session there was. */
export type StartResult =
  | CallbackResult
  | {
      /** The page was no answer to a sign-in. */
      kind: 'restored'
      /** Signed in or signed out, never unknown. */
      session: Session
      /** Only a sign-in has one. */
      returnTo?: undefined
      /** Only a sign-in has one. */
      appState?: undefined
      /** Only a sign-in has one. */
      resumed?: undefined
    }

interface StartOptions {
  redirectUri: string
  host: Host
  finish: Finish
  turns: Turns
  session: SessionKeeper
  refresher: Refresher
  /** Begins the session that there is elsewhere, where the page knows of none. */
  recover: (session: SessionKeeper) => Promise<unknown>
  /** Forgets the request that a sign-in was begun for. */
  resumed: () => unknown
}

export type Start = ReturnType<typeof createStart>

/** What happens when a page begins: it finishes a sign-in, or restores the session there was. */
export function createStart(parts: StartOptions) {
  const { redirectUri, host, finish, turns, session, refresher, resumed, recover } = parts
  let started: Promise<StartResult> | undefined
  let handling: Promise<CallbackResult | undefined> | undefined
  let restored: Promise<void> | undefined
  let stopListening = () => {}
  let failed: { at: string | undefined; returnTo: string | undefined } | undefined
  let begun = false
  let closed = false

  async function restore(): Promise<void> {
    if (closed) return
    stopListening = host.onWake(() => {
      void session.reread().then(refresher.onWake)
    })
    refresher.resetBackoff(await session.restore())
  }

  /** Resolves when the session there was is restored, before any answer in the address is looked at. */
  async function restoredOnce(): Promise<void> {
    await host.whenShown()
    await (restored ??= restore())
  }

  async function handle(url?: string | URL): Promise<CallbackResult | undefined> {
    begun = true
    // In the turn of the call: a sign-out that is called later gives up what this finishes.
    const attempt = turns.beginSignIn()
    try {
      await restoredOnce()
      const text = url ?? host.url()
      const answer = text === undefined ? undefined : parseUrl(text, redirectUri)
      if (url !== undefined) return answer && (await finish.handle(answer, attempt))
      const result = answer && (await finish.handleShown(answer, attempt))
      if (!result && !session.current()) await recover(session).catch(() => {})
      return result
    } finally {
      attempt.over()
      resumed()
      if (!closed) session.markKnown()
    }
  }

  /** A second caller waits for the first one, which has already removed the answer from the address bar. */
  function handlePage(): Promise<CallbackResult | undefined> {
    return (handling ??= handle().finally(() => {
      handling = undefined
    }))
  }

  async function startPage(): Promise<StartResult> {
    const result = await handlePage()
    if (result) return result
    await refresher.endExpired()
    // Spelled out although undefined: an app navigates to `returnTo`, and must not find one on Object.prototype.
    return {
      kind: 'restored',
      session: session.state(),
      returnTo: undefined,
      appState: undefined,
      resumed: undefined,
    }
  }

  return {
    start: (): Promise<StartResult> =>
      (started ??= startPage().catch((error: unknown) => {
        failed = { at: host.url(), returnTo: (error as CallbackError).returnTo }
        throw error
      })),

    /** Where start() was rejected, and where its sign-in was to lead; `undefined` before that. */
    failure: () => failed,

    /** Whether somebody has asked to finish what the page is an answer to. */
    begun: () => begun,

    restored: restoredOnce,

    handleCallback: (url?: string | URL): Promise<CallbackResult | undefined> =>
      url === undefined ? handlePage() : handle(url),

    close(): void {
      closed = true
      stopListening()
    },
  }
}
