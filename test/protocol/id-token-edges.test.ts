import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { PkceClientError } from '../../src/index.ts'
import { checkAccessToken } from '../../src/protocol/id-token.ts'
import type { Claims } from '../../src/protocol/token-set.ts'
import type { FaultArguments, FaultName } from '../../src/testing/index.ts'
import { createWorld, rejection } from '../support/world.ts'
import type { World } from '../support/world.ts'

const day = 24 * 60 * 60
const now = Date.UTC(2026, 0, 1) / 1000

/** What a sign-in with this fault comes to: an error code, or the word that it worked. */
async function outcome<Name extends FaultName>(
  fault: Name,
  ...options: FaultArguments<Name>
): Promise<unknown> {
  const world = createWorld()
  world.server.fault(fault, ...options)
  return world.comeBack().then(
    ({ result }) => result.kind,
    (error: unknown) => (error as PkceClientError).code,
  )
}

describe('the last value that is right, and the first that is wrong', () => {
  test.each([
    ['a day slow', day, 'signed-in'],
    ['a day and a second slow', day + 1, 'id_token_invalid'],
    ['a day fast', -day, 'signed-in'],
    ['a day and a second fast', -day - 1, 'id_token_invalid'],
  ])('a machine that is %s (A-55, C-58)', async (_, seconds, result) => {
    expect(await outcome('clock-offset', { seconds })).toBe(result)
  })

  test.each([
    [30, 'signed-in'],
    [31, 'id_token_invalid'],
  ])('a person who authenticated %d s after the token was issued (C-62)', async (late, result) => {
    const set = { auth_time: now + late }
    expect(await outcome('id-token-claims', { set })).toBe(result)
  })

  test.each([
    [1, 'signed-in'],
    [255, 'signed-in'],
    [256, 'id_token_invalid'],
  ])('a subject of %d characters (C-63)', async (length, result) => {
    const set = { sub: '~'.repeat(length) }
    expect(await outcome('id-token-claims', { set })).toBe(result)
  })

  test('a subject that begins with a letter that is not ASCII (C-63)', async () => {
    expect(await outcome('id-token-claims', { set: { sub: '\u0430da' } })).toBe('id_token_invalid')
  })

  test('a type that only resembles that of other tokens (A-68)', async () => {
    expect(await outcome('id-token-typ', { typ: 'at+jwt2' })).toBe('signed-in')
  })
})

test('a name with characters that Base64 spells differently in URLs keeps nobody from signing in', async () => {
  const world = createWorld()
  world.server.fault('clock-offset', { seconds: -3 * 60 * 60 })
  world.server.fault('id-token-claims', { set: { name: '>>>>>>>???????' } })
  const { result } = await world.comeBack()
  expect(result).toMatchObject({ session: { claims: { name: '>>>>>>>???????' } } })
  const [, payload] = (world.storedSession()!.idToken as string).split('.')
  expect(payload).toMatch(/-.*_/)
})

test('a refresh may say when the person authenticated although the sign-in did not (C-69)', async () => {
  const world = createWorld()
  world.server.fault('id-token-auth-time-missing', { on: 'sign-in' })
  const auth = await world.signIn()
  expect(await auth.refresh()).toMatchObject({ status: 'signed-in', stale: false })
})

test.each(['bnVsbA.e30.e30', 'e30.bnVsbA.e30', 'e30', '..', 'e30.!.e30'])(
  'an ID token %j is none',
  async (value) => {
    expect(await outcome('id-token-garbage', { value })).toBe('id_token_invalid')
  },
)

describe('the hash of the access token (C-64)', () => {
  const accessToken = 'jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y'
  const right = '77QmUPtjPfzWtF2AnpK9RQ'
  const check = (at_hash: unknown, alg: string) =>
    checkAccessToken({ at_hash } as unknown as Claims, {
      accessToken,
      idToken: `${btoa(JSON.stringify({ alg }))}.e30.x`,
    })

  test('is right in the example of OpenID Connect Core A.3', async () => {
    await check(right, 'RS256')
  })

  test.each(['77QmUPtjPfzWtF2AnpK9SQ', '77QmUPtj', '', '!', `${right}AA`, 7, null, [right]])(
    'is wrong when it is %j',
    async (at_hash) => {
      await expect(check(at_hash, 'ES256')).rejects.toThrow()
      expect(await outcome('id-token-claims', { set: { at_hash } })).toBe('id_token_invalid')
    },
  )

  test.each([
    ['PS256', 'sha256'],
    ['ES384', 'sha384'],
    ['RS512', 'sha512'],
    ['EdDSA', 'sha512'],
    ['Ed25519', 'sha512'],
  ])('beside a signature by %s is made with %s, and with nothing else', async (alg, made) => {
    for (const name of ['sha256', 'sha384', 'sha512']) {
      const hash = createHash(name).update(accessToken).digest()
      const checked = check(hash.subarray(0, hash.length / 2).toString('base64url'), alg)
      if (name === made) await checked
      else await expect(checked).rejects.toMatchObject({ code: 'id_token_invalid' })
    }
  })

  test('that is not there is not missed', async () => {
    await check(undefined, 'RS256')
  })
})

describe('the keys of the server', () => {
  test('are asked for as JSON, and no redirect is followed for them (A-71)', async () => {
    const world = createWorld()
    const requests: (RequestInit | undefined)[] = []
    const fetch: typeof globalThis.fetch = (input, init) => {
      if (input === 'https://login.example.com/jwks') requests.push(init)
      return world.server.fetch(input, init)
    }
    const callback = await world.depart()
    await world.load(world.tab, callback, { fetch }).start()
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({ redirect: 'manual', cache: 'no-store' })
    expect(new Headers(requests[0]?.headers).get('accept')).toBe('application/json')
  })

  test('an error that looks like an answer is none: asked for twice more', async () => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('respond', { path: '/jwks', status: 500, body: { keys: [] } })
    expect(await rejection(world.load(world.tab, callback).start())).toMatchObject({
      code: 'server_error',
      retryable: true,
    })
    expect(world.server.requestsTo('/jwks')).toHaveLength(3)
  })

  /** The keys changed after they were fetched, and the new ones cannot be had so many times. */
  const changed = async (times: number): Promise<{ world: World; started: Promise<unknown> }> => {
    const world = createWorld()
    const callback = await world.depart()
    world.server.fault('key-rotation')
    const token = world.server.hold('/token')
    const started = world.load(world.tab, callback).start()
    started.catch(() => undefined)
    await world.until(() => token.count === 1 && world.server.requestsTo('/jwks').length === 1)
    await world.clock.settle()
    world.server.fault('jwks-error', { times })
    token.release()
    return { world, started }
  }

  test('changed, and not to be had twice: signed in with the one code (A-70)', async () => {
    const { world, started } = await changed(2)
    expect(await started).toMatchObject({ kind: 'signed-in' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('changed, and not to be had three times: may be worth another try (A-70)', async () => {
    const { world, started } = await changed(3)
    expect(await rejection(started)).toMatchObject({ code: 'server_error', retryable: true })
    expect(world.server.requestsTo('/jwks')).toHaveLength(4)
  })
})
