import { PkceClientError } from './errors.ts'

/** A place that may receive an access token: an origin, and a path prefix on it. */
export interface Resource {
  origin: string
  /** Without the trailing slash; empty for the whole origin. */
  path: string
}

/** The same judge for `fetch`, the replaced global fetch and `getAccessToken({ for })`. */
export interface Resources {
  match(url: URL): Resource | undefined
}

// Encoded separators and matrix parameters mean different paths to different servers.
const ambiguous = /%2f|%5c|\.\.;/i

export function createResources(list: readonly Resource[]): Resources {
  const longestFirst = [...list].sort((a, b) => b.path.length - a.path.length)
  return {
    match(url) {
      const { origin } = url
      for (const resource of longestFirst) {
        if (resource.origin === origin && covers(resource.path, url.pathname)) return resource
      }
      return undefined
    },
  }
}

function covers(prefix: string, pathname: string): boolean {
  if (prefix === '') return true
  if (!pathname.startsWith(prefix)) return false
  return (
    (pathname.length === prefix.length || pathname[prefix.length] === '/') &&
    !ambiguous.test(pathname)
  )
}

/** Reads one entry of the `resources` option; relative entries resolve against the redirect URI. */
export function parseResource(entry: unknown, base: string): Resource {
  const text = typeof entry === 'string' ? entry : (entry as { url?: unknown } | null)?.url
  if (typeof text !== 'string' || !(/^https?:\/\//i.test(text) || /^\/(?![/\\])/.test(text))) {
    throw invalidResource(
      entry,
      'list URLs such as "https://api.example.com/" or paths such as "/api/"',
    )
  }
  let url: URL
  try {
    url = new URL(text, base)
  } catch {
    throw invalidResource(entry, 'it is not a URL')
  }
  if (!isSecureUrl(url)) throw invalidResource(entry, 'use https (http is for loopback hosts only)')
  if (url.search || url.hash || url.username || url.password || url.hostname.includes('*')) {
    throw invalidResource(entry, 'leave out wildcards, query, fragment and user name')
  }
  if (ambiguous.test(url.pathname)) throw invalidResource(entry, 'leave out encoded slashes')
  return { origin: url.origin, path: url.pathname.replace(/\/$/, '') }
}

/** https, or http on a host that never leaves this machine. */
export function isSecureUrl(url: URL): boolean {
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' &&
      /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname))
  )
}

function invalidResource(entry: unknown, advice: string): PkceClientError {
  const shown = (JSON.stringify(entry) as string | undefined)?.slice(0, 200)
  return new PkceClientError(
    'invalid_option',
    `Option resources has ${shown ?? 'undefined'}: ${advice}.`,
  )
}
