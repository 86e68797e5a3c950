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
    { row: 'C-53: another issuer', fault: 'id-token-iss-wrong' },
    {
      row: 'C-53: the issuer with a slash',
      fault: 'id-token-iss-wrong',
      options: { iss: 'https://login.example.com/' },
    },
    { row: 'C-53: no issuer', fault: 'id-token-iss-missing' },
    { row: 'C-54: no audience', fault: 'id-token-aud-missing' },
    { row: 'C-54: another audience', fault: 'id-token-aud-wrong' },
    {
      row: 'C-54: others among the audience',
      fault: 'id-token-aud-wrong',
      options: { aud: ['another-client'] },
    },
    { row: 'C-54: a stranger beside us', fault: 'id-token-aud-extra' },
    { row: 'C-54: an empty audience', fault: 'id-token-aud-wrong', options: { aud: [] } },
    {
      row: 'C-54: an audience that only begins like us',
      fault: 'id-token-aud-wrong',
      options: { aud: 'production-app2' },
    },
    { row: 'C-55, G13: azp of another client', fault: 'id-token-azp-wrong' },
    { row: 'C-58: no expiry', fault: 'id-token-exp-missing' },
    { row: 'C-58: expired ten minutes before it was issued', fault: 'id-token-exp-past' },
    { row: 'C-58: expired as it was issued', fault: 'id-token-exp-past', options: { seconds: 0 } },
    {
      row: 'C-58: expiry as text',
      fault: 'id-token-claims',
      options: { set: { exp: '4102444800' } },
    },
    { row: 'C-59: no time of issue', fault: 'id-token-iat-missing' },
    {
      row: 'C-59, G13: a time of issue that is over a day ahead',
      fault: 'id-token-claims',
      options: { set: { iat: start + 90_000, exp: start + 93_600 } },
    },
    {
      row: 'C-59: time of issue as text',
      fault: 'id-token-claims',
      options: { set: { iat: '1767225600' } },
    },
    { row: 'C-60: no nonce', fault: 'id-token-nonce-missing' },
    { row: 'C-60, C-52: another nonce', fault: 'id-token-nonce-wrong' },
    { row: 'C-60, A-03: an empty nonce', fault: 'id-token-nonce-empty' },
    { row: 'C-60: a list of nonces', fault: 'id-token-nonce-array' },
    { row: 'C-60: null for a nonce', fault: 'id-token-nonce-wrong', options: { nonce: null } },
    { row: 'C-63: no subject', fault: 'id-token-sub-missing' },
    { row: 'C-63: an empty subject', fault: 'id-token-sub-empty' },
    { row: 'C-63: a number for a subject', fault: 'id-token-sub-number' },
    {
      row: 'C-63: an endless subject',
      fault: 'id-token-sub-wrong',
      options: { sub: 'x'.repeat(256) },
    },
    {
      row: 'C-63: a subject that is not ASCII',
      fault: 'id-token-sub-wrong',
      options: { sub: 'ad\u0430' },
    },
    { row: 'C-62: a person who will authenticate in an hour', fault: 'id-token-auth-time-future' },
    { row: 'C-64, G13: the hash of another access token', fault: 'id-token-at-hash-wrong' },
    { row: 'C-64: an empty hash', fault: 'id-token-claims', options: { set: { at_hash: '' } } },
    {
      row: 'not yet valid',
      fault: 'id-token-claims',
      options: { set: { nbf: Date.UTC(2026, 0, 2) / 1000 } },
    },
  ])('$row', async (bad) => {
    await refusedFor(bad)
  })

  test('C-54: alone in a list is right', async () => {
    const world = createWorld()
    world.server.fault('id-token-aud-array')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('C-62: after max_age, a person who authenticated too long ago', async () => {
    await refusedFor({ fault: 'id-token-auth-time-old', params: { maxAge: 300 } })
  })

  test('C-62: after max_age, nobody knows when the person authenticated', async () => {
    await refusedFor({ fault: 'id-token-auth-time-missing', params: { maxAge: 300 } })
  })

  test('C-62: without max_age it may be long ago', async () => {
    const world = createWorld()
    world.server.fault('id-token-auth-time-old')
    expect((await world.comeBack()).result.kind).toBe('signed-in')
  })

  test('C-61: another acr than the one asked for is the app’s to see', async () => {
    const world = createWorld()
    world.server.fault('id-token-claims', { set: { acr: 'pwd' } })
    const { result } = await world.comeBack(world.tab, { params: { acrValues: 'mfa' } })
    expect(result.session).toMatchObject({ claims: { acr: 'pwd' } })
  })

  test('C-52: nothing is asked with the tokens, and nobody is told of a sign-in', async () => {
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

  test('A-67: an extension that must be understood', async () => {
    await refusedFor({ fault: 'id-token-crit' })
  })

  test.each(['at+jwt', 'application/at+jwt', 'logout+jwt'])(
    'A-68: a token of type %s',
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
    { row: 'C-56, G1: a broken signature', fault: 'id-token-bad-signature' },
    { row: 'C-57, A-67: none', fault: 'id-token-alg-none' },
    {
      row: 'C-57, A-67: none in other letters',
      fault: 'id-token-alg-none',
      options: { alg: 'NoNe' },
    },
    { row: 'C-57, A-67: HS256 with the public key for a secret', fault: 'id-token-alg-hs256' },
    { row: 'C-57: another algorithm than the server advertises', fault: 'id-token-alg-other' },
  ])('$row', async (bad) => {
    await refusedFor(bad)
  })

  test('C-56, A-67: a stranger’s key, and nothing is fetched from where the token says', async () => {
    const { world } = await refusedFor({ fault: 'id-token-foreign-key' })
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toHaveLength(0)
  })

  test.each([
    ['none', ['none']],
    ['HS256', ['HS256']],
  ])('C-57, G2: %s is refused even from a server that advertises it', async (_, advertised) => {
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

  test('A-69: a key nobody published: asked for once more, and no further', async () => {
    await refusedFor({ fault: 'id-token-unknown-kid' }, ['/jwks', '/jwks', '/token'])
  })

  test('A-69: keys that are for something else', async () => {
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
  ])('A-69: a key set that is %s', async (_, body) => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('respond', { path: '/jwks', body: JSON.stringify(body) })
    const auth = world.load(world.tab, callback)
    expect(await rejection(auth.start())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })

  test('A-70: keys changed while the person was signing in are fetched once more', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const keys = world.server.hold('/jwks')
    const started = world.load(world.tab, callback).start()
    await world.until(() => keys.count === 1)
    world.server.rotateKeys({ publishRetired: false })
    keys.release()
    expect((await started).kind).toBe('signed-in')
  })

  test('A-70, G11: keys changed a moment before the token was signed are fetched once more', async () => {
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
  ])('A-55, C-58: of the machine, %s: the person is signed in all the same', async (_, offset) => {
    const { result } = await signsIn(offset)
    expect(result.kind).toBe('signed-in')
  })

  test.each([3 * hour, -3 * hour])(
    'A-55: %d s off, the access token lives as long as the server said',
    async (offset) => {
      const { world, client } = await signsIn(offset)
      expect(client.getSession()).toMatchObject({ expiresAt: world.clock.now() + 900_000 })
      await world.clock.advance(800_000)
      const response = await client.fetch(`${world.server.api.url}users/me`)
      expect(response.status).toBe(200)
    },
  )

  test('C-62: max_age is counted by the server’s clock', async () => {
    const world = createWorld()
    world.server.fault('clock-offset', { seconds: -3 * hour })
    const { result } = await world.comeBack(world.tab, { params: { maxAge: 60 } })
    expect(result.kind).toBe('signed-in')
  })

  test('C-58: two days fast, a token that is fresh looks expired', async () => {
    const world = createWorld()
    world.server.fault('clock-offset', { seconds: -2 * day })
    const error = await rejection(world.comeBack())
    expect(error).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })

  test('C-58: a token that had only a moment to live does not live longer for it', async () => {
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
