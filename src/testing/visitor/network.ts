import { isRedirect } from '../server/redirects.ts'
import type { AuthServer } from '../server/server.ts'
import type { CookieJar } from '../person/cookie-jar.ts'
import { currentUrl, fetchMetadata, originHeaders, reachOf, redirected } from './journey.ts'
import type { Journey } from './journey.ts'

/** An app's answer to a request; `undefined` when the app has nothing there. */
export type Handle = (request: Request) => Response | undefined | Promise<Response | undefined>

/** What a visitor needs of an {@link AuthServer}. */
export type VisitedServer = Pick<AuthServer, 'issuer' | 'api' | 'otherApis' | 'users' | 'fetch'>

export interface Network {
  jar: CookieJar
  /** Sends one request, follows no redirect. `undefined` when nobody answers at that origin. */
  send(journey: Journey, signal?: AbortSignal): Promise<Response | undefined>
  /** The same, redirects followed; the last answer, and the journey to it. */
  follow(
    journey: Journey,
    signal?: AbortSignal,
  ): Promise<{ journey: Journey; response: Response | undefined }>
}

export interface NetworkParts {
  handle: Handle
  server: VisitedServer | undefined
  origin: string
  jar: CookieJar
  sendsFetchMetadata: boolean
}

export function createNetwork(parts: NetworkParts): Network {
  const { jar } = parts
  const send: Network['send'] = async (journey, signal) => {
    const request = toRequest(journey, { parts, signal })
    const response = await answer(request, parts)
    signal?.throwIfAborted()
    if (sendsCookies(journey)) keepCookies(response)
    return response

    function keepCookies(from: Response | undefined): void {
      from?.headers.forEach((value, name) => {
        if (name !== 'set-cookie') return
        jar.store(currentUrl(journey), value, { reach: reachOf(journey) })
      })
    }
  }
  return {
    jar,
    send,
    async follow(start, signal) {
      let journey = start
      while (journey.urls.length <= 20) {
        const response = await send(journey, signal)
        const location = response?.headers.get('location') ?? undefined
        const { status = 0 } = response ?? {}
        if (location === undefined || !isRedirect(status)) return { journey, response }
        await response?.body?.cancel()
        journey = redirected(journey, { status, location })
      }
      throw new TypeError(`${start.urls[0].href} redirects more than 20 times.`)
    },
  }
}

/** A script's request to another origin carries cookies only when it says so. */
function sendsCookies(journey: Journey): boolean {
  if (journey.kind !== 'script') return true
  const isOwn = journey.urls.every(({ origin }) => origin === journey.initiator?.url.origin)
  if (journey.credentials === 'omit') return false
  return isOwn || journey.credentials === 'include'
}

function toRequest(
  journey: Journey,
  { parts, signal }: { parts: NetworkParts; signal: AbortSignal | undefined },
): Request {
  const { jar, sendsFetchMetadata } = parts
  const url = currentUrl(journey)
  const headers = new Headers(journey.headers)
  const cookies = sendsCookies(journey) ? jar.header(url, reachOf(journey)) : undefined
  const own = {
    ...originHeaders(journey),
    // Only where it is safe from those in between does a browser tell it.
    ...(sendsFetchMetadata && isTrustworthy(url) && fetchMetadata(journey)),
    ...(cookies !== undefined && { cookie: cookies }),
  }
  for (const [name, value] of Object.entries(own)) headers.set(name, value)
  const hasBody = journey.method !== 'GET' && journey.method !== 'HEAD'
  return new Request(url, {
    method: journey.method,
    headers,
    redirect: 'manual',
    ...(hasBody && journey.body !== '' && { body: journey.body }),
    ...(signal && { signal }),
  })
}

function isTrustworthy({ protocol, hostname }: URL): boolean {
  const isLoopback = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return protocol === 'https:' || isLoopback
}

async function answer(request: Request, parts: NetworkParts): Promise<Response | undefined> {
  const { handle, server, origin } = parts
  const url = new URL(request.url)
  if (url.origin === origin) {
    const answered = await unlessAborted(Promise.resolve(handle(request)), request.signal)
    return answered ?? new Response('', { status: 404 })
  }
  if (!server) return undefined
  const served = [server.issuer, server.api.url, ...server.otherApis.map((api) => api.url)]
  const isServed = served.some((base) => new URL(base).origin === url.origin)
  return isServed ? server.fetch(request) : undefined
}

/** Who has left waits for no answer, whether or not the app noticed. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason)
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
