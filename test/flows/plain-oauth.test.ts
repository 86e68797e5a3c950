import { describe, expect, test } from 'vitest'
import { gitHub, providers, spotify, worldOf } from '../support/providers.ts'
import type { Provider } from '../support/providers.ts'
import { expiredTab, refreshes, sentTokens } from '../support/refreshes.ts'
import { rejection, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

/** A world at a server without OpenID Connect, whose endpoints the app knows. */
const at = (provider: Provider, server?: Parameters<typeof worldOf>[2]) =>
  worldOf(provider, { metadata: provider.metadata, scope: 'orders:read offline_access' }, server)

describe('at Spotify, an OAuth server without ID tokens', () => {
  test('a person signs in with one request: no discovery, no keys, no claims', async () => {
    const { visit, asked } = at(spotify)
    const { client } = await visit()
    expect(asked).toEqual(['https://accounts.spotify.com/api/token'])
    const session = client.getSession()
    expect(session).toMatchObject({
      status: 'signed-in',
      scope: 'user-read-private user-read-email',
    })
    expect(session).not.toHaveProperty('claims')
  })

  test('a refresh whose answer has no refresh token keeps the one there is (C-73)', async () => {
    const world = at(spotify, { rotation: false })
    const { client } = await world.visit()
    await client.refresh()
    await client.refresh()
    const tokens = sentTokens(world)
    expect(tokens).toHaveLength(2)
    expect(tokens[1]).toBe(tokens[0])
    expect(client.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('signing out is an affair of the app: there is nowhere to send the person, nothing to revoke at', async () => {
    const { visit, asked, tab } = at(spotify)
    const { client } = await visit()
    const before = [asked.length, tab.navigations.length]
    await client.signOut()
    expect(client.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect([asked.length, tab.navigations.length]).toEqual(before)
  })

  test('asking about the person says that the server does not tell', async () => {
    const { client } = await at(spotify).visit()
    expect(await rejection(client.getUserInfo())).toMatchObject({
      code: 'server_error',
      message: expect.stringContaining('no userinfo endpoint'),
    })
  })
})

describe('at a server that answers as GitHub does', () => {
  const token = 'gho_16C7e42F292c6912E7710c838347Ae178B4a'

  test('JSON is asked for, which is not what comes unasked', async () => {
    const world = at(gitHub)
    await world.visit()
    const [request] = world.server.requestsTo('/token')
    expect(request!.headers['accept']).toBe('application/json')
  })

  test('a token without expiry and refresh token is used until the API refuses it', async () => {
    const world = at(gitHub)
    const { client } = await world.visit()
    expect(client.getSession()).toMatchObject({ status: 'signed-in', scope: 'repo,gist' })
    expect(client.getSession()).not.toHaveProperty('expiresAt')
    await world.clock.advance(500_000)
    expect((await client.fetch(`${world.server.api.url}orders`)).status).toBe(200)
    world.server.expireAccessTokens()
    expect((await client.fetch(`${world.server.api.url}orders`)).status).toBe(401)
    expect(client.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
    expect(refreshes(world)).toEqual([])
  })

  test.each(['bad_verification_code', 'incorrect_client_credentials', 'redirect_uri_mismatch'])(
    '200 with the error %s is an error, and signs nobody in',
    async (error) => {
      const world = at(gitHub)
      const error_description = 'The code passed is incorrect or expired.'
      const body = { error, error_description, error_uri: 'https://docs.github.com/' }
      world.server.fault('respond', { path: '/token', body })
      expect(await rejection(world.visit())).toMatchObject({
        code: 'server_error',
        retryable: false,
        message: expect.stringContaining('answered 200') as string,
        cause: { name: 'OAuthServerError', error, description: error_description, status: 200 },
      })
      expect(world.storedSession()).toBeUndefined()
    },
  )

  test('an answer as a form is refused, and no word of it gets out', async () => {
    const world = at(gitHub)
    const body = new URLSearchParams({ access_token: token, scope: 'repo', token_type: 'bearer' })
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
    world.server.fault('respond', { path: '/token', body: body.toString(), headers })
    const error = (await rejection(world.visit())) as Error
    expect(error).toMatchObject({ code: 'token_response_invalid' })
    for (let one: unknown = error; one instanceof Error; one = one.cause)
      expect(`${one.message} ${one.stack} ${JSON.stringify(one)}`).not.toContain(token)
    expect(world.storedSession()).toBeUndefined()
  })
})

describe('the scope in an answer', () => {
  const asked = 'orders:read offline_access'

  test.each([
    ['is what was granted, when that is less', 'orders:read', 'orders:read'],
    ['is what was granted, when that is more', `${asked} basic`, `${asked} basic`],
    ['is what was asked for, when there is none', undefined, asked],
    ['is what was asked for, when it is empty', '', asked],
    ['is what was asked for, when it is null', null, asked],
    ['is what was asked for, when it is a list, as Twitch sends it', ['orders:read'], asked],
  ])('%s', async (_, scope, expected) => {
    const { visit } = at({ ...spotify, answer: { ...spotify.answer, scope } })
    const { client } = await visit()
    expect(client.getSession()).toMatchObject({ status: 'signed-in', scope: expected })
  })

  test.each([
    ['changed', 'orders:read', 'orders:read'],
    ['empty', '', 'user-read-private user-read-email'],
    ['missing', undefined, 'user-read-private user-read-email'],
  ])(
    'of a refresh counts from then on; when it is %s the session has %s',
    async (_, scope, now) => {
      const world = at({ ...spotify, answer: { id_token: undefined } })
      const granted = String(spotify.answer['scope'])
      world.server.clearFaults()
      world.server.fault('granted-scope', { on: 'sign-in', scope: granted })
      world.server.fault('token-members', { on: 'refresh', set: { scope } })
      const { client } = await world.visit()
      expect(client.getSession()).toMatchObject({ scope: granted })
      expect(await client.refresh()).toMatchObject({ scope: now })
    },
  )
})

describe('members nobody knows', () => {
  const odd = {
    created_at: 1_700_000_000,
    id: 'https://login.example.net/id/00D/005',
    instance_url: 'https://example.my.salesforce.com',
    issued_at: '1700000000000',
    refresh_token_expires_in: '15897600',
    user: { id: 7, roles: [null, { admin: false }] },
    error: '',
    error_description: null,
    '': 'nameless',
    then: 'not a promise',
    toJSON: 'not a method',
  }

  test('in the answer of the token endpoint change nothing and are kept nowhere', async () => {
    const world = at({ ...spotify, answer: { ...spotify.answer, ...odd } })
    const { client } = await world.visit()
    expect(await client.refresh()).toMatchObject({ status: 'signed-in' })
    const stored = JSON.stringify(world.storedSession())
    for (const name of ['instance_url', 'created_at', 'nameless'])
      expect(stored).not.toContain(name)
  })

  test('in metadata, ID token and callback change nothing', async () => {
    const okta = providers['Okta']!
    const { visit } = worldOf({
      ...okta,
      metadata: { ...okta.metadata, ...odd, jwks: { keys: [] }, signed_metadata: 'e30.e30.e30' },
      claims: { ...okta.claims, ...odd },
      callback: { session_state: '', client_info: 'eyJ1aWQiOiIifQ', locale: 'de', foo: '<b>' },
    })
    const { client } = await visit()
    expect(client.getSession()).toMatchObject({ status: 'signed-in', claims: { user: odd.user } })
    expect(await client.refresh()).toMatchObject({ status: 'signed-in' })
  })
})

describe('what Ada asked is not asked in the name of Grace, though the server says of neither who she is (A-54)', () => {
  const client = { scope: 'orders:write offline_access' }
  const order = { method: 'POST', body: 'for Ada' }
  const graceSignsIn = (world: World) =>
    world.server.signInTo(world.client(world.browser.openTab()), 'grace')

  test('when the API refuses the token Ada had', async () => {
    const world = await signedInTab({ client })
    await world.clock.advance(60_000)
    world.server.fault('api-401', { path: '/orders', times: 1 })
    const held = world.server.hold('/orders')
    const call = world.auth.fetch(`${world.server.api.url}orders`, order)
    await world.until(() => held.count)
    await graceSignsIn(world)
    await world.clock.advance(1000)
    held.release()
    expect((await call).status).toBe(401)
    expect(world.server.requestsTo('/orders')).toHaveLength(1)
  })

  test('when Grace signs in while a token is renewed for it', async () => {
    const world = await expiredTab({ client })
    const slow = { path: '/token', milliseconds: 5000, times: 1 }
    world.server.fault('slow-headers', slow)
    const call = world.auth.fetch(`${world.server.api.url}orders`, order)
    const error = rejection(call)
    await world.until(() => refreshes(world).length)
    await graceSignsIn(world)
    await world.clock.advance(5000)
    expect(await error).toMatchObject({ code: 'session_ended' })
    expect(world.server.requestsTo('/orders')).toEqual([])
  })
})
