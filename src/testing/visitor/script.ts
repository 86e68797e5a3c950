import { currentUrl } from './journey.ts'
import type { Initiator, Journey } from './journey.ts'
import type { Network } from './network.ts'

// What no script can set, though browsers let it try.
const forbidden =
  /^(cookie|cookie2|host|origin|referer|connection|content-length|te|via|(sec|proxy)-.*)$/i
const simpleMethods = ['GET', 'HEAD', 'POST']
const simpleTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']
const simpleHeaders = ['accept', 'accept-language', 'content-language', 'content-type']

/** `fetch` as a script of the page has it: with the browser's cookies and headers, and within CORS. */
export async function fetchAsScript(
  network: Network,
  { page, url, init }: { page: Initiator; url: URL; init: RequestInit },
): Promise<Response> {
  const start = await read(url, { page, init })
  const isOwn = currentUrl(start).origin === page.url.origin
  if (!isOwn && start.mode === 'same-origin') throw failed(start)
  if (!isOwn && start.mode === 'cors') await askBefore(network, start)
  const signal = init.signal ?? undefined
  const { journey, response } =
    init.redirect === 'manual' || init.redirect === 'error'
      ? { journey: start, response: await network.send(start, signal) }
      : await network.follow(start, signal)
  const isRedirect = response?.headers.has('location') && response.status < 400
  if (!response || (init.redirect === 'error' && isRedirect)) throw failed(journey)
  if (journey.urls.every(({ origin }) => origin === page.url.origin)) return response
  if (journey.mode === 'no-cors') return new Response(null)
  if (!allows(response, journey)) throw failed(journey)
  return response
}

async function read(
  url: URL,
  { page, init }: { page: Initiator; init: RequestInit },
): Promise<Journey> {
  const headers = new Headers({ accept: '*/*' })
  new Headers(init.headers).forEach((value, name) => {
    if (!forbidden.test(name)) headers.set(name, value)
  })
  const holder = new Response(init.body)
  const type = holder.headers.get('content-type')
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
  const method = init.method ?? 'GET'
  const upper = method.toUpperCase()
  return {
    method: [...simpleMethods, 'DELETE', 'OPTIONS', 'PUT'].includes(upper) ? upper : method,
    urls: [url],
    initiator: page,
    kind: 'script',
    isByPerson: false,
    headers,
    body: await holder.text(),
    mode: (init.mode ?? 'cors') as Journey['mode'],
    credentials: init.credentials ?? 'same-origin',
    isTainted: false,
  }
}

/** The preflight: asks whether the request may be sent at all. */
async function askBefore(network: Network, journey: Journey): Promise<void> {
  const { method, headers } = journey
  const asked = [...headers.keys()].filter((name) => !isSimple(name, headers.get(name)!))
  if (simpleMethods.includes(method) && asked.length === 0) return
  const response = await network.send({
    ...journey,
    method: 'OPTIONS',
    body: '',
    credentials: 'omit',
    headers: new Headers({
      'access-control-request-method': method,
      ...(asked.length > 0 && { 'access-control-request-headers': asked.join(',') }),
    }),
  })
  const lists = (header: string, value: string): boolean =>
    (response?.headers.get(header) ?? '')
      .split(',')
      .some((entry) => entry.trim().toLowerCase() === value.toLowerCase())
  const isAllowed =
    response?.ok &&
    allows(response, journey) &&
    (simpleMethods.includes(method) || lists('access-control-allow-methods', method)) &&
    asked.every((name) => lists('access-control-allow-headers', name))
  if (!isAllowed) throw failed(journey)
}

function isSimple(name: string, value: string): boolean {
  if (name !== 'content-type') return simpleHeaders.includes(name)
  return simpleTypes.includes(value.split(';')[0]!.trim().toLowerCase())
}

function allows({ headers }: Response, { initiator, credentials }: Journey): boolean {
  const allowed = headers.get('access-control-allow-origin')
  if (credentials !== 'include') return allowed === '*' || allowed === initiator?.url.origin
  const isExact = allowed === initiator?.url.origin
  return isExact && headers.get('access-control-allow-credentials') === 'true'
}

function failed(journey: Journey): TypeError {
  const { origin, pathname } = currentUrl(journey)
  return new TypeError(`Failed to fetch ${origin}${pathname}`)
}
