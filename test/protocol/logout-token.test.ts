import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createKeySet } from '../../src/protocol/key-set.ts'
import { verifyLogoutToken } from '../../src/protocol/logout-token.ts'
import { PkceClientError } from '../../src/errors.ts'
import { createFakeClock } from '../../src/testing/index.ts'
import { createKey, issuerUrl, macJwt, signJwt } from '../support/issuer.ts'
import type { FakeClock } from '../../src/testing/index.ts'
import type { IssuerKey } from '../support/issuer.ts'

const event = 'http://schemas.openid.net/event/backchannel-logout'

let key: IssuerKey
let clock: FakeClock

beforeAll(async () => {
  key = await createKey('key-1')
})
beforeEach(() => {
  clock = createFakeClock()
})

const claims = (odd: object = {}) => {
  const now = Math.floor(clock.now() / 1000)
  return {
    iss: issuerUrl,
    aud: 'my-web-app',
    iat: now,
    exp: now + 120,
    jti: 'once',
    sid: 'session-1',
    sub: 'ada',
    events: { [event]: {} },
    ...odd,
  }
}

const sign = (odd?: object, header: Record<string, unknown> = { typ: 'logout+jwt' }) =>
  signJwt({ header: { alg: 'RS256', kid: 'key-1', ...header }, claims: claims(odd) }, key)

const load = async () => ({ keys: [key.jwk] })

const verify = (token: string, keys = createKeySet({ load, clock })) =>
  verifyLogoutToken(token, {
    clock,
    clientId: 'my-web-app',
    keys,
    server: {
      issuer: issuerUrl,
      authorization_endpoint: `${issuerUrl}/authorize`,
      token_endpoint: `${issuerUrl}/token`,
      jwks_uri: `${issuerUrl}/jwks`,
      id_token_signing_alg_values_supported: ['RS256'],
    },
  })

const refusal = async (token: string) =>
  verify(token).then(
    () => 'accepted',
    (error: unknown) => `${(error as PkceClientError).code}: ${(error as Error).message}`,
  )

describe('a logout token', () => {
  test('says whose sessions end', async () => {
    const exp = claims().exp
    expect(await verify(await sign())).toEqual({ jti: 'once', exp, sid: 'session-1', sub: 'ada' })
    expect(await verify(await sign({ sid: undefined }))).toMatchObject({ sub: 'ada' })
    expect(await verify(await sign({ sub: undefined }))).toMatchObject({ sid: 'session-1' })
  })

  test.each(['logout+jwt', 'application/logout+jwt', 'JWT', undefined])(
    'may be of the type %s',
    async (typ) => {
      expect(await verify(await sign({}, { typ }))).toMatchObject({ jti: 'once' })
    },
  )

  test.each<[string, object, string]>([
    ['no event', { events: undefined }, `its events do not name ${event}`],
    [
      'another event',
      { events: { 'http://example.com/event': {} } },
      `its events do not name ${event}`,
    ],
    [
      'an event that says nothing',
      { events: { [event]: true } },
      `its events do not name ${event}`,
    ],
    ['a nonce', { nonce: 'n' }, 'it has a nonce, as ID tokens have'],
    ['another audience', { aud: 'other' }, 'its aud is "other", and not "my-web-app"'],
    [
      'another issuer',
      { iss: 'https://evil.example' },
      'its iss is "https://evil.example", and not "https://login.example.com"',
    ],
    ['no jti', { jti: undefined }, 'it has no jti'],
    ['neither sid nor sub', { sid: undefined, sub: '' }, 'it has neither sid nor sub'],
    ['no iat', { iat: undefined }, 'its iat is not within five minutes of now'],
    [
      'an old iat',
      { iat: Math.floor(createFakeClock().now() / 1000) - 301 },
      'its iat is not within five minutes of now',
    ],
    [
      'an iat to come',
      { iat: Math.floor(createFakeClock().now() / 1000) + 301 },
      'its iat is not within five minutes of now',
    ],
    ['no exp', { exp: undefined }, 'it has no exp'],
    ['expired', { exp: 1 }, 'it has expired'],
  ])('with %s is refused', async (_, odd, why) => {
    expect(await refusal(await sign(odd))).toBe(
      `logout_token_invalid: The logout token cannot be used: ${why}.`,
    )
  })

  test.each([
    ['alg none', { alg: 'none' }],
    ['another algorithm than the server has', { alg: 'ES256' }],
    ['an unknown key', { kid: 'key-2' }],
    ['the type of an access token', { typ: 'at+jwt' }],
    ['a type that is no text', { typ: {} }],
    ['a critical extension', { crit: ['x'] }],
  ])('with %s is refused', async (_, header) => {
    expect(await refusal(await sign({}, header))).toMatch(/^logout_token_invalid: /)
  })

  test('with a foreign signature, or that of the secret, is refused', async () => {
    const other = await createKey('key-1')
    const header = { alg: 'RS256', kid: 'key-1' }
    const foreign = await signJwt({ header, claims: claims() }, other)
    expect(await refusal(foreign)).toContain('JWT signature verification failed')
    const hs256 = await macJwt({ header: { alg: 'HS256' }, claims: claims() }, 'a-secret')
    expect(await refusal(hs256)).toMatch(/^logout_token_invalid: /)
    expect(await refusal('no.jwt')).toMatch(/^logout_token_invalid: /)
  })

  test('is not refused while the keys cannot be had', async () => {
    const error = new PkceClientError('network', 'down', { retryable: true })
    const keys = createKeySet({ load: () => Promise.reject(error), clock })
    await expect(verify(await sign(), keys)).rejects.toBe(error)
  })
})
