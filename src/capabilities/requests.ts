import { callable, milliseconds, object, signal } from '../check-options.ts'
import { systemClock } from '../clock.ts'
import { createTransport } from '../protocol/transport.ts'
import type { Clock } from '../clock.ts'
import type { Rules } from '../check-options.ts'
import type { Transport } from '../protocol/transport.ts'

/** How a function that needs no client sends its requests. */
export interface RequestOptions {
  /** Ends the wait. */
  signal?: AbortSignal | undefined
  /** Milliseconds one request may take, headers and body; 15 000 when left out. */
  timeout?: number | undefined
  /** Used for every request; the `globalThis.fetch` of the moment when left out. */
  fetch?: typeof globalThis.fetch | undefined
  /** Time; replaced in tests. */
  clock?: Clock | undefined
}

/** The rules of a function's own options, and those of its requests. */
export const withRequestRules = <Own>(own: Own): Own & Rules<RequestOptions> => ({
  ...own,
  signal,
  timeout: milliseconds,
  fetch: callable,
  clock: object,
})

export function createRequests({
  fetch,
  timeout = 15_000,
  clock = systemClock(),
}: RequestOptions): Transport {
  return createTransport({ fetch: () => fetch ?? globalThis.fetch, timeout, clock, emit() {} })
}
