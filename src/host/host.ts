/**
 * The page (or worker, or process) the client runs in. No method but `navigate` throws when its
 * platform feature is missing; it gives the answer of a host without it.
 *
 * - `url` is the address shown, or `undefined` where there is none.
 * - `baseUrl` is what relative URLs resolve against (`<base>` counts), or `undefined`.
 * - `replaceUrl` changes the address shown without loading anything; `history.state` is kept.
 * - `navigate` leaves the page for the URL; with `replace`, Back does not return to this page. It
 *   throws where there is no page to leave.
 * - `onWake` calls back whenever time may have passed unseen: the page becomes visible, is shown
 *   again (also from the back/forward cache), or the network returns. `restored` is true for the
 *   back/forward cache only. It returns the way to stop.
 * - `whenShown` resolves once the page is not (or no longer) being prerendered.
 * - `hasUserGesture` is true right after a click, tap or key press.
 * - `isSecureContext` is false where WebCrypto is withheld, as on plain http pages.
 */
export interface Host {
  url(): string | undefined
  baseUrl(): string | undefined
  replaceUrl(url: string): void
  navigate(url: string, options?: { replace?: boolean }): void
  onWake(listener: (wake: { restored: boolean }) => void): () => void
  whenShown(): Promise<void>
  hasUserGesture(): boolean
  isSecureContext(): boolean
}
