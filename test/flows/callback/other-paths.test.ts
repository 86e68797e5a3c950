import { describe, expect, test } from 'vitest'
import type { Host } from '../../../src/index.ts'
import { callbackUri, createWorld, rejection, signedInTab } from '../../support/world.ts'
import type { World } from '../../support/world.ts'

const at = (callback: string, pathname: string) =>
  Object.assign(new URL(callback), { pathname }).href

const codeRequest = (world: World) =>
  world.server.requestsTo('/token').find(({ form }) => form?.['code'] !== undefined)!

/** A world in which the app itself is on this machine. */
function onThisMachine(redirectUri: string): World {
  const clients = [
    { clientId: 'app', redirectUris: [redirectUri], environment: 'sandbox' as const },
  ]
  return createWorld({ server: { clients }, client: { clientId: 'app', redirectUri } })
}

describe('an answer at another path than the redirect URI (F5)', () => {
  test.each(['/callback/', '/callback.html', '/', '/en/callback', '/CALLBACK', '//callback'])(
    '%s: hosts rewrite paths, so it is finished, and the path stays (F5)',
    async (pathname) => {
      const world = createWorld()
      const arrived = at(await world.depart(), pathname)
      const auth = world.load(world.tab, arrived)
      expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
      expect(world.tab.url).toBe(`https://app.example.com${pathname}`)
      expect(codeRequest(world).form).toMatchObject({ redirect_uri: callbackUri })
    },
  )

  test('once more, by a reload of the address, it was used before (F5)', async () => {
    const world = createWorld()
    const arrived = at(await world.depart(), '/callback/')
    await world.load(world.tab, arrived).start()
    const again = world.load(world.tab, arrived)
    expect(await again.start()).toMatchObject({ kind: 'already-signed-in' })
    await again.signOut({ redirect: false })
    const error = await rejection(world.load(world.tab, arrived).start())
    expect(error).toMatchObject({ code: 'transaction_consumed' })
    expect(world.tab.url).toBe('https://app.example.com/callback/')
  })

  test('a refusal of the server is one there too (F5)', async () => {
    const world = createWorld()
    world.server.fault('callback-error', { error: 'access_denied' })
    const auth = world.load(world.tab, at(await world.depart(), '/callback/'))
    expect(await rejection(auth.start())).toMatchObject({ code: 'authorization_denied' })
    expect(world.tab.url).toBe('https://app.example.com/callback/')
  })

  test('a state that nobody here has stored is left alone (F5)', async () => {
    const world = createWorld()
    const arrived = new URL(at(await world.depart(), '/callback/'))
    const [tag] = arrived.searchParams.get('state')!.split('.')
    arrived.searchParams.set('state', `${tag!}.${'A'.repeat(43)}`)
    const auth = world.load(world.tab, arrived.href)
    expect(await auth.start()).toMatchObject({ kind: 'restored' })
    expect(world.tab.url).toBe(arrived.href)
  })

  test('handleCallback(url) judges a URL the same way (F5)', async () => {
    const world = createWorld()
    const arrived = at(await world.depart(), '/callback/')
    const auth = world.load(world.tab, '/')
    expect(await auth.handleCallback(arrived)).toMatchObject({ kind: 'signed-in' })
    expect(world.tab.url).toBe('https://app.example.com/')
  })

  test.each(['http://127.0.0.1:8400/callback', 'http://[::1]:8400/callback'])(
    'a listener on this machine compares exactly: %s (C-31, F5)',
    async (redirectUri) => {
      const world = onThisMachine(redirectUri)
      const host: Host = { ...world.tab.ports.host, url: () => undefined }
      const auth = world.client(world.tab, { host })
      const { url } = await auth.createAuthorizationUrl()
      const callback = await world.server.authorize(url)
      for (const other of ['/other', '/callback/', '/'])
        expect(await auth.handleCallback(at(callback, other))).toBeUndefined()
      expect(world.server.requestsTo('/token')).toHaveLength(0)
      expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
    },
  )

  test('so does a private-use scheme, where any app may take another path (C-31, F5)', async () => {
    const redirectUri = 'com.example.app:/callback'
    const auth = createWorld({ client: { redirectUri } }).client()
    const { state } = await auth.createAuthorizationUrl()
    const answer = `?code=x&state=${state}&iss=${encodeURIComponent('https://login.example.com')}`
    expect(await auth.handleCallback(`com.example.app:/other${answer}`)).toBeUndefined()
    const error = await rejection(auth.handleCallback(redirectUri + answer))
    expect(error).toMatchObject({ name: 'CallbackError' })
  })

  test('a page on this machine is no listener: a development server rewrites paths too (F5)', async () => {
    const world = onThisMachine('http://localhost:5173/callback')
    world.tab.load('http://localhost:5173/')
    const arrived = at(await world.depart(), '/callback/')
    expect(await world.load(world.tab, arrived).start()).toMatchObject({ kind: 'signed-in' })
  })
})

describe('cleaning the address (F5)', () => {
  test.each([
    ['?tenant=a%20b&', '', '?tenant=a%20b'],
    ['?', '&lang=de&lang=en', '?lang=de&lang=en'],
    ['?', '&session_state=5&x=1+2', '?x=1+2'],
    ['?', '#/settings?code=7', '#/settings?code=7'],
    ['?', '&flag#top', '?flag#top'],
    ['?', '', ''],
  ])('%s…%s leaves %j: the parameters of others stay as they are', async (before, after, left) => {
    const world = createWorld()
    const callback = await world.depart()
    const auth = world.load(world.tab, callback.replace('?', before) + after)
    expect(await auth.start()).toMatchObject({ kind: 'signed-in' })
    expect(world.tab.url).toBe(callbackUri + left)
  })

  test('of an answer in the fragment too', async () => {
    const world = createWorld()
    const state = new URL(await world.depart()).searchParams.get('state')!
    const answer = `access_token=x&token_type=bearer&expires_in=3600&state=${state}`
    const auth = world.load(world.tab, `${callbackUri}?tenant=1#${answer}&app=2`)
    expect(await rejection(auth.start())).toMatchObject({ code: 'callback_invalid' })
    expect(world.tab.url).toBe(`${callbackUri}?tenant=1#app=2`)
  })
})

describe('what has no state of ours, at the redirect URI (F6)', () => {
  const home = 'https://app.example.com/'
  const clients = [{ clientId: 'production-app', redirectUris: [home], kind: 'internal' as const }]
  /** An app that people come back to at its front page. */
  const frontPage = { server: { clients }, client: { redirectUri: home } }
  const strange = [
    ['/?error=card_declined', 'an error of a payment'],
    ['/?error=access_denied', 'an error that sign-ins have too'],
    ['/#access_token=x&token_type=bearer', 'the token of another feature'],
    ['/?id_token=x', 'an ID token'],
    ['/#code=x', 'a code in the fragment'],
  ] as const

  test.each(strange)('%s: %s is left alone, signed out or in (F6)', async (address) => {
    for (const world of [createWorld(frontPage), await signedInTab(frontPage)]) {
      const before = world.server.requests.length
      const auth = world.load(world.tab, address)
      expect(await auth.start()).toMatchObject({ kind: 'restored' })
      expect(world.tab.url).toBe(new URL(address, home).href)
      expect(world.server.requests).toHaveLength(before)
    }
  })

  /** Somebody went away to sign in from this tab. */
  async function away(world = createWorld(frontPage)) {
    const url = await world.leave(world.tab, world.client(), { returnTo: '/basket' })
    return { world, url }
  }

  test('a stateless error of the server, while this tab is signing in, is a failed sign-in (F6)', async () => {
    const { world, url } = await away()
    const auth = world.load(world.tab, '/?error=access_denied&error_description=no&x=1')
    const error = await rejection(auth.start())
    expect(error).toMatchObject({ name: 'CallbackError', code: 'callback_invalid' })
    expect((error as Error).message).toContain('access_denied')
    expect((error as Error).message).not.toContain('description')
    expect(world.tab.url).toBe(`${home}?x=1`)
    const callback = await world.server.authorize(url)
    expect(await auth.handleCallback(callback)).toMatchObject({ kind: 'signed-in' })
  })

  test.each([
    ['another code', '/?error=card_declined'],
    ['another path', '/shop?error=access_denied'],
    ['a state of somebody else', '/?error=access_denied&state=5'],
    ['an empty state', '/?error=access_denied&state='],
    ['a token', '/#access_token=x'],
  ])('but not with %s (F6)', async (_, address) => {
    const { world } = await away()
    const auth = world.load(world.tab, address)
    expect(await auth.start()).toMatchObject({ kind: 'restored' })
    expect(world.tab.url).toBe(new URL(address, home).href)
  })

  test('and not when another tab went away (F6)', async () => {
    const { world } = await away()
    const auth = world.load(world.browser.openTab(), '/?error=access_denied')
    expect(await auth.start()).toMatchObject({ kind: 'restored' })
  })

  test('and not when the sign-in of this tab was answered already (F6)', async () => {
    const { world, url } = await away()
    world.server.fault('callback-error', { error: 'login_required' })
    await rejection(world.load(world.tab, await world.server.authorize(url)).start())
    const auth = world.load(world.tab, '/?error=access_denied')
    expect(await auth.start()).toMatchObject({ kind: 'restored' })
  })

  test('and not while somebody is signed in (F6)', async () => {
    const { world } = await away(await signedInTab(frontPage))
    const auth = world.load(world.tab, '/?error=access_denied')
    expect(await auth.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-in' },
    })
    expect(world.tab.url).toBe(`${home}?error=access_denied`)
  })
})
