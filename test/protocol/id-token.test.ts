import { describe, expect, test } from 'vitest'
import type { SignInParams } from '../../src/index.ts'
import type { FaultName } from '../../src/testing/index.ts'
import { expectRefusal } from '../support/refusal.ts'
import { createWorld, listen, rejection, signedInTab } from '../support/world.ts'

const day = 24 * 60 * 60
const hour = 60 * 60
const bothRequests = ['/jwks', '/token']
/** When the fake clock begins, in seconds. */
const start = Date.UTC(2026, 0, 1) / 1000

interface Bad {
  row?: string
  fault: FaultName
  options?: object
  params?: SignInParams
}

/** A sign-in with this fault is refused as `id_token_invalid`, and leaves everything as it was. */
function refusedFor({ fault, options = {}, params = {} }: Bad, requests = bothRequests) {
  return expectRefusal({
    code: 'id_token_invalid',
    params,
    given: ({ server }) => server.fault(fault, options),
    requests,
  })
}

describe('an ID token whose claims are wrong signs nobody in', () => {
  test.each<Bad>([
    { row: 'another issuer (C-53)', fault: 'id-token-iss-wrong' },
    {
      row: 'the issuer with a slash (C-53)',
      fault: 'id-token-iss-wrong',
      options: { iss: 'https://login.example.com/' },
    },
    { row: 'no issuer (C-53)', fault: 'id-token-iss-missing' },
    { row: 'no audience (C-54)', fault: 'id-token-aud-missing' },
    { row: 'another audience (C-54)', fault: 'id-token-aud-wrong' },
    {
      row: 'others among the audience (C-54)',
      fault: 'id-token-aud-wrong',
      options: { aud: ['another-client'] },
    },
    {
      row: 'a stranger beside us, and azp missing (C-54, F1)',
      fault: 'id-token-aud-wrong',
      options: { aud: ['production-app', 'another-client'] },
    },
    {
      row: 'a stranger beside us, and azp the stranger (C-54, F1)',
      fault: 'id-token-aud-extra',
      options: { azp: 'another-client' },
    },
    {
      row: 'two strangers, though azp is us (C-54, F1)',
      fault: 'id-token-claims',
      options: { set: { aud: ['a', 'b'], azp: 'production-app' } },
    },
    {
      row: 'an empty azp (C-55, F1)',
      fault: 'id-token-azp-wrong',
      options: { azp: '' },
    },
    { row: 'an empty audience (C-54)', fault: 'id-token-aud-wrong', options: { aud: [] } },
    {
      row: 'an audience that only begins like us (C-54)',
      fault: 'id-token-aud-wrong',
      options: { aud: 'production-app2' },
    },
    { row: 'azp of another client (C-55, G13)', fault: 'id-token-azp-wrong' },
    { row: 'no expiry (C-58)', fault: 'id-token-exp-missing' },
    { row: 'expired ten minutes before it was issued (C-58)', fault: 'id-token-exp-past' },
    { row: 'expired as it was issued (C-58)', fault: 'id-token-exp-past', options: { seconds: 0 } },
    {
      row: 'expiry as text (C-58)',
      fault: 'id-token-claims',
      options: { set: { exp: '4102444800' } },
    },
    { row: 'no time of issue (C-59)', fault: 'id-token-iat-missing' },
    {
      row: 'a time of issue that is over a day ahead (C-59, G13)',
      fault: 'id-token-claims',
      options: { set: { iat: start + 90_000, exp: start + 93_600 } },
    },
    {
      row: 'time of issue as text (C-59)',
      fault: 'id-token-claims',
      options: { set: { iat: '1767225600' } },
    },
    { row: 'no nonce (C-60)', fault: 'id-token-nonce-missing' },
    { row: 'another nonce (C-60, C-52)', fault: 'id-token-nonce-wrong' },
    { row: 'an empty nonce (C-60, A-03)', fault: 'id-token-nonce-empty' },
    { row: 'a list of nonces (C-60)', fault: 'id-token-nonce-array' },
    { row: 'null for a nonce (C-60)', fault: 'id-token-nonce-wrong', options: { nonce: null } },
    { row: 'no subject (C-63)', fault: 'id-token-sub-missing' },
    { row: 'an empty subject (C-63)', fault: 'id-token-sub-empty' },
    { row: 'a number for a subject (C-63)', fault: 'id-token-sub-number' },
    {
      row: 'an endless subject (C-63)',
      fault: 'id-token-sub-wrong',
      options: { sub: 'x'.repeat(256) },
    },
    {
      row: 'a subject that is not ASCII (C-63)',
      fault: 'id-token-sub-wrong',
      options: { sub: 'ad\u0430' },
    },
    { row: 'a person who will authenticate in an hour (C-62)', fault: 'id-token-auth-time-future' },
    { row: 'the hash of another access token (C-64, G13)', fault: 'id-token-at-hash-wrong' },
    { row: 'an empty hash (C-64)', fault: 'id-token-claims', options: { set: { at_hash: '' } } },
    {
      row: 'not yet valid',
      fault: 'id-token-claims',
      options: { set: { nbf: Date.UTC(2026, 0, 2) / 1000 } },
    },
  ])('$row', async (bad) => {
    await refusedFor(bad)
  })

  test('alone in a list is right (C-54)', async () => {
    const world = createWorld()
    world.server.fault('id-token-aud-array')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('beside others is right when azp is us (C-54, F1)', async () => {
    const world = createWorld()
    world.server.fault('id-token-aud-extra')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('after max_age, a person who authenticated too long ago (C-62)', async () => {
    await refusedFor({ fault: 'id-token-auth-time-old', params: { maxAge: 300 } })
  })

  test('after max_age, nobody knows when the person authenticated (C-62)', async () => {
    await refusedFor({ fault: 'id-token-auth-time-missing', params: { maxAge: 300 } })
  })

  test('without max_age it may be long ago (C-62)', async () => {
    const world = createWorld()
    world.server.fault('id-token-auth-time-old')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('another acr than the one asked for is the app’s to see (C-61)', async () => {
    const world = createWorld()
    world.server.fault('id-token-claims', { set: { acr: 'pwd' } })
    const { result } = await world.comeBack(world.tab, { params: { acrValues: 'mfa' } })
    expect(result.session).toMatchObject({ claims: { acr: 'pwd' } })
  })

  test('nothing is asked with the tokens, and nobody is told of a sign-in (C-52)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('id-token-nonce-wrong')
    const auth = world.load(world.tab, callback)
    const events = listen(auth)
    await rejection(auth.start())
    await world.clock.advance(60_000)
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
    expect(world.storedSession()).toBeUndefined()
    expect(events.map(({ name }) => name)).not.toContain('signed-in')
    expect(world.server.requestsTo('/userinfo')).toHaveLength(0)
  })
})

describe('an ID token that is none signs nobody in', () => {
  test.each<Bad>([
    { row: 'nothing where one was asked for', fault: 'id-token-missing' },
    { row: 'three words', fault: 'id-token-garbage' },
    { row: 'two parts', fault: 'id-token-garbage', options: { value: 'e30.e30' } },
    {
      row: 'an encrypted one',
      fault: 'id-token-garbage',
      options: { value: 'e30.e30.e30.e30.e30' },
    },
    { row: 'an empty one', fault: 'id-token-garbage', options: { value: '' } },
    { row: 'a number', fault: 'id-token-garbage', options: { value: 7 } },
  ])('$row', async (bad) => {
    await refusedFor(bad)
  })

  test('an extension that must be understood (A-67)', async () => {
    await refusedFor({ fault: 'id-token-crit' })
  })

  test.each(['at+jwt', 'application/at+jwt', 'logout+jwt'])(
    'a token of type %s (A-68)',
    async (typ) => {
      await refusedFor({ fault: 'id-token-typ', options: { typ } })
    },
  )

  test.each(['JWT', 'jwt', null])('of type %s it is fine', async (typ) => {
    const world = createWorld()
    world.server.fault('id-token-typ', { typ: typ as never })
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })
})

describe('an ID token with a signature that proves nothing signs nobody in', () => {
  test.each<Bad>([
    { row: 'a broken signature (C-56, G1)', fault: 'id-token-bad-signature' },
    { row: 'none (C-57, A-67)', fault: 'id-token-alg-none' },
    {
      row: 'none in other letters (C-57, A-67)',
      fault: 'id-token-alg-none',
      options: { alg: 'NoNe' },
    },
    { row: 'HS256 with the public key for a secret (C-57, A-67)', fault: 'id-token-alg-hs256' },
    { row: 'another algorithm than the server advertises (C-57)', fault: 'id-token-alg-other' },
  ])('$row', async (bad) => {
    await refusedFor(bad)
  })

  test('a stranger’s key, and nothing is fetched from where the token says (C-56, A-67)', async () => {
    const { world } = await refusedFor({ fault: 'id-token-foreign-key' })
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toHaveLength(0)
  })

  test.each([
    ['none', ['none']],
    ['HS256', ['HS256']],
  ])('%s is refused even from a server that advertises it (C-57, G2)', async (_, advertised) => {
    const fault = advertised[0] === 'none' ? 'id-token-alg-none' : 'id-token-alg-hs256'
    await expectRefusal({
      code: 'id_token_invalid',
      requests: bothRequests,
      given: ({ server }) => {
        const patch = { id_token_signing_alg_values_supported: advertised }
        server.fault('metadata', { patch })
        server.fault(fault)
      },
    })
  })

  test.each(['RS256', 'PS256', 'ES256'] as const)(
    '%s is checked, and passes',
    async (idTokenAlg) => {
      const world = createWorld({ server: { idTokenAlg } })
      expect((await world.comeBack()).result.kind).toBe('signed-in')
    },
  )

  test('without a key id, the only key there is will do', async () => {
    const world = createWorld()
    world.server.fault('id-token-no-kid')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('a key nobody published: asked for once more, and no further (A-69)', async () => {
    await refusedFor({ fault: 'id-token-unknown-kid' }, ['/jwks', '/jwks', '/token'])
  })

  test('keys that are for something else (A-69)', async () => {
    await expectRefusal({
      code: 'id_token_invalid',
      requests: ['/jwks', '/jwks', '/token'],
      given: async ({ server }) => {
        const { keys } = (await (await server.fetch(`${server.issuer}/jwks`)).json()) as {
          keys: object[]
        }
        server.fault('jwks-keys', { keys: keys.map((key) => ({ ...key, use: 'enc' })) })
      },
    })
  })

  test.each([
    ['no list', { nothing: true }],
    ['null', null],
    ['a list of nulls', { keys: [null] }],
    ['text', 'keys'],
  ])('a key set that is %s (A-69)', async (_, body) => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('respond', { path: '/jwks', body: JSON.stringify(body) })
    const auth = world.load(world.tab, callback)
    expect(await rejection(auth.start())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })

  test('keys changed while the person was signing in are fetched once more (A-70)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const keys = world.server.hold('/jwks')
    const started = world.load(world.tab, callback).start()
    await world.until(() => keys.count === 1)
    world.server.rotateKeys({ publishRetired: false })
    keys.release()
    expect((await started).kind).toBe('signed-in')
  })

  test('keys changed a moment before the token was signed are fetched once more (A-70, G11)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('key-rotation')
    const token = world.server.hold('/token')
    const started = world.load(world.tab, callback).start()
    await world.until(() => token.count === 1 && world.server.requestsTo('/jwks').length === 1)
    token.release()
    expect((await started).kind).toBe('signed-in')
  })
})

describe('keys that cannot be had when the code is spent', () => {
  test.each([
    ['an error', (world: ReturnType<typeof createWorld>) => world.server.fault('jwks-error')],
    [
      'no network',
      (world: ReturnType<typeof createWorld>) =>
        world.server.fault('network-error', { path: '/jwks' }),
    ],
    [
      'too many requests',
      (world: ReturnType<typeof createWorld>) =>
        world.server.fault('try-later', { path: '/jwks', status: 429 }),
    ],
  ])('%s: asked for twice more, then it may be worth another try', async (_, given) => {
    const { error } = await expectRefusal({
      code: expect.stringMatching(/^(?:server_error|network|rate_limited)$/) as never,
      away: given,
      requests: ['/jwks', '/jwks', '/jwks', '/token'],
    })
    expect(error.retryable).toBe(true)
  })

  test('the first time and the second, but not the third: signed in with the one code', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('jwks-error', { times: 2 })
    expect((await world.load(world.tab, callback).start()).kind).toBe('signed-in')
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('and never again: nothing is stored', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('jwks-error')
    const auth = world.load(world.tab, callback)
    await rejection(auth.start())
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
    expect(world.storedSession()).toBeUndefined()
  })

  test('silence: the sign-in gives up after the time that requests have', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('hang', { path: '/jwks' })
    const failed = rejection(world.load(world.tab, callback).start())
    await world.clock.advance(50_000)
    expect(await failed).toMatchObject({ code: 'timeout', retryable: true })
  })
})

describe('a wrong clock', () => {
  const signsIn = async (seconds: number) => {
    const world = createWorld()
    world.server.fault('clock-offset', { seconds })
    return { world, ...(await world.comeBack()) }
  }

  test.each([
    ['a minute slow', 60],
    ['five minutes slow', 300],
    ['three hours slow', 3 * hour],
    ['23 hours slow', 23 * hour],
    ['a minute fast', -60],
    ['three hours fast', -3 * hour],
    ['23 hours fast', -23 * hour],
  ])('of the machine, %s: the person is signed in all the same (A-55, C-58)', async (_, offset) => {
    const { result } = await signsIn(offset)
    expect(result.kind).toBe('signed-in')
  })

  test.each([3 * hour, -3 * hour])(
    '%d s off, the access token lives as long as the server said (A-55)',
    async (offset) => {
      const { world, client } = await signsIn(offset)
      expect(client.getSession()).toMatchObject({ expiresAt: world.clock.now() + 900_000 })
      await world.clock.advance(800_000)
      const response = await client.fetch(`${world.server.api.url}users/me`)
      expect(response.status).toBe(200)
    },
  )

  test('max_age is counted by the server’s clock (C-62)', async () => {
    const world = createWorld()
    world.server.fault('clock-offset', { seconds: -3 * hour })
    const { result } = await world.comeBack(world.tab, { params: { maxAge: 60 } })
    expect(result.kind).toBe('signed-in')
  })

  test('two days fast, a token that is fresh looks expired (C-58)', async () => {
    const world = createWorld()
    world.server.fault('clock-offset', { seconds: -2 * day })
    const error = await rejection(world.comeBack())
    expect(error).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })

  test('a token that had only a moment to live does not live longer for it (C-58)', async () => {
    await expectRefusal({
      code: 'id_token_invalid',
      requests: bothRequests,
      given: ({ server }) => {
        server.fault('clock-offset', { seconds: -3 * hour })
        server.fault('id-token-exp-past', { seconds: 1 })
      },
    })
  })

  test('is not remembered: the next answer is judged for itself', async () => {
    const world = createWorld()
    const off = world.server.fault('clock-offset', { seconds: 3 * hour })
    await world.signIn()
    off()
    world.jar.clear()
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })
})

test('the claims are those of the token, frozen, and no raw token is among them', async () => {
  const { auth } = await signedInTab()
  const session = auth.getSession()
  expect(session).toMatchObject({
    claims: { iss: 'https://login.example.com', sub: 'user-ada', name: 'Ada Lovelace' },
  })
  expect(Object.isFrozen(session)).toBe(true)
  expect('claims' in session && Object.isFrozen(session.claims)).toBe(true)
  expect(JSON.stringify(session)).not.toMatch(/eyJ/)
})
