// The client as any app makes it, with devtools, and with ports that the troubles can turn.
import { PkceClient, dpop, popup, redirect } from 'pkce-client'
import { createDevtools } from 'pkce-client/devtools'
import { recall, remember } from './remembered.ts'
import type { Clock, Navigator } from 'pkce-client'

export const issuer = import.meta.env.VITE_ISSUER
export const api = import.meta.env.VITE_API
export const clientId = 'playground'
export const redirectUri = new URL('/callback', location.origin).href

/** The network that the client has. */
export const network = { isOffline: false, losesNextTokens: false }

/**
 * Loses an answer here and not at the server: a browser sends a POST again by itself when a kept connection breaks, and the
 * client would not hear of it.
 */
const unsteadyFetch: typeof fetch = async (...request) => {
  if (network.isOffline) throw new TypeError('Failed to fetch: the playground is offline')
  const answer = await fetch(...request)
  const isToken = new URL(answer.url).pathname === '/token'
  if (!isToken || !network.losesNextTokens) return answer
  network.losesNextTokens = false
  throw new TypeError('Failed to fetch: the playground has lost the answer')
}

/** Milliseconds that the clock of the client is ahead of the machine's. */
const ahead = () => {
  const { isClockAhead, nights } = recall()
  return ((isClockAhead ? 2 : 0) + 8 * nights) * 60 * 60 * 1000
}

/** The clock that the client has. */
export const clock: Clock = {
  now: () => Date.now() + ahead(),
  setTimeout(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
  // Always the longest pause: what a button shows is over before the next try.
  random: () => 0.999,
  systemOffset: () => ahead() / 1000,
}

/** Remembers what the troubles with old and wrong callbacks need. */
const noting = (navigator: Navigator): Navigator => ({
  ...navigator,
  open(host, clock) {
    const navigation = navigator.open(host, clock)
    return {
      ...navigation,
      async go(request) {
        remember({ state: request.state })
        const answer = await navigation.go(request)
        if (answer) remember({ callback: answer.href })
        return answer
      },
    }
  },
})

/** Makes a client for one kind of token. Each kind has a session and a recording of its own. */
export function openClient(kind: 'bearer' | 'dpop') {
  const devtools = createDevtools()
  const options = devtools.observe({
    issuer,
    clientId,
    redirectUri,
    postSignOutRedirectUri: new URL('/', location.origin).href,
    scope: 'openid profile email offline_access',
    resources: [api],
    navigator: [noting(redirect()), noting(popup({ fallback: redirect() }))],
    sessionKey: kind,
    ...(kind === 'dpop' && { use: [dpop()] }),
    clock,
    fetch: unsteadyFetch,
  })
  const [byRedirect, byPopup] = options.navigator
  return { devtools, auth: new PkceClient(options), byRedirect: byRedirect!, byPopup: byPopup! }
}
