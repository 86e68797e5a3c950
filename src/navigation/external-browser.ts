import { PkceClientError } from '../errors.ts'
import type { Navigator } from './navigator.ts'

/** How an app gets to the browser of the system, and hears what comes back. */
export interface ExternalBrowserOptions {
  /** Opens the URL in the browser of the system, never in a web view of the app (RFC 8252 §8.12). May return a promise. */
  open: (url: string) => unknown
  /**
   * Begins to listen, before the browser is opened. Passes each URL that the app is opened with to `answer`, which returns
   * whether it was the answer to this sign-in; other URLs are the app's own. Calls `cancel` if the user closes the browser.
   * Returns a function that stops listening, or a promise of it.
   */
  listen: (
    answer: (url: string | URL) => boolean,
    cancel: () => void,
  ) => (() => unknown) | PromiseLike<() => unknown>
}

/**
 * Makes the navigator of native apps (RFC 8252): users sign in in the browser of the system, and the answer comes back to the
 * app, which goes on running. A second sign-in cancels the first. What `open` and `listen` throw is what `signIn` rejects with.
 */
export function externalBrowser({ open, listen }: ExternalBrowserOptions): Navigator {
  let cancelFormer: ((why: string) => void) | undefined
  return {
    open() {
      cancelFormer?.('Another sign-in began.')
      const over = new AbortController()
      const { signal: ended } = over
      let stop: ReturnType<typeof listen> | undefined
      const cancel = (why: string) => over.abort(new PkceClientError('sign_in_cancelled', why))
      cancelFormer = cancel
      return {
        mode: 'external',
        leavesPage: false,
        go: ({ url, state, signal }) =>
          new Promise((resolve, reject) => {
            const giveUp = () => over.abort(signal?.reason)
            if (signal?.aborted) giveUp()
            signal?.addEventListener('abort', giveUp, { signal: ended })
            ended.addEventListener('abort', () => reject(ended.reason))
            const answer = (given: string | URL) => {
              const answer = answerTo(state, given)
              if (answer) resolve(answer)
              return !!answer
            }
            const begin = async () => {
              ended.throwIfAborted()
              stop = listen(answer, () => cancel('The user closed the browser.'))
              await stop
              ended.throwIfAborted()
              await open(url.href)
            }
            begin().catch(reject)
          }),
        close() {
          over.abort()
          Promise.resolve(stop)
            .then((stop) => stop?.())
            .catch(() => {})
          stop = undefined
        },
      }
    },
  }
}

/** The URL, if it is one and carries the state: nobody else knows it, so that nobody else can end the sign-in. */
function answerTo(state: string, given: string | URL): URL | undefined {
  try {
    const url = new URL(given)
    return url.searchParams.get('state') === state ? url : undefined
  } catch {
    return undefined
  }
}
