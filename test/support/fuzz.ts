import { expect } from 'vitest'
import fc from 'fast-check'
import type { ErrorCode, PkceClientError } from '../../src/index.ts'

/**
 * How long the fuzzers run: a fixed number of inputs, the same every time, so that a change that is tested is the reason
 * when they fail; or as many as `FUZZ_RUNS` says. What failed is repeated with the `FUZZ_SEED` it was reported with.
 */
export function fuzz(runs: number): { numRuns: number; seed: number; endOnFailure: true } {
  const { FUZZ_RUNS, FUZZ_SEED = '2026' } = process.env
  return {
    numRuns: Number(FUZZ_RUNS ?? runs),
    seed: FUZZ_SEED === 'random' ? Date.now() : Number(FUZZ_SEED),
    endOnFailure: true,
  }
}

/** Milliseconds for a test whose length is set on demand. */
export const fuzzTimeout = process.env['FUZZ_RUNS'] === undefined ? 60_000 : 0

/** All codes there are; the compiler misses none. */
const codes: Record<ErrorCode, true> = {
  invalid_option: true,
  insecure_context: true,
  discovery_failed: true,
  network: true,
  timeout: true,
  server_error: true,
  rate_limited: true,
  storage_unavailable: true,
  callback_invalid: true,
  transaction_not_found: true,
  transaction_consumed: true,
  issuer_mismatch: true,
  authorization_denied: true,
  login_required: true,
  id_token_invalid: true,
  token_response_invalid: true,
  session_ended: true,
  sign_in_required: true,
  sign_in_cancelled: true,
  popup_blocked: true,
  popup_closed: true,
  iframe_blocked: true,
  resource_not_allowed: true,
  redirect_loop: true,
  step_up_required: true,
  csrf_rejected: true,
  access_token_invalid: true,
  insufficient_scope: true,
  logout_token_invalid: true,
}

/** What went wrong, which is nothing, or an error of ours with a code and without a cause that is a mistake in our code. */
export async function outcome(work: Promise<unknown>): Promise<PkceClientError | undefined> {
  try {
    await work
    return undefined
  } catch (caught) {
    expect(caught).toMatchObject({ isPkceClientError: true })
    const error = caught as PkceClientError
    expect(Object.keys(codes)).toContain(error.code)
    expect(error.message.length).toBeLessThan(1000)
    // A TypeError beneath would be a parser that fell over, but for those that fetch itself rejects with.
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
      if (error.code !== 'network') expect(cause).toMatchObject({ isPkceClientError: true })
    return error
  }
}

const words = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'length', 'then', '', '.', 'a.b.c'],
  ...['null', 'undefined', 'NaN', '-1', '1e999', '0', '%', '%00', '\u0000', '\ud800', '\u202e'],
]

/** Anything that JSON can say, with what parsers trip over in it more often than chance would have it. */
export const json: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(...words, null, true, 0, -0, -1, 1e308, 2 ** 53, [], {}, [[]], [null]),
)

export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(...words),
)

/** An object in which some of these members are anything. */
export function spoiled(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  return fc.dictionary(fc.constantFrom(...names, '__proto__', 'constructor'), json, {
    minKeys: 1,
    maxKeys: 4,
    noNullPrototype: true,
  })
}
