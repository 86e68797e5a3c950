/** A cookie that a browser keeps. */
export interface Cookie {
  /** Prefix included. */
  readonly name: string
  /** As it was sent. */
  readonly value: string
  /** The host it is for. Cookies do not tell ports apart. */
  readonly domain: string
  /** Only that host, none below it. */
  readonly hostOnly: boolean
  /** Sent to this path and those below. */
  readonly path: string
  /** Sent over https only. */
  readonly secure: boolean
  /** No script reads it. */
  readonly httpOnly: boolean
  /** Lax when the attribute is missing. */
  readonly sameSite: 'Strict' | 'Lax' | 'None'
  /** Milliseconds since 1970; `Infinity` until the browser is closed. */
  readonly expiresAt: number
}

const longestLife = 400 * 24 * 60 * 60_000

/** Reads a Set-Cookie header by RFC 6265bis §5.6; `undefined` when a browser would ignore it. */
export function readSetCookie(
  header: string,
  { url, now }: { url: URL; now: number },
): Cookie | undefined {
  const [pair = '', ...parts] = header.split(';').map((part) => part.trim())
  const [name, value] = splitAt(pair)
  const attributes = new Map(
    parts.map(splitAt).map(([key, setting]) => [key.toLowerCase(), setting]),
  )
  if ((name === '' && value === '') || name.length + value.length > 4096) return undefined
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(header)) return undefined
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase() ?? ''
  if (domain !== '' && !isDomainOf(domain, url.hostname)) return undefined
  const path = attributes.get('path') ?? ''
  return {
    name,
    value,
    domain: domain === '' ? url.hostname : domain,
    hostOnly: domain === '',
    path: path.startsWith('/') ? path : defaultPath(url),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSites[attributes.get('samesite')?.toLowerCase() ?? ''] ?? 'Lax',
    expiresAt: expiry(attributes, now),
  }
}

const sameSites: Partial<Record<string, Cookie['sameSite']>> = {
  __proto__: null,
  strict: 'Strict',
  none: 'None',
} as object

function splitAt(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** A host sets cookies for itself and for domains above it, but not for all of `com`. */
function isDomainOf(domain: string, host: string): boolean {
  return domain === host || (domain.includes('.') && host.endsWith(`.${domain}`))
}

function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, pathname.lastIndexOf('/')) || '/'
}

function expiry(attributes: ReadonlyMap<string, string>, now: number): number {
  const maxAge = attributes.get('max-age')
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) {
    return now + Math.min(Number(maxAge) * 1000, longestLife)
  }
  const expires = Date.parse(attributes.get('expires') ?? '')
  return Number.isNaN(expires) ? Infinity : Math.min(expires, now + longestLife)
}

/** Whether the prefix of the name promises no more than the attributes keep (RFC 6265bis §5.7). */
export function keepsPrefix(cookie: Cookie, from: 'http' | 'script'): boolean {
  const name = cookie.name.toLowerCase()
  const isHost = /^__host-/.test(name)
  const isHttp = /^__(host-)?http-/.test(name)
  if (name.startsWith('__secure-') && !cookie.secure) return false
  if (isHost && !(cookie.secure && cookie.hostOnly && cookie.path === '/')) return false
  return !isHttp || (cookie.secure && cookie.httpOnly && from === 'http')
}
