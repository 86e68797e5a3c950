import { PkceClientError } from '../errors.ts'
import type { Navigator } from './navigator.ts'

/** How {@link redirect} leaves the page. */
export interface RedirectOptions {
  /** Puts the sign-in in the place of this page in the history, so that Back does not return to it. */
  replace?: boolean | undefined
}

/** Makes the navigator that leaves the page for the authorization server. */
export function redirect(options: RedirectOptions = {}): Navigator {
  return {
    open(host) {
      const closed = new AbortController()
      return {
        mode: 'redirect',
        leavesPage: true,
        go: ({ url, signal }) =>
          new Promise((_, reject) => {
            signal?.throwIfAborted()
            host.navigate(url.href, options)
            const forget = host.onWake(({ restored }) => {
              if (!restored) return
              const why = 'The user came back from the sign-in page without an answer.'
              reject(new PkceClientError('sign_in_cancelled', why))
            })
            closed.signal.addEventListener('abort', forget)
            signal?.addEventListener('abort', () => reject(signal.reason), {
              signal: closed.signal,
            })
          }),
        close: () => closed.abort(),
      }
    },
  }
}
