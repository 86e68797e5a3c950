import { parseUrl } from '../api/resources.ts'
import type { Host } from '../host/host.ts'
import type { Refresher } from '../session/refresh.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { Session } from '../session/state.ts'
import type { CallbackResult, SignIn } from './sign-in.ts'

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
    }

interface StartOptions {
  redirectUri: string
  host: Host
  signIn: SignIn
  session: SessionKeeper
  refresher: Refresher
}

/** What happens when a page begins: it finishes a sign-in, or restores the session there was. */
export function createStart({ redirectUri, host, signIn, session, refresher }: StartOptions) {
  let started: Promise<StartResult> | undefined
  let handling: Promise<CallbackResult | undefined> | undefined
  let restored: Promise<void> | undefined
  let stopListening = () => {}
  let closed = false

  async function restore(): Promise<void> {
    if (closed) return
    stopListening = host.onWake(() => {
      void session.reread().then(refresher.onWake)
    })
    refresher.resetBackoff(await session.restore())
  }

  async function handle(url?: string | URL): Promise<CallbackResult | undefined> {
    await host.whenShown()
    const text = url ?? host.url()
    await (restored ??= restore())
    try {
      const answer = text === undefined ? undefined : parseUrl(text, redirectUri)
      return answer && (await signIn.handle(answer, url === undefined))
    } finally {
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
    }
  }

  return {
    start: (): Promise<StartResult> => (started ??= startPage()),

    handleCallback: (url?: string | URL): Promise<CallbackResult | undefined> =>
      url === undefined ? handlePage() : handle(url),

    close(): void {
      closed = true
      stopListening()
    },
  }
}
