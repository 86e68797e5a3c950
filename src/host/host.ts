import type { PageWindow } from '../navigation/page-window.ts'

/**
 * The page (or worker, or process) the client runs in. No method but `navigate` throws when its
 * platform feature is missing; it gives the answer of a host without it.
 */
export interface Host {
  /** The address shown, or `undefined` where there is none. */
  url(): string | undefined
  /** What relative URLs resolve against (`<base>` counts), or `undefined`. */
  baseUrl(): string | undefined
  /** What `history.state` holds for the page shown; a reload keeps it. `null` where there is none. */
  historyState(): unknown
  /** Changes the address shown without loading anything. `history.state` is kept, unless another one is given. */
  replaceUrl(url: string, options?: { state: unknown }): void
  /** Leaves the page for the URL; with `replace`, Back does not return to this page. Throws where there is no page to leave. */
  navigate(url: string, options?: { replace?: boolean | undefined }): void
  /**
   * Calls back whenever time may have passed unseen: the page becomes visible, is shown again (also from the back/forward
   * cache), or the network returns. `restored` is true for the back/forward cache only. Returns a function that stops it.
   */
  onWake(listener: (wake: { restored: boolean }) => void): () => void
  /** Resolves once the page is not (or no longer) being prerendered. */
  whenShown(): Promise<void>
  /** False while the page is hidden, as in a background tab. */
  isVisible(): boolean
  /** True right after a click, tap or key press. */
  hasUserGesture(): boolean
  /** Calls back at the beginning of each click, tap and key press, before the page handles it. Returns a function that stops it. */
  onGesture(listener: () => void): () => void
  /** What this tab alone has kept under the key, also from pages before this one; `undefined` when there is nothing. */
  getTabItem(key: string): string | undefined
  /** Keeps a string for this tab alone; it survives leaving the page. Where that is impossible it does nothing. */
  setTabItem(key: string, value: string): void
  /** Reports an error that the app itself made, as the platform reports one that nobody caught. The caller goes on. */
  reportError(error: unknown): void
  /** Tells the developer something, in the console. */
  warn(message: string): void
  /** False where WebCrypto is withheld, as on plain http pages. */
  isSecureContext(): boolean
  /** For `popup()` and `iframe()`; the browser's own when left out. */
  readonly window?: PageWindow | undefined
}
