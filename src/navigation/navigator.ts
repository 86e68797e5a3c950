import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'

/** How a user gets to the authorization server and back. */
export interface Navigator {
  /**
   * Is called before the first await of a sign-in, so that a window may be opened while the click still counts. It does
   * nothing that cannot be undone by `close`. Throws when there is no way to sign in like this.
   */
  open(host: Host, clock: Clock): Navigation
  /**
   * Is asked on the page that the user comes back to: hands the answer to the page that began the sign-in, if that waits
   * for it. Resolves to whether it was received; where it was not, the page finishes the sign-in itself.
   */
  relay?(answer: NavigationAnswer): Promise<boolean>
}

/** An answer of the authorization server, on the page where it came back. */
export interface NavigationAnswer {
  /** The address of that page. */
  url: URL
  /** Its `state`. */
  state: string
  /** That page. */
  host: Host
  /** Its clock. */
  clock: Clock
}

/** What a navigation adds to the request, where the caller of `signIn` says nothing else. */
export interface NavigationParams {
  /** As in `SignInParams`. */
  prompt?: string | undefined
  /** As in `SignInParams`. */
  redirectUri?: string | undefined
}

/** One journey to the authorization server. */
export interface Navigation {
  /** A short name, which is remembered with the sign-in: `redirect`, `popup`, `iframe` ... */
  readonly mode: string
  /** What is only in memory is gone after `go`. */
  readonly leavesPage: boolean
  /** What is added to the request. A promise is waited for before the request is made. */
  readonly params?: NavigationParams | Promise<NavigationParams> | undefined
  /**
   * Sends the user to the URL. A navigation that leaves the page never resolves; it rejects with `sign_in_cancelled` when
   * the user comes back to this very page without an answer. One that keeps the page resolves to the callback URL, which
   * carries the `state`. The URL itself has no `state` where the request was pushed (RFC 9126).
   */
  go(request: NavigationRequest): Promise<URL | undefined>
  /** Ends the navigation; calling it twice is fine. */
  close(): void
}

/** Where a navigation leads. */
export interface NavigationRequest {
  /** The authorization request. */
  url: URL
  /** The `state` that the answer must carry. */
  state: string
  /** Aborted when nobody waits any more. */
  signal?: AbortSignal | undefined
}
