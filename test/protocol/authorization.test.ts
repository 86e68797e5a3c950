import { afterEach, describe, expect, test, vi } from 'vitest'
import { createCodeChallenge, createCodeVerifier, createState } from '../../src/index.ts'
import { createWorld } from '../support/world.ts'
import type { WorldOptions } from '../support/world.ts'
import type { SignInParams } from '../../src/index.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** The parameters of an authorization request, each of which may be there once only. */
async function request(params: SignInParams = {}, options: WorldOptions = {}) {
  const world = createWorld(options)
  const { url } = await world.client().createAuthorizationUrl(params)
  return url.searchParams
}

describe('the code verifier', () => {
  test('has 43 characters that may stand in a URL, and no two are the same (C-01)', () => {
    const seen = new Set<string>()
    for (let run = 0; run < 10_000; run += 1) seen.add(createCodeVerifier())
    expect(seen.size).toBe(10_000)
    for (const verifier of seen) expect(verifier).toMatch(/^[A-Za-z0-9\-_]{43}$/)
  })

  test('comes from 32 bytes of WebCrypto, and Math.random is not asked (C-01, A-83)', () => {
    const bytes = vi
      .spyOn(globalThis.crypto, 'getRandomValues')
      .mockImplementation((array) => (array as Uint8Array).fill(7) as never)
    const chance = vi.spyOn(Math, 'random')
    expect(createCodeVerifier()).toBe('BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc')
    expect(bytes.mock.calls[0]?.[0]).toHaveLength(32)
    expect(chance).not.toHaveBeenCalled()
  })

  test('every character is as frequent as the others (C-01, A-83)', () => {
    const counts = new Map<string, number>()
    // The last character carries four bits only.
    for (let run = 0; run < 10_000; run += 1) {
      for (const character of createCodeVerifier().slice(0, 42)) {
        counts.set(character, (counts.get(character) ?? 0) + 1)
      }
    }
    const expected = (10_000 * 42) / 64
    const chiSquare = [...counts.values()].reduce(
      (sum, count) => sum + (count - expected) ** 2 / expected,
      0,
    )
    expect(counts.size).toBe(64)
    // 63 degrees of freedom: chance alone goes beyond this once in a billion runs.
    expect(chiSquare).toBeLessThan(153)
  })

  test('so does a state (C-09)', () => {
    const seen = new Set(Array.from({ length: 1000 }, createState))
    expect(seen.size).toBe(1000)
    for (const state of seen) expect(state).toMatch(/^[A-Za-z0-9\-_]{43}$/)
  })

  test('gives the challenge of RFC 7636 Appendix B (C-02)', async () => {
    const challenge = await createCodeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')
    expect(challenge).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')
  })
})

describe('the authorization request', () => {
  test('asks for a code, with an S256 challenge, a state and a nonce (C-02, C-04, C-13, C-14)', async () => {
    const parameters = await request()
    expect(Object.fromEntries(parameters)).toEqual({
      response_type: 'code',
      client_id: 'production-app',
      redirect_uri: 'https://app.example.com/callback',
      scope: 'openid profile offline_access',
      state: expect.stringMatching(/^\w+\.[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
  })

  test('carries the challenge of the verifier that is kept (C-02)', async () => {
    const world = createWorld()
    const { url } = await world.client().createAuthorizationUrl()
    const [transaction] = world.transactions().values()
    expect(await createCodeChallenge(transaction!['verifier'] as string)).toBe(
      url.searchParams.get('code_challenge'),
    )
  })

  test('has fresh values each time (C-05)', async () => {
    const world = createWorld()
    const auth = world.client()
    const urls = [await auth.createAuthorizationUrl(), await auth.createAuthorizationUrl()]
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const [first, second] = urls.map(({ url }) => url.searchParams.get(name))
      expect(first).not.toBe(second)
    }
  })

  test('gives the state it sends (C-09)', async () => {
    const { url, state } = await createWorld().client().createAuthorizationUrl()
    expect(url.searchParams.get('state')).toBe(state)
  })

  test('says nothing about where the person goes, or what the app keeps (C-10)', async () => {
    const world = createWorld()
    const params = { returnTo: '/private/page', appState: { basket: 'secret-basket' } }
    const { url } = await world.client().createAuthorizationUrl(params)
    expect(url.href).not.toMatch(/private|secret-basket/)
  })

  test('keeps the verifier out of the URL (A-07)', async () => {
    const world = createWorld()
    const { url } = await world.client().createAuthorizationUrl()
    const [transaction] = world.transactions().values()
    expect(url.href).not.toContain(transaction!['verifier'])
  })

  test('keeps the query that the endpoint has, and says nothing twice (C-12)', async () => {
    const world = createWorld()
    const authorization_endpoint = `${world.server.issuer}/authorize?tenant=1&scope=theirs&state=x`
    world.server.fault('metadata', { patch: { authorization_endpoint } })
    const { url, state } = await world.client().createAuthorizationUrl()
    expect(url.searchParams.getAll('tenant')).toEqual(['1'])
    for (const name of url.searchParams.keys()) {
      expect(url.searchParams.getAll(name)).toHaveLength(1)
    }
    expect(url.searchParams.get('scope')).toBe('openid profile offline_access')
    expect(url.searchParams.get('state')).toBe(state)
  })

  test('asks for no consent of its own, offline_access or not (C-15)', async () => {
    expect((await request({ scope: 'openid offline_access' })).has('prompt')).toBe(false)
    expect((await request({ prompt: 'consent' })).get('prompt')).toBe('consent')
  })

  test('asks for the scopes it was told, and openid alone when it was told none (C-16)', async () => {
    const world = createWorld()
    const auth = world.client(world.tab, { scope: undefined as never })
    const { url } = await auth.createAuthorizationUrl()
    expect(url.searchParams.get('scope')).toBe('openid')
    expect((await request({ scope: 'orders:read' })).get('scope')).toBe('orders:read')
  })

  test('puts every parameter of a sign-in where the server looks for it, each resource by itself (C-17)', async () => {
    const parameters = await request({
      prompt: 'login',
      loginHint: 'ada@example.com',
      acrValues: 'mfa pwd',
      maxAge: 0,
      uiLocales: 'de en',
      resource: ['https://api.example.com/', 'https://files.example.com/'],
      authorizationDetails: [{ type: 'payment', amount: 5 }],
      redirectUri: 'https://app.example.com/other',
      extraParams: { audience: 'orders & more' },
    })
    expect(parameters.getAll('resource')).toEqual([
      'https://api.example.com/',
      'https://files.example.com/',
    ])
    expect(Object.fromEntries(parameters)).toMatchObject({
      prompt: 'login',
      login_hint: 'ada@example.com',
      acr_values: 'mfa pwd',
      max_age: '0',
      ui_locales: 'de en',
      authorization_details: '[{"type":"payment","amount":5}]',
      redirect_uri: 'https://app.example.com/other',
      audience: 'orders & more',
    })
  })

  test('sends what the app always wants sent', async () => {
    const authorizationParams = { audience: 'orders', prompt: 'consent' }
    const parameters = await request({}, { client: { authorizationParams } })
    expect(parameters.getAll('audience')).toEqual(['orders'])
    expect(parameters.getAll('prompt')).toEqual(['consent'])
  })

  test('lets a sign-in say it better than the app in general', async () => {
    const authorizationParams = { audience: 'orders', prompt: 'consent' }
    const parameters = await request(
      { prompt: 'login', extraParams: { audience: 'files' } },
      { client: { authorizationParams } },
    )
    expect(parameters.getAll('audience')).toEqual(['files'])
    expect(parameters.getAll('prompt')).toEqual(['login'])
  })

  test('takes no parameter out of returnTo or a value (A-30)', async () => {
    const parameters = await request({
      returnTo: '/here&scope=admin&redirect_uri=https://evil.example',
      loginHint: 'ada&scope=admin#x',
      extraParams: { 'audience&scope': 'a&scope=admin' },
    })
    expect(parameters.getAll('scope')).toEqual(['openid profile offline_access'])
    expect(parameters.getAll('redirect_uri')).toEqual(['https://app.example.com/callback'])
    expect(parameters.get('login_hint')).toBe('ada&scope=admin#x')
  })

  test('takes no parameter from a polluted Object.prototype (A-84)', async () => {
    const polluted = { scope: 'admin', redirectUri: 'https://evil.example/', prompt: 'none' }
    const world = createWorld()
    const auth = world.client()
    Object.assign(Object.prototype, polluted)
    try {
      const { url } = await auth.createAuthorizationUrl({})
      expect(url.searchParams.get('scope')).toBe('openid profile offline_access')
      expect(url.searchParams.get('redirect_uri')).toBe('https://app.example.com/callback')
      expect(url.searchParams.has('prompt')).toBe(false)
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
  })

  test('goes nowhere by itself', async () => {
    const world = createWorld()
    await world.client().createAuthorizationUrl()
    expect(world.tab.navigations).toHaveLength(0)
  })
})
