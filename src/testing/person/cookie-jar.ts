import type { Clock } from '../../clock.ts'
import { systemClock } from '../server/system-clock.ts'
import { keepsPrefix, readSetCookie } from './set-cookie.ts'
import type { Cookie } from './set-cookie.ts'

/**
 * Which cookies a request may carry: all (`same-site`), all but Strict ones (`cross-site-link`, when another site leads the
 * tab here with GET), or those with SameSite=None alone.
 */
export type CookieReach = 'same-site' | 'cross-site-link' | 'cross-site'

/** Where a cookie comes from. */
export interface CookieSource {
  /** Of the request whose answer sets it. Default: same-site. */
  reach?: CookieReach | undefined
  /** Scripts can neither set nor overwrite HttpOnly cookies. Default: http. */
  from?: 'http' | 'script' | undefined
}

/** The cookies of one browser. */
export interface CookieJar {
  /** The Cookie header for a URL, or `undefined` when no cookie fits. */
  header(url: URL, reach?: CookieReach): string | undefined
  /** Stores the cookie of a Set-Cookie header, unless a browser would not. */
  store(url: URL, setCookie: string, source?: CookieSource): void
  /** All cookies that have not expired, oldest first. */
  list(): Cookie[]
  /** Removes all cookies. */
  clear(): void
}

/**
 * Makes an empty cookie jar. Pass the same one to several calls to act as one browser. Cookies expire by the clock,
 * by default the machine's.
 */
export function createCookieJar({
  clock = systemClock(),
}: { clock?: Clock | undefined } = {}): CookieJar {
  let cookies: Cookie[] = []
  const alive = (): Cookie[] => {
    cookies = cookies.filter(({ expiresAt }) => clock.now() < expiresAt)
    return cookies
  }
  return {
    header(url, reach = 'same-site') {
      const fitting = alive()
        .filter((cookie) => fits(cookie, url) && isInReach(cookie, reach))
        .sort((one, other) => other.path.length - one.path.length)
      if (fitting.length === 0) return undefined
      return fitting.map(({ name, value }) => (name === '' ? value : `${name}=${value}`)).join('; ')
    },
    store(url, setCookie, source = {}) {
      const cookie = readSetCookie(setCookie, { url, now: clock.now() })
      if (!cookie || !isAccepted(cookie, { url, ...source })) return
      const older = alive().find((other) => isSame(cookie, other))
      if (older && source.from === 'script' && older.httpOnly) return
      if (isShadowing(cookie, { url, cookies })) return
      if (older) cookies = cookies.map((other) => (other === older ? cookie : other))
      else cookies.push(cookie)
    },
    list: () => [...alive()],
    clear() {
      cookies = []
    },
  }
}

function fits(cookie: Cookie, url: URL): boolean {
  const isHost = cookie.domain === url.hostname
  return (
    (isHost || (!cookie.hostOnly && url.hostname.endsWith(`.${cookie.domain}`))) &&
    (!cookie.secure || url.protocol === 'https:') &&
    isBelow(url.pathname, cookie.path)
  )
}

function isBelow(pathname: string, path: string): boolean {
  const folder = path.endsWith('/') ? path : `${path}/`
  return pathname === path || pathname.startsWith(folder)
}

function isInReach({ sameSite }: Cookie, reach: CookieReach): boolean {
  if (reach === 'same-site' || sameSite === 'None') return true
  return reach === 'cross-site-link' && sameSite === 'Lax'
}

function isAccepted(
  cookie: Cookie,
  { url, reach = 'same-site', from = 'http' }: CookieSource & { url: URL },
): boolean {
  // Safari's rule, the strictest: no exception for loopback hosts.
  if (cookie.secure && url.protocol !== 'https:') return false
  if (cookie.sameSite === 'None' && !cookie.secure) return false
  if (cookie.sameSite !== 'None' && reach === 'cross-site') return false
  if (cookie.httpOnly && from === 'script') return false
  return keepsPrefix(cookie, from)
}

function isSame(one: Cookie, other: Cookie): boolean {
  return (
    one.name === other.name &&
    one.domain === other.domain &&
    one.hostOnly === other.hostOnly &&
    one.path === other.path
  )
}

/** RFC 6265bis §5.7, step 11: without TLS nobody replaces or hides a secure cookie. */
function isShadowing(
  cookie: Cookie,
  { url, cookies }: { url: URL; cookies: readonly Cookie[] },
): boolean {
  if (url.protocol === 'https:') return false
  return cookies.some(
    (other) =>
      other.secure &&
      other.name === cookie.name &&
      (isUnder(cookie.domain, other.domain) || isUnder(other.domain, cookie.domain)) &&
      isBelow(cookie.path, other.path),
  )
}

function isUnder(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`)
}
