import { PkceClientError } from '../errors.ts'
import { isPlain } from './bearer.ts'
import { asksForMore, refusesToken } from './scheme.ts'
import type { Credentials } from './credentials.ts'
import type { Resources } from './resources.ts'
import type { Fetch, Scheme } from './scheme.ts'

interface AuthorizedFetchOptions {
  resources: Resources
  isOAuthEndpoint: (url: URL) => boolean
  baseUrl: () => string | undefined
  fetch: () => typeof globalThis.fetch
  scheme: Scheme
  credentials: Pick<Credentials, 'peek' | 'obtain' | 'renew'>
}

export interface AuthorizedFetch {
  fetch: Fetch
  /** The URL a call goes to, if it is one that gets a token; throws `resource_not_allowed` if not. */
  target: (input: RequestInfo | URL) => URL
  /** Whether the caller brings an Authorization header of its own, which is left alone. */
  isAuthorized: (input: RequestInfo | URL, init?: RequestInit) => boolean
}

/** A fetch that puts the access token on requests to the listed resources, and renews it once after a 401. */
export function createAuthorizedFetch(options: AuthorizedFetchOptions): AuthorizedFetch {
  const { resources, isOAuthEndpoint, baseUrl, scheme, credentials } = options
  const { peek, obtain, renew } = credentials

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
    const call = { request, init, headers, credential }
    const response = await scheme.send(options.fetch(), call)
    if (response.status !== 401 || isOneShot(init?.body)) return response
    if (response.redirected && !resources.match(new URL(response.url))) return response
    const challenges = await scheme.readChallenges(response)
    // Not worth a refresh: another token of this session would be refused just the same.
    if (asksForMore(challenges)) return response
    const invalidToken = refusesToken(challenges)
    const another = await renew(credential, { signal, invalidToken })
    if (!another) return response
    void response.body?.cancel().catch(() => {})
    return scheme.send(options.fetch(), { ...call, request: spare, credential: another })
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

function hasAuthorization(given: HeadersInit = {}): boolean {
  if (!isPlain(given)) return new Headers(given).has('authorization')
  for (const name in given) {
    if (name.length === 13 && name.toLowerCase() === 'authorization')
      return Object.hasOwn(given, name)
  }
  return false
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
