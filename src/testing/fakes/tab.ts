import type { Clock } from '../../clock.ts'
import type { Host } from '../../host/host.ts'
import type { TransactionStore } from '../../storage/store.ts'
import type { Channel } from '../../tabs/channel.ts'
import type { Lock } from '../../tabs/lock.ts'

/** The ports of a `PkceClient` that runs in a fake page: spread them into its options. */
export interface FakePorts {
  /** The `localStorage` of the page's origin. */
  readonly store: TransactionStore
  /** The `localStorage` of the page's origin as well. */
  readonly transactionStore: TransactionStore
  /** Locks that all pages of an origin share. */
  readonly lock: Lock
  /** Messages to the other pages of the origin. */
  readonly channel: Channel
  /** The page: address, history, wake-ups. */
  readonly host: Host
  /** The clock as this page has it. */
  readonly clock: Clock
}

/** A tab, and the page in it. */
export interface FakeTab {
  /** The address shown. */
  readonly url: string
  /** The ports of the page in the tab. A new page has new ports. */
  readonly ports: FakePorts
  /** This tab's `sessionStorage` for the origin of the page in it. */
  readonly sessionStore: TransactionStore
  /** Every URL that its pages navigated to, oldest first. */
  readonly navigations: readonly string[]
  /** What listeners of the app threw, in all pages of the tab. */
  readonly reportedErrors: readonly unknown[]
  /** What the console of the tab warned of. */
  readonly warnings: readonly string[]
  /** Every URL set with `history.replaceState`, oldest first. */
  readonly replaced: readonly string[]
  /** Whether the person has just clicked; a new page begins without. Setting it to true is a click. */
  gesture: boolean
  /** Whether pages are loaded before they are shown; {@link activate} shows them. */
  prerendering: boolean
  /** Whether the browser refuses to open windows. */
  blocksWindows: boolean
  /** The frames of the page in it, oldest first: each is driven as a tab is. */
  readonly frames: readonly FakeTab[]
  /** Brings the tab to the front, as a click beside another window does. A window or tab that opens is in front. */
  focus(): void
  /** Cuts the window off from the page that opened it, as login pages do with a Cross-Origin-Opener-Policy. */
  cutOff(): void
  /** Tells the page around a frame that a page was loaded in it, as the event `load` does. */
  loaded(): void
  /** Lets the page in this tab post a window message to the page in another one. */
  postMessage(to: FakeTab, message: unknown): void
  /** Loads a page at the URL, by default the address shown. A path is one of the browser's `origin`. The page before is gone for good. */
  load(url?: string): void
  /** Opens a tab like this one, with a copy of its `sessionStorage`. */
  duplicate(): FakeTab
  /** Closes the tab: nothing of its page runs any more. */
  close(): void
  /** Ends the page as a crash does. The tab stays and can {@link load}. */
  crash(): void
  /** Freezes the page, as browsers do with tabs in the background: timers, messages and its own calls wait. */
  freeze(): void
  /** Resumes a frozen page; what it missed happens first. */
  resume(): void
  /** Restores the page that navigated away last, as it was; throws if there is none. */
  restoreFromBackForwardCache(): void
  /** Tells the page that it became visible or that the network is back. */
  wake(): void
  /** Shows a page that was prerendered. */
  activate(): void
}
