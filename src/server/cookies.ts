/** The cookies of a back end: one for the session, and one for each sign-in under way. */
export interface Cookies {
  sessionName: string
  /** The value of the session cookie, if it can be one of ours. */
  readSession(request: Request): string | undefined
  /** A Set-Cookie header, as are all that follow. */
  setSession(value: string): string
  clearSession(): string
  transactionName(id: string): string
  readTransaction(request: Request, id: string): string | undefined
  /** The sign-ins under way, in the order the browser sends them: the oldest first. */
  transactionIds(request: Request): string[]
  setTransaction(id: string, value: string): string
  clearTransaction(id: string): string
}

export interface CookieOptions {
  /** Whether the app is on https; cookies on http://localhost can have no prefix, and Safari drops secure ones there. */
  secure: boolean
  /** Without the prefix, which `secure` adds. */
  name?: string | undefined
  sameSite: 'strict' | 'lax'
  /** Milliseconds the session lives. */
  lifetime: number
}

const longestHeader = 16 * 1024
const transactionSeconds = 3600
// Browsers cut longer ones to 400 days (RFC 6265bis §5.5).
const mostSeconds = 400 * 86_400

/** The cookies of a Cookie header; the first of a name wins, which is the one with the longest path (RFC 6265 §5.4). */
export function readCookies(header: string | null): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header?.slice(0, longestHeader).split(';') ?? []) {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    if (equals < 0 || !name || cookies.has(name)) continue
    cookies.set(name, pair.slice(equals + 1).trim())
  }
  return cookies
}

/** Cookies that scripts cannot read and no other host or path can set (RFC 6265bis §4.1.3, RFC 10017 §6.1.3.2). */
export function createCookies({
  secure,
  name = 'pkce',
  sameSite,
  lifetime,
}: CookieOptions): Cookies {
  const sessionName = secure ? `__Host-Http-${name}` : name
  const prefix = `${sessionName}-tx-`
  const read = (request: Request): Map<string, string> => readCookies(request.headers.get('cookie'))
  const seconds = Math.min(Math.floor(lifetime / 1000), mostSeconds)

  const write = (pair: string, { site, age }: { site: string; age: number }): string =>
    `${pair}; Path=/; Max-Age=${age}; HttpOnly${secure ? '; Secure' : ''}; SameSite=${site}`

  const writeSession = (value: string, age: number): string =>
    write(`${sessionName}=${value}`, { site: sameSite === 'strict' ? 'Strict' : 'Lax', age })

  // Lax, because the answer of the authorization server comes from another site.
  const writeTransaction = (id: string, value: string, age: number): string =>
    write(`${prefix}${id}=${value}`, { site: 'Lax', age })

  return {
    sessionName,

    readSession(request) {
      const value = read(request).get(sessionName)
      return value && /^[\w-]{43}$/.test(value) ? value : undefined
    },

    setSession: (value) => writeSession(value, seconds),
    clearSession: () => writeSession('', 0),

    transactionName: (id) => prefix + id,
    readTransaction: (request, id) => read(request).get(prefix + id),
    transactionIds: (request) =>
      [...read(request).keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)),
    setTransaction: (id, value) => writeTransaction(id, value, transactionSeconds),
    clearTransaction: (id) => writeTransaction(id, '', 0),
  }
}
