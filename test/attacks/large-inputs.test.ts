import { describe, expect, it } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import type { PkceClientError, PkceClientOptions, SignInParams } from '../../src/index.ts'
import { factsOf, refreshes, usersMe } from '../support/refreshes.ts'
import { callbackUri, createWorld, listen, rejection, signedInTab } from '../support/world.ts'

// None of this is timed by a clock: work that grows faster than the input does not end within the time limit of a test.
const sizes = [
  ['100 kB', 100_000],
  ['10 MB', 10_000_000],
] as const

/** An error a program can log: typed, in a few words, whatever came in. */
function expectShort(error: unknown): void {
  expect(error).toMatchObject({ isPkceClientError: true })
  const { message, code } = error as PkceClientError
  expect(code).toBeTypeOf('string')
  expect(message.length).toBeLessThan(1000)
  expect(JSON.stringify(error).length).toBeLessThan(2000)
}

describe.each(sizes)('%s', { timeout: 60_000 }, (_, size) => {
  const long = 'a'.repeat(size)
  const pairs = 'a=b&'.repeat(size / 4)

  it.each([
    ['code', `code=${long}`],
    ['error', `error=${long}`],
    ['error_description', `error=access_denied&error_description=${long}`],
    ['error_description of controls', `error=x&error_description=${'%0A'.repeat(size / 3)}`],
    ['error_uri', `error=access_denied&error_uri=${long}`],
    ['iss', `code=x&iss=${long}`],
    ['parameters nobody knows', `code=x&${pairs}`],
    ['codes', `code=x&${'code=x&'.repeat(size / 7)}`],
    ['fragment', `code=x#${long}`],
    ['fragment of parameters', `code=x#${pairs}`],
    ['broken escapes', `code=${'%'.repeat(size)}`],
    ['a character that needs three bytes', `code=${'\u20ac'.repeat(size / 10)}`],
  ])('in the %s of a callback is refused in a few words (A-18, C-28)', async (_, answer) => {
    const world = await signedInTab()
    const session = world.storedSession()
    const state = new URL(await world.depart()).searchParams.get('state')!
    const auth = world.load(world.tab, `${callbackUri}?state=${state}&${answer}`)
    const error = await rejection(auth.start())
    expectShort(error)
    if ((error as Error).cause) expectShort((error as Error).cause)
    // An error that the server may have meant is one; anything else has not used the session up either.
    expect(world.storedSession()).toEqual(session)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  it.each([
    ['the state', `code=x&state=${long}`],
    ['a state with our tag', `code=x&state=tag.${long}`],
    ['many states', `code=x&${'state=a&'.repeat(size / 8)}`],
    ['the path', ''],
  ])('in %s of an address is no answer of ours', async (what, query) => {
    const world = await signedInTab()
    const url = what === 'the path' ? `${callbackUri}/${long}?code=x` : `${callbackUri}?${query}`
    const auth = world.load(world.tab, url)
    expect(await auth.start()).toMatchObject({ kind: 'restored', session: { status: 'signed-in' } })
    expect(await auth.handleCallback(url)).toBeUndefined()
  })

  it.each([
    ['one word', `Bearer ${long}`],
    ['words', `Bearer ${'a '.repeat(size / 2)}`],
    ['parameters', `Bearer ${'a="b",'.repeat(size / 6)}`],
    ['schemes', 'Basic, '.repeat(size / 7)],
    ['backslashes', `Bearer a="${'\\'.repeat(size)}`],
    ['commas', ','.repeat(size)],
  ])('of %s in WWW-Authenticate: one refresh, one retry (A-74)', async (_, challenge) => {
    const world = await signedInTab()
    await world.clock.advance(60_000)
    world.server.fault('api-401', { challenge })
    expect((await world.auth.fetch(usersMe)).status).toBe(401)
    expect(refreshes(world)).toHaveLength(1)
    expect(world.server.requestsTo('/users/me')).toHaveLength(2)
  })

  it.each<[string, (stored: object) => string]>([
    ['text', () => long],
    ['brackets', () => '['.repeat(size)],
    ['a string', () => JSON.stringify(long)],
    ['a long token', (stored) => withMember(stored, 'refreshToken', `"${long}"`)],
    [
      'deep claims',
      (stored) =>
        withMember(
          stored,
          'claims',
          `{"sub":"x","deep":${'['.repeat(size / 2)}${']'.repeat(size / 2)}}`,
        ),
    ],
    [
      'many tokens',
      (stored) =>
        withMember(
          stored,
          'access',
          `{${Array.from({ length: size / 100 }, (_, i) => `"r${i}":{"token":"t","type":"bearer","obtainedAt":1}`).join()}}`,
        ),
    ],
  ])('of %s in the stored session: signed out or in, and no throw (A-75)', async (_, make) => {
    const world = await signedInTab()
    const key = [...world.browser.local.keys()].find((name) => !name.includes('|tx|'))!
    world.browser.local.set(key, make(world.storedSession()!))
    const auth = world.load(world.tab, '/')
    const { session } = await auth.start()
    expect(session.status).toMatch(/^signed-(?:in|out)$/)
    expect(await world.signIn(world.tab)).toBeTruthy()
  })

  it('in a stored sign-in: gone or finished, and the next one works (A-75)', async () => {
    const world = createWorld()
    for (const member of ['verifier', 'returnTo', 'scope', 'mode', 'appState']) {
      world.tab.gesture = true
      const callback = await world.depart()
      for (const [name, transaction] of world.transactions())
        world.browser.local.set(name, JSON.stringify({ ...transaction, [member]: long }))
      await world.load(world.tab, callback).start().catch(expectShort)
      world.browser.local.clear()
    }
    world.tab.gesture = true
    expect(await world.signIn()).toBeTruthy()
  })

  it.each<[keyof PkceClientOptions, unknown]>([
    ['issuer', `https://login.example.com/${long}`],
    ['issuer', long],
    ['clientId', long],
    ['redirectUri', `https://app.example.com/${long}`],
    ['redirectUri', `a.${'a.'.repeat(size / 2)}`],
    ['redirectUri', `http://${'a.'.repeat(size / 2)}localhost`],
    ['scope', long],
    ['scope', `${'a '.repeat(size / 2)} `],
    ['resources', [`https://api.example.com/${long}`]],
    ['resources', [long]],
    ['resources', Array(size / 100).fill('https://api.example.com/')],
    ['metadata', { authorization_endpoint: long }],
    ['authorizationParams', { audience: long }],
    ['authorizationParams', { [long]: 'x' }],
    ['postSignOutRedirectUri', long],
    ['sessionKey', long],
    ['timeout', long],
    ['store', long],
  ])('in the option %s, form %#, is taken or refused in a few words', async (name, value) => {
    const { options, tab } = createWorld()
    try {
      const auth = new PkceClient({ ...options, ...tab.ports, [name]: value })
      await auth.createAuthorizationUrl().catch(expectShort)
      await auth.fetch(usersMe).catch(expectShort)
    } catch (error) {
      expectShort(error)
    }
  })

  it('in the name of an option that does not exist is refused in a few words', () => {
    const { options } = createWorld()
    const make = () => new PkceClient({ ...options, [long]: 'x' })
    expect(make).toThrow(/^There is no option a{100}, only issuer, /)
  })

  it.each<[keyof SignInParams, unknown]>([
    ['returnTo', `/${long}`],
    ['returnTo', ' '.repeat(size)],
    ['appState', long],
    ['scope', `${'a '.repeat(size / 2)} `],
    ['loginHint', long],
    ['resource', [`https://${long}`, `${long}:`]],
    ['authorizationDetails', Array(size / 100).fill({ type: 'x' })],
    ['extraParams', { x: long }],
    ['extraParams', { [`code_challenge${long}`]: 'x' }],
  ])('in %s of a sign-in is taken or refused in a few words', async (name, value) => {
    const world = createWorld()
    await world
      .client()
      .createAuthorizationUrl({ [name]: value })
      .catch(expectShort)
    expect(await world.signIn()).toBeTruthy()
  })

  it('in a message between tabs is a hint to look, and no more (A-80)', async () => {
    const world = await signedInTab()
    const heard = listen(world.auth)
    const { channel } = world.browser.openTab().ports
    const key = [...world.browser.local.keys()].find((name) => !name.includes('|tx|'))!
    channel.open(key, () => undefined).post(long)
    await world.clock.settle()
    expect(factsOf(heard, 'session-changed')).toEqual([])
    expect(world.auth.getSession()).toMatchObject({ status: 'signed-in' })
  })
})

/** A stored session in which one member is this JSON, written by hand: what is nested so deeply cannot be stringified. */
function withMember(stored: object, member: string, json: string): string {
  return JSON.stringify({ ...stored, [member]: '@' }).replace('"@"', () => json)
}
