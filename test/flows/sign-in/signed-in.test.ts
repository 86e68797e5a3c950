import { describe, expect, test } from 'vitest'
import {
  anotherTab,
  callbackUri,
  createWorld,
  listen,
  rejection,
  signedInTab,
} from '../../support/world.ts'

describe('signing in', () => {
  test('a user signs in and comes back to returnTo', async () => {
    const world = createWorld()
    const { result } = await world.comeBack(world.tab, { params: { returnTo: '/here?x=1' } })
    expect(result).toMatchObject({
      kind: 'signed-in',
      returnTo: 'https://app.example.com/here?x=1',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
    })
  })

  test('works without start() as well', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    expect(await auth.handleCallback()).toMatchObject({ kind: 'signed-in' })
    expect(await auth.start()).toMatchObject({ kind: 'restored', session: { status: 'signed-in' } })
  })

  test('of another user in place of the first emits signed-in, and a refresh does not', async () => {
    const world = await signedInTab()
    const told: unknown[] = []
    world.auth.on('signed-in', ({ session }) => told.push(session.claims?.sub))
    await world.auth.refresh()
    await world.server.signInTo(world.auth, 'grace')
    await world.auth.refresh()
    expect(told).toEqual(['user-grace'])
  })

  test('is done once, and restored by a reload', async () => {
    const world = await signedInTab()
    const auth = world.load(world.tab, '/')
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-in', claims: { sub: 'user-ada' } },
    })
    expect(world.server.requestsTo('/token')).toHaveLength(1)
  })

  test('tells the listeners once, after the session is stored', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const stored: unknown[] = []
    auth.subscribe(() =>
      stored.push([auth.getSession().status, world.storedSession() !== undefined]),
    )
    await auth.start()
    expect(stored).toEqual([['signed-in', true]])
  })

  test('an app that signs in whoever is signed out does not interrupt a sign-in that is completing', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    const signedOut: unknown[] = []
    auth.subscribe(() => {
      if (auth.getSession().status === 'signed-out') signedOut.push(auth.getSession())
    })
    await auth.start()
    expect(auth.getSession().status).toBe('signed-in')
    expect(signedOut).toEqual([])
  })

  test('a sign-in that fails at the callback is signed out, and notifies once', async () => {
    const world = createWorld()
    const auth = world.load(world.tab, await world.depart())
    world.server.fault('id-token-bad-signature')
    const told: string[] = []
    auth.subscribe(() => told.push(auth.getSession().status))
    await expect(auth.start()).rejects.toMatchObject({ code: 'id_token_invalid' })
    expect(told).toEqual(['signed-out'])
  })

  test('never shows an unknown session once start() has resolved', async () => {
    const auth = createWorld().client()
    expect(auth.getSession()).toEqual({ status: 'unknown' })
    await auth.start()
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
  })

  test('as another user replaces the session, in the other tabs too', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    world.jar.clear()
    await world.signIn(world.tab, { person: { username: 'grace' } })
    await world.clock.settle()
    expect(other.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('that fails in one tab leaves the other tabs alone', async () => {
    const world = await signedInTab()
    const { auth: other } = await anotherTab(world)
    const session = other.getSession()
    world.server.fault('callback-error')
    await rejection(world.comeBack())
    await world.clock.settle()
    expect(other.getSession()).toBe(session)
  })

  test('gives back no returnTo of another origin, not even one edited in storage (C-30, A-77)', async () => {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here' } })
    const [[name, transaction]] = [...world.transactions()] as [[string, object]]
    const edited = { ...transaction, returnTo: 'https://evil.example/' }
    world.browser.local.set(name, JSON.stringify(edited))
    const result = await world.load(world.tab, callback).start()
    expect(result).toMatchObject({ kind: 'signed-in', returnTo: undefined })
  })

  test('does not store a returnTo of another origin (C-30)', async () => {
    const world = createWorld()
    await world.depart(world.tab, { params: { returnTo: '//evil.example' } })
    expect([...world.transactions().values()][0]).not.toHaveProperty('returnTo')
  })

  test('lets the app come back to another registered redirect URI', async () => {
    const redirectUri = 'https://app.example.com/popup'
    const clients = [{ clientId: 'production-app', redirectUris: [callbackUri, redirectUri] }]
    const world = createWorld({ server: { clients } })
    const { result } = await world.comeBack(world.tab, { params: { redirectUri } })
    expect(result.kind).toBe('signed-in')
    expect(world.tab.url).toBe(redirectUri)
    const [request] = world.server.requestsTo('/token')
    expect(request?.form).toMatchObject({ redirect_uri: redirectUri })
  })

  test('asks for the resource again when it exchanges the code (RFC 8707 §2.2) (C-17)', async () => {
    const world = createWorld({ server: { resources: ['https://files.example.com/'] } })
    await world.signIn(world.tab, { params: { resource: 'https://files.example.com/' } })
    expect(world.server.requestsTo('/token')[0]?.form).toMatchObject({
      resource: 'https://files.example.com/',
    })
  })

  test('can be done by a test in one line', async () => {
    const world = createWorld()
    const auth = world.client()
    expect(await world.server.signInTo(auth, 'grace')).toMatchObject({ kind: 'signed-in' })
    expect(auth.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
  })

  test('puts no secret into events, errors, or the client itself (A-40)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const [transaction] = world.transactions().values()
    const auth = world.load(world.tab, callback)
    const events = listen(auth)
    const result = await auth.start()
    const token = await auth.getAccessToken()
    const shown = JSON.stringify([events, result, auth, Object.values(auth)])
    const code = new URL(callback).searchParams.get('code')!
    const stored = world.storedSession()!
    for (const secret of [code, token, transaction!['verifier'], stored['refreshToken']]) {
      expect(secret).toBeTypeOf('string')
      expect(shown).not.toContain(secret)
    }
    expect(events.filter(({ name }) => name === 'request').map(({ facts }) => facts)).toEqual(
      expect.arrayContaining([
        { what: 'token', url: `${world.server.issuer}/token`, status: 200, ms: 0 },
        { what: 'jwks', url: `${world.server.issuer}/jwks`, status: 200, ms: 0 },
      ]),
    )
  })
})
