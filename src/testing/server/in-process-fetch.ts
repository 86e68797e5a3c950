import type { CookieJar } from '../person/cookie-jar.ts'
import type { Outcome, Reply } from './http.ts'
import { becomesGet, isRedirect } from './redirects.ts'

/** A request before anybody looked at where it goes. */
export interface Sent {
  method: string
  url: URL
  headers: Record<string, string>
  body: string
}

export type Send = (sent: Sent) => Promise<Outcome>

const safeListed = [
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
]

/** `fetch` without a network: redirects, aborts and lost connections as the platform has them. */
export function createFetch(send: Send, jar?: CookieJar): typeof fetch {
  return async (input, init = {}) => {
    const request = isRequest(input) ? input : undefined
    const signal = init.signal ?? request?.signal
    signal?.throwIfAborted()
    const aborted = abortion(signal)
    try {
      const sent = await read(request ?? input, init)
      const redirect = init.redirect ?? request?.redirect ?? 'follow'
      return await Promise.race([follow({ send, jar, sent, redirect, aborted }), aborted.promise])
    } catch (error) {
      aborted.forget()
      throw error
    }
  }
}

interface Abortion {
  /** Rejects with the signal's reason, and never settles otherwise. */
  promise: Promise<never>
  signal: AbortSignal | undefined
  forget(): void
}

function abortion(signal: AbortSignal | null | undefined): Abortion {
  let forget = (): void => undefined
  const promise = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal!.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    forget = () => signal?.removeEventListener('abort', onAbort)
  })
  // A signal that fires when nobody waits any more is not an unhandled rejection.
  promise.catch(() => undefined)
  return { promise, signal: signal ?? undefined, forget }
}

function isRequest(input: RequestInfo | URL): input is Request {
  return typeof input === 'object' && 'method' in input
}

async function read(input: Request | string | URL, init: RequestInit): Promise<Sent> {
  const request = isRequest(input) ? input : undefined
  const url = new URL(request ? request.url : (input as string | URL))
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('Request cannot be constructed from a URL that includes credentials')
  }
  url.hash = ''
  const method = normalizeMethod(init.method ?? request?.method ?? 'GET')
  const headers: Record<string, string> = {}
  new Headers(init.headers ?? request?.headers).forEach((value, name) => {
    headers[name.toLowerCase()] = value
  })
  const body = init.body ?? undefined
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError('Request with GET/HEAD method cannot have body.')
  }
  if (request?.bodyUsed && body === undefined) {
    throw new TypeError(
      'Cannot construct a Request with a Request object that has already been used.',
    )
  }
  if (body === undefined) return { method, url, headers, body: request ? await request.text() : '' }
  const read = await readBody(body)
  if (read.type !== null) headers['content-type'] ??= read.type
  return { method, url, headers, body: read.text }
}

function normalizeMethod(method: string): string {
  const upper = method.toUpperCase()
  return ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'].includes(upper) ? upper : method
}

async function readBody(body: BodyInit): Promise<{ text: string; type: string | null }> {
  if (typeof body === 'string') return { text: body, type: 'text/plain;charset=UTF-8' }
  const holder = new Response(body)
  return { text: await holder.text(), type: holder.headers.get('content-type') }
}

interface Journey {
  send: Send
  jar: CookieJar | undefined
  sent: Sent
  redirect: RequestRedirect
  aborted: Abortion
}

async function follow({ send, jar, sent, redirect, aborted }: Journey): Promise<Response> {
  let current = sent
  for (let hops = 0; hops <= 20; hops += 1) {
    const answer = await exchange({ send, jar, sent: current, aborted })
    const location = answer.headers.find(([name]) => name === 'location')?.[1]
    const leadsOn = isRedirect(answer.status) && location !== undefined
    if (!leadsOn || redirect === 'manual') {
      return toResponse(answer, { sent: current, redirected: hops > 0, aborted })
    }
    if (redirect === 'error') throw new TypeError('fetch failed: unexpected redirect')
    current = next(current, { status: answer.status, location })
  }
  throw new TypeError('fetch failed: redirect count exceeded')
}

async function exchange({ send, jar, sent, aborted }: Omit<Journey, 'redirect'>): Promise<Reply> {
  const cookies = jar?.header(sent.url)
  const outcome = await send(
    cookies === undefined ? sent : { ...sent, headers: { ...sent.headers, cookie: cookies } },
  )
  if (outcome === 'silence') return aborted.promise
  if (outcome === 'connection-lost') throw new TypeError('fetch failed')
  for (const [name, value] of outcome.headers)
    if (name === 'set-cookie') jar?.store(sent.url, value)
  // A browser has processed the answer, cookies included, before it hides it from the page.
  if (outcome.visible === 'nothing') throw new TypeError('Failed to fetch')
  const { visible } = outcome
  if (visible === undefined) return outcome
  const shows =
    visible === 'safe-listed headers'
      ? (name: string) => safeListed.includes(name)
      : (name: string) => !visible.allBut.some((hidden) => hidden.toLowerCase() === name)
  return { ...outcome, headers: outcome.headers.filter(([name]) => shows(name)) }
}

/** The fetch standard's HTTP-redirect fetch: what survives the way to the next URL. */
function next(sent: Sent, { status, location }: { status: number; location: string }): Sent {
  const url = new URL(location, sent.url)
  const isGetNow = becomesGet(sent.method, status)
  const lost = [
    ...(isGetNow ? ['content-type', 'content-length', 'content-encoding', 'content-language'] : []),
    ...(url.origin === sent.url.origin ? [] : ['authorization', 'proxy-authorization', 'cookie']),
  ]
  return {
    method: isGetNow ? 'GET' : sent.method,
    url,
    headers: Object.fromEntries(
      Object.entries(sent.headers).filter(([name]) => !lost.includes(name)),
    ),
    body: isGetNow ? '' : sent.body,
  }
}

function toResponse(
  answer: Reply,
  { sent, redirected, aborted }: { sent: Sent; redirected: boolean; aborted: Abortion },
): Response {
  const bodiless = [204, 205, 304].includes(answer.status) || sent.method === 'HEAD'
  const streams = typeof answer.body !== 'string'
  if (!streams) aborted.forget()
  const body = typeof answer.body === 'string' ? answer.body : abortable(answer.body, aborted)
  const response = new Response(bodiless ? null : body, {
    status: answer.status,
    headers: answer.headers,
  })
  // The constructor gives a text a type that nobody sent.
  if (!answer.headers.some(([name]) => name === 'content-type'))
    response.headers.delete('content-type')
  // The constructor cannot set these.
  Object.defineProperty(response, 'url', { value: sent.url.href })
  Object.defineProperty(response, 'redirected', { value: redirected })
  return response
}

function abortable(
  stream: ReadableStream<Uint8Array>,
  aborted: Abortion,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await Promise.race([reader.read(), aborted.promise])
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
