import type { Host } from '../host/host.ts'
import type { NavigationAnswer, NavigationRequest } from './navigator.ts'
import type { PageWindow, WindowHandle } from './page-window.ts'

/** Milliseconds in which the page that waits for an answer confirms it. */
const longestSilence = 1_000

export const windowOf = (host: Host): PageWindow =>
  host.window ?? (globalThis as unknown as PageWindow)

interface Conversation {
  state: string
  /** The other window, as long as this one knows it. */
  peer: () => WindowHandle | null | undefined
  hear: (message: unknown) => void
  signal: AbortSignal
}

/**
 * Lets the page that waits for an answer and the window in which it lands talk; returns the way to say something. A channel
 * reaches a window that its login page has cut off (Cross-Origin-Opener-Policy); a window message reaches a frame in another
 * site, whose channels are apart. What is not from this origin, or not from that window, is ignored.
 */
function converse(
  page: PageWindow,
  { state, peer, hear, signal }: Conversation,
): (message: string) => void {
  const { origin } = page.location
  const channel = new page.BroadcastChannel(`pkce|${state}`)
  channel.onmessage = ({ data }) => hear(data)
  page.addEventListener(
    'message',
    (message) => {
      if (message.origin === origin && message.source === peer()) hear(message.data)
    },
    { signal },
  )
  signal.addEventListener('abort', () => channel.close())
  return (message) => {
    channel.postMessage(message)
    peer()?.postMessage(message, origin)
  }
}

/** Hands an answer to the page that waits for it, and closes this window if that has it. Resolves to whether it has. */
function handOn(
  page: PageWindow,
  { href, state }: { href: string; state: string },
): Promise<boolean> {
  return new Promise((resolve) => {
    const over = new AbortController()
    const end = (isReceived: boolean) => {
      over.abort()
      if (isReceived) page.close()
      resolve(isReceived)
    }
    const say = converse(page, {
      state,
      // A page that is no frame is its own parent: then nobody listens.
      peer: () => page.opener ?? page.parent,
      hear: (message) => {
        if (message === state) end(true)
      },
      signal: over.signal,
    })
    page.setTimeout(() => end(false), longestSilence)
    say(href)
  })
}

export const relay = ({ url: { href }, state, host }: NavigationAnswer): Promise<boolean> =>
  handOn(windowOf(host), { href, state })

/**
 * For a page at the redirect URI that does not start the app: hands the answer in its address to the page that waits for it
 * in `popup()` or `iframe()`, and closes this window. Resolves to whether that page has it: `false` after a second when
 * nobody waits, and at once when the address is no answer.
 * @param page - for tests; the browser's own window when left out
 */
export async function relayAnswer(
  page: PageWindow = globalThis as unknown as PageWindow,
): Promise<boolean> {
  const { href } = page.location
  const state = stateOf(href)
  return state !== undefined && handOn(page, { href, state })
}

interface Wait extends Pick<Conversation, 'peer'> {
  page: PageWindow
  request: NavigationRequest
  /** Aborted when the navigation is over, whatever became of it. */
  over: AbortController
}

/**
 * Waits for the answer to a request, and confirms it. `begin` gets the function that takes an address, for whoever sees one
 * first. Rejects with the reason for which the navigation is over.
 */
export function waitForAnswer(
  { page, peer, over, request: { state, signal: given } }: Wait,
  begin: (take: (address: unknown) => void) => void,
): Promise<URL> {
  const { signal } = over
  return new Promise((resolve, reject) => {
    given?.throwIfAborted()
    signal.throwIfAborted()
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    given?.addEventListener('abort', () => over.abort(given.reason), { signal })
    const take = (address: unknown) => {
      const isAnswer =
        typeof address === 'string' &&
        address.startsWith(`${page.location.origin}/`) &&
        /[?&#](?:code|error|\w+_token)=/.test(address) &&
        stateOf(address) === state
      if (!isAnswer) return
      say(state)
      resolve(new URL(address))
    }
    const say = converse(page, { state, peer, hear: take, signal })
    begin(take)
  })
}

/** Of a query, or of the fragment: a server may break the rules, and the app is to learn of it. */
const stateOf = (address: string): string | undefined => /[?&#]state=([\w.-]+)/.exec(address)?.[1]
