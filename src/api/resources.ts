/** An origin, and a path prefix on it. */
interface Place {
  origin: string
  /** Without the trailing slash; empty for the whole origin. */
  path: string
}

/** A place that may receive an access token, and which. */
export interface Resource extends Place {
  /** What its token is asked for with: parameters, form-encoded. */
  ask: string
}

/** Where tokens may go: the same for `fetch`, the replaced global fetch and `getAccessToken({ for })`. */
export interface Resources {
  match(address: string): Resource | undefined
  /** The only entry for the origin of a URL, if the text alone shows that it covers the URL. */
  matchText(text: string): Resource | undefined
}

// Encoded separators and matrix parameters mean different paths to different servers.
const ambiguousPath = /%2f|%5c|(?:\.|%2e){2}(?:;|%3b)/i

// Without the backslash, which some parsers read as a slash.
const visibleAscii = /^[!-[\]-~]*$/

export function createResources(list: readonly Resource[]): Resources {
  const longestFirst = [...list].sort((a, b) => b.path.length - a.path.length)
  const entries = new Map<string, number>()
  for (const { origin } of list) entries.set(origin, (entries.get(origin) ?? 0) + 1)
  const whole = list.filter(({ origin, path }) => path === '' && entries.get(origin) === 1)
  return {
    match: (address) => longestFirst.find((resource) => covers(resource, address)),

    // On the hot path of fetch: parsing a URL takes longer than all the rest, in Chromium most of all.
    matchText(text) {
      for (const resource of whole) {
        const { origin } = resource
        if (text.startsWith(origin) && text[origin.length] === '/')
          return visibleAscii.test(text) ? resource : undefined
      }
      return undefined
    },
  }
}

// With a user name, or a scheme around another one such as blob:, an address does not begin with the origin.
function covers({ origin, path }: Place, address: string): boolean {
  return `${address}/`.startsWith(`${origin}${path}/`) && !(path && ambiguousPath.test(address))
}

/** The part of a URL that says where it goes: without query and fragment. */
export function addressOf(href: string): string {
  const end = href.search(/[?#]/)
  return end < 0 ? href : href.slice(0, end)
}

/** Reads one entry of the `resources` option; paths resolve against the redirect URI. `undefined` when it is not usable. */
export function parseResource(entry: unknown, base: string): Place | undefined {
  const url = secureUrl(entry, base)
  if (!url || /[*?]/.test(entry as string) || ambiguousPath.test(url.pathname)) return undefined
  return { origin: url.origin, path: url.pathname.replace(/\/$/, '') }
}

// Either absolute or a path: "//host", "https:host" and "api.example.com" are mistakes. So are blanks and backslashes, which
// parsers forgive and servers that compare letter by letter do not. No URL in our options may have a fragment.
// Without the flag i, which makes V8 spend 0.1 ms on this class before it is used.
const plain = /^(?:[Hh][Tt][Tt][Pp][Ss]?:\/)?\/(?!\/)[^\0- \\#]*$/

/** The URL, if it is https, or http on a host that never leaves this machine, without a user name or fragment. */
export function secureUrl(value: unknown, base?: string): URL | undefined {
  const url = typeof value === 'string' && plain.test(value) && parseUrl(value, base)
  if (!url) return undefined
  const { protocol, hostname, username, password } = url
  const local = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  const secure = protocol === 'https:' || (protocol === 'http:' && local)
  return secure && !username && !password ? url : undefined
}

/** The URL, or `undefined` when it is none. Safari 16 has no `URL.canParse`. */
export function parseUrl(value: string | URL, base?: string): URL | undefined {
  try {
    return new URL(value, base)
  } catch {
    return undefined
  }
}
