import { PkceClientError } from '../errors.ts'
import { isPlain } from './bearer.ts'
import { isOAuthRequest } from './endpoints.ts'
import { addressOf, secureUrl } from './resources.ts'
import { asksForMore, refusesToken } from './scheme.ts'
import type { Credentials } from './credentials.ts'
import type { Endpoints } from './endpoints.ts'
import type { Resource, Resources } from './resources.ts'
import type { Fetch, Scheme } from './scheme.ts'

interface AuthorizedFetchOptions {
  resources: Resources
  endpoints: Pick<Endpoints, 'has' | 'noneAt'>
  baseUrl: () => string | undefined
  fetch: () => typeof globalThis.fetch
  scheme: Scheme
  credentials: Pick<Credentials, 'peek' | 'obtain' | 'renew'>
}

export interface AuthorizedFetch {
  fetch: Fetch
  /**
   * What the token for the URL is asked for with. Throws `resource_not_allowed` unless a token may go there; a WebSocket is
   * judged as the request that opens it.
   */
  askFor: (url: string | URL) => string
  /** Whether the call receives a token: its URL is listed, and it brings no Authorization header of its own. */
  isTarget: (request: ReadInput, init?: RequestInit) => boolean
}

/** A fetch that puts the access token on requests to the listed resources, and refreshes it once after a 401. */
export function createAuthorizedFetch(options: AuthorizedFetchOptions): AuthorizedFetch {
  const { resources, endpoints, baseUrl, scheme, credentials } = options
  const { peek, obtain, renew } = credentials

  function match(href: string): Resource {
    const address = addressOf(href)
    const resource = endpoints.has(address) ? undefined : resources.match(address)
    if (!resource) throw notAllowed(href)
    return resource
  }

  function notAllowed(href: string): PkceClientError {
    return new PkceClientError('resource_not_allowed', whyNot(new URL(href), endpoints))
  }

  /** The request to send, with the URL that was checked, and whose token it gets. Throws unless a token may go there. */
  function admit(input: ReadInput): { request: ReadInput; resource: Resource } {
    const text = urlOf(input)
    const known = resources.matchText(text)
    if (known && endpoints.noneAt(known.origin)) return { request: input, resource: known }
    // Reading and parsing the base takes as long as parsing the URL.
    const { href } = /^https?:\/\//.test(text) ? new URL(text) : new URL(text, baseUrl())
    const resource = match(href)
    return { request: typeof input === 'string' ? href : input, resource }
  }

  async function authorizedFetch(input: FetchInput, init?: RequestInit): Promise<Response> {
    const { request, resource } = admit(readInput(input))
    const { ask } = resource
    if (init && !isCopyable(init)) return authorizedFetch(new Request(request, init))
    const headers = headersOf(request, init)
    const signal = signalOf(request, init)
    if (hasAuthorization(headers)) return options.fetch()(request, init)
    let credential = peek(ask)
    if (!credential) {
      credential = await obtain({ ask, signal })
      // The server's endpoints may have become known only now.
      admit(request)
    }
    const spare = spareOf(request, init)
    const call = { request, init, headers, credential }
    const response = await scheme.send(options.fetch(), call)
    if (response.status !== 401 || isOneShot(init?.body)) return response
    if (response.redirected && resources.match(addressOf(response.url))?.ask !== ask)
      return response
    const challenges = await scheme.readChallenges(response)
    // Not worth a refresh: another token of this session would be refused just the same.
    if (asksForMore(challenges)) return response
    const invalidToken = refusesToken(challenges)
    const another = await renew(credential, { signal, invalidToken })
    if (!another) return response
    discard(response)
    return scheme.send(options.fetch(), { ...call, request: spare, credential: another })
  }

  return {
    fetch: authorizedFetch,

    askFor: (target) => match(new URL(target, baseUrl()).href.replace(/^ws/, 'http')).ask,

    isTarget(request, init) {
      try {
        const url = urlOf(admit(request).request)
        return !isOAuthRequest(url) && !hasAuthorization(headersOf(request, init))
      } catch {
        return false
      }
    },
  }
}

type FetchInput = Parameters<Fetch>[0]
/** An input that was read: the text of a URL, or a Request of this realm. */
export type ReadInput = string | Request

/** Reads an input once, so that the URL that is checked is the URL that is sent. A Request of an iframe becomes one of this realm. */
export function readInput(input: FetchInput): ReadInput {
  if (typeof input === 'string' || input instanceof Request) return input
  if (input instanceof URL) return input.href
  const request = new Request(input)
  if (!request.url.includes('[object')) return request
  throw new TypeError('fetch cannot read this input; pass a string, a URL or a Request.')
}

const urlOf = (request: ReadInput): string => (typeof request === 'string' ? request : request.url)

/** The headers of a call: those of `init` replace those of a Request, as they do in fetch. */
const headersOf = (request: ReadInput, init?: RequestInit): HeadersInit | undefined =>
  init?.headers ?? (request as Partial<Request>).headers

function hasAuthorization(given: HeadersInit = {}): boolean {
  if (isPlain(given)) return Object.keys(given).some((name) => /^authorization$/i.test(name))
  return (given instanceof Headers ? given : new Headers(given)).has('authorization')
}

/** A copy has no member of the prototype: of a Request, or of a class, it would be empty. */
export const isCopyable = (init: RequestInit): boolean =>
  Object.getPrototypeOf(init) === Object.prototype

/** The signal of a call: that of `init` replaces the one of a Request. */
export const signalOf = (request: ReadInput, init?: RequestInit): AbortSignal | undefined =>
  init?.signal ?? (request as Partial<Request>).signal

/** What to send a second time, made before the first: sending uses the body up. A body in `init` replaces it, as in fetch. */
export function spareOf(request: ReadInput, init?: RequestInit): ReadInput {
  if (typeof request === 'string' || init?.body != null) return request
  return /^(?:GET|HEAD)$/.test(request.method) ? request : request.clone()
}

/** Streams and iterators are read by the first request and cannot be sent again. */
export function isOneShot(body: unknown): boolean {
  return body instanceof ReadableStream || Symbol.asyncIterator in Object(body)
}

/** Lets go of an answer that nobody reads. */
export function discard({ body }: { body: unknown }): void {
  // node-fetch has Node streams, which have no such method.
  void (body as Partial<ReadableStream> | null)?.cancel?.().catch(() => {})
}

/** One sentence about a URL that receives no token. What it advises is what `resources` accepts. */
function whyNot(url: URL, endpoints: Pick<Endpoints, 'has'>): string {
  const { protocol, host, origin, pathname, username, password } = url
  // The query may hold secrets, and so may a data: URL.
  const shown = host ? `${protocol}//${host}${pathname.slice(0, 100)}` : `${protocol} URLs`
  if (endpoints.has(addressOf(url.href)))
    return `${shown} is an endpoint of the authorization server, which never receives an access token.`
  if (!secureUrl(`${origin}/`) || !host || username || password)
    return `${shown} cannot receive a token: only https URLs without a user name can (http on loopback only).`
  return `${shown} is not a listed resource; add "${origin}/" to resources if it should receive a token.`
}
