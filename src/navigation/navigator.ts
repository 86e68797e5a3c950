import type { Host } from '../host/host.ts'

/** How a user gets to the authorization server and back. */
export interface Navigator {
  /** A short name, which is remembered with the sign-in. */
  readonly mode: string
  /** What is only in memory is gone after `go`. */
  readonly leavesPage: boolean
  /**
   * Is called before the first await of a sign-in, so that a window may be opened while the click still counts. It does
   * nothing that cannot be undone by `close`.
   */
  open(host: Host): Navigation
}

/** One journey to the authorization server. */
export interface Navigation {
  /**
   * Sends the user to the URL. A navigator that leaves the page never resolves; it rejects with `sign_in_cancelled` when
   * the user comes back to this very page without an answer. One that keeps the page resolves to the callback URL.
   */
  go(url: URL, signal?: AbortSignal): Promise<URL | undefined>
  /** Ends the navigation; calling it twice is fine. */
  close(): void
}
