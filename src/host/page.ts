import { PkceClientError } from '../errors.ts'
import type { Host } from './host.ts'

/** Node, Deno and workers have no page, and old browsers lack one thing or another. */
const platform = () => globalThis as Partial<typeof globalThis>

/** Makes the default host: the browser's page where there is one, else an environment without a page. */
export function pageHost(): Host {
  return {
    url: () => platform().document && location.href,
    // In a worker relative URLs resolve against its script.
    baseUrl: () => platform().document?.baseURI ?? platform().location?.href,
    historyState: () => (platform().document ? (history.state as unknown) : null),
    replaceUrl(url, { state } = { state: platform().history?.state as unknown }) {
      try {
        history.replaceState(state, '', url)
      } catch {
        // No page; or Safari, which allows a hundred of these in half a minute. A URL that stays as it was harms nobody:
        // the answer in it is spent.
      }
    },
    navigate(url, options) {
      if (!platform().document) {
        throw new PkceClientError(
          'invalid_option',
          'There is no page to leave; use createAuthorizationUrl() and handleCallback(url), or the option navigator.',
        )
      }
      location[options?.replace ? 'replace' : 'assign'](url)
    },
    onWake(listener) {
      const stop = new AbortController()
      const { signal } = stop
      const { document } = platform()
      const wake = () => listener({ restored: false })
      if (document) {
        const onVisibility = () => document.visibilityState === 'visible' && wake()
        const onShown = ({ persisted }: PageTransitionEvent) => listener({ restored: persisted })
        document.addEventListener('visibilitychange', onVisibility, { signal })
        addEventListener('online', wake, { signal })
        addEventListener('pageshow', onShown, { signal })
      }
      return () => stop.abort()
    },
    async whenShown() {
      const page = platform().document as (Document & { prerendering?: boolean }) | undefined
      if (!page?.prerendering) return
      await new Promise((shown) =>
        page.addEventListener('prerenderingchange', shown, { once: true }),
      )
    },
    isVisible: () => platform().document?.visibilityState === 'visible',
    onGesture(listener) {
      const stop = new AbortController()
      const onEvent = ({ isTrusted }: Event) => isTrusted && listener()
      if (platform().document) {
        for (const type of ['pointerdown', 'keydown'])
          addEventListener(type, onEvent, { capture: true, signal: stop.signal })
      }
      return () => stop.abort()
    },
    getTabItem(key) {
      try {
        return sessionStorage.getItem(key) ?? undefined
      } catch {
        // No page, or a page whose site data is blocked.
        return undefined
      }
    },
    setTabItem(key, value) {
      try {
        sessionStorage.setItem(key, value)
      } catch {
        // As above, or it is full.
      }
    },
    hasUserGesture: () =>
      // eslint-disable-next-line project/oldest-engines -- without it every sign-in counts as one that nobody clicked for
      (platform().navigator as Partial<Navigator> | undefined)?.userActivation?.isActive === true,
    reportError(error) {
      const report = (platform() as { reportError?: (error: unknown) => void }).reportError
      if (report) report(error)
      else console.error(error)
    },
    warn: (message) => console.warn(message),
    isSecureContext: () => platform().isSecureContext !== false && !!platform().crypto?.subtle,
  }
}
