import { describe, expect, test } from 'vitest'
import { PkceClient, isPkceClientError } from '../src/index.ts'
import type { PkceClientOptions, SignInParams } from '../src/index.ts'
import { createWorld, rejection } from './support/world.ts'

const good: PkceClientOptions = {
  issuer: 'https://login.example.com',
  clientId: 'my-spa',
  redirectUri: 'https://app.example.com/callback',
}

/** As `localStorage` is, which has to be made a store first. */
const storage = { getItem: () => null, setItem: () => {}, removeItem: () => {}, length: 0 }

function complaint(options: object): { code: string; message: string } {
  try {
    new PkceClient({ ...good, ...options })
  } catch (error) {
    if (isPkceClientError(error)) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('These options were to be refused.')
}

describe('new PkceClient', () => {
  test('takes three options', () => {
    expect(() => new PkceClient(good)).not.toThrow()
  })

  test.each([
    ['issuer', undefined],
    ['issuer', ''],
    ['issuer', 'login.example.com'],
    ['issuer', '/login'],
    ['issuer', 'http://login.example.com'],
    ['issuer', 'javascript:alert(1)'],
    ['issuer', 'https://login.example.com/?tenant=1'],
    ['issuer', 'https://login.example.com/#here'],
    ['issuer', 'https://user@login.example.com'],
    ['issuer', new URL('https://login.example.com')],
    ['issuer', null],
    ['issuer', 'https://login.example.com\n'],
    ['issuer', ' https://login.example.com'],
    ['issuer', 'https:login.example.com'],
    ['issuer', 'https://login.example.com\\tenant'],
    ['clientId', undefined],
    ['clientId', ''],
    ['clientId', 7],
    ['redirectUri', undefined],
    ['redirectUri', ''],
    ['scope', ''],
    ['scope', ' openid'],
    ['scope', 'openid  profile'],
    ['scope', 'openid\nprofile'],
    ['scope', 'openid "profile"'],
    ['scope', ['openid', 'profile']],
    ['scope', null],
    ['resources', 'https://api.example.com/'],
    ['resources', { url: 'https://api.example.com/' }],
    ['metadata', 'https://login.example.com/.well-known/openid-configuration'],
    ['metadata', null],
    ['authorizationParams', 'audience=api'],
    ['authorizationParams', { audience: 1 }],
    ['postSignOutRedirectUri', '/'],
    ['postSignOutRedirectUri', 'javascript:alert(1)'],
    ['sessionKey', ''],
    ['timeout', 0],
    ['timeout', -1],
    ['timeout', Number.NaN],
    ['timeout', Infinity],
    ['timeout', '15000'],
    ['timeout', null],
    ['store', 'localStorage'],
    ['store', storage],
    ['transactionStore', null],
    ['transactionStore', storage],
    ['navigator', 'popup'],
    ['lock', true],
    ['channel', 'tabs'],
    ['host', 'app.example.com'],
    ['clock', 0],
    ['fetch', 'fetch'],
  ])('refuses %s: %j, by name', (name, value) => {
    const { code, message } = complaint({ [name]: value })
    expect(code).toBe('invalid_option')
    expect(message).toMatch(new RegExp(`^${name} must be .+; it is .+\\.$`, 's'))
  })

  test('refuses by name what JSON cannot show', () => {
    const itself: unknown[] = []
    itself.push(itself)
    for (const value of [1n, itself, Symbol('app'), () => 'app']) {
      const { code, message } = complaint({ clientId: value })
      expect(code).toBe('invalid_option')
      expect(message).toBe(`clientId must be a non-empty string; it is ${typeof value}.`)
    }
  })

  test.each([
    ['relative', '/callback'],
    ['without a scheme', 'app.example.com/callback'],
    ['with a fragment', 'https://app.example.com/callback#here'],
    ['with an empty fragment', 'https://app.example.com/callback#'],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:text/html,hello'],
    ['plain http away from this machine', 'http://app.example.com/callback'],
    ['plain http at a host that only looks local', 'http://localhost.example.com/callback'],
    ['plain http at an address that only looks local', 'http://127.0.0.1.example.com/callback'],
    ['with a user', 'https://user@app.example.com/callback'],
    ['with a blank at the end', 'https://app.example.com/callback '],
    ['with a line break at the end, as from a file', 'https://app.example.com/callback\n'],
    ['with a backslash', 'https://app.example.com\\callback'],
    ['with a scheme but no host', 'https:callback'],
    ['a private scheme that belongs to nobody (C-113)', 'myapp:/callback'],
    ['a private scheme and a blank (C-113)', 'com.example.app:/callback '],
    ['a private scheme and nothing else (C-113)', 'com.example.app:'],
  ])('refuses a redirect URI %s (C-11)', (_, redirectUri) => {
    const { code, message } = complaint({ redirectUri })
    expect(code).toBe('invalid_option')
    expect(message).toContain('redirectUri must be an absolute https URL without a fragment')
  })

  test.each([
    ['https', 'https://app.example.com/callback'],
    ['its own query', 'https://app.example.com/callback?app=1'],
    ['localhost', 'http://localhost:3000/callback'],
    ['an IPv4 loopback address (C-112)', 'http://127.0.0.1:4711/callback'],
    ['an IPv6 loopback address (C-112)', 'http://[::1]:4711/callback'],
    ['a private scheme in reverse-DNS form (C-113)', 'com.example.app:/callback'],
  ])('takes a redirect URI with %s', (_, redirectUri) => {
    expect(() => new PkceClient({ ...good, redirectUri })).not.toThrow()
  })

  test('takes a plain http issuer on this machine only (C-48)', () => {
    const issuer = 'http://localhost:9000'
    expect(() => new PkceClient({ ...good, issuer })).not.toThrow()
    expect(complaint({ issuer: 'http://192.168.0.7:9000' }).message).toContain('issuer must be')
  })

  test.each([
    ['no URL and no path', 'api.example.com'],
    ['an empty string', ''],
    ['plain http (C-81)', 'http://api.example.com/'],
    ['everything', '*'],
    ['a wildcard host', 'https://*.example.com/'],
    ['a wildcard path', '/api/*'],
    ['a scheme-relative URL', '//api.example.com/'],
    ['a backslash', '/\\api.example.com/'],
    ['a backslash after the host', 'https://api.example.com\\v1'],
    ['a blank at the end', 'https://api.example.com/ '],
    ['a line break in the middle', 'https://api.exam\nple.com/'],
    ['a query', 'https://api.example.com/?v=1'],
    ['a fragment', '/api/#here'],
    ['an encoded slash', 'https://api.example.com/a%2fb'],
    ['a user', 'https://user@api.example.com/'],
    ['a script', 'javascript:alert(1)'],
    ['a number', 7],
    ['nothing', null],
    ['an object without URL', {}],
  ])('refuses a resource that is %s', (_, entry) => {
    const { code, message } = complaint({ resources: ['https://good.example.com/', entry] })
    expect(code).toBe('invalid_option')
    expect(message).toMatch(/^resources must be https URLs or paths/)
  })

  test('refuses an option nobody knows, and lists the ones there are', () => {
    const { code, message } = complaint({ redirect_uri: 'https://app.example.com/callback' })
    expect(code).toBe('invalid_option')
    expect(message).toMatch(/^There is no option redirect_uri, only issuer, clientId, redirectUri,/)
  })

  test.each([
    'pkce (C-06)',
    'disablePKCE (C-06)',
    'codeChallengeMethod (C-02)',
    'responseType (C-13)',
    'clientSecret (C-40)',
    'client_secret (C-40)',
    'privateKey (C-40)',
  ])('%s is no option', (row) => {
    const name = row.slice(6)
    expect(complaint({ [name]: 'value' }).message).toContain(`no option ${name}`)
  })

  test.each(['constructor', 'toString', 'hasOwnProperty'])(
    'refuses an option called %s like any other unknown one',
    (name) => {
      expect(complaint({ [name]: 'value' }).message).toContain(`no option ${name}`)
    },
  )

  test('takes an option that is undefined as left out (N8)', () => {
    const options = { ...good, timeout: undefined, scope: undefined, resources: undefined }
    expect(() => new PkceClient(options as never)).not.toThrow()
  })

  test.each(['state', 'nonce', 'client_id', 'redirect_uri', 'response_type', 'code_challenge'])(
    'refuses %s among the authorization parameters (C-12)',
    (name) => {
      const { message } = complaint({ authorizationParams: { [name]: 'mine' } })
      expect(message).toContain('authorizationParams must be an object of strings, without')
    },
  )

  test('shows what is wrong, but no more than a line of it', () => {
    expect(complaint({ clientId: ['x'.repeat(10_000)] }).message.length).toBeLessThan(300)
  })

  test('does not notice when the app changes its options afterwards', async () => {
    const world = createWorld()
    const options = { ...world.options, ...world.tab.ports, authorizationParams: { audience: 'a' } }
    const auth = new PkceClient(options)
    options.clientId = 'somebody-else'
    const { url } = await auth.createAuthorizationUrl()
    expect(url.searchParams.get('client_id')).toBe('production-app')
  })

  test('reads its own options only, whatever a library did to Object.prototype (A-84)', async () => {
    const world = createWorld()
    const polluted = { scope: 'openid email', timeout: -1, sessionKey: 'theirs', state: 'theirs' }
    Object.assign(Object.prototype, polluted)
    try {
      const { scope: _, ...options } = world.options
      const auth = new PkceClient({ ...options, ...world.tab.ports })
      const { url } = await auth.createAuthorizationUrl()
      expect(url.searchParams.get('scope')).toBe('openid')
      expect([...world.transactions().keys()][0]).not.toContain('theirs')
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
    }
  })

  test('sends nothing and stores nothing', async () => {
    const world = createWorld()
    world.client()
    await world.clock.settle()
    expect(world.server.requests).toHaveLength(0)
    expect(world.browser.local.size).toBe(0)
  })
})

describe('the parameters of one sign-in', () => {
  test.each([
    ['scope', { scope: '' }],
    ['scope', { scope: 'a  b' }],
    ['redirectUri', { redirectUri: '/callback' }],
    ['redirectUri', { redirectUri: 'javascript:alert(1)' }],
    ['maxAge', { maxAge: -1 }],
    ['maxAge', { maxAge: Number.NaN }],
    ['maxAge', { maxAge: Infinity }],
    ['maxAge', { maxAge: 1.5 }],
    ['maxAge', { maxAge: '60' as never }],
    ['resource (C-17)', { resource: 'orders' }],
    ['resource (C-17)', { resource: ['https://api.example.com/', 'https://api.example.com/#x'] }],
    ['authorizationDetails', { authorizationDetails: [{}] as never }],
    ['authorizationDetails', { authorizationDetails: 'payment' as never }],
    ['extraParams', { extraParams: { audience: 1 } as never }],
  ])('refuses %s: %j', async (name, params) => {
    const world = createWorld()
    const error = await rejection(world.client().createAuthorizationUrl(params))
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect((error as Error).message).toMatch(new RegExp(`^${name.replace(' (C-17)', '')} must be `))
    expect(world.server.requests).toHaveLength(0)
  })

  test.each([
    ['login_hint', { login_hint: 'ada' }],
    ['logniHint', { logniHint: 'ada' }],
    ['authorizationParams', { authorizationParams: { audience: 'api' } }],
    ['state', { state: 'my-own' }],
  ])('refuses %s, which is none of them, and says where it may go: %j', async (name, params) => {
    const world = createWorld()
    const error = await rejection(world.client().createAuthorizationUrl(params as SignInParams))
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect((error as Error).message).toMatch(
      new RegExp(`^There is no option ${name}, only scope, .*extraParams`),
    )
    expect(world.server.requests).toHaveLength(0)
  })

  test('takes all there are, also those that are undefined', async () => {
    const world = createWorld()
    const params = {
      ...{ prompt: 'login', loginHint: 'ada', acrValues: '1', maxAge: 60, uiLocales: 'de en' },
      ...{ navigator: undefined, signal: new AbortController().signal, scope: undefined },
      ...{ madeUp: undefined },
    }
    const { url } = await world.client().createAuthorizationUrl(params)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      ...{
        prompt: 'login',
        login_hint: 'ada',
        acr_values: '1',
        max_age: '60',
        ui_locales: 'de en',
      },
    })
  })

  test('refuses by name what JSON cannot hold', async () => {
    const itself: Record<string, unknown> = {}
    itself['self'] = itself
    const stories: [string, SignInParams][] = [
      ['appState', { appState: { amount: 1n } }],
      ['appState', { appState: itself }],
      ['authorizationDetails', { authorizationDetails: [{ type: 'payment', amount: 1n }] }],
    ]
    for (const [name, params] of stories) {
      const error = await rejection(createWorld().client().createAuthorizationUrl(params))
      const message = expect.stringMatching(new RegExp(`^${name} must be .+; it is object\\.$`))
      expect(error).toMatchObject({ code: 'invalid_option', message })
    }
  })

  test.each([
    'response_type',
    'client_id',
    'redirect_uri',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'response_mode',
    'request',
    'request_uri',
    'scope',
    'max_age',
  ])('refuses %s among the extra parameters (C-12, A-30)', async (name) => {
    const world = createWorld()
    const params = { extraParams: { [name]: 'mine' } }
    expect(await rejection(world.client().createAuthorizationUrl(params))).toMatchObject({
      code: 'invalid_option',
    })
    expect(world.transactions().size).toBe(0)
  })
})
