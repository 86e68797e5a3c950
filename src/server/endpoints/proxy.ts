import { PkceClientError, isPkceClientError } from '../../errors.ts'
import { addressOf, createResources, parseUrl } from '../../api/resources.ts'
import { errorJson, statusOf } from '../pages.ts'
import type { Resources } from '../../api/resources.ts'
import type { Fetch } from '../../api/scheme.ts'

/** Requests below `prefix` go to `target`, with the rest of the path and the query. */
export interface ProxyTarget {
  /** A path of our own that begins and ends with a slash, such as `/api/`. */
  prefix: string
  target: URL
}

/** Passes requests of our pages on to APIs (RFC 10017 §6.1.3.6). */
export interface Proxy {
  /** What the API answers, or an error of ours for scripts; `undefined` when no API is there. `fetch` attaches the token. */
  handle(request: Request, fetch: Fetch): Promise<Response> | undefined
}

interface Route extends ProxyTarget {
  /** Where the target begins, with a slash at the end. */
  base: string
  resources: Resources
}

export function createProxy({ targets }: { targets: readonly ProxyTarget[] }): Proxy {
  const routes = targets.map(createRoute).sort((a, b) => b.prefix.length - a.prefix.length)
  const routeOf = (pathname: string): Route | undefined =>
    routes.find(({ prefix }) => pathname.startsWith(prefix))

  return {
    handle(request, fetch) {
      const url = new URL(request.url)
      const route = routeOf(url.pathname)
      return route && forward(route, { request, url, fetch })
    },
  }
}

function createRoute({ prefix, target }: ProxyTarget): Route {
  const path = target.pathname.replace(/\/$/, '')
  const { origin } = target
  const resources = createResources([{ origin, path, ask: '' }])
  return { prefix, target, base: `${origin}${path}/`, resources }
}

interface Passage {
  request: Request
  url: URL
  fetch: Fetch
}

async function forward(route: Route, { request, url, fetch }: Passage): Promise<Response> {
  const { href } = new URL(route.base + url.pathname.slice(route.prefix.length) + url.search)
  if (!route.resources.match(addressOf(href))) return refuse(route)
  try {
    return passBack(await fetch(href, await outgoing(request)), { route, href })
  } catch (error) {
    const known = isPkceClientError(error) ? error : unreachable(route)
    return errorJson(known, statusOf(known))
  }
}

// Up to here a body is sent again with a new token, after a 401; longer ones stream through, and are sent once.
const longestKept = 1024 * 1024

async function outgoing(request: Request): Promise<RequestInit> {
  const { method, body, signal } = request
  // Followed here, a redirect would be judged by nobody.
  const init: RequestInit = { method, headers: headersOut(request), signal, redirect: 'manual' }
  if (!body) return init
  const length = request.headers.get('content-length')
  if (length !== null && Number(length) <= longestKept)
    return { ...init, body: await request.arrayBuffer() }
  return { ...init, body, duplex: 'half' } as RequestInit
}

// What concerns one connection only (RFC 9110 §7.6.1).
const hopByHop =
  /^(?:connection|keep-alive|proxy-.+|te|trailer|transfer-encoding|upgrade|http2-settings)$/

// What the browser says to us: who it is, where it comes from, and what we may answer. `fetch` sets the rest anew.
const notOut =
  /^(?:cookie2?|authorization|dpop|host|forwarded|x-forwarded-.+|x-real-ip|origin|referer|sec-.+|x-csrf-token|accept-encoding|content-length|expect)$/

function headersOut({ headers }: Request): Headers {
  return without(headers, notOut)
}

// What the API says about its own origin, which is not ours.
const notBack =
  /^(?:set-cookie2?|access-control-.+|clear-site-data|alt-svc|service-worker-allowed)$/

function passBack(response: Response, { route, href }: { route: Route; href: string }): Response {
  const { status, statusText } = response
  const headers = without(response.headers, notBack)
  // fetch has decoded the body.
  if (headers.has('content-encoding')) headers.delete('content-length')
  headers.delete('content-encoding')
  const location = headers.get('location')
  if (location !== null) headers.set('location', locationOf(location, { route, href }))
  keepPrivate(headers)
  keepInert(headers)
  const body = /^(?:204|205|304)$/.test(String(status)) ? null : response.body
  return new Response(body, { status, statusText, headers })
}

/** A place below the target is one of ours; all others are absolute, because the browser would start from our origin. */
function locationOf(location: string, { route, href }: { route: Route; href: string }): string {
  const url = parseUrl(location, href)
  if (!url) return location
  const isBelow = url.href.startsWith(route.base)
  return isBelow ? route.prefix + url.href.slice(route.base.length) : url.href
}

/** Shared caches cannot see that a token was sent, which would hold them back (RFC 9111 §3.5). */
function keepPrivate(headers: Headers): void {
  const control = headers.get('cache-control')
  if (control === null) headers.set('cache-control', 'no-store')
  else if (!/\b(?:public|s-maxage|private|no-store)\b/i.test(control))
    headers.append('cache-control', 'private')
  // Whoever signs in next gets nothing from the browser's own cache.
  headers.append('vary', 'cookie')
}

/** A document of the API that is opened in our origin runs no script there. */
function keepInert(headers: Headers): void {
  headers.set('x-content-type-options', 'nosniff')
  if (/html|xml/i.test(headers.get('content-type') ?? ''))
    headers.append('content-security-policy', 'sandbox')
}

function without(given: Headers, unwanted: { test(name: string): boolean }): Headers {
  const named = new Set((given.get('connection') ?? '').toLowerCase().split(/[\s,]+/))
  return new Headers(
    [...given].filter(([name]) => !unwanted.test(name) && !hopByHop.test(name) && !named.has(name)),
  )
}

function refuse({ prefix, target }: Route): Response {
  const message = `A path below ${prefix} has encoded slashes, which could lead out of ${target.pathname} of the API; send it without them.`
  return errorJson(new PkceClientError('resource_not_allowed', message), 400)
}

function unreachable({ target }: Route): PkceClientError {
  const message = `The API at ${target.origin} could not be reached; try again, or check the option proxy.`
  return new PkceClientError('network', message)
}
