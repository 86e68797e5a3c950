import { PkceClientError } from '../errors.ts'
import { relay, waitForAnswer, windowOf } from './relay.ts'
import type { Navigator } from './navigator.ts'
import type { FrameElement } from './page-window.ts'

/** Milliseconds in which something must have been loaded. */
const longestLoad = 10_000
/** Milliseconds after that, in which a page may still lead on by script. */
const longestForward = 3_000

/**
 * Makes the navigator that asks a server in a frame nobody sees who is signed in there (`prompt=none`, OpenID Connect Core
 * §3.1.2.1). Only for a server on the site of the app: on another one, browsers withhold its cookies. The page at the
 * redirect URI starts a client that has `iframe()` or `popup()` among its navigators too, or calls {@link relayAnswer}. Codes
 * of its own: `login_required` when the user must sign in, and `iframe_blocked` when no answer comes.
 */
export function iframe(): Navigator {
  return {
    relay,
    open(host, clock) {
      if (host.url() === undefined) throw blocked('There is no page')
      const page = windowOf(host)
      const over = new AbortController()
      const { signal } = over
      return {
        mode: 'iframe',
        leavesPage: false,
        params: { prompt: 'none' },
        go(request) {
          const frame = page.document.createElement('iframe')
          const limit = (milliseconds: number) =>
            clock.setTimeout(
              () => over.abort(blocked(`No answer came from ${request.url.origin}`)),
              milliseconds,
            )
          const peer = () => frame.contentWindow
          return waitForAnswer({ page, peer, over, request }, (take) => {
            let cancel = limit(longestLoad)
            let isLoaded = false
            signal.addEventListener('abort', () => {
              cancel()
              frame.remove()
            })
            frame.onload = () => {
              take(addressOf(frame))
              if (isLoaded) return
              isLoaded = true
              cancel()
              cancel = limit(longestForward)
            }
            frame.hidden = true
            // A page in it must not send this one away.
            frame.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-forms')
            frame.src = request.url.href
            page.document.documentElement.append(frame)
          })
        },
        close: () => over.abort(),
      }
    },
  }
}

function addressOf({ contentWindow }: FrameElement): string | undefined {
  try {
    return contentWindow?.location.href
  } catch {
    // A page of another origin, or one that the browser refused to show.
    return undefined
  }
}

const blocked = (why: string) =>
  new PkceClientError(
    'iframe_blocked',
    `${why} in a frame; the server, or the page at redirectUri, may refuse to be framed: sign in with a click.`,
  )
