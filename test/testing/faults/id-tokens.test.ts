import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import type { FaultArguments, FaultName } from '../../../src/testing/index.ts'
import {
  claimsOf,
  discover,
  exchange,
  headerOf,
  obtainCode,
  refresh,
  signIn,
  signInWithAnotherClient,
  strictServer,
  through,
} from '../support.ts'
import type { Tokens } from '../support.ts'

type ClaimFault = Exclude<
  Extract<FaultName, `id-token-${string}`>,
  | 'id-token-missing'
  | 'id-token-garbage'
  | `id-token-alg-${string}`
  | 'id-token-bad-signature'
  | 'id-token-foreign-key'
>

interface Decoded {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

const iat = ({ claims }: Decoded): number => claims['iat'] as number

/** What each fault makes of a good token: the parts that change; `undefined` is gone. */
const cases: {
  [Name in ClaimFault]: [
    FaultArguments<Name>[0],
    (good: Decoded) => { header?: object; claims?: object },
  ]
} = {
  'id-token-unknown-kid': [{}, () => ({ header: { kid: 'a-key-nobody-published' } })],
  'id-token-no-kid': [{}, () => ({ header: { kid: undefined } })],
  'id-token-crit': [
    {},
    () => ({
      header: {
        crit: ['https://example.com/understand-me'],
        'https://example.com/understand-me': true,
      },
    }),
  ],
  'id-token-typ': [{ typ: 'logout+jwt' }, () => ({ header: { typ: 'logout+jwt' } })],
  'id-token-iss-missing': [{}, () => ({ claims: { iss: undefined } })],
  'id-token-iss-wrong': [{}, () => ({ claims: { iss: 'https://attacker.example' } })],
  'id-token-aud-missing': [{}, () => ({ claims: { aud: undefined } })],
  'id-token-aud-wrong': [{}, () => ({ claims: { aud: 'another-client' } })],
  'id-token-aud-extra': [
    {},
    () => ({ claims: { aud: ['sandbox-app', 'another-client'], azp: 'sandbox-app' } }),
  ],
  'id-token-aud-array': [{}, () => ({ claims: { aud: ['sandbox-app'] } })],
  'id-token-azp-wrong': [{}, () => ({ claims: { azp: 'another-client' } })],
  'id-token-exp-missing': [{}, () => ({ claims: { exp: undefined } })],
  'id-token-exp-past': [{}, (good) => ({ claims: { exp: iat(good) - 600 } })],
  'id-token-iat-missing': [{}, () => ({ claims: { iat: undefined } })],
  'id-token-iat-past': [{ seconds: 60 }, (good) => ({ claims: { iat: iat(good) - 60 } })],
  'id-token-iat-future': [{}, (good) => ({ claims: { iat: iat(good) + 3600 } })],
  'id-token-nonce-missing': [{}, () => ({ claims: { nonce: undefined } })],
  'id-token-nonce-wrong': [{}, () => ({ claims: { nonce: 'a-nonce-of-somebody-else' } })],
  'id-token-nonce-empty': [{}, () => ({ claims: { nonce: '' } })],
  'id-token-nonce-array': [{}, () => ({ claims: { nonce: ['a nonce'] } })],
  'id-token-sub-missing': [{}, () => ({ claims: { sub: undefined } })],
  'id-token-sub-empty': [{}, () => ({ claims: { sub: '' } })],
  'id-token-sub-number': [{}, () => ({ claims: { sub: 7 } })],
  'id-token-sub-wrong': [{}, () => ({ claims: { sub: 'user-mallory' } })],
  'id-token-auth-time-missing': [{}, () => ({ claims: { auth_time: undefined } })],
  'id-token-auth-time-old': [{}, (good) => ({ claims: { auth_time: iat(good) - 86400 } })],
  'id-token-auth-time-future': [{}, (good) => ({ claims: { auth_time: iat(good) + 3600 } })],
  'id-token-at-hash-wrong': [{}, () => ({ claims: { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' } })],
  'id-token-claims': [
    { set: { sub: 'x', extra: [1] }, remove: ['acr'] },
    () => ({ claims: { sub: 'x', extra: [1], acr: undefined } }),
  ],
}

function decode(idToken: string): Decoded {
  return { header: headerOf(idToken), claims: claimsOf(idToken) }
}

/** What differs from token to token anyway. */
function stable({ header, claims }: Decoded, touched: object = {}): Decoded {
  const { sid: _sid, ...others } = claims
  if (!('at_hash' in touched)) Reflect.deleteProperty(others, 'at_hash')
  return { header, claims: others }
}

describe('faults of the ID token', () => {
  it.each(Object.keys(cases) as ClaimFault[])('%s', async (name) => {
    const server = strictServer()
    const [options, expected] = cases[name]
    const good = decode((await signIn(server)).id_token)
    const turnOn = server.fault as (name: string, options: unknown) => () => void
    turnOn(name, options)
    const spoiled = decode((await signIn(server)).id_token)
    const { header, claims } = expected(good)
    const wanted = {
      header: { ...good.header, ...header },
      claims: { ...good.claims, ...claims },
    }
    expect(stable(spoiled, claims)).toEqual(stable(wanted, claims))
  })

  const changed = { ...cases, 'id-token-nonce-array': [{}, () => ({ claims: { nonce: [null] } })] }
  it.each(Object.keys(cases) as ClaimFault[])('%s at a refresh (F2)', async (name) => {
    const server = strictServer()
    const [options, expected] = changed[name] as (typeof cases)[ClaimFault]
    const turnOn = server.fault as (name: string, options: unknown) => () => void
    turnOn(name, { ...options, on: 'refresh' })
    const tokens = await signIn(server)
    const signedIn = decode(tokens.id_token)
    const renewed = (await (await refresh(server, tokens.refresh_token)).json()) as Tokens
    const { nonce: _nonce, ...claims } = signedIn.claims
    const change = expected(signedIn)
    const wanted = {
      header: { ...signedIn.header, ...change.header },
      claims: { ...claims, ...change.claims },
    }
    expect(stable(decode(renewed.id_token), change.claims)).toEqual(stable(wanted, change.claims))
  })

  // ZITADEL always, Keycloak with an audience mapper.
  it.each(['sign-in', 'refresh'] as const)('several audiences at a %s (F1)', async (on) => {
    const server = strictServer()
    server.fault('id-token-aud-extra', { on, audience: '31415' })
    const tokens = await signIn(server)
    const renewed = (await (await refresh(server, tokens.refresh_token)).json()) as Tokens
    const [first, second] = [tokens, renewed].map(({ id_token }) => claimsOf(id_token))
    const several = { aud: ['sandbox-app', '31415'], azp: 'sandbox-app' }
    expect(on === 'sign-in' ? first : second).toMatchObject(several)
    expect((on === 'sign-in' ? second : first)!['aud']).toBe('sandbox-app')
  })

  it.each([
    ['without this client', { set: { aud: ['a', 'b'] } }, { aud: ['a', 'b'], azp: 'sandbox-app' }],
    ['without azp', { remove: ['azp'] }, { aud: ['sandbox-app', 'another-client'] }],
  ])('several audiences %s, by id-token-claims (F1)', async (_, patch, expected) => {
    const server = strictServer()
    server.fault('id-token-aud-extra')
    server.fault('id-token-claims', patch)
    const { aud, azp } = claimsOf((await signIn(server)).id_token)
    expect({ aud, azp }).toEqual({ azp: undefined, ...expected })
  })

  it.each([
    ['none', {}],
    ['NoNe', { alg: 'NoNe' }],
  ])('id-token-alg-none: %s', async (alg, options) => {
    const server = strictServer()
    server.fault('id-token-alg-none', options)
    const { id_token: idToken } = await signIn(server)
    expect([headerOf(idToken)['alg'], idToken.split('.')[2]]).toEqual([alg, ''])
  })

  it('id-token-alg-hs256 is keyed with the text of the public key', async () => {
    const server = strictServer()
    server.fault('id-token-alg-hs256')
    const { id_token: idToken } = await signIn(server)
    const jwks = await server.fetch(`${server.issuer}/jwks`)
    const [jwk] = ((await jwks.json()) as { keys: JsonWebKey[] }).keys
    const { createHmac, createPublicKey } = await import('node:crypto')
    const key = createPublicKey({ key: jwk as never, format: 'jwk' })
    const pem = key.export({ type: 'spki', format: 'pem' })
    const [header, claims, signature] = idToken.split('.')
    const hmac = createHmac('sha256', pem).update(`${header!}.${claims!}`)
    expect([headerOf(idToken)['alg'], signature]).toEqual(['HS256', hmac.digest('base64url')])
  })

  it('id-token-alg-other is signed well, by a published key, with another algorithm', async () => {
    const server = strictServer()
    server.fault('id-token-alg-other')
    const { id_token: idToken } = await signIn(server)
    const jwks = await server.fetch(`${server.issuer}/jwks`)
    const { keys } = (await jwks.json()) as { keys: { alg: string; kid: string }[] }
    const header = headerOf(idToken)
    expect(header['alg']).toBe('ES256')
    expect(keys).toContainEqual(expect.objectContaining({ alg: 'ES256', kid: header['kid'] }))
  })

  it.each([
    'id-token-alg-none',
    'id-token-alg-hs256',
    'id-token-alg-other',
    'id-token-bad-signature',
    'id-token-foreign-key',
    'id-token-unknown-kid',
  ] as const)('%s: another client refuses it', async (name) => {
    const server = strictServer()
    await expect(signInWithAnotherClient(server)).resolves.toBeDefined()
    server.fault(name)
    await expect(signInWithAnotherClient(server)).rejects.toThrow()
  })

  it('id-token-bad-signature spoils the signature only', async () => {
    const server = strictServer()
    const { as, client, response } = await codeAnswer(server, () =>
      server.fault('id-token-bad-signature'),
    )
    const answer = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: 'a nonce',
    })
    expect(oauth.getValidatedIdTokenClaims(answer)).toMatchObject({ sub: 'user-ada' })
    await expect(
      oauth.validateApplicationLevelSignature(as, response, through(server)),
    ).rejects.toThrow('JWT signature verification failed')
  })

  it('id-token-foreign-key offers the key it was signed with', async () => {
    const server = strictServer()
    server.fault('id-token-foreign-key')
    const { id_token: idToken } = await signIn(server)
    expect(headerOf(idToken)).toMatchObject({
      jwk: { kty: 'RSA', n: expect.any(String) },
      jku: 'https://attacker.example/jwks',
      x5u: 'https://attacker.example/x5u',
    })
  })

  it('id-token-missing', async () => {
    const server = strictServer()
    server.fault('id-token-missing')
    expect(await signIn(server)).not.toHaveProperty('id_token')
  })

  it('id-token-garbage', async () => {
    const server = strictServer()
    server.fault('id-token-garbage', { value: 7 })
    expect((await signIn(server)).id_token).toBe(7)
  })

  it('id-token-garbage at a refresh (F2)', async () => {
    const server = strictServer()
    server.fault('id-token-garbage', { on: 'refresh' })
    const tokens = await signIn(server)
    expect(headerOf(tokens.id_token)).toHaveProperty('alg')
    const renewed = (await (await refresh(server, tokens.refresh_token)).json()) as Tokens
    expect(renewed.id_token).toBe('not.a.token')
  })

  it('key-rotation makes a key set that was fetched before useless', async () => {
    const server = strictServer()
    const before = await (await server.fetch(`${server.issuer}/jwks`)).text()
    server.fault('key-rotation', { times: 1 })
    const { id_token: idToken } = await signIn(server)
    const kid = headerOf(idToken)['kid'] as string
    expect(before).not.toContain(kid)
    const after = (await (await server.fetch(`${server.issuer}/jwks`)).json()) as object
    expect(after).toEqual({ keys: [expect.objectContaining({ kid })] })
  })

  it('key-rotation at the refresh only', async () => {
    const server = strictServer()
    server.fault('key-rotation', { on: 'refresh' })
    const tokens = await signIn(server)
    const renewed = (await (await refresh(server, tokens.refresh_token)).json()) as Tokens
    const kids = [tokens, renewed].map((one) => headerOf(one.id_token)['kid'])
    expect(kids[0]).not.toBe(kids[1])
    server.clearFaults()
    expect(headerOf((await signIn(server)).id_token)['kid']).toBe(kids[1])
  })
})

describe('where a fault of the ID token strikes', () => {
  async function both(on?: 'sign-in' | 'refresh') {
    const server = strictServer()
    server.fault('id-token-sub-wrong', on && { on })
    const tokens = await signIn(server)
    const refreshed = (await (await refresh(server, tokens.refresh_token)).json()) as Tokens
    return [claimsOf(tokens.id_token)['sub'], claimsOf(refreshed.id_token)['sub']]
  }

  it('everywhere, by default', async () => {
    expect(await both()).toEqual(['user-mallory', 'user-mallory'])
  })

  it('at sign-in only', async () => {
    expect(await both('sign-in')).toEqual(['user-mallory', 'user-ada'])
  })

  it('at refresh only', async () => {
    expect(await both('refresh')).toEqual(['user-ada', 'user-mallory'])
  })
})

async function codeAnswer(server: ReturnType<typeof strictServer>, spoil: () => void) {
  const as = await discover(server)
  const code = await obtainCode(server)
  spoil()
  return { as, client: { client_id: 'sandbox-app' }, response: await exchange(server, code) }
}
