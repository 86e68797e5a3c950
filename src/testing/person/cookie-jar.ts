/** The cookies of one browser. SameSite is ignored. */
export interface CookieJar {
  /** The Cookie header for a URL, or `undefined` when no cookie fits. */
  header(url: URL): string | undefined
  /** Stores the cookie of a Set-Cookie header. */
  store(url: URL, setCookie: string): void
  /** Removes all cookies. */
  clear(): void
}

interface StoredCookie {
  name: string
  value: string
  /** Cookies do not tell ports apart. */
  host: string
  path: string
  secure: boolean
}

/** Makes an empty cookie jar. Pass the same one to several calls to act as one browser. */
export function createCookieJar(): CookieJar {
  let cookies: StoredCookie[] = []
  return {
    header(url) {
      const fitting = cookies.filter((cookie) => fits(cookie, url))
      if (fitting.length === 0) return undefined
      return fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
    store(url, setCookie) {
      const [pair = '', ...attributes] = setCookie.split(';').map((part) => part.trim())
      const at = pair.indexOf('=')
      const attribute = (name: string): string | undefined =>
        attributes
          .find((part) => part.toLowerCase().split('=')[0] === name)
          ?.replace(/^[^=]*=?/, '')
      const cookie: StoredCookie = {
        name: pair.slice(0, at),
        value: pair.slice(at + 1),
        host: url.hostname,
        path: attribute('path') ?? '/',
        secure: attribute('secure') !== undefined,
      }
      cookies = cookies.filter(
        ({ name, host, path }) =>
          name !== cookie.name || host !== cookie.host || path !== cookie.path,
      )
      if (attribute('max-age') !== '0') cookies.push(cookie)
    },
    clear() {
      cookies = []
    },
  }
}

function fits(cookie: StoredCookie, url: URL): boolean {
  const prefix = cookie.path.replace(/\/$/, '')
  return (
    cookie.host === url.hostname &&
    (!cookie.secure || url.protocol === 'https:') &&
    (url.pathname === prefix || url.pathname.startsWith(`${prefix}/`))
  )
}
