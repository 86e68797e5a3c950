import { afterAwake } from '../clock.ts'
import { PkceClientError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Claims } from '../protocol/token-set.ts'
import type { SignedOutReason } from '../session/record.ts'

/** Milliseconds that an answer of the back end may take. */
export const longest = 15_000

/** What the back end says about the session. It is our own, so its members are believed. */
export interface SessionAnswer {
  status: 'signed-in' | 'signed-out'
  reason?: SignedOutReason
  claims?: Claims
  scope?: string
  /** Seconds until the access token expires. */
  expiresIn?: number
  stale?: boolean
  /** What requests that change something must carry. */
  csrf?: string
}

interface RoutesOptions {
  basePath: string
  host: Host
  clock: Clock
  fetch: typeof globalThis.fetch
}

export type Routes = ReturnType<typeof createRoutes>

/** The routes of the back end that know the session by a cookie. */
export function createRoutes({ basePath, host, clock, fetch }: RoutesOptions) {
  /** The origin of the app, which is that of the back end. */
  function origin(): string {
    const address = host.url() ?? host.baseUrl()
    if (address !== undefined) return new URL(address).origin
    const why = 'There is no page here; on a server, ask ServerClient.session(request).'
    throw new PkceClientError('invalid_option', why)
  }

  const url = (route: string): string => `${origin()}${basePath}/${route}`

  /** The work, unless it takes too long; what goes wrong on the way is an error of ours. */
  async function within<T>(route: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController()
    let cancel!: () => void
    const expired = new Promise<never>((_, reject) => {
      const expire = () => {
        const why = `${url(route)} took longer than ${longest} ms; try again.`
        const error = new PkceClientError('timeout', why, { retryable: true })
        reject(error)
        late.abort(error)
      }
      cancel = afterAwake(clock, expire, longest)
    })
    try {
      return await Promise.race([work(late.signal), expired])
    } catch (cause) {
      if (cause instanceof PkceClientError) throw cause
      const why = `${url(route)} could not be reached: the network or the back end is down; try again.`
      throw new PkceClientError('network', why, { retryable: true, cause })
    } finally {
      cancel()
    }
  }

  /** The answer of a route, if it is the JSON that was asked for. */
  async function read<Answer>(
    route: string,
    { response, has }: { response: Response; has: keyof Answer },
  ): Promise<Answer> {
    const answer: unknown = await response.json().catch(ifNotJson)
    if (response.ok && typeof (answer as Answer | undefined)?.[has] === 'string')
      return answer as Answer
    throw failure(url(route), response.status)
  }

  return {
    origin,
    url,
    within,
    read,

    /** Asks for the session; passively, it does not count as a use of it. */
    askSession: (passive: boolean): Promise<SessionAnswer> =>
      within('session', async (signal) => {
        const address = url(passive ? 'session?passive' : 'session')
        const response = await fetch(address, { ...init, cache: 'no-store', signal })
        return read<SessionAnswer>('session', { response, has: 'status' })
      }),
  }
}

export const init = {
  headers: { accept: 'application/json' },
  credentials: 'same-origin',
} as const satisfies RequestInit

function ifNotJson(error: unknown): void {
  if (!(error instanceof SyntaxError)) throw error
}

function failure(address: string, status: number): PkceClientError {
  const retryable = status === 429 || status > 499
  const advice = retryable
    ? 'try again soon'
    : 'is ServerClient.handle() mounted there, and basePath right?'
  const code = status === 429 ? 'rate_limited' : 'server_error'
  return new PkceClientError(code, `${address} answered ${status} and nothing usable; ${advice}`, {
    retryable,
  })
}
