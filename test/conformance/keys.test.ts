import { createSign, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { failure } from '../support/refreshes.ts'
import { createWorld } from '../support/world.ts'

/** An ID token that is right in everything, signed with a new key of this many bits, and the key set to check it with. */
function signedWith(bits: number, nonce: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const iat = Date.UTC(2026, 0, 1) / 1000
  const claims = {
    iss: 'https://login.example.com',
    sub: 'user-ada',
    aud: 'production-app',
    exp: iat + 3600,
    iat,
    nonce,
  }
  const input = [{ alg: 'RS256', kid: 'made-here' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const signature = createSign('RSA-SHA256').update(input).sign(privateKey, 'base64url')
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'made-here', alg: 'RS256', use: 'sig' }
  const secret = { ...key, ...privateKey.export({ format: 'jwk' }) }
  return { idToken: `${input}.${signature}`, keys: [key], secrets: [secret] }
}

async function comeBackWith(bits: number, published: 'keys' | 'secrets' = 'keys') {
  const world = createWorld()
  const callback = await world.depart()
  const [transaction] = world.transactions().values()
  const signed = signedWith(bits, transaction!['nonce'] as string)
  world.server.fault('id-token-garbage', { value: signed.idToken })
  world.server.fault('jwks-keys', { keys: signed[published] })
  return { world, auth: world.load(world.tab, callback) }
}

test('a token signed with a key of 2048 bits is taken', async () => {
  const { auth } = await comeBackWith(2048)
  expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
})

test.each([512, 1024])('a signature by a key of %d bits proves nothing (A-69)', async (bits) => {
  const { world, auth } = await comeBackWith(bits)
  expect(await failure(auth.start())).toMatchObject({ code: 'id_token_invalid', retryable: false })
  expect(world.storedSession()).toBeUndefined()
})

test('a key that everybody could sign with, as its secret half is published, proves nothing (A-69)', async () => {
  const { world, auth } = await comeBackWith(2048, 'secrets')
  expect(await failure(auth.start())).toMatchObject({ code: 'id_token_invalid', retryable: false })
  expect(world.storedSession()).toBeUndefined()
})

test('a key set that is not there is asked for three times, and signs nobody in (A-69)', async () => {
  const world = createWorld()
  world.server.fault('jwks-error', { status: 404 })
  const auth = world.load(world.tab, await world.depart())
  expect(await failure(auth.start())).toMatchObject({ code: 'server_error' })
  expect(world.server.requestsTo('/jwks')).toHaveLength(3)
  expect(world.storedSession()).toBeUndefined()
})

test('two keys of one name are no key, and asked for no more than once more (A-69)', async () => {
  const world = createWorld()
  const answer = await world.server.fetch(`${world.server.issuer}/jwks`)
  const { keys } = (await answer.json()) as { keys: { kid: string }[] }
  const double = { ...signedWith(2048, '').keys[0], kid: keys[0]!.kid }
  world.server.fault('jwks-keys', { keys: [...keys, double] })
  const auth = world.load(world.tab, await world.depart())
  expect(await failure(auth.start())).toMatchObject({ code: 'id_token_invalid', retryable: false })
  expect(world.storedSession()).toBeUndefined()
  expect(world.server.requestsTo('/jwks').length).toBeLessThanOrEqual(3)
})
