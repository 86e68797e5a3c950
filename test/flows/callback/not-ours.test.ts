import { describe, expect, test } from 'vitest'
import { CallbackError } from '../../../src/index.ts'
import { createFakeBrowser } from '../../../src/testing/index.ts'
import { expectRefusal } from '../../support/refusal.ts'
import { callbackUri, createWorld, rejection, signedInTab } from '../../support/world.ts'

describe('a URL that is not an authorization response for this client is left alone', () => {
  const state = (tag: string) => `${tag}.${'x'.repeat(43)}`

  test.each([
    ['nothing at all', '/callback'],
    ['a code without state (C-07)', '/callback?code=abc'],
    ['an empty state (A-03)', '/callback?code=abc&state='],
    ['a state that says undefined (A-02)', '/callback?code=abc&state=undefined'],
    ['a state of another kind', '/callback?code=abc&state=5f3a'],
    ['the state of another client', `/callback?code=abc&state=${state('other')}`],
    ['an error with the state of another client', `/callback?error=x&state=${state('other')}`],
    ['an error without state (A-02, F6)', '/callback?error=access_denied'],
    ['tokens without state (A-17, F6)', '/callback#access_token=x&token_type=bearer'],
    ['a code in the fragment without state (A-16, F6)', '/callback#code=x'],
    [
      'a token with the state of another client',
      `/callback#access_token=x&state=${state('other')}`,
    ],
    ['a code on another path', '/shop?code=SUMMER'],
    ['an error on another path', '/shop?error=not_found'],
    ['tokens on another path', '/shop#access_token=x'],
    ['a path that only begins the same', '/callback2?error=x'],
    ['a path that only ends the same', '/a/callback?error=x'],
  ])('%s', async (_, address) => {
    const world = await signedInTab()
    const before = world.server.requests.length
    const auth = world.load(world.tab, address)
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
    })
    expect(await auth.handleCallback()).toBeUndefined()
    expect(world.tab.url).toBe(new URL(address, 'https://app.example.com').href)
    expect(world.server.requests).toHaveLength(before)
  })

  test.each([
    ['another port', (url: URL) => (url.port = '8443')],
    ['another scheme', (url: URL) => (url.protocol = 'http:')],
    ['another host', (url: URL) => (url.host = 'evil.example')],
  ])(
    'a state of this client at %s, and the sign-in can still be completed (C-31)',
    async (_, move) => {
      const world = createWorld()
      const callback = await world.depart()
      const moved = new URL(callback)
      move(moved)
      const auth = world.load(world.tab, '/')
      expect(await auth.handleCallback(moved)).toBeUndefined()
      expect(world.server.requestsTo('/token')).toHaveLength(0)
      expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
    },
  )

  test('the response to a sign-in with another redirect URI of this origin, at the usual one, is sent with its own (C-35, F5)', async () => {
    const other = 'https://app.example.com/other'
    const clients = [{ clientId: 'production-app', redirectUris: [callbackUri, other] }]
    const world = createWorld({ server: { clients } })
    const callback = await world.depart(world.tab, {
      params: { redirectUri: other },
      person: { consent: true },
    })
    const auth = world.load(world.tab, '/')
    const arrived = callback.replace(other, callbackUri)
    expect(await auth.handleCallback(arrived)).toMatchObject({ kind: 'signed-in' })
    expect(world.server.requestsTo('/token')[0]?.form).toMatchObject({ redirect_uri: other })
  })

  test.each(['', 'not a url', '//', '/callback?code=x'])('%j', async (text) => {
    expect(await createWorld().client().handleCallback(text)).toBeUndefined()
  })
})

describe('a response to a sign-in that this browser did not start', () => {
  let stolen: string
  const withUnknownState = (callback: string): string => {
    const url = new URL(callback)
    const [tag] = url.searchParams.get('state')!.split('.')
    url.searchParams.set('state', `${tag!}.${'A'.repeat(43)}`)
    return url.href
  }

  test('a link of an attacker leaves the session as it is (A-01, C-07)', async () => {
    const world = await signedInTab()
    const session = world.storedSession()
    const callback = withUnknownState(await world.depart())
    const before = world.server.requests.length
    const { kind, session: still } = await world.load(world.tab, callback).start()
    expect(kind).toBe('already-signed-in')
    expect(still).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(world.storedSession()).toEqual(session)
    expect(world.server.requests).toHaveLength(before)
    expect(world.tab.url).toBe(callbackUri)
  })

  test('without a session it is refused, and nothing is sent (A-01, C-07)', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, withUnknownState(await world.depart()))
    const error = await rejection(auth.start())
    expect(error).toBeInstanceOf(CallbackError)
    expect(error).toMatchObject({
      code: 'transaction_not_found',
      returnTo: undefined,
      appState: undefined,
    })
    expect(world.tab.url).toBe(callbackUri)
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
  })

  test('the response to a sign-in of another browser is refused (C-05, A-04)', async () => {
    const [world, stranger] = [createWorld(), createWorld()]
    const callback = await stranger.depart()
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'transaction_not_found' })
    expect(world.server.requests).toHaveLength(0)
  })

  test('a response that took nearly an hour is accepted', async () => {
    const world = createWorld({ server: { codeLifetime: 7200 } })
    const callback = await world.depart()
    await world.clock.advance(3_599_999)
    expect(await world.load(world.tab, callback).start()).toMatchObject({ kind: 'signed-in' })
  })

  test('a code of another user in the response is refused (A-05)', async () => {
    const { error } = await expectRefusal({
      code: 'server_error',
      given: ({ server }) => server.fault('callback-code-wrong'),
      requests: ['/jwks', '/token'],
    })
    expect(error.cause).toMatchObject({ error: 'invalid_grant', status: 400 })
  })

  test('a stolen code is refused, because the server binds it to the challenge of its own sign-in (A-05)', async () => {
    const { error, world } = await expectRefusal({
      code: 'server_error',
      requests: ['/jwks', '/token'],
      given: async (world) => {
        const elsewhere = createFakeBrowser({ clock: world.clock }).openTab()
        const { url } = await world.client(elsewhere).createAuthorizationUrl()
        stolen = new URL(await world.server.authorize(url)).searchParams.get('code')!
      },
      arrives: (callback) => {
        callback.searchParams.set('code', stolen)
        return callback.href
      },
    })
    expect(error.cause).toMatchObject({
      error: 'invalid_grant',
      description: 'the code verifier is wrong',
    })
    const sent = world.server.requestsTo('/token').map(({ form }) => form!.code)
    expect(sent.filter((code) => code === stolen)).toHaveLength(1)
  })
})
