import { describe, expect, test } from 'vitest'
import { endSession, home, returnFrom, withReturn } from '../support/end-session.ts'
import {
  callbackUri,
  createWorld,
  rejection,
  signedInTab,
  usualSessionKey,
} from '../support/world.ts'
import type { World, WorldOptions } from '../support/world.ts'

describe('the end-session request', () => {
  test('says who signs out, and keeps the query of the endpoint (C-103)', async () => {
    const world = createWorld(withReturn)
    const end_session_endpoint = 'https://login.example.com/end_session?tenant=1'
    world.server.fault('metadata', { patch: { end_session_endpoint } })
    const auth = await world.signIn()
    const { idToken } = world.storedSession() as { idToken: string }
    await auth.signOut()
    expect(Object.fromEntries(endSession(world).searchParams)).toEqual({
      tenant: '1',
      id_token_hint: idToken,
      client_id: 'production-app',
      post_logout_redirect_uri: home,
      state: expect.stringMatching(/^\w+\.[\w-]{43}$/),
    })
  })

  test('asks for no return when the app named no place to return to (C-103)', async () => {
    const world = await signedInTab()
    await world.auth.signOut()
    const { searchParams } = endSession(world)
    expect(searchParams.has('post_logout_redirect_uri')).toBe(false)
    expect(searchParams.has('state')).toBe(false)
  })

  test('can be told another place (C-103)', async () => {
    const world = await signedInTab(withReturn)
    await world.auth.signOut({ postSignOutRedirectUri: 'https://app.example.com/bye' })
    expect(endSession(world).searchParams.get('post_logout_redirect_uri')).toBe(
      'https://app.example.com/bye',
    )
  })

  test('refuses a place that cannot be registered, before anything is ended (C-103)', async () => {
    const world = await signedInTab(withReturn)
    for (const postSignOutRedirectUri of ['/', '', 'javascript:alert(1)']) {
      const error = await rejection(world.auth.signOut({ postSignOutRedirectUri }))
      const message = expect.stringMatching(/^postSignOutRedirectUri must be an absolute https URL/)
      expect(error).toMatchObject({ code: 'invalid_option', message })
    }
    expect(world.auth.getSession().status).toBe('signed-in')
    expect(world.server.requestsTo('/revoke')).toEqual([])
  })
})

describe('what signOut() can be told', () => {
  const hint = (world: World) => endSession(world).searchParams.get('id_token_hint')

  /** A session whose ID token is as long as this. */
  async function signedInWith(length: number) {
    const world = await signedInTab(withReturn)
    const record = world.storedSession() as { idToken: string }
    const idToken = record.idToken.padEnd(length, 'x')
    world.browser.local.set(usualSessionKey, JSON.stringify({ ...record, idToken }))
    const auth = world.load(world.tab, '/')
    await auth.start()
    return { world, auth }
  }

  test('an ID token of 16 kB is left out: the URL has 2,000 characters at most (E4)', async () => {
    const { world, auth } = await signedInWith(16_000)
    await auth.signOut()
    expect(hint(world)).toBeNull()
    expect(endSession(world).searchParams.get('client_id')).toBe('production-app')
    expect(endSession(world).searchParams.get('post_logout_redirect_uri')).toBe(home)
  })

  test('a URL of exactly 2,000 characters keeps it, one more does not (E4)', async () => {
    const { world, auth } = await signedInWith(1000)
    await auth.signOut()
    const longest = 1000 + 2000 - world.tab.navigations.at(-1)!.length
    for (const [length, isThere] of [
      [longest, true],
      [longest + 1, false],
    ] as const) {
      const next = await signedInWith(length)
      await next.auth.signOut()
      expect(hint(next.world) !== null).toBe(isThere)
      if (isThere) expect(next.world.tab.navigations.at(-1)).toHaveLength(2000)
    }
  })

  test('idTokenHint: false leaves the ID token out (E4)', async () => {
    const world = await signedInTab()
    await world.auth.signOut({ idTokenHint: false })
    expect(hint(world)).toBeNull()
    expect(endSession(world).searchParams.get('client_id')).toBe('production-app')
  })

  test('logoutHint, uiLocales and extraParams go along (E5)', async () => {
    const world = await signedInTab()
    await world.auth.signOut({
      logoutHint: 'ada',
      uiLocales: 'de en',
      extraParams: { logout_uri: home, logout_hint: 'overridden' },
    })
    expect(Object.fromEntries(endSession(world).searchParams)).toMatchObject({
      logout_hint: 'ada',
      ui_locales: 'de en',
      logout_uri: home,
      client_id: 'production-app',
    })
  })

  test.each(['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state'])(
    '%s in extraParams is refused: the client sets it (E5)',
    async (name) => {
      const world = await signedInTab()
      const error = await rejection(world.auth.signOut({ extraParams: { [name]: 'x' } }))
      expect(error).toMatchObject({ code: 'invalid_option' })
      expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
    },
  )
})

describe('coming back from signing out', () => {
  async function signedOut(
    options: WorldOptions = withReturn,
  ): Promise<{ world: World; callback: string }> {
    const world = await signedInTab(options)
    await world.auth.signOut()
    return { world, callback: await returnFrom(world, endSession(world)) }
  }

  test('the state is recognised, and cleaned out of the address (C-105)', async () => {
    const { world, callback } = await signedOut()
    expect(new URL(callback).searchParams.get('state')).toBeTruthy()
    const auth = world.load(world.tab, callback)
    expect(await auth.start()).toEqual({
      kind: 'restored',
      session: { status: 'signed-out', reason: 'signed-out' },
    })
    expect(world.tab.url).toBe(home)
  })

  test('again, by a reload, is fine as well (C-105)', async () => {
    const { world, callback } = await signedOut()
    await world.load(world.tab, callback).start()
    const again = world.load(world.tab, callback)
    expect(await again.start()).toMatchObject({ kind: 'restored' })
    expect(world.tab.url).toBe(home)
  })

  test.each([
    ['another state', 'end-session-state-wrong'],
    ['no state', 'end-session-state-missing'],
  ] as const)(
    'with %s the person is signed out, and nothing else happens (C-105)',
    async (_, fault) => {
      const world = await signedInTab(withReturn)
      world.server.fault(fault)
      await world.auth.signOut()
      const callback = await returnFrom(world, endSession(world))
      const before = world.server.requests.length
      expect(await world.load(world.tab, callback).start()).toMatchObject({
        kind: 'restored',
        session: { status: 'signed-out' },
      })
      expect(world.tab.url).toBe(callback)
      expect(world.server.requests).toHaveLength(before)
    },
  )

  test('a state made up in the form of ours, where sign-ins return as well, is nobody’s, and the address is left as it is (C-105)', async () => {
    const uris = { redirectUris: [callbackUri], postLogoutRedirectUris: [callbackUri] }
    const { world, callback } = await signedOut({
      client: { postSignOutRedirectUri: callbackUri },
      server: { clients: [{ clientId: 'production-app', kind: 'internal', ...uris }] },
    })
    const url = new URL(callback)
    const [tag] = url.searchParams.get('state')!.split('.')
    url.searchParams.set('state', `${tag!}.${'A'.repeat(43)}`)
    expect(await world.load(world.tab, url.href).start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out' },
    })
    expect(world.tab.url).toBe(url.href)
    await world.load(world.tab, callback).start()
    expect(world.tab.url).toBe(callbackUri)
  })

  test('a link with a state of nobody signs nobody out (A-28)', async () => {
    const world = await signedInTab(withReturn)
    const auth = world.load(world.tab, `${home}?state=x`)
    expect(await auth.start()).toMatchObject({ session: { status: 'signed-in' } })
  })

  test('a sign-out is no sign-in: a code beside its state is not exchanged (A-28)', async () => {
    const { world, callback } = await signedOut()
    const before = world.server.requests.length
    const auth = world.load(world.tab, `${callback}&code=x&iss=${world.server.issuer}`)
    expect(await rejection(auth.start())).toMatchObject({ code: 'callback_invalid' })
    expect(world.server.requests).toHaveLength(before)
    expect(world.tab.url).toBe(home)
  })
})
