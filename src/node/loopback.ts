import { PkceClientError } from '../errors.ts'
import { externalBrowser } from '../navigation/external-browser.ts'
import { listenForAnswer } from './listener.ts'
import type { Navigator } from '../navigation/navigator.ts'

/** How {@link loopback} opens the browser, and where it listens. */
export interface LoopbackOptions {
  /** Opens the URL in the browser of the system. Print it as well: a browser does not open everywhere. May return a promise. */
  open: (url: string) => unknown
  /** The path of the redirect URI that is registered; `'/callback'` when left out. */
  path?: string | undefined
  /** The port, for servers that compare it, although RFC 8252 §7.3 forbids it; any free one when left out. */
  port?: number | undefined
}

const longestWait = 300_000

/**
 * Makes the navigator of command-line programs: users sign in in the browser of the system, and the answer comes back to a
 * port of this machine, `http://127.0.0.1:<port><path>` (RFC 8252 §7.3), which is open for as long as the sign-in lasts. After
 * five minutes `signIn` rejects with `sign_in_cancelled`; with `invalid_option` when the port is taken, and with what `open`
 * throws.
 */
export function loopback({ open, path = '/callback', port = 0 }: LoopbackOptions): Navigator {
  return {
    open(host, clock) {
      const listener = listenForAnswer({ port, path })
      const listen = (answer: (url: string) => boolean) => {
        listener.offerTo(answer)
        return listener.close
      }
      const browser = externalBrowser({ open, listen }).open(host, clock)
      const params = listener.address.then((redirectUri) => ({ redirectUri }))
      // It may be that nobody waits for it any more.
      params.catch(() => {})
      let stopTimer = () => {}
      const expired = () =>
        new Promise<never>((_, reject) => {
          const why = 'Nobody signed in within five minutes.'
          const expire = () => reject(new PkceClientError('sign_in_cancelled', why))
          stopTimer = clock.setTimeout(expire, longestWait)
        })
      return {
        mode: 'loopback',
        leavesPage: false,
        params,
        go: (request) => Promise.race([browser.go(request), expired()]),
        close() {
          stopTimer()
          browser.close()
          listener.close()
        },
      }
    },
  }
}
