import { PkceClientError } from '../errors.ts'
import { toUtf8 } from './bytes.ts'

/** What Node's `IncomingMessage` has, and the requests of Express. */
export interface NodeRequest {
  /** The HTTP method. */
  readonly method?: string | undefined
  /** Path and query, as the client sent them or as a mounted router left them. */
  readonly url?: string | undefined
  /** Express: path and query before routers took their part off. */
  readonly originalUrl?: string | undefined
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  /** 2 where a body needs no header that announces it. */
  readonly httpVersionMajor: number
  /** Whether somebody, such as a body parser, has read the body. */
  readonly readableDidRead: boolean
  /** Whether the connection is gone. */
  readonly destroyed: boolean
  /** What a body parser made of the body. */
  readonly body?: unknown
  /** Listens to an event. */
  on(event: string, listener: (...values: never[]) => void): unknown
  /** Stops the events `data`. */
  pause(): unknown
  /** Starts the events `data`. */
  resume(): unknown
}

/** What Node's `ServerResponse` has, and the responses of Express. */
export interface NodeResponse {
  /** The status to send. */
  statusCode: number
  /** Whether status and headers are on their way. */
  readonly headersSent: boolean
  /** Whether all was handed over to the system. */
  readonly writableFinished: boolean
  /** Whether the connection is gone. */
  readonly destroyed: boolean
  /** Sets a header. */
  setHeader(name: string, value: string): unknown
  /** Adds to a header. */
  appendHeader(name: string, value: string[]): unknown
  /** Sends status and headers now. */
  flushHeaders(): void
  /** False when the client is slow. */
  write(chunk: Uint8Array): boolean
  /** Nothing follows. */
  end(text?: string): unknown
  /** Cuts the connection. */
  destroy(): unknown
  /** Listens to an event. */
  on(event: string, listener: () => void): unknown
}

/** Options of {@link toNodeHandler} and {@link toRequest}. */
export interface NodeOptions {
  /** The origin of `request.url`, which is `http://localhost` when left out. Never taken from the Host header. */
  baseUrl?: string | undefined
}

/** A handler for `http.createServer`, `app.use` of Express and a hook of Fastify. */
export type NodeHandler = (
  req: NodeRequest,
  res: NodeResponse,
  next?: (error?: never) => void,
) => void

/**
 * Runs a handler of web standards, such as `auth.handle`, on Node, Express and Fastify. What the handler leaves
 * (`undefined`) goes to `next`, or is answered 404; what it throws goes to `next`, or is answered 500. `request.signal` is
 * aborted when the client leaves.
 */
export function toNodeHandler(
  handle: (request: Request) => Promise<Response | undefined>,
  options: NodeOptions = {},
): NodeHandler {
  return (req, res, next) => {
    const finish = (status: number, error?: unknown): void => {
      if (res.headersSent) res.destroy()
      else if (next) next(error as never)
      else {
        res.statusCode = status
        res.end(status === 404 ? 'Not found' : 'Internal server error')
      }
    }
    run(handle, { req, res, options }).then(
      (handled) => handled || finish(404),
      (error: unknown) => finish(500, error),
    )
  }
}

interface Exchange {
  req: NodeRequest
  res: NodeResponse
  options: NodeOptions
}

async function run(
  handle: (request: Request) => Promise<Response | undefined>,
  { req, res, options }: Exchange,
): Promise<boolean> {
  // No Request can have these methods.
  if (/^(?:connect|trace|track)$/i.test(req.method ?? '')) return false
  const departure = departures.get(req) ?? new AbortController()
  departures.set(req, departure)
  res.on('close', () => {
    if (!res.writableFinished) departure.abort()
  })
  const response = await handle(toRequest(req, options))
  if (response) await send(response, { req, res })
  return response !== undefined
}

const requests = new WeakMap<NodeRequest, Request>()
const departures = new WeakMap<NodeRequest, AbortController>()

/**
 * The Request of web standards for a request of Node or Express, for example `auth.session(toRequest(req))`: always the same
 * object for the same `req`. Its body is that of `req`, or what a body parser has made of it (JSON and forms).
 */
export function toRequest(req: NodeRequest, { baseUrl }: NodeOptions = {}): Request {
  const known = requests.get(req)
  if (known) return known
  const departure = departures.get(req) ?? new AbortController()
  departures.set(req, departure)
  const { origin } = new URL(baseUrl ?? 'http://localhost')
  const request = new Request(origin + targetOf(req), {
    method: req.method ?? 'GET',
    headers: headersOf(req),
    signal: departure.signal,
    body: hasBody(req) ? bodyOf(req) : null,
    duplex: 'half',
  } as RequestInit)
  requests.set(req, request)
  return request
}

/** Path and query; a client may send a whole URL, whose host proves nothing. */
function targetOf({ originalUrl, url }: NodeRequest): string {
  const target = originalUrl ?? url ?? '/'
  return target.startsWith('/') ? target : `/${target.replace(/^[a-z]+:\/\/[^/?#]*\/?/i, '')}`
}

function headersOf({ headers }: NodeRequest): Headers {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    // HTTP/2 has the method and path among them.
    if (name.startsWith(':')) continue
    for (const one of [value ?? []].flat()) all.append(name, one)
  }
  return all
}

function hasBody({ method, headers, httpVersionMajor }: NodeRequest): boolean {
  if (/^(?:get|head)$/i.test(method ?? 'GET') || headers['content-length'] === '0') return false
  return Boolean(headers['content-length'] ?? headers['transfer-encoding'] ?? httpVersionMajor > 1)
}

/** Nothing is read before somebody reads: until then a body parser may. */
function bodyOf(req: NodeRequest): ReadableStream<Uint8Array> {
  let state: 'unread' | 'open' | 'over' = 'unread'

  function listen(controller: Controller): void {
    const finish = (end: () => void) => () => {
      if (state === 'open') end()
      state = 'over'
    }
    const leave = finish(() => controller.error(new TypeError('The client has left.')))
    req.on('data', (chunk: Uint8Array) => {
      if (state !== 'open') return
      req.pause()
      controller.enqueue(chunk)
    })
    req.on(
      'end',
      finish(() => controller.close()),
    )
    for (const event of ['close', 'error']) req.on(event, leave)
    if (req.destroyed) leave()
  }

  function pull(controller: Controller): void {
    const isFirst = state === 'unread'
    state = 'open'
    if (!isFirst) req.resume()
    else if (req.readableDidRead) replay(req, controller)
    else listen(controller)
  }

  function cancel(): void {
    state = 'over'
    // Destroying it would cut the connection before our answer; left unread, it would block the next request.
    req.resume()
  }

  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

type Controller = ReadableStreamDefaultController<Uint8Array>

function replay(req: NodeRequest, controller: Controller): void {
  const bytes = bytesOf(req)
  if (bytes) {
    controller.enqueue(bytes)
    controller.close()
    return
  }
  const message =
    'A body parser has read the body, and what it made of it cannot be sent on; put toNodeHandler before the body parsers.'
  controller.error(new PkceClientError('invalid_option', message))
}

/** The body again, from what a parser made of it. */
function bytesOf({ body, headers }: NodeRequest): Uint8Array | undefined {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return toUtf8(body)
  const type = String(headers['content-type'])
  if (/^application\/(?:.+\+)?json/i.test(type) && body !== undefined)
    return toUtf8(JSON.stringify(body))
  if (/^application\/x-www-form-urlencoded/i.test(type) && isForm(body)) {
    const pairs = Object.entries(body).flatMap(([name, value]) =>
      [value].flat().map((one) => [name, one]),
    )
    return toUtf8(new URLSearchParams(pairs).toString())
  }
  return undefined
}

/** Fields with one value or several; parsers that make objects of names such as `a[b]` keep no order. */
function isForm(body: unknown): body is Record<string, string | string[]> {
  if (typeof body !== 'object' || body === null) return false
  return Object.values(body).every((value) =>
    [value].flat().every((one) => typeof one === 'string'),
  )
}

async function send(
  response: Response,
  { req, res }: { req: NodeRequest; res: NodeResponse },
): Promise<void> {
  res.statusCode = response.status
  for (const [name, value] of response.headers)
    if (name !== 'set-cookie') res.setHeader(name, value)
  const cookies = response.headers.getSetCookie()
  // Others may have set cookies before us.
  if (cookies.length > 0) res.appendHeader('set-cookie', cookies)
  const reader = response.body?.getReader()
  if (!reader || req.method === 'HEAD' || res.destroyed) {
    void reader?.cancel().catch(() => {})
    res.end()
    return
  }
  // Whoever waits for the first event of a stream sees that it has begun.
  res.flushHeaders()
  await pump(reader, res)
}

/** Reads as fast as the client does, and no further once it has left. */
async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  res: NodeResponse,
): Promise<void> {
  let goOn = (): void => {}
  res.on('drain', () => goOn())
  res.on('close', () => void reader.cancel().catch(() => {}))
  for (;;) {
    const { done, value } = await reader.read()
    if (done || res.destroyed) break
    if (!res.write(value)) await new Promise<void>((resolve) => (goOn = resolve))
  }
  res.end()
}
