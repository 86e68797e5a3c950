import { describe, expect, test } from 'vitest'
import { OAuthServerError, isPkceClientError } from '../../src/index.ts'
import type { CallbackError, ErrorCode } from '../../src/index.ts'
import { expectRefusal } from '../support/refusal.ts'
import { createWorld, rejection } from '../support/world.ts'

/** The error of a sign-in whose token request the server answers like this; both requests of the callback are sent. */
async function answered(
  answer: { status: number; body?: unknown; headers?: Record<string, string> },
  code: ErrorCode = 'server_error',
): Promise<CallbackError> {
  const { error } = await expectRefusal({
    code,
    away: ({ server }) => server.fault('respond', { path: '/token', ...answer }),
    requests: ['/jwks', '/token'],
  })
  return error
}

describe('an error of the token endpoint', () => {
  test.each([
    'invalid_request',
    'invalid_client',
    'invalid_grant',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
    'something_of_its_own',
  ])('400 %s is the cause, word for word (C-47)', async (name) => {
    const description = 'in its own words'
    const error = await answered({
      status: 400,
      body: { error: name, error_description: description },
    })
    expect(error.retryable).toBe(false)
    expect(error.message).not.toContain(description)
    expect(error.cause).toBeInstanceOf(OAuthServerError)
    expect(error.cause).toMatchObject({
      name: 'OAuthServerError',
      error: name,
      description,
      status: 400,
    })
  })

  test.each([
    [400, 'server_error', false],
    [401, 'server_error', false],
    [403, 'server_error', false],
    [404, 'server_error', false],
    [408, 'server_error', true],
    [429, 'rate_limited', true],
    [500, 'server_error', true],
    [502, 'server_error', true],
    [503, 'server_error', true],
    [504, 'server_error', true],
  ] as const)(
    '%d without words is %s, worth another try: %s (C-47)',
    async (status, code, retryable) => {
      const error = await answered({ status, body: 'oh' }, code)
      expect(error.retryable).toBe(retryable)
      expect(error.cause).toMatchObject({ status, error: undefined })
    },
  )

  test('500 with words is worth another try, and its words are kept (C-47)', async () => {
    const body = { error: 'server_error', error_description: 'the database is down' }
    const error = await answered({ status: 500, body })
    expect(error.retryable).toBe(true)
    expect(error.cause).toMatchObject({
      status: 500,
      error: 'server_error',
      description: 'the database is down',
    })
  })

  test('401 with a challenge loses neither its status nor its words', async () => {
    const error = await answered({
      status: 401,
      headers: { 'www-authenticate': 'Basic realm="x"' },
      body: { error: 'invalid_client' },
    })
    expect(error.cause).toMatchObject({ status: 401, error: 'invalid_client' })
  })

  test.each([
    ['HTML', '<script>alert(1)</script>'],
    ['line breaks', 'a\r\nb'],
    ['a million characters', 'y'.repeat(500_000)],
  ])('with %s in its words stays inert (C-28)', async (_, description) => {
    const error = await answered({
      status: 400,
      body: { error: description, error_description: description },
    })
    const cause = error.cause as OAuthServerError
    expect(error.message.length).toBeLessThan(300)
    expect(cause.error!.length).toBeLessThanOrEqual(110)
    expect(cause.description!.length).toBeLessThanOrEqual(510)
    expect(`${cause.error!}${cause.description!}`).not.toMatch(/[\r\n]/)
  })

  test.each(['invalid_token', 'unsupported_token_type', 'invalid_request', 'use_dpop_nonce'])(
    'is named in the message when a specification defines it: %s (N3)',
    async (word) => {
      const { message } = await answered({ status: 400, body: { error: word } })
      expect(message).toMatch(`answered 400 (${word});`)
    },
  )

  test.each([undefined, 'x_invalid_token', 'invalid_token_x'])(
    'is not named otherwise: %s (N3)',
    async (word) => {
      const { message } = await answered({ status: 400, body: { error: word } })
      expect(message).toMatch('answered 400;')
    },
  )

  test('whose words are no text has none', async () => {
    const error = await answered({
      status: 400,
      body: { error: { toString: 1 }, error_description: ['x'] },
    })
    expect(error.cause).toMatchObject({ status: 400, error: undefined, description: undefined })
  })
})

test('no error of a sign-in has a token, a code or a verifier anywhere in it (A-40)', async () => {
  const world = createWorld()
  for (const fault of [
    'id-token-nonce-wrong',
    'id-token-bad-signature',
    'no-access-token',
  ] as const) {
    const callback = await world.depart()
    const transactions = [...world.transactions().values()]
    const code = new URL(callback).searchParams.get('code')!
    const stop = world.server.fault(fault)
    const error = await rejection(world.load(world.tab, callback).start())
    stop()
    expect(isPkceClientError(error)).toBe(true)
    const shown: string[] = []
    for (let one: unknown = error; one instanceof Error; one = one.cause) {
      shown.push(one.message, one.stack ?? '', JSON.stringify(one))
    }
    expect(shown.join()).not.toMatch(/eyJ/)
    for (const secret of [code, ...transactions.map(({ verifier }) => verifier as string)]) {
      if (secret) expect(shown.join()).not.toContain(secret)
    }
    await world.clock.advance(60_001)
  }
})
