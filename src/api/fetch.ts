import { PkceClientError } from '../errors.ts'
import type { Resources } from './resources.ts'

/** How a token is put on a request, and what a refusal of it asks for. Bearer tokens now (RFC 6750). */
export interface Scheme {
  authorize: (token: string) => string
  onChallenge: (header: string | null) => Promise<{ renew: boolean; invalidToken: boolean }>
}

/** An access token ready for use. */
export interface Credential {
  /** The Authorization header. */
  header: string
  token: string
  /** The `sub` of the person, if the server issued an ID token. */
  subject: string | undefined
  /** Tells people apart: the subject, or the sign-in where the server does not say who somebody is. */
  owner: string
}

interface AuthorizedFetchOptions {
  resources: Resources
  isOAuthEndpoint: (url: URL) => boolean
  baseUrl: () => string | undefined
  fetch: () => typeof globalThis.fetch
  scheme: Scheme
  /** The credential, when it can be used without waiting. */
  peek: () => Credential | undefined
  /** The credential, after whatever it takes to have one. */
  obtain: (signal: AbortSignal | undefined) => Promise<Credential>
  /** Another credential than the refused one, or `undefined` when none is to be had. */
  renew: (
    refused: Credential,
    options: { signal: AbortSignal | undefined; invalidToken: boolean },
  ) => Promise<Credential | undefined>
}

/** What `fetch` looks like to a caller, whoever provides it. */
// Spelled out, because the types of Node have no RequestInfo.
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export interface AuthorizedFetch {
  fetch: Fetch
  /** The URL a call goes to, if it is one that gets a token; throws `resource_not_allowed` if not. */
  target: (input: RequestInfo | URL) => URL
  /** Whether the caller brings an Authorization header of its own, which is left alone. */
  isAuthorized: (input: RequestInfo | URL, init?: RequestInit) => boolean
}

/** A fetch that puts the access token on requests to the listed resources, and renews it once after a 401. */
export function createAuthorizedFetch(options: AuthorizedFetchOptions): AuthorizedFetch {
  const { resources, isOAuthEndpoint, baseUrl, scheme, peek, obtain, renew } = options

  function target(input: RequestInfo | URL): URL {
    const url = input instanceof Request ? new URL(input.url) : new URL(input, baseUrl())
    if (!resources.match(url) || isOAuthEndpoint(url)) throw notAllowed(url)
    return url
  }

  async function authorizedFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const url = target(input)
    const given = input instanceof Request ? input : undefined
    const request = given ?? url.href
    // `init` is copied below, and a copy has no member of the prototype: of a Request, or of a class, it would be empty.
    if (init && Object.getPrototypeOf(init) !== Object.prototype)
      return authorizedFetch(new Request(request, init))
    const headers = headersOf(input, init)
    const signal = init?.signal ?? given?.signal
    if (hasAuthorization(headers)) return options.fetch()(request, init)
    let credential = peek()
    if (!credential) {
      credential = await obtain(signal)
      // The server's endpoints may have become known only now.
      if (isOAuthEndpoint(url)) throw notAllowed(url)
    }
    // Cloned before it is sent: afterwards the body is gone.
    const spare = given && !/^(?:GET|HEAD)$/.test(given.method) ? given.clone() : request
    const response = await options.fetch()(request, authorized(init, headers, credential))
    if (response.status !== 401 || isOneShot(init?.body)) return response
    if (response.redirected && !resources.match(new URL(response.url))) return response
    const { renew: worthIt, invalidToken } = await scheme.onChallenge(
      response.headers.get('www-authenticate'),
    )
    const another = worthIt && (await renew(credential, { signal, invalidToken }))
    if (!another) return response
    void response.body?.cancel().catch(() => {})
    return options.fetch()(spare, authorized(init, headers, another))
  }

  return {
    fetch: authorizedFetch,
    target,
    isAuthorized: (input, init) => hasAuthorization(headersOf(input, init)),
  }
}

/** The headers of a call: those of `init` replace those of a Request, as they do in fetch. */
function headersOf(input: RequestInfo | URL, init?: RequestInit): HeadersInit | undefined {
  return init?.headers ?? (input as Partial<Request>).headers
}

function authorized(
  init: RequestInit | undefined,
  given: HeadersInit = {},
  { header }: Credential,
): RequestInit {
  const headers = isPlain(given)
    ? { authorization: header, ...given }
    : new Headers([...(given as Headers), ['authorization', header]])
  // On the hot path: assigning is several times as fast as a spread with another member behind it.
  return Object.assign({}, init, { headers })
}

function hasAuthorization(given: HeadersInit = {}): boolean {
  if (!isPlain(given)) return new Headers(given).has('authorization')
  for (const name in given) {
    if (name.length === 13 && name.toLowerCase() === 'authorization')
      return Object.hasOwn(given, name)
  }
  return false
}

function isPlain(headers: HeadersInit): headers is Record<string, string> {
  return !(Symbol.iterator in headers)
}

/** Streams and iterators are read by the first request and cannot be sent again. */
function isOneShot(body: unknown): boolean {
  return body instanceof ReadableStream || Symbol.asyncIterator in Object(body)
}

function notAllowed(url: URL): PkceClientError {
  return new PkceClientError(
    'resource_not_allowed',
    `${url.origin}${url.pathname.slice(0, 100)} is not a listed resource; add "${url.origin}/" to resources if it is to get a token.`,
  )
}
