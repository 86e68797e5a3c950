/**
 * The browser's `window`, as far as `popup()`, `iframe()` and `relayAnswer()` use it. It stands in for `globalThis`, so that a
 * fake browser can have windows.
 */
export interface PageWindow {
  /** The address shown. */
  readonly location: { readonly href: string; readonly origin: string }
  /** The window that opened this one; `null` when there is none, or a Cross-Origin-Opener-Policy cut it off. */
  readonly opener: WindowHandle | null
  /** The page that has this one in a frame, or else this one. */
  readonly parent: WindowHandle
  /** The screen, in CSS pixels: where the window of this page is. */
  readonly screenX: number
  /** As `screenX`. */
  readonly screenY: number
  /** As `screenX`: how large it is. */
  readonly outerWidth: number
  /** As `outerWidth`. */
  readonly outerHeight: number
  /**
   * Opens a window; `null` when the browser refuses. Firefox runs other tasks of the page meanwhile, and throws when one of
   * them opens another window.
   */
  open(url: string, target: string, features: string): WindowHandle | null
  /** Closes the window of this page, if a page opened it. */
  close(): void
  /** Hears what other windows post to this one. */
  addEventListener(
    type: 'message',
    listener: (message: WindowMessage) => void,
    options: { signal: AbortSignal },
  ): void
  /** Messages to the pages of this origin. It reaches windows that were cut off, and not the frame of another site. */
  readonly BroadcastChannel: BroadcastChannelConstructor
  /** The timer of the page. */
  setTimeout(callback: () => void, milliseconds: number): unknown
  /** The document shown. */
  readonly document: PageDocument
}

/** The `BroadcastChannel` of the platform, as far as {@link PageWindow} needs it. */
export interface BroadcastChannelConstructor {
  /** Joins a channel. */
  new (name: string): {
    /** Is called with what others post. */
    onmessage: ((message: { readonly data: unknown }) => void) | null
    /** Posts to all others. */
    postMessage(message: string): void
    /** Leaves the channel. */
    close(): void
  }
}

/** A document, as far as {@link PageWindow} needs it. */
export interface PageDocument {
  /** Whether keys would be typed into this page or a frame of it. */
  hasFocus(): boolean
  /** Makes a frame, which is not in the page yet. */
  createElement(name: 'iframe'): FrameElement
  /** Where frames are put. */
  readonly documentElement: {
    /** Puts the frame into the page. */
    append(frame: FrameElement): void
  }
}

/** A window or frame that a page has to do with: as much of `WindowProxy` as any page may use. */
export interface WindowHandle {
  /** The user closed it, or a Cross-Origin-Opener-Policy cut it off: the two look the same. */
  readonly closed: boolean
  /** Does nothing to a window that was cut off, or that this page did not open. */
  close(): void
  /** Brings it to the front, where the browser lets a page do that. */
  focus(): void
  /** Where it is. */
  readonly location: {
    /** Throws while a page of another origin is in it. */
    readonly href: string
    /** Leads it to a URL, without an entry in its history. */
    replace(url: string): void
  }
  /** Arrives only while a page of that origin is in it. */
  postMessage(message: string, targetOrigin: string): void
}

/** What a page hears from another window. Any page that has its handle can send one. */
export interface WindowMessage {
  /** Anything at all. */
  readonly data: unknown
  /** The origin of the page that sent it. */
  readonly origin: string
  /** The window of the page that sent it. */
  readonly source: unknown
}

/** An `<iframe>`. */
export interface FrameElement {
  /** Nobody sees it. */
  hidden: boolean
  /** Where it leads. */
  src: string
  /**
   * Is called whenever a page was loaded in it. A page that the browser refused to show counts in Chromium, and not in Firefox.
   */
  onload: (() => void) | null
  /** What is in it. */
  readonly contentWindow: WindowHandle | null
  /** What it may do. */
  setAttribute(name: 'sandbox', value: string): void
  /** Takes it out of the page. */
  remove(): void
}
