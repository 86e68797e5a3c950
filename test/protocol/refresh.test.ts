import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OAuthServerError, PkceClientError } from '../../src/errors.ts'
import { publicClient } from '../../src/protocol/client-authentication.ts'
import { refreshTokens } from '../../src/protocol/refresh.ts'
import { createSend, unprotected } from '../../src/protocol/send.ts'
import { createTransport } from '../../src/protocol/transport.ts'
import type { GrantAnswer } from '../../src/protocol/token-set.ts'
import { createFakeClock } from '../../src/testing/index.ts'
import { fuzz, fuzzTimeout } from '../support/fuzz.ts'

const issuer = 'https://login.example.com'
const server = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  id_token_signing_alg_values_supported: ['RS256'],
}
const claims = { iss: issuer, sub: 'ada', aud: 'app', exp: 2, iat: 1 }
const tokens = { access_token: 'access', token_type: 'Bearer', expires_in: 900 }

/** What a refresh makes of this answer of the token endpoint. */
async function judge(answer: () => Response | Promise<Response>): Promise<GrantAnswer> {
  const clock = createFakeClock()
  const fetch = () => async () => answer()
  const transport = createTransport({ fetch, clock, timeout: 15_000, emit: () => undefined })
  const client = {
    server,
    clientId: 'app',
    clientAuthentication: publicClient(),
    transport,
    send: createSend(transport, unprotected),
    tokenType: 'Bearer' as const,
    clock,
  }
  const result = await refreshTokens(client, {
    ask: '',
    refreshToken: 'secret',
    tokenEndpoint: server.token_endpoint,
    claims,
  })
  expect(clock.timers).toBe(0)
  return result
}

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  () =>
    Promise.resolve(
      new Response(JSON.stringify(body), {
        status,
        headers: { 'content-type': 'application/json', ...headers },
      }),
    )
const text =
  (body: string | null, status: number, type = 'text/html') =>
  () =>
    Promise.resolve(new Response(body, { status, headers: { 'content-type': type } }))

describe('what an answer to a refresh means', () => {
  test('granted: the tokens, and when the request left', async () => {
    const all = { ...tokens, refresh_token: 'next', scope: 'openid' }
    const answer = await judge(json(all))
    expect(answer).toMatchObject({
      kind: 'granted',
      tokens: { accessToken: 'access', refreshToken: 'next', scope: 'openid', expiresIn: 900 },
    })
    expect((answer as { tokens: { requestedAt: number } }).tokens.requestedAt).toBe(
      Date.UTC(2026, 0, 1),
    )
  })

  test.each<[string, () => Promise<Response>, string]>([
    ['an OAuth error that ends it', json({ error: 'invalid_grant' }, 400), 'refused'],
    ['the same with 401', json({ error: 'invalid_grant' }, 401), 'refused'],
    [
      'the same with 500, where nobody can be believed',
      json({ error: 'invalid_grant' }, 500),
      'unknown',
    ],
    [
      'another OAuth error',
      json({ error: 'invalid_client' }, 401, { 'www-authenticate': 'Basic' }),
      'misconfigured',
    ],
    ['403 without words', text('', 403, ''), 'misconfigured'],
    ['499', text('', 499, ''), 'misconfigured'],
    ['200 with an OAuth error that ends it', json({ error: 'invalid_grant' }), 'refused'],
    ['200 with another OAuth error', json({ error: 'bad_refresh_token' }), 'unclear'],
    ['299 with one', json({ error: 'bad_refresh_token' }, 299), 'unclear'],
    [
      '200 with an OAuth error beside tokens (A-66)',
      json({ ...tokens, error: 'invalid_scope' }),
      'misconfigured',
    ],
    ['408', text('', 408), 'transient'],
    ['429', json({}, 429), 'transient'],
    ['503 with a page', text('<html>', 503), 'transient'],
    ['511', text('<html>', 511), 'transient'],
    ['200 with a page', text('<html>', 200), 'transient'],
    ['a redirect', text(null, 302), 'transient'],
    ['500', text('', 500), 'unknown'],
    ['502 with a page', text('<html>', 502), 'unknown'],
    ['204', text(null, 204, ''), 'unknown'],
    ['201 without words', text('', 201, ''), 'unknown'],
    ['201 with tokens', json(tokens, 201), 'granted'],
    ['200 with nothing of use', json({ hello: 'world' }), 'unknown'],
    [
      '200, but token_type missing beside a refresh token (F28)',
      json({ access_token: 'a', refresh_token: 'next' }),
      'granted',
    ],
    [
      'token_type mac (C-42)',
      json({ ...tokens, token_type: 'mac', refresh_token: 'next' }),
      'transient',
    ],
    ['a refresh token alone', json({ refresh_token: 'next' }), 'transient'],
    [
      'a refresh token beside an OAuth error',
      json({ error: 'invalid_scope', refresh_token: 'next' }),
      'misconfigured',
    ],
    [
      'an access token that fits no header',
      json({ ...tokens, access_token: 'a\nb', refresh_token: 'next' }),
      'transient',
    ],
    ['an ID token that is none (F2)', json({ ...tokens, id_token: 'x' }), 'granted'],
    ['403 with a page (F3)', text('<html>', 403), 'transient'],
    ['a page with an OAuth error in it (F3)', text('{"error":"invalid_grant"}', 400), 'refused'],
    ['400 without words (F3)', text('', 400, ''), 'unclear'],
    ['JSON that calls itself a page (F3)', text('{"error":"invalid_request"}', 400), 'unclear'],
    ['a token type of another kind alone', json({ ...tokens, token_type: 'mac' }), 'transient'],
  ])('%s', async (_, answer, kind) => {
    expect(await judge(answer)).toMatchObject({ kind })
  })

  test.each(['0', '-1', 'soon'])('Retry-After %s is no wait (A-58)', async (after) => {
    const answer = await judge(json({}, 503, { 'retry-after': after }))
    expect(answer).toMatchObject({ kind: 'transient', retryAfter: undefined })
  })

  test('the error has what a program needs, and no token', async () => {
    const refused = await judge(
      json({ error: 'invalid_grant', error_description: 'gone', access_token: 'x9' }, 400),
    )
    const { error } = refused as Extract<GrantAnswer, { kind: 'refused' }>
    expect(error).toBeInstanceOf(OAuthServerError)
    expect(error).toMatchObject({
      error: 'invalid_grant',
      description: 'gone',
      status: 400,
      retryable: false,
    })
  })

  test('a member of the wrong type is as if it were not there', async () => {
    const answer = await judge(
      json({ ...tokens, refresh_token: 7, scope: null, expires_in: {}, id_token: [] }),
    )
    expect(answer).toMatchObject({ kind: 'granted' })
    expect((answer as { tokens: object }).tokens).toMatchObject({
      refreshToken: undefined,
      scope: undefined,
      expiresIn: undefined,
    })
  })

  test.each<[string, unknown]>([
    ['a TypeError, as fetch has it', new TypeError('Failed to fetch')],
    ['something that is no error', 'boom'],
    ['nothing', undefined],
  ])('a fetch that rejects with %s leaves the outcome unknown', async (_, reason) => {
    expect(await judge(() => Promise.reject(reason))).toMatchObject({
      kind: 'unknown',
      error: { code: 'network', retryable: true },
    })
  })

  test('a body that breaks off leaves the outcome unknown', async () => {
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.error(new TypeError('terminated'))
        },
      })
    expect(await judge(() => new Response(body()))).toMatchObject({
      kind: 'unknown',
      error: { code: 'network' },
    })
  })

  test('whatever comes, it is judged and never thrown', { timeout: fuzzTimeout }, async () => {
    const status = fc.oneof(
      fc.constantFrom(200, 200, 400, 401, 503),
      fc.integer({ min: 200, max: 599 }),
    )
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('Bearer', 'invalid_grant', 'a.b.c', 'e30.e30.e30', 900),
    )
    const names = fc.constantFrom(
      ...Object.keys(tokens),
      'refresh_token',
      'id_token',
      'error',
      'scope',
      '__proto__',
    )
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(names, value).map((members) => JSON.stringify(members)),
    )
    const type = fc.constantFrom('application/json', 'text/html', 'text/plain', '')
    const header = fc.constantFrom('retry-after', 'www-authenticate', 'location', 'x')
    const bare = [204, 205, 304]
    const answers = fc.record({
      status,
      body,
      type,
      header,
      value: fc.constantFrom('1', 'Bearer', 'Basic realm="', '-', '1e999'),
    })
    await fc.assert(
      fc.asyncProperty(answers, async (given) => {
        const headers = { 'content-type': given.type, [given.header]: given.value }
        const answer = await judge(
          () =>
            new Response(bare.includes(given.status) ? null : given.body, {
              status: given.status,
              headers,
            }),
        )
        if (answer.kind === 'granted') expect(answer.tokens.accessToken).toBeTypeOf('string')
        else expect(answer.error).toBeInstanceOf(PkceClientError)
        if (answer.kind === 'unknown') expect(answer.error.retryable).toBe(true)
      }),
      fuzz(500),
    )
  })
})
