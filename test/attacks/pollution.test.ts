import { afterEach, describe, expect, it } from 'vitest'
import type { CallbackError, SignedInSession } from '../../src/index.ts'
import { createCookieJar } from '../../src/testing/index.ts'
import { expiredTab, refreshes, sentTokens, usersMe } from '../support/refreshes.ts'
import { appOrigin, createWorld, rejection, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

/**
 * What some library may have written onto `Object.prototype`, by where this client might read it. Two kinds of names are
 * not here. Members of `RequestInit`, such as `method` and `signal`: the fetch of the platform reads them through the
 * prototype itself. And some that may be missing in an ID token, a stored sign-in or the options of a method, such as `azp`,
 * `resource` and `redirect`: with them polluted a sign-in is refused, a session ends, or is not ended at the server.
 */
const names = {
  'an option of the client': [
    ...['issuer', 'clientId', 'redirectUri', 'scope', 'resources', 'metadata', 'sessionKey'],
    ...['authorizationParams', 'timeout', 'store', 'transactionStore'],
    ...['navigator', 'lock', 'channel', 'host', 'clock', 'fetch', 'url'],
  ],
  'an option of a method': [
    ...['prompt', 'loginHint', 'acrValues', 'uiLocales', 'authorizationDetails'],
    ...['extraParams', 'minValidity'],
    ...['revoke', 'replace', 'idTokenHint', 'logoutHint', 'for', 'returnTo', 'appState', 'maxAge'],
    ...['postSignOutRedirectUri', 'redirectUri'],
  ],
  'a member of the metadata': [
    ...['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'userinfo_endpoint'],
    ...['revocation_endpoint', 'end_session_endpoint'],
    ...['authorization_response_iss_parameter_supported', 'code_challenge_methods_supported'],
    ...['id_token_signing_alg_values_supported', 'introspection_endpoint'],
  ],
  'a member of a token answer': [
    ...['access_token', 'token_type', 'refresh_token', 'expires_in', 'error_description'],
    ...['authorization_details', 'id_token'],
  ],
  'a parameter of a callback': ['code', 'state', 'iss', 'session_state', 'response', 'error_uri'],
  'a claim': ['auth_time', 'at_hash', 'acr', 'sub', 'aud', 'exp', 'iat', 'typ'],
  'a member of what is stored': [
    ...['v', 'sid', 'gen', 'tokenEndpoint', 'endpoints', 'refreshToken'],
    ...['idToken', 'access', 'default', 'token', 'type', 'obtainedAt', 'expiresAt'],
    ...['unknown', 'failures', 'notBefore', 'mode', 'createdAt', 'verifier', 'server'],
    ...['finished', 'claims', 'pending'],
  ],
  'a header': [
    ...['Authorization', 'cookie', 'dpop', 'accept', 'content-type', 'x-evil'],
    ...['www-authenticate', 'retry-after'],
  ],
  'a member of an error': ['cause', 'retryable', 'sessionEnded', 'isPkceClientError'],
}
const cases = Object.entries(names).flatMap(([what, list]) => list.map((name) => ({ what, name })))

const added = new Set<string>()

function pollute(name: string, value: unknown = 'polluted'): void {
  if (Object.hasOwn(Object.prototype, name)) throw new Error(`${name} is there already`)
  added.add(name)
  // As an assignment does it, which for-in sees.
  Object.defineProperty(Object.prototype, name, {
    value,
    ...{ configurable: true, enumerable: true, writable: true },
  })
}

function clean(): void {
  for (const name of added) Reflect.deleteProperty(Object.prototype, name)
  added.clear()
}

afterEach(clean)

/** A whole life of a session, and all that anybody outside the client saw of it. */
async function life(moment: { beforeMaking?: () => void; afterMaking?: () => void }) {
  const world = createWorld({ client: { postSignOutRedirectUri: 'https://app.example.com/' } })
  const sent: unknown[] = []
  const said: unknown[] = []
  const fetch: typeof globalThis.fetch = (input, init) => {
    sent.push(describeRequest(input as string, init ?? {}))
    return world.server.fetch(input, init)
  }
  moment.beforeMaking?.()
  const auth = world.client(world.tab, { fetch })
  moment.afterMaking?.()
  const { url } = await auth.createAuthorizationUrl()
  sent.push([url.origin, fieldsOf(url.searchParams)])
  const answer = await world.server.authorize(url, { jar: world.jar })
  said.push(await auth.handleCallback(answer))
  said.push((await auth.fetch(usersMe)).status)
  said.push((await auth.fetch(usersMe, { headers: { 'x-mine': '1' } })).status)
  said.push((await auth.getAccessToken()).length)
  await world.clock.advance(900_000)
  said.push(await auth.refresh())
  // As another page finds it.
  const next = world.client(world.tab, { fetch })
  said.push(await next.start())
  said.push(await next.getUserInfo())
  said.push(await next.signOut())
  const left = new URL(world.tab.url)
  sent.push([left.origin, fieldsOf(left.searchParams)])
  clean()
  const known = (value: unknown) => JSON.parse(JSON.stringify(value, withoutRandom)) as unknown
  return { sent: known(sent), said: known(said), session: next.getSession() }
}

function withoutRandom(name: string, value: unknown): unknown {
  return ['nonce', 'at_hash', 'sid'].includes(name) ? '' : value
}

/** Each parameter, without the value where it is another each time. */
function fieldsOf(fields: Iterable<[string, string]>): string[][] {
  const random = /^(?:code|state|nonce|code_.*|.*token.*|authorization)$/
  return [...fields].map(([name, value]) => (random.test(name) ? [name] : [name, value]))
}

/** A request as the client means it. */
function describeRequest(url: string, init: RequestInit): unknown {
  const own = Object.fromEntries(Object.entries(init).filter(([name]) => Object.hasOwn(init, name)))
  const body = own['body'] as URLSearchParams | undefined
  return [
    url,
    ...[own['method'], own['redirect'], own['cache'], own['keepalive'], own['credentials']],
    fieldsOf(new Headers(init.headers)),
    body && fieldsOf(body),
  ]
}

describe('something on Object.prototype that is also the name of (A-84)', () => {
  it.each(cases)('$what, $name: nothing is sent or said that would not have been', async (row) => {
    const { name } = row
    const usual = await life({})
    expect(usual.session).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(usual.sent).toHaveLength(12)
    for (const moment of ['beforeMaking', 'afterMaking'] as const)
      expect(await life({ [moment]: () => pollute(name) })).toEqual(usual)
  })
})

describe('switches of signOut() on Object.prototype (E5)', () => {
  it.each([
    ['redirect', false],
    ['revoke', false],
    ['idTokenHint', false],
    ['extraParams', { id_token_hint: 'x' }],
  ])('%s: %j switches nothing off (E5)', async (name, value) => {
    const world = await signedInTab()
    pollute(name, value)
    await world.auth.signOut()
    clean()
    expect(new URL(world.tab.url).searchParams.get('id_token_hint')).toMatch(/^ey/)
    expect(world.server.revoked).toHaveLength(1)
  })
})

describe("somebody else's refresh token on Object.prototype (A-84)", () => {
  const names = ['refresh_token', 'refreshToken']
  const withoutOne = { scope: 'openid profile' }

  /** Grace uses the same app at the same server, so the server takes her token from anybody. */
  async function polluteWithGraces(world: World, name: string): Promise<string> {
    const tab = world.browser.openTab()
    const overrides = { sessionKey: 'grace' }
    await world.signIn(tab, { overrides, person: { username: 'grace', jar: createCookieJar() } })
    const key = `pkce:${world.options.issuer}|${world.options.clientId}|grace`
    const token = world.storedSession(key)!['refreshToken'] as string
    pollute(name, token)
    return token
  }

  it.each(names)('%s: a sign-in that brought none has none', async (name) => {
    const world = createWorld()
    const token = await polluteWithGraces(world, name)
    const auth = await world.signIn(world.tab, { overrides: withoutOne })
    await world.clock.advance(900_000)
    const error = await rejection(auth.fetch(usersMe))
    clean()
    expect(error).toMatchObject({ code: 'session_ended', sessionEnded: true })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
    expect(sentTokens(world)).not.toContain(token)
  })

  it.each(names)('%s: a session that was stored without one has none', async (name) => {
    const world = createWorld()
    await world.signIn(world.tab, { overrides: withoutOne })
    const token = await polluteWithGraces(world, name)
    await world.clock.advance(900_000)
    const auth = world.load(world.tab, '/', withoutOne)
    await auth.start()
    const error = await rejection(auth.fetch(usersMe))
    clean()
    expect(error).toMatchObject({ sessionEnded: true })
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
    expect(sentTokens(world)).not.toContain(token)
  })

  it.each(names)('%s: a refusal is a refusal', async (name) => {
    const world = await expiredTab()
    const token = await polluteWithGraces(world, name)
    world.server.revokeSessions('ada')
    const error = await rejection(world.auth.refresh())
    clean()
    expect(error).toMatchObject({ code: 'session_ended' })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'ended-by-server' })
    expect(sentTokens(world)).not.toContain(token)
  })

  it.each(names)('%s: an answer that never came brought none', async (name) => {
    const world = await expiredTab()
    await polluteWithGraces(world, name)
    const own = world.storedSession()!['refreshToken']
    world.server.fault('network-error', { path: '/token' })
    const error = await rejection(world.auth.refresh())
    clean()
    expect(error).toMatchObject({ code: 'network', retryable: true })
    expect(refreshes(world).length).toBeGreaterThan(0)
    expect(new Set([...sentTokens(world), world.storedSession()!['refreshToken']])).toEqual(
      new Set([own]),
    )
  })
})

describe('a place to go on Object.prototype (A-84)', () => {
  const places = {
    returnTo: 'javascript:alert(1)',
    appState: { next: 'https://attacker.example/' },
  }
  const polluteWithPlaces = () =>
    Object.entries(places).forEach(([name, value]) => pollute(name, value))

  it('is not where somebody wanted to go who did not sign in', async () => {
    const world = createWorld()
    polluteWithPlaces()
    const { kind, returnTo, appState } = await world.client().start()
    clean()
    expect({ kind, returnTo, appState }).toEqual({ kind: 'restored' })
  })

  it('is not where somebody wanted to go whose sign-in is not known any more', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const { transactionStore } = world.tab.ports
    const broken = { ...transactionStore, get: () => Promise.reject(new Error('broken')) }
    const auth = world.load(world.tab, callback, { transactionStore: broken })
    polluteWithPlaces()
    const { code, returnTo, appState } = (await rejection(auth.start())) as CallbackError
    clean()
    expect({ code, returnTo, appState }).toEqual({ code: 'storage_unavailable' })
  })
})

describe('members named __proto__ and constructor (A-64)', () => {
  const evil = '{"sub":"user-grace","roles":["admin"],"scope":"admin"}'
  /** As JSON has them: members of their own. */
  const members = JSON.parse(`{"__proto__":${evil},"constructor":{"prototype":${evil}}}`) as Record<
    string,
    unknown
  >

  afterEach(() => {
    expect({}).not.toHaveProperty('roles')
  })

  it('in an ID token, and in the session stored with it, claim nothing', async () => {
    const world = createWorld()
    world.server.fault('id-token-claims', { set: members })
    const auth = await world.signIn()
    const [, payload] = (world.storedSession()!['idToken'] as string).split('.')
    expect(Object.keys(JSON.parse(atob(payload!)) as object)).toContain('__proto__')
    const next = world.load(world.tab, `${appOrigin}/`)
    await next.start()
    await next.refresh()
    for (const client of [auth, next]) {
      const { claims, scope } = client.getSession() as SignedInSession
      expect([claims!.sub, claims!['roles'], scope]).toEqual([
        'user-ada',
        undefined,
        'openid profile offline_access',
      ])
    }
  })

  it.each(['sign-in', 'refresh'] as const)('in the answer to a %s grant nothing', async (on) => {
    const world = createWorld()
    const set = { ...members, constructor: { access_token: 'x', refresh_token: 'y' } }
    world.server.fault('token-members', { on, set, remove: ['scope'] })
    const auth = await world.signIn()
    await auth.refresh()
    await auth.refresh()
    expect(auth.getSession()).toMatchObject({
      scope: 'openid profile offline_access',
      claims: { sub: 'user-ada' },
    })
    expect((await auth.fetch(usersMe)).status).toBe(200)
  })

  it('in userinfo say nothing', async () => {
    const { auth, server } = await signedInTab()
    server.fault('user-info-claims', { set: members })
    const info = await auth.getUserInfo()
    expect([info.sub, info['roles']]).toEqual(['user-ada', undefined])
    server.fault('user-info-claims', { set: members, remove: ['sub'] })
    server.fault('respond', { path: '/userinfo', body: `{"__proto__":{"sub":"user-ada"}}` })
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error' })
  })

  it('in metadata lead nowhere', async () => {
    const world = createWorld()
    const patch = JSON.parse(
      '{"__proto__":{"end_session_endpoint":"https://attacker.example/"}}',
    ) as Record<string, unknown>
    world.server.fault('metadata', { patch: { ...patch, end_session_endpoint: undefined } })
    const auth = await world.signIn()
    const before = world.tab.navigations.length
    await auth.signOut()
    expect(world.tab.navigations).toHaveLength(before)
  })

  it('among the parameters of a sign-in replace none of our own', async () => {
    const world = createWorld()
    const hidden = { state: 'mine', redirect_uri: 'https://attacker.example/' }
    const make = (value: unknown) =>
      JSON.parse(`{"__proto__":${JSON.stringify(value)}}`) as Record<string, string>
    const ask = (extraParams: Record<string, string>) =>
      world.client().createAuthorizationUrl({ extraParams })
    expect(await rejection(ask(make(hidden)))).toMatchObject({ code: 'invalid_option' })
    const { url, state } = await ask(make('text'))
    expect(url.searchParams.getAll('state')).toEqual([state])
    expect(url.searchParams.get('redirect_uri')).toBe('https://app.example.com/callback')
  })
})
