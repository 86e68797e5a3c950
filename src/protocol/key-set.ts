import { KEY_SELECTION, OperationProcessingError, customFetch } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { statusError } from './translate-error.ts'
import type { JWKSCacheInput } from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { Transport } from './transport.ts'

export type Jwks = JWKSCacheInput['jwks']

/** Keys are used as they are for so many milliseconds, and for so many when newer ones cannot be had. */
const freshFor = 600_000
const usableFor = 3_600_000
/** After each request for keys, so many milliseconds pass before a token can be the reason for another one. */
const pause = 60_000

/** The public keys of a server (RFC 7517 §5), asked for when they are needed. */
export interface KeySet {
  /** Runs the task with the keys, and once more with newer ones if none of them fits. Rejects when there are none to be had. */
  use<T>(task: (keys: Jwks) => Promise<T>): Promise<T>
}

interface KeySetOptions {
  load: () => Promise<Jwks>
  clock: Clock
}

/**
 * Keys are asked for once for all callers. A key that is not there is a reason to ask again, at most once a minute: anybody can
 * make up the name of a key. What cannot be had is no reason to give up the keys that are there, for an hour.
 */
export function createKeySet({ load, clock }: KeySetOptions): KeySet {
  let keys: { set: Jwks; at: number } | undefined
  let last: { at: number; failure?: unknown } | undefined
  let loading: Promise<Jwks> | undefined

  // The clock may have been set meanwhile, back as well.
  const since = (at: number) => Math.abs(clock.now() - at)

  const attempt = async () => {
    last = { at: clock.now() }
    try {
      const set = await load()
      keys = { set, at: clock.now() }
      return set
    } catch (failure) {
      last.failure = failure
      throw failure
    }
  }
  const reload = () => (loading ??= attempt().finally(() => (loading = undefined)))
  const hasPaused = () => !last || since(last.at) >= pause

  const current = async (): Promise<Jwks> => {
    const age = keys ? since(keys.at) : Infinity
    if (age < freshFor) return keys!.set
    if (age >= usableFor) return reload()
    const { set } = keys!
    return loading || hasPaused() ? reload().catch(() => set) : set
  }

  /** Other keys than those, if there are any. Rejects when that cannot be said. */
  const newer = async (than: Jwks): Promise<Jwks | undefined> => {
    if (loading || hasPaused()) return reload()
    if (last?.failure !== undefined) throw last.failure
    return keys?.set === than ? undefined : keys?.set
  }

  return {
    async use(task) {
      const seen = await current()
      try {
        return await task(seen)
      } catch (error) {
        if (!isKeyMissing(error)) throw error
        const others = await newer(seen)
        if (!others) throw error
        return task(others)
      }
    },
  }
}

const isKeyMissing = (error: unknown) =>
  error instanceof OperationProcessingError && error.code === KEY_SELECTION

/** Asks for the keys. Throws `server_error` for an answer that is no key set, and the errors of the request. */
export async function requestKeys(url: string, transport: Transport): Promise<Jwks> {
  const response = await transport('jwks')[customFetch](url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
  })
  if (!response.ok) throw statusError(response.status)
  const found = (await response.json().catch(() => undefined)) as { keys?: unknown } | undefined
  if (Array.isArray(found?.keys) && found.keys.every(isObject)) return found as Jwks
  throw new PkceClientError('server_error', `There is no key set (JWKS) at ${url.slice(0, 200)}.`, {
    retryable: true,
  })
}

const isObject = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
