import type { Host } from '../host/host.ts'

/**
 * How a person gets to the authorization server and back.
 *
 * - `open` is called before the first await of a sign-in, so that a window may be opened while the
 *   click still counts. It does nothing that cannot be undone by `close`.
 * - `go` sends the person to the URL. A navigator that leaves the page never resolves; it rejects
 *   with `sign_in_cancelled` when the person comes back to this very page without an answer. One that
 *   keeps the page resolves to the callback URL.
 * - `close` ends the navigation; calling it twice is fine.
 * - `leavesPage` says that what is only in memory is gone after `go`.
 */
export interface Navigator {
  readonly mode: string
  readonly leavesPage: boolean
  open(host: Host): Navigation
}

export interface Navigation {
  go(url: URL, signal?: AbortSignal): Promise<URL | undefined>
  close(): void
}
