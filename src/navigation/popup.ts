import { PkceClientError } from '../errors.ts'
import { relay, waitForAnswer, windowOf } from './relay.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigation, Navigator } from './navigator.ts'
import type { PageWindow, WindowHandle } from './page-window.ts'

/** How {@link popup} opens its window, and what it does where it cannot. */
export interface PopupOptions {
  /** Width of the window in CSS pixels; 480 when left out. */
  width?: number | undefined
  /** Height of the window in CSS pixels; 640 when left out. */
  height?: number | undefined
  /** Signs in where the browser opens no window, such as `redirect()`. Without it, `signIn()` rejects with `popup_blocked`. */
  fallback?: Navigator | undefined
}

/** The one window in which the user of a page signs in. */
interface Place {
  window?: WindowHandle | null
  isOpening?: boolean
  /** Leads the window to sign in. */
  go?: (() => void) | undefined
  /** Of the navigation that has it. Whoever comes later takes it over. */
  over?: AbortController
}

const places = /* @__PURE__ */ new WeakMap<Host, Place>()

/** Milliseconds between two looks at whether the window is closed. */
const betweenLooks = 500

/**
 * Makes the navigator that opens a window to sign in, and keeps the page. Call `signIn()` first thing in a click handler. The
 * page at the redirect URI starts a client that has `popup()` among its navigators too, or calls {@link relayAnswer}. A second
 * `signIn()` takes the window over, and the first one rejects with `sign_in_cancelled`. Other codes of its own are
 * `popup_blocked` and `popup_closed`.
 */
export function popup({ width = 480, height = 640, fallback }: PopupOptions = {}): Navigator {
  return {
    relay,
    open(host, clock) {
      const page = windowOf(host)
      const [place, over] = takeOver(host)
      if (!place.isOpening && (place.window?.closed ?? true)) {
        place.isOpening = true
        place.window = openWindow(page, { width, height })
        place.isOpening = false
        // Somebody may have taken it over meanwhile, and be ready.
        place.go?.()
        if (!place.window) return (fallback ?? blocked).open(host, clock)
      }
      place.window?.focus()
      return inWindow(place, { over, page, clock })
    },
  }
}

function openWindow(
  page: PageWindow,
  { width, height }: { width: number; height: number },
): WindowHandle | null {
  const left = page.screenX + (page.outerWidth - width) / 2
  const top = page.screenY + (page.outerHeight - height) / 2
  const features = `popup,width=${width},height=${height},left=${left},top=${top}`
  try {
    return page.open('about:blank', '_blank', features)
  } catch {
    // There are no windows here, or another one is just being opened (Firefox).
    return null
  }
}

/** Browsers run other tasks while a window is opened: what they ask for is marked before. */
function takeOver(host: Host): [Place, AbortController] {
  const place = places.get(host) ?? {}
  const over = new AbortController()
  const { over: before } = place
  places.set(host, Object.assign(place, { over, go: undefined }))
  before?.abort(
    new PkceClientError('sign_in_cancelled', 'A later call of signIn() took over the window.'),
  )
  return [place, over]
}

const blocked: Navigator = {
  open() {
    throw new PkceClientError(
      'popup_blocked',
      'The browser opened no window to sign in; call signIn() first thing in a click handler, or use popup({ fallback: redirect() }).',
    )
  },
}

interface Journey {
  over: AbortController
  page: PageWindow
  clock: Clock
}

function inWindow(place: Place, { over, page, clock }: Journey): Navigation {
  const { signal } = over
  let cancel = () => {}
  signal.addEventListener('abort', () => {
    cancel()
    if (place.over === over) place.window?.close()
  })

  function watch(wasClosed: boolean): void {
    cancel = clock.setTimeout(() => {
      // After a login page has cut the window off it looks closed too, but then this page does not have the focus.
      const isClosed = (place.window?.closed ?? true) && page.document.hasFocus()
      if (!isClosed || !wasClosed) return watch(isClosed)
      const why =
        'The user closed the window before signing in; let a click start the next sign-in.'
      over.abort(new PkceClientError('popup_closed', why))
    }, betweenLooks)
  }

  return {
    mode: 'popup',
    leavesPage: false,
    go: (request) =>
      waitForAnswer({ page, peer: () => place.window, over, request }, () => {
        place.go = () => place.window?.location.replace(request.url.href)
        place.go()
        watch(false)
      }),
    close: () => over.abort(),
  }
}
