import type { Clock } from '../../clock.ts'
import type {
  FrameElement,
  PageWindow,
  WindowHandle,
  WindowMessage,
} from '../../navigation/page-window.ts'
import type { Channel } from '../../tabs/channel.ts'
import { turn } from './clock.ts'
import type { FakePage } from './page.ts'

/** A tab, window or frame, whatever page is in it. */
export interface FakeContext {
  readonly page: FakePage
  readonly isClosed: boolean
  /** The context that opened it, until it is cut off. */
  opener: FakeContext | undefined
  /** The context it is a frame of. */
  readonly parent: FakeContext | undefined
  /** Contexts that know each other have the same one. */
  group: object
  load(url: string): void
  close(): void
  focus(): void
  /** Calls the `onload` of a frame. */
  onLoad: () => void
}

/** What a window needs of its browser. */
export interface WindowParts {
  context: FakeContext
  page: FakePage
  channel: Channel
  clock: Clock
  /** Opens a window; `undefined` when the browser refuses. */
  openWindow: () => FakeContext | undefined
  openFrame: () => FakeContext
  hasFocus: () => boolean
}

type Listener = (message: WindowMessage) => void

/** How the page in a context sees another context, and what it hears. */
interface Inside {
  view(other: FakeContext): WindowHandle
  listeners: Set<Listener>
}

const insides = new WeakMap<FakePage, Inside>()

/** The `window` of a page. */
export function createFakeWindow(parts: WindowParts): PageWindow {
  const { context, page, channel, clock } = parts
  const listeners = new Set<Listener>()
  const views = new Map<FakeContext, { group: object; handle: WindowHandle }>()

  function view(other: FakeContext): WindowHandle {
    const known = views.get(other)
    if (known?.group === other.group) return known.handle
    const handle = createHandle(other, { context, page })
    views.set(other, { group: other.group, handle })
    return handle
  }
  insides.set(page, { view, listeners })

  return {
    location: {
      get href() {
        return page.url
      },
      origin: page.origin,
    },
    get opener() {
      return context.opener ? view(context.opener) : null
    },
    get parent() {
      return view(context.parent ?? context)
    },
    screenX: 0,
    screenY: 0,
    outerWidth: 1280,
    outerHeight: 800,
    open() {
      const opened = parts.openWindow()
      return opened ? view(opened) : null
    },
    close() {
      if (context.opener || isCutOff(context)) context.close()
    },
    addEventListener(_, listener, { signal }) {
      const own: Listener = (message) => listener(message)
      listeners.add(own)
      signal.addEventListener('abort', () => listeners.delete(own))
    },
    BroadcastChannel: class {
      onmessage: ((message: { readonly data: unknown }) => void) | null = null
      readonly #connection
      constructor(name: string) {
        this.#connection = channel.open(name, (data) => this.onmessage?.({ data }))
      }
      postMessage(message: string) {
        this.#connection.post(message)
      }
      close() {
        this.#connection.close()
      }
    },
    setTimeout: (callback, milliseconds) => clock.setTimeout(callback, milliseconds),
    document: {
      hasFocus: parts.hasFocus,
      createElement: () => createFrame(() => parts.openFrame(), view),
      documentElement: {
        append: (frame) => (frame as FrameElement & { attach(): void }).attach(),
      },
    },
  }
}

const cutOff = new WeakSet<FakeContext>()
const isCutOff = (context: FakeContext): boolean => cutOff.has(context)

/** What a page with a Cross-Origin-Opener-Policy does to its window. */
export function cut(context: FakeContext): void {
  if (context.opener) cutOff.add(context)
  context.opener = undefined
  context.group = {}
}

function createHandle(
  other: FakeContext,
  { context, page }: { context: FakeContext; page: FakePage },
): WindowHandle {
  const { group } = other
  const isGone = () => other.isClosed || other.group !== group
  return {
    get closed() {
      return isGone()
    },
    close() {
      if (!isGone() && other.opener === context) other.close()
    },
    focus() {
      if (!isGone()) other.focus()
    },
    location: {
      get href() {
        if (other.page.origin !== page.origin)
          throw new DOMException('The page in it is of another origin.', 'SecurityError')
        return other.page.url
      },
      replace(url) {
        if (!isGone()) other.load(url)
      },
    },
    postMessage(message, targetOrigin) {
      if (!isGone() && [other.page.origin, '*'].includes(targetOrigin))
        postMessage(page, { from: context, to: other, message })
    },
  }
}

/** Lets a page post a message to the page in another context, whoever that may be. */
export function postMessage(
  sender: FakePage,
  { from, to, message }: { from: FakeContext; to: FakeContext; message: unknown },
): void {
  const receiver = to.page
  void turn().then(() =>
    receiver.run(() => {
      const { view, listeners } = insides.get(receiver)!
      const event = { data: message, origin: sender.origin, source: view(from) }
      for (const listener of [...listeners]) listener(event)
    }),
  )
}

function createFrame(
  open: () => FakeContext,
  view: (context: FakeContext) => WindowHandle,
): FrameElement & { attach(): void } {
  let context: FakeContext | undefined
  const frame = {
    hidden: false,
    src: '',
    onload: null as (() => void) | null,
    get contentWindow() {
      return context ? view(context) : null
    },
    setAttribute: () => undefined,
    attach() {
      context = open()
      context.onLoad = () => frame.onload?.()
      context.load(frame.src)
    },
    remove() {
      context?.close()
      context = undefined
    },
  }
  return frame
}
