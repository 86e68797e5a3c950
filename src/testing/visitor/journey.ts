import type { CookieReach } from '../person/cookie-jar.ts'
import { becomesGet } from '../server/redirects.ts'
import { isSameSite } from '../person/site.ts'

/** Who asked for a request: somebody at the address bar, or the page at this URL. */
export interface Initiator {
  url: URL
  /** The Referrer-Policy of its page. */
  referrerPolicy: string
}

/** One request of a browser, redirects included. */
export interface Journey {
  method: string
  /** Every URL so far, the current one last. */
  urls: [URL, ...URL[]]
  initiator: Initiator | undefined
  kind: 'navigation' | 'frame' | 'image' | 'script'
  /** A person clicked or typed; a page that leads on by itself has nobody. */
  isByPerson: boolean
  headers: Headers
  body: string
  /** Of a script's request. */
  mode: 'cors' | 'no-cors' | 'same-origin'
  credentials: RequestCredentials
  /** RFC 6454 §7: the origin is no longer told, once a redirect has crossed two of them. */
  isTainted: boolean
}

const destinations = { navigation: 'document', frame: 'iframe', image: 'image', script: 'empty' }

export const currentUrl = ({ urls }: Pick<Journey, 'urls'>): URL => urls.at(-1)!

/**
 * The strictest that browsers do. Firefox withholds Strict cookies once a redirect has crossed sites, also when the address was
 * typed; Chromium asks only who began. Measured with Firefox 153 and Chromium 156.
 */
export function reachOf(journey: Journey): CookieReach {
  const current = currentUrl(journey)
  const { initiator, urls, kind, method } = journey
  const begunAt = initiator ? [initiator.url] : []
  if ([...begunAt, ...urls].every((url) => isSameSite(url, current))) return 'same-site'
  const isSafe = method === 'GET' || method === 'HEAD'
  return kind === 'navigation' && isSafe ? 'cross-site-link' : 'cross-site'
}

/** Fetch Metadata: what the browser says about who asks, for which purpose. */
export function fetchMetadata(journey: Journey): Record<string, string> {
  const { kind, isByPerson, mode } = journey
  const isNavigation = kind === 'navigation' || kind === 'frame'
  return {
    'sec-fetch-site': siteRelation(journey),
    'sec-fetch-mode': isNavigation ? 'navigate' : kind === 'image' ? 'no-cors' : mode,
    'sec-fetch-dest': destinations[kind],
    ...(isNavigation && isByPerson && { 'sec-fetch-user': '?1' }),
  }
}

function siteRelation({ initiator, urls }: Journey): string {
  if (!initiator) return 'none'
  if (urls.every(({ origin }) => origin === initiator.url.origin)) return 'same-origin'
  return urls.every((url) => isSameSite(url, initiator.url)) ? 'same-site' : 'cross-site'
}

/** The headers Origin and Referer, as the fetch standard has them. */
export function originHeaders(journey: Journey): Record<string, string> {
  const { initiator } = journey
  const referrer = referrerOf(journey)
  return {
    ...(initiator && tellsOrigin(journey) && { origin: originOf(journey, initiator) }),
    ...(referrer !== undefined && { referer: referrer }),
  }
}

function tellsOrigin(journey: Journey): boolean {
  const { initiator, method, kind, mode } = journey
  if (method !== 'GET' && method !== 'HEAD') return true
  const isCrossOrigin = currentUrl(journey).origin !== initiator?.url.origin
  return kind === 'script' && mode === 'cors' && isCrossOrigin
}

function originOf(journey: Journey, { url, referrerPolicy }: Initiator): string {
  if (journey.isTainted) return 'null'
  // A script's request that others may read tells its origin, whatever the policy says.
  if (journey.kind === 'script' && journey.mode === 'cors') return url.origin
  const isSecret =
    referrerPolicy === 'no-referrer' ||
    (referrerPolicy === 'same-origin' && currentUrl(journey).origin !== url.origin)
  return isSecret ? 'null' : url.origin
}

function referrerOf(journey: Journey): string | undefined {
  const { initiator } = journey
  if (!initiator) return undefined
  const { url, referrerPolicy } = initiator
  const current = currentUrl(journey)
  const isOwn = current.origin === url.origin
  if (referrerPolicy === 'no-referrer' || (referrerPolicy === 'same-origin' && !isOwn))
    return undefined
  if (url.protocol === 'https:' && current.protocol === 'http:') return undefined
  if (isOwn && referrerPolicy !== 'origin' && referrerPolicy !== 'strict-origin') {
    return url.href.slice(0, url.href.length - url.hash.length)
  }
  return `${url.origin}/`
}

/** The fetch standard's HTTP-redirect fetch. */
export function redirected(
  journey: Journey,
  { status, location }: { status: number; location: string },
): Journey {
  const from = currentUrl(journey)
  const to = new URL(location, from)
  if (to.hash === '') to.hash = from.hash
  const { method, initiator } = journey
  const isGetNow = becomesGet(method, status)
  const headers = new Headers(journey.headers)
  if (isGetNow) headers.delete('content-type')
  const isLeavingAgain = to.origin !== from.origin && from.origin !== initiator?.url.origin
  return {
    ...journey,
    ...(isGetNow && { method: 'GET', body: '' }),
    headers,
    urls: [...journey.urls, to],
    isTainted: journey.isTainted || (initiator !== undefined && isLeavingAgain),
  }
}
