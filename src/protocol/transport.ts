import { allowInsecureRequests, customFetch } from 'oauth4webapi'
import { OAuthServerError, PkceClientError } from '../errors.ts'
import { isTooLong } from './challenge.ts'
import type { Clock } from '../clock.ts'
import type { EventMap, RequestPurpose } from '../events.ts'

/** An answer may have this many bytes; a token, key set or metadata document has a few thousand. */
const maximumBytes = 1_048_576

interface TransportOptions {
  fetch: () => typeof globalThis.fetch
  clock: Clock
  /** Milliseconds for one request, headers and body. */
  timeout: number
  emit: (event: 'request', facts: EventMap['request']) => void
}

interface SentRequest {
  method?: string
  body?: BodyInit | null | undefined
  headers: Record<string, string>
  redirect: 'manual'
}

/** Options for one call of oauth4webapi, which sends it through here. */
export interface RequestOptions {
  [customFetch]: (url: string, init: SentRequest) => Promise<Response>
  [allowInsecureRequests]: true
}

/** With `resend`, a request that got no answer at all is sent once more, within the same time limit. */
export type TransportExtra = RequestInit & { timeout?: number; resend?: boolean }

export type Transport = (what: RequestPurpose, extra?: TransportExtra) => RequestOptions

/**
 * Sends what oauth4webapi asks for with one time limit over headers and body, and a cap on the body.
 * Rejections become `network`, `timeout` or `server_error` here, because only the place that sends
 * can tell a failed request from a bad answer. Plain http is let through because every endpoint was
 * checked before (server.ts): it is http on a loopback host only.
 */
export function createTransport({ fetch, clock, timeout, emit }: TransportOptions): Transport {
  return (what, { timeout: longest = timeout, resend, ...extra } = {}) => {
    let begun: number | undefined
    return {
      [allowInsecureRequests]: true,
      async [customFetch](url, init) {
        const started = clock.now()
        // A call that is made again has what the first left of its time. The clock may have been set meanwhile.
        const left = longest - (started - (begun ??= started))
        const limit = Math.min(longest, Math.max(left, longest / 20))
        const address = url.split('?')[0]!.slice(0, 500)
        const controller = new AbortController()
        let status: number | undefined
        let cancel!: () => void
        const expired = new Promise<never>((_, reject) => {
          const expire = () => {
            const why = `${address} took longer than ${longest} ms; try again.`
            const error = new PkceClientError('timeout', why, { retryable: true })
            reject(error)
            controller.abort(error)
          }
          // Two timers, one after the other: a page that was frozen finds both the first timer and the answer due, and the
          // answer is read before the second timer can expire.
          cancel = clock.setTimeout(() => {
            cancel = clock.setTimeout(expire, limit / 20)
          }, limit * 0.95)
        })
        const send = async () => {
          const response = await fetch()(url, {
            ...(init as RequestInit),
            cache: 'no-store',
            ...extra,
            signal: controller.signal,
          })
          status = response.status
          return buffered(response, address)
        }
        const sendAgain = (cause: unknown) => {
          if (status !== undefined || controller.signal.aborted) throw cause
          return send()
        }
        try {
          return await Promise.race([resend ? send().catch(sendAgain) : send(), expired])
        } catch (cause) {
          throw cause instanceof PkceClientError ? cause : unreachable(address, cause)
        } finally {
          cancel()
          emit('request', {
            what,
            url: address,
            ...(status && { status }),
            ms: clock.now() - started,
          })
        }
      },
    }
  }
}

function unreachable(address: string, cause: unknown): PkceClientError {
  return new PkceClientError(
    'network',
    `${address} could not be reached: the network is down, or the server does not allow this origin (CORS).`,
    // Errors of other kinds, from a fetch of the app, often hold the whole request.
    { retryable: true, cause: cause instanceof TypeError ? cause : undefined },
  )
}

async function buffered(response: Response, address: string): Promise<Response> {
  const { status, headers } = response
  // A redirect is never followed: it could carry a code or a refresh token to another host.
  if (status < 200 || (status > 299 && status < 400)) {
    discard(response)
    throw new OAuthServerError(
      'server_error',
      `${address} answered with a redirect; a captive portal or proxy may be in between.`,
      { retryable: true, status },
    )
  }
  const whole = new Response(await read(response, address), { status, headers })
  // oauth4webapi's parser takes a time that grows with the square of the length.
  if (isTooLong(headers.get('www-authenticate'))) whole.headers.delete('www-authenticate')
  return whole
}

/** Not every fetch has web streams: React Native and polyfills have no `body`, node-fetch has a stream of Node. */
type Readable = Partial<Pick<Response, 'text' | 'arrayBuffer'>> & {
  body?: Partial<ReadableStream<Uint8Array<ArrayBuffer>>> | null
}

/** Cancels a body that nobody reads. */
export function discard({ body }: Readable): void {
  void body?.cancel?.().catch(() => {})
}

async function read(response: Response, address: string): Promise<Blob | null> {
  const { body }: Readable = response
  if (Number(response.headers.get('content-length')) > maximumBytes) {
    discard(response)
    throw tooLong(response, address)
  }
  const whole = new Blob(
    body?.getReader ? await readStream(response, address) : [await readAtOnce(response)],
  )
  if (whole.size > maximumBytes) throw tooLong(response, address)
  return whole.size > 0 ? whole : null
}

const readAtOnce = (response: Readable): Promise<BlobPart> =>
  response.text?.() ?? response.arrayBuffer!()

async function readStream(response: Response, address: string): Promise<BlobPart[]> {
  const chunks: BlobPart[] = []
  let size = 0
  const reader = response.body!.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return chunks
    size += value.length
    if (size > maximumBytes) {
      await reader.cancel()
      throw tooLong(response, address)
    }
    chunks.push(value)
  }
}

function tooLong({ status }: Response, address: string): OAuthServerError {
  return new OAuthServerError('server_error', `${address} answered with more than 1 MiB.`, {
    status,
  })
}
