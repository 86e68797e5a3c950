import { describe, expect, test } from 'vitest'
import type { PkceClient } from '../../src/index.ts'
import type { FaultName, FaultOptions } from '../../src/testing/index.ts'
import { failure, refreshes, sentTokens } from '../support/refreshes.ts'
import { createWorld, signedInTab } from '../support/world.ts'
import type { World, WorldOptions } from '../support/world.ts'

// The modules of the OpenID conformance suite for relying parties, under their own names. Where a module sends something
// wrong it passes when the client shows an error and does not go on to userinfo, and so do these tests.

type Wrong = {
  [Name in FaultName]: [fault: Name, options?: FaultOptions[Name]]
}[FaultName]

function goWrong({ server }: World, [fault, options = {}]: Wrong): void {
  server.fault(fault, options)
}

/** Nobody is signed in, and nothing is asked in anybody's name. */
async function expectNothingMore(world: World, auth: PkceClient): Promise<void> {
  const before = world.server.requestsTo('/userinfo').length
  await failure(auth.getUserInfo())
  await failure(auth.fetch(`${world.server.api.url}users/me`))
  await world.clock.advance(60_000)
  expect(auth.getSession()).toMatchObject({ status: 'signed-out' })
  expect(world.server.requestsTo('/userinfo')).toHaveLength(before)
  expect(world.server.requestsTo('/users/me')).toHaveLength(0)
}

/** The person signs in, the server misbehaves as told, and the client takes nothing of it. */
async function expectRefused(wrong: Wrong, options: WorldOptions = {}): Promise<void> {
  const world = createWorld(options)
  goWrong(world, wrong)
  const auth = world.load(world.tab, await world.depart())
  const error = await failure(auth.start())
  expect(error).toMatchObject({ code: 'id_token_invalid', retryable: false })
  expect(world.server.requestsTo('/token')).toHaveLength(1)
  await expectNothingMore(world, auth)
}

/** The whole of a sign-in, up to userinfo. */
async function expectAccepted(world: World): Promise<PkceClient> {
  const { client, result } = await world.comeBack()
  expect(result).toMatchObject({ kind: 'signed-in', session: { claims: { sub: 'user-ada' } } })
  expect(await client.getUserInfo()).toMatchObject({ sub: 'user-ada' })
  return client
}

describe('Basic', () => {
  test('oidcc-client-test', async () => {
    const world = createWorld()
    await expectAccepted(world)
    const paths = world.server.requests.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['/authorize', '/token', '/userinfo']))
  })

  test('oidcc-client-test-invalid-iss', () => expectRefused(['id-token-iss-wrong']))

  test('oidcc-client-test-missing-sub', () => expectRefused(['id-token-sub-missing']))

  test('oidcc-client-test-invalid-aud', () => expectRefused(['id-token-aud-wrong']))

  test('oidcc-client-test-missing-iat', () => expectRefused(['id-token-iat-missing']))

  test('oidcc-client-test-nonce-invalid', () => expectRefused(['id-token-nonce-wrong']))

  test('oidcc-client-test-idtoken-sig-none', () => expectRefused(['id-token-alg-none']))

  test('oidcc-client-test-invalid-sig-rs256', () => expectRefused(['id-token-bad-signature']))

  test('oidcc-client-test-idtoken-sig-rs256', async () => {
    await expectAccepted(createWorld({ server: { idTokenAlg: 'RS256' } }))
  })

  test('oidcc-client-test-kid-absent-single-jwks', async () => {
    const world = createWorld()
    world.server.fault('id-token-no-kid')
    await expectAccepted(world)
  })

  test('oidcc-client-test-kid-absent-multiple-jwks', async () => {
    const world = createWorld()
    world.server.rotateKeys()
    const answer = await world.server.fetch(`${world.server.issuer}/jwks`)
    expect(((await answer.json()) as { keys: unknown[] }).keys).toHaveLength(2)
    world.server.fault('id-token-no-kid')
    const auth = world.load(world.tab, await world.depart())
    expect(await failure(auth.start())).toMatchObject({ code: 'id_token_invalid' })
    await expectNothingMore(world, auth)
  })

  test('oidcc-client-test-userinfo-invalid-sub', async () => {
    const world = await signedInTab()
    world.server.fault('user-info-claims', { set: { sub: 'user-grace', name: 'Grace Hopper' } })
    const error = await failure(world.auth.getUserInfo())
    expect(error).toMatchObject({ code: 'server_error' })
    expect(error.message).not.toContain('Grace')
    expect(world.auth.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
  })

  test('oidcc-client-test-scope-userinfo-claims', async () => {
    const scope = 'openid profile email address phone'
    const world = createWorld({ client: { scope } })
    const claims = { address: { country: 'GB' }, phone_number: '+44 20 7946 0000' }
    world.server.fault('user-info-claims', { set: claims })
    const auth = await world.signIn()
    expect(world.server.requestsTo('/authorize')[0]!.query).toMatchObject({ scope })
    expect(auth.getSession()).toMatchObject({ scope })
    expect(await auth.getUserInfo()).toMatchObject({
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      ...claims,
    })
  })
})

describe('Config', () => {
  test('oidcc-client-test-discovery-openid-config', async () => {
    const world = createWorld()
    const authorization_endpoint = `${world.server.issuer}/authorize?from=metadata`
    world.server.fault('metadata', { patch: { authorization_endpoint } })
    await expectAccepted(world)
    expect(world.server.requests[0]!.url).toBe(
      'https://login.example.com/.well-known/openid-configuration',
    )
    expect(world.server.requestsTo('/authorize')[0]!.query).toMatchObject({ from: 'metadata' })
  })

  test('oidcc-client-test-discovery-jwks-uri-keys', async () => {
    const world = createWorld()
    const jwks_uri = `${world.server.issuer}/jwks?run=7`
    world.server.fault('metadata', { patch: { jwks_uri } })
    await expectAccepted(world)
    expect(world.server.requestsTo('/jwks').map(({ url }) => url)).toEqual([jwks_uri])
  })

  test('oidcc-client-test-discovery-issuer-mismatch', async () => {
    const world = createWorld()
    world.server.fault('metadata', { patch: { issuer: 'https://login.example.com/another' } })
    const auth = world.client()
    expect(await failure(auth.signIn())).toMatchObject({ code: 'issuer_mismatch' })
    expect(world.tab.navigations).toEqual([])
    expect(world.server.requests).toHaveLength(1)
  })

  test('oidcc-client-test-signing-key-rotation', async () => {
    const world = createWorld()
    await expectAccepted(world)
    world.server.rotateKeys({ publishRetired: false })
    await expectAccepted(world)
  })

  test('oidcc-client-test-signing-key-rotation-just-before-signing', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const token = world.server.hold('/token')
    world.server.fault('respond', {
      path: '/jwks',
      times: 1,
      body: await (await world.server.fetch(`${world.server.issuer}/jwks`)).json(),
    })
    world.server.fault('key-rotation', { times: 1 })
    const started = auth.start()
    await world.until(() => token.count === 1)
    token.release()
    expect(await started).toMatchObject({ kind: 'signed-in' })
    expect(await auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
    // The test asked once itself, the client before the rotation and after it.
    expect(world.server.requestsTo('/jwks')).toHaveLength(3)
  })
})

describe('Refresh', () => {
  test('oidcc-client-test-refresh-token', async () => {
    const world = await signedInTab()
    const first = await world.auth.getAccessToken()
    await world.auth.refresh()
    expect(sentTokens(world)).toHaveLength(1)
    expect(await world.auth.getUserInfo()).toMatchObject({ sub: 'user-ada' })
    const second = await world.auth.getAccessToken()
    expect(second).not.toBe(first)
    expect(
      world.server.requestsTo('/userinfo').map(({ headers }) => headers.authorization),
    ).toEqual([`Bearer ${second}`])
  })

  test.each([
    ['oidcc-client-test-refresh-token-invalid-issuer', 'id-token-iss-wrong'],
    ['oidcc-client-test-refresh-token-invalid-sub', 'id-token-sub-wrong'],
  ] as const)('%s', async (_, fault) => {
    const world = await signedInTab()
    world.server.fault(fault, { on: 'refresh' })
    expect(await failure(world.auth.refresh())).toMatchObject({ code: 'session_ended' })
    await expectNothingMore(world, world.auth)
    expect(refreshes(world)).toHaveLength(1)
  })
})

describe('RP-initiated logout', () => {
  const home = 'https://app.example.com/'

  /** Signs out at the server, which sends the person home; resolves to where exactly. */
  async function signedOut(...wrong: FaultName[]): Promise<{ world: World; callback: URL }> {
    const world = await signedInTab({ client: { postSignOutRedirectUri: home } })
    for (const fault of wrong) world.server.fault(fault)
    await world.auth.signOut()
    const request = new URL(world.tab.navigations.at(-1)!)
    expect(request.pathname).toBe('/end_session')
    expect(request.searchParams.get('id_token_hint')).toMatch(/^eyJ/)
    expect(request.searchParams.get('post_logout_redirect_uri')).toBe(home)
    const answer = await world.server.fetch(request, { redirect: 'manual' })
    return { world, callback: new URL(answer.headers.get('location')!) }
  }

  async function expectSignedOut(world: World, callback: URL): Promise<void> {
    const auth = world.load(world.tab, callback.href)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out', reason: 'signed-out' },
    })
    await expectNothingMore(world, auth)
  }

  test('oidcc-client-test-rp-init-logout', async () => {
    const { world, callback } = await signedOut()
    expect(callback.searchParams.has('state')).toBe(true)
    await expectSignedOut(world, callback)
    expect(world.tab.url).toBe(home)
  })

  test.each([
    ['oidcc-client-test-rp-init-logout-other-state', 'end-session-state-wrong'],
    ['oidcc-client-test-rp-init-logout-no-state', 'end-session-state-missing'],
  ] as const)('%s', async (_, fault) => {
    const { world, callback } = await signedOut(fault)
    await expectSignedOut(world, callback)
    expect(world.tab.url).toBe(callback.href)
  })
})

describe('Comprehensive', () => {
  test('oidcc-client-test-missing-aud', () => expectRefused(['id-token-aud-missing']))

  test('oidcc-client-test-invalid-sig-es256', () =>
    expectRefused(['id-token-bad-signature'], { server: { idTokenAlg: 'ES256' } }))

  test('oidcc-client-test-invalid-sig-hs256', () => expectRefused(['id-token-alg-hs256']))

  test('oidcc-client-test-userinfo-bearer-header', async () => {
    const world = await signedInTab()
    await world.auth.getUserInfo()
    const [request] = world.server.requestsTo('/userinfo')
    expect(request).toMatchObject({
      headers: { authorization: `Bearer ${await world.auth.getAccessToken()}` },
      query: {},
      body: '',
    })
  })
})
