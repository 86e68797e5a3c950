import { describe, expect, test } from 'vitest'
import { createWorld, rejection } from '../support/world.ts'
import type { WorldOptions } from '../support/world.ts'

/** What asking for an authorization URL comes to when the metadata has been patched. */
async function refusal(patch: Record<string, unknown>, options: WorldOptions = {}) {
  const world = createWorld(options)
  world.server.fault('metadata', { patch })
  const error = await rejection(world.client().createAuthorizationUrl())
  expect(world.transactions().size).toBe(0)
  expect(world.tab.navigations).toHaveLength(0)
  return error
}

describe('the metadata of the server', () => {
  test.each([
    ['of another server', 'https://attacker.example'],
    ['with a slash more', 'https://login.example.com/'],
    ['in other letter case', 'https://LOGIN.example.com'],
    ['with the default port', 'https://login.example.com:443'],
    ['of a look-alike', 'https://l\u043egin.example.com'],
    ['of a tenant', 'https://login.example.com/tenant'],
  ])('is refused when the issuer in it is that %s (C-49, A-27, G6)', async (_, issuer) => {
    const error = await refusal({ issuer })
    expect(error).toMatchObject({ code: 'issuer_mismatch', retryable: false })
    expect((error as Error).message).toContain(JSON.stringify(issuer))
    expect((error as Error).message).toContain('"https://login.example.com"')
  })

  test('nothing that it calls itself can break a line, or turn it around (A-18)', async () => {
    const { message } = (await refusal({ issuer: 'https://a.example/\n\u2028\u202e' })) as Error
    expect(message).toContain('"https://a.example/\\u{a}\\u{2028}\\u{202e}"')
    expect(message).toMatch(/^[\x20-\x7e]+$/)
  })

  test.each([
    ['missing', undefined],
    ['a number', 7],
    ['null', null],
  ])('is refused when the issuer in it is %s (C-49)', async (_, issuer) => {
    expect(await refusal({ issuer })).toMatchObject({
      code: expect.stringMatching(/^(?:discovery_failed|issuer_mismatch)$/),
    })
  })

  test.each(
    [
      'authorization_endpoint',
      'token_endpoint',
      'jwks_uri',
      'userinfo_endpoint',
      'revocation_endpoint',
      'end_session_endpoint',
    ].flatMap((name) =>
      [
        'http://login.example.com/x',
        'javascript:alert(1)',
        'data:text/html,hello',
        '/relative',
        'https://user:password@login.example.com/x',
        'https://login.example.com/x#here',
        7,
        {},
        // Left out, which only these two may not be (F4).
        ...(/^(?:auth|tok)/.test(name) ? [null, ''] : []),
      ].map((value) => ({ name, value })),
    ),
  )('is refused when $name is $value (C-48, C-104, A-26, G7)', async ({ name, value }) => {
    const error = await refusal({ [name]: value })
    expect(error).toMatchObject({ code: 'discovery_failed' })
    expect((error as Error).message).toContain(name)
  })

  test.each(['authorization_endpoint', 'token_endpoint'])('is refused without %s', async (name) => {
    expect(await refusal({ [name]: undefined })).toMatchObject({ code: 'discovery_failed' })
  })

  test('may name plain http endpoints on this machine (C-48)', async () => {
    const issuer = 'http://localhost:9000'
    const world = createWorld({ server: { issuer } })
    const { url } = await world.client(world.tab, { issuer }).createAuthorizationUrl()
    expect(url.origin).toBe(issuer)
  })

  test('may name endpoints on another origin, as big providers do (A-27)', async () => {
    const world = createWorld()
    const authorization_endpoint = 'https://accounts.example.net/authorize'
    world.server.fault('metadata', { patch: { authorization_endpoint } })
    const { url } = await world.client().createAuthorizationUrl()
    expect(url.origin).toBe('https://accounts.example.net')
  })

  test.each([
    ['plain', ['plain']],
    ['nothing', []],
  ])('is refused when it offers PKCE with %s only (C-08)', async (_, methods) => {
    const error = await refusal({ code_challenge_methods_supported: methods })
    expect(error).toMatchObject({ code: 'discovery_failed' })
    expect((error as Error).message).toContain('S256')
  })

  test('need not say that it knows PKCE; state and nonce are there in any case (C-08)', async () => {
    const world = createWorld()
    world.server.fault('metadata', { patch: { code_challenge_methods_supported: undefined } })
    const { url } = await world.client().createAuthorizationUrl()
    expect(url.searchParams.get('code_challenge_method')).toBe('S256')
    expect(url.searchParams.get('state')).toBeTruthy()
    expect(url.searchParams.get('nonce')).toBeTruthy()
  })

  test('and are enforced there (C-08)', async () => {
    const silent = () => {
      const world = createWorld()
      world.server.fault('metadata', { patch: { code_challenge_methods_supported: undefined } })
      return world
    }
    expect((await silent().comeBack()).result.kind).toBe('signed-in')

    const [world, attacker] = [silent(), silent()]
    const theirs = new URL(await attacker.depart())
    await world.depart()
    const planted = world.load(world.tab, theirs.href)
    expect(await rejection(planted.start())).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)

    world.server.fault('id-token-nonce-wrong')
    expect(await rejection(world.comeBack())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })

  test.each([
    ['none', 'id-token-alg-none'],
    ['HS256', 'id-token-alg-hs256'],
  ] as const)(
    'cannot make %s good enough, not even for a refresh, where TLS stands for the signature (C-57)',
    async (algorithm, fault) => {
      const world = createWorld()
      const id_token_signing_alg_values_supported = ['RS256', algorithm]
      world.server.fault('metadata', { patch: { id_token_signing_alg_values_supported } })
      const auth = await world.signIn()
      const { idToken } = world.storedSession()!
      world.server.fault(fault, { on: 'refresh' })
      await auth.refresh()
      expect(world.storedSession()!.idToken).toBe(idToken)
    },
  )

  test('is read for its own members, not for those of a polluted prototype (A-84)', async () => {
    const world = createWorld()
    const end_session_endpoint = 'https://attacker.example/'
    Object.assign(Object.prototype, { end_session_endpoint })
    try {
      world.server.fault('metadata', { patch: { end_session_endpoint: undefined } })
      const auth = await world.signIn()
      await auth.signOut()
      expect(world.tab.navigations.join()).not.toContain('attacker.example')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'end_session_endpoint')
    }
  })
})

describe('finding the metadata', () => {
  const urls = (world: ReturnType<typeof createWorld>) =>
    world.server.requests.map(({ url }) => url)

  test('OpenID Connect puts the well-known path behind the issuer’s (C-50)', async () => {
    const issuer = 'https://login.example.com/t1'
    const world = createWorld({ server: { issuer } })
    await world.client(world.tab, { issuer }).createAuthorizationUrl()
    expect(urls(world)).toEqual([`${issuer}/.well-known/openid-configuration`])
  })

  test('OAuth puts it before, and is tried when the first is not there (C-50)', async () => {
    const issuer = 'https://login.example.com/t1'
    const world = createWorld({ server: { issuer } })
    world.server.fault('respond', { path: '/.well-known/openid-configuration', status: 404 })
    await world.client(world.tab, { issuer }).createAuthorizationUrl()
    expect(urls(world)).toEqual([
      `${issuer}/.well-known/openid-configuration`,
      'https://login.example.com/.well-known/oauth-authorization-server/t1',
    ])
  })

  test('a plain OAuth server is asked the OAuth way first', async () => {
    const world = createWorld({ client: { scope: 'orders:read' } })
    await world.client().createAuthorizationUrl()
    expect(urls(world)).toEqual([
      'https://login.example.com/.well-known/oauth-authorization-server',
    ])
  })

  test.each([
    ['an error', { status: 500 }, 'server_error', true],
    ['a busy server', { status: 503 }, 'server_error', true],
    ['too many requests', { status: 429 }, 'rate_limited', true],
    ['a refusal', { status: 403 }, 'discovery_failed', false],
    ['nothing there', { status: 404 }, 'discovery_failed', false],
    ['a page', { body: '<!doctype html><h1>Hotel</h1>' }, 'discovery_failed', false],
    ['nothing', { body: '' }, 'discovery_failed', false],
    ['null', { body: 'null' }, 'discovery_failed', false],
    ['a list', { body: '[]' }, 'discovery_failed', false],
    ['text', { body: '"metadata"' }, 'discovery_failed', false],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://attacker.example/' } },
      'server_error',
      true,
    ],
  ] as const)('%s in its place is a typed failure', async (_, answer, code, retryable) => {
    const world = createWorld()
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      world.server.fault('respond', { path: `/.well-known/${name}`, ...answer })
    }
    const error = await rejection(world.client().createAuthorizationUrl())
    expect(error).toMatchObject({ code, retryable })
    expect((error as Error).message).not.toContain('Hotel')
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toHaveLength(0)
  })

  test('no network is a typed failure', async () => {
    const world = createWorld()
    world.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    expect(await rejection(world.client().createAuthorizationUrl())).toMatchObject({
      code: 'network',
      retryable: true,
    })
  })

  test('silence is a typed failure after 15 seconds (A-60)', async () => {
    const world = createWorld()
    world.server.fault('hang', { path: '/.well-known/openid-configuration' })
    const failed = rejection(world.client().createAuthorizationUrl())
    await world.clock.advance(15_001)
    expect(await failed).toMatchObject({ code: 'timeout', retryable: true })
  })
})
