import { describe, expect, test, vi } from 'vitest'
import type { FaultArguments, FaultName } from '../../src/testing/index.ts'
import { createWorld, rejection, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

/** What the error of a sign-in says, when this goes wrong while the person is at the server. */
async function words<Name extends FaultName>(
  fault: Name,
  ...options: FaultArguments<Name>
): Promise<string> {
  const world = createWorld()
  world.server.fault(fault, ...options)
  return ((await rejection(world.comeBack())) as Error).message
}

/** The same for the URL come back to, changed on its way. */
async function wordsOf(change: (callback: URL) => void): Promise<string> {
  const world = createWorld()
  const callback = new URL(await world.depart())
  change(callback)
  return ((await rejection(world.load(world.tab, callback.href).start())) as Error).message
}

describe('a sign-in that failed says', () => {
  test('which server was to answer, and whether another did or none said its name (C-22)', async () => {
    const missing = await words('callback-iss-missing')
    expect(missing).toContain('https://login.example.com')
    expect(missing).toMatch(/iss\b.*missing/)
    const wrong = await words('callback-iss-wrong', { iss: 'https://attacker.example' })
    expect(wrong).toContain('https://login.example.com')
    expect(wrong).toMatch(/iss\b.*another/)
    expect(wrong).not.toContain('attacker')
  })

  test('that the answer itself cannot be used, and why', async () => {
    const encrypted = await wordsOf(({ searchParams }) => searchParams.set('response', 'e30.e30.'))
    expect(encrypted).toMatch(/^The answer .*JARM/)
  })

  test('that the server refused, and where its reason is', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    const error = await rejection(world.comeBack())
    expect(error).toMatchObject({
      message: expect.stringContaining('`cause` has its reason') as string,
      cause: { error: 'access_denied' },
    })
  })

  test.each([
    [400, /400.*`error`/],
    [404, /404.*`error`/],
    [499, /499.*`error`/],
    [500, /500.*later/],
    [429, /429.*later/],
    [503, /503.*later/],
  ])('what status %i the token endpoint gave, and whether to wait', async (status, sentence) => {
    expect(await words('respond', { path: '/token', status })).toMatch(sentence)
  })

  test('that the network is down, or CORS in the way', async () => {
    expect(await words('network-error', { path: '/token' })).toMatch(/network.*CORS/)
  })

  test('that a redirect was not followed', async () => {
    expect(await words('redirect-token')).toMatch(/redirect/)
  })

  test.each<[string, FaultName, RegExp]>([
    ['a page for an answer', 'html-200', /^The answer of the token endpoint/],
    ['no access token', 'no-access-token', /^The answer of the token endpoint.*access_token/],
    ['a missing ID token', 'id-token-missing', /^The ID token.*id_token/],
    ['another nonce', 'id-token-nonce-wrong', /^The ID token.*nonce/],
    ['a bad signature', 'id-token-bad-signature', /^The ID token.*signature/],
    ['another audience', 'id-token-aud-wrong', /^The ID token.*aud/],
    ['another azp', 'id-token-azp-wrong', /^The ID token.*azp/],
    ['an empty subject', 'id-token-sub-empty', /^The ID token.*sub/],
    ['an expiry in the past', 'id-token-exp-past', /^The ID token.*expiration/],
    ['an authentication in the future', 'id-token-auth-time-future', /^The ID token.*auth_time/],
    ['the hash of another token', 'id-token-at-hash-wrong', /^The ID token.*at_hash/],
  ])('what could not be used: %s', async (_, fault, sentence) => {
    expect(await words(fault as 'html-200')).toMatch(sentence)
  })

  test.each<[object, string]>([
    [{ aud: ['a', 'b'], azp: 'production-app' }, 'aud ["a","b"] and azp "production-app"'],
    [{ aud: ['production-app', 'b'] }, 'aud ["production-app","b"] and no azp'],
    [{ aud: 'b' }, 'aud "b" and no azp'],
    [{ aud: 'production-app', azp: 'b' }, 'aud "production-app" and azp "b"'],
  ])('which audiences came, and whose it is not: %j (F1)', async (set, what) => {
    const message = await words('id-token-claims', { set: set as Record<string, unknown> })
    expect(message).toContain(what)
    expect(message).toContain('"production-app"')
  })

  test('an endless list of audiences in 200 characters (F1)', async () => {
    const aud = Array.from({ length: 1000 }, () => '\u202e')
    const message = await words('id-token-claims', { set: { aud } })
    expect(message.length).toBeLessThan(2000)
    expect(message).not.toContain('\u202e')
  })

  test('which algorithm came, which was expected, and the member that says so (E7)', async () => {
    const message = await words('id-token-alg-other')
    expect(message).toContain('ES256')
    expect(message).toContain('RS256')
    expect(message).toContain('id_token_signing_alg_values_supported')
    expect(await words('id-token-alg-none', { alg: 'NoNe' })).toContain('"NoNe"')
  })

  test('that this browser cannot check EdDSA, and what the server should do (F27)', async () => {
    const { importKey } = crypto.subtle
    vi.spyOn(crypto.subtle, 'importKey').mockImplementation(((...given: unknown[]) =>
      JSON.stringify(given[2]).includes('ECDSA')
        ? Promise.reject(new DOMException('The operation is not supported', 'NotSupportedError'))
        : importKey.apply(crypto.subtle, given as never)) as never)
    const world = createWorld({ server: { idTokenAlg: 'ES256' } })
    const { message } = (await rejection(world.comeBack())) as Error
    expect(message).toMatch(/browser cannot check.*EdDSA.*RS256 or ES256/)
    expect(world.server.requestsTo('/jwks')).toHaveLength(1)
  })

  test('that the token expires as it is issued (C-58)', async () => {
    expect(await words('id-token-exp-past', { seconds: 0 })).toMatch(/^The ID token.*issued/)
  })

  test('that a token which needs a proof is none for us (C-42)', async () => {
    const proof = await words('token-type', { value: 'DPoP' })
    expect(proof).toMatch(/^The answer of the token endpoint.*token_type/)
  })

  test('that a type which only ends in Bearer is another (C-42)', async () => {
    const another = await words('token-type', { value: 'no-Bearer' })
    expect(another).toMatch(/^The answer of the token endpoint.*token_type/)
  })

  test('that the token is from the future (A-55)', async () => {
    expect(await words('clock-offset', { seconds: 90_000 })).toMatch(/^The ID token.*future/)
  })

  test('that nothing like it was expected, in words of its own', async () => {
    const odd = await words('id-token-claims', { set: { at_hash: 7 } })
    expect(odd).toMatch(/^The ID token.*: unexpected answer/)
  })

  test('that the token is of another type (A-68)', async () => {
    expect(await words('id-token-typ', { typ: 'at+jwt' })).toMatch(/^The ID token.*type/)
  })
})

describe('metadata that cannot be used: the error says', () => {
  const saying = async (spoil: (world: World) => unknown): Promise<string> => {
    const world = createWorld()
    spoil(world)
    return ((await rejection(world.client().createAuthorizationUrl())) as Error).message
  }

  test('whose it is, and what is wrong with it', async () => {
    const page = await saying(({ server }) =>
      server.fault('respond', { path: '/.well-known/openid-configuration', body: '<html>' }),
    )
    expect(page).toMatch(/no server metadata at https:\/\/login\.example\.com\/.well-known/)
    const plain = await saying(({ server }) =>
      server.fault('metadata', { patch: { code_challenge_methods_supported: ['plain'] } }),
    )
    expect(plain).toMatch(/^The metadata of https:\/\/login\.example\.com .*PKCE/)
  })

  test.each(['<html>', 'null', '[]', '{"issuer":7}'])(
    'that %s is no metadata document',
    async (body) => {
      const path = '/.well-known/openid-configuration'
      const none = await saying(({ server }) => server.fault('respond', { path, body }))
      expect(none).toMatch(/^There is no server metadata at .*; check the option issuer/)
    },
  )

  test('no more of a name than helps', async () => {
    const issuer = `https://login.example.com/${'x'.repeat(10_000)}`
    const long = await saying(({ server }) => server.fault('metadata', { patch: { issuer } }))
    expect(long).toContain('https://login.example.com/xxx')
    expect(long.length).toBeLessThan(500)
  })
})

describe('userinfo that cannot be had: the error says', () => {
  test('that the server offers none', async () => {
    const world = createWorld()
    world.server.fault('metadata', { patch: { userinfo_endpoint: undefined } })
    const auth = await world.signIn()
    expect(((await rejection(auth.getUserInfo())) as Error).message).toMatch(/userinfo.?endpoint/)
  })

  test('that it is a page', async () => {
    const { auth, server } = await signedInTab()
    server.fault('html-200', { path: '/userinfo' })
    const { message } = (await rejection(auth.getUserInfo())) as Error
    expect(message).toMatch(/^The answer of the userinfo endpoint.*content-type/)
  })

  test('that it is about somebody else', async () => {
    const { auth, server } = await signedInTab()
    server.fault('user-info-claims', { set: { sub: 'user-mallory' } })
    const { message } = (await rejection(auth.getUserInfo())) as Error
    expect(message).toMatch(/userinfo.*sub/)
    expect(message).not.toContain('mallory')
  })
})

test.each([
  ['nonce', { nonce: 'another' }],
  ['auth_time', { auth_time: 5 }],
])('a refreshed ID token left out because %s changed says so (F2)', async (claim, set) => {
  const { auth, server } = await signedInTab()
  server.fault('id-token-claims', { on: 'refresh', set })
  let why: Error | undefined
  auth.on('token-refreshed', ({ idTokenError }) => (why = idTokenError))
  await auth.refresh()
  expect(why!.message).toMatch(new RegExp(`^The ID token.*${claim} has changed`))
})

test.each([
  ['sub', { sub: 'user-grace' }],
  ['iss', { iss: 'https://attacker.example' }],
])('a session ended because %s changed says so', async (claim, set) => {
  const { auth, server } = await signedInTab()
  server.fault('id-token-claims', { on: 'refresh', set })
  const error = (await rejection(auth.refresh())) as Error
  expect(error).toMatchObject({ code: 'session_ended' })
  expect((error.cause as Error).message).toMatch(new RegExp(`^The ID token.*${claim} has changed`))
})
