import type { Host } from './host.ts'
import { isSecureContext, noHost } from './none.ts'

/** Makes the host of a browser page. */
export function browserHost(): Host {
  return {
    url: () => location.href,
    baseUrl: () => document.baseURI,
    replaceUrl(url) {
      try {
        history.replaceState(history.state, '', url)
      } catch {
        // Safari allows a hundred of these in half a minute. A URL that stays as it was harms nobody: the answer in it is spent.
      }
    },
    navigate: (url, options) => location[options?.replace ? 'replace' : 'assign'](url),
    onWake(listener) {
      const stop = new AbortController()
      const { signal } = stop
      const wake = () => listener({ restored: false })
      document.addEventListener(
        'visibilitychange',
        () => {
          if (document.visibilityState === 'visible') wake()
        },
        { signal },
      )
      addEventListener('online', wake, { signal })
      addEventListener('pageshow', ({ persisted }) => listener({ restored: persisted }), { signal })
      return () => stop.abort()
    },
    whenShown: () =>
      new Promise((resolve) => {
        if (!(document as { prerendering?: boolean }).prerendering) resolve()
        else document.addEventListener('prerenderingchange', () => resolve(), { once: true })
      }),
    hasUserGesture: () => (navigator as Partial<Navigator>).userActivation?.isActive === true,
    isSecureContext,
  }
}

/** Makes the default host: the browser's page where there is one, none elsewhere. */
export function pageHost(): Host {
  let chosen: Host | undefined
  const host = () => (chosen ??= typeof document === 'undefined' ? noHost() : browserHost())
  return {
    url: () => host().url(),
    baseUrl: () => host().baseUrl(),
    replaceUrl: (url) => host().replaceUrl(url),
    navigate: (url, options) => host().navigate(url, options),
    onWake: (listener) => host().onWake(listener),
    whenShown: () => host().whenShown(),
    hasUserGesture: () => host().hasUserGesture(),
    isSecureContext,
  }
}
