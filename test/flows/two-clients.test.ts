import { describe, expect, test } from 'vitest'
import { PkceClient, memoryStore } from '../../src/index.ts'
import type { PkceClientOptions, Store } from '../../src/index.ts'
import { createAuthServer } from '../../src/testing/index.ts'
import { usersMe } from '../support/refreshes.ts'
import { callbackUri, createWorld, listen, usualSessionKey } from '../support/world.ts'
import type { World } from '../support/world.ts'

const shop = 'shop-app'
const clients = [
  { clientId: 'production-app', redirectUris: [callbackUri], kind: 'internal' as const },
  { clientId: shop, redirectUris: [callbackUri], kind: 'internal' as const },
]

function twoClients(): World {
  return createWorld({ server: { clients } })
}

describe('two clients on one origin and one path', () => {
  test('each handles its own answer, and leaves the other’s alone', async () => {
    const world = twoClients()
    const callback = await world.depart(world.tab, { overrides: { clientId: shop } })
    const first = world.load(world.tab, callback)
    const second = world.client(world.tab, { clientId: shop })
    expect(await first.start()).toMatchObject({
      kind: 'restored',
      session: { status: 'signed-out' },
    })
    expect(world.tab.url).toBe(callback)
    expect(await second.start()).toMatchObject({ kind: 'signed-in' })
    expect(world.tab.url).toBe(callbackUri)
    expect(first.getSession()).toEqual({ status: 'signed-out' })
  })

  test('keep two sessions, and end them one by one', async () => {
    const world = twoClients()
    const first = await world.signIn()
    const second = await world.signIn(world.browser.openTab(), { overrides: { clientId: shop } })
    await first.signOut({ redirect: false })
    await world.clock.settle()
    expect(first.getSession()).toMatchObject({ status: 'signed-out' })
    expect(second.getSession()).toMatchObject({ status: 'signed-in', claims: { aud: shop } })
  })

  test('do not count each other’s departures as a loop', async () => {
    const world = twoClients()
    for (const clientId of ['production-app', shop, 'production-app', shop]) {
      await world.leave(world.tab, world.client(world.tab, { clientId }))
      world.tab.load('/')
    }
    expect(world.tab.navigations).toHaveLength(4)
  })
})

describe('one client with two session keys', () => {
  test('has two sessions of two people', async () => {
    const world = createWorld()
    const ada = await world.signIn(world.tab, { overrides: { sessionKey: 'first' } })
    world.jar.clear()
    const grace = await world.signIn(world.browser.openTab(), {
      overrides: { sessionKey: 'second' },
      person: { username: 'grace' },
    })
    await world.clock.settle()
    expect(ada.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(grace.getSession()).toMatchObject({ claims: { sub: 'user-grace' } })
    const names = [...world.browser.local.keys()].filter((name) => !name.includes('|tx|'))
    expect(names.sort()).toEqual([
      'pkce:https://login.example.com|production-app|first',
      'pkce:https://login.example.com|production-app|second',
    ])
  })
})

describe('the key under which a session is kept', () => {
  async function keyOf(overrides: Partial<PkceClientOptions>) {
    const names: string[] = []
    const get = (name: string) => void names.push(name)
    const world = createWorld()
    const store = { get, set: () => undefined, remove: () => undefined }
    await world.client(world.tab, { ...overrides, store }).start()
    return names[0]
  }

  test.each<[Partial<PkceClientOptions>, string]>([
    [{}, 'pkce:https://login.example.com|production-app'],
    [{ sessionKey: 'admin' }, 'pkce:https://login.example.com|production-app|admin'],
    [
      { clientId: 'https://app.example.com/client?a=1&b=2' },
      'pkce:https://login.example.com|https://app.example.com/client?a=1&b=2',
    ],
    [{ clientId: 'ä b/c:d' }, 'pkce:https://login.example.com|ä b/c:d'],
  ])('of %j is the one of 0.1.0 (F24)', async (overrides, key) => {
    expect(await keyOf(overrides)).toBe(key)
  })

  test.each<[Partial<PkceClientOptions>, Partial<PkceClientOptions>]>([
    [{ clientId: 'b|c' }, { clientId: 'b', sessionKey: 'c' }],
    [{ clientId: 'b|c' }, { clientId: 'b%7Cc' }],
    [
      { clientId: 'b', sessionKey: 'c|d' },
      { clientId: 'b|c', sessionKey: 'd' },
    ],
    [
      { clientId: 'b', sessionKey: '%7C' },
      { clientId: 'b', sessionKey: '|' },
    ],
    [
      { issuer: 'https://login.example.com/a|b', clientId: 'c' },
      { issuer: 'https://login.example.com/a', clientId: 'b|c' },
    ],
    [
      { issuer: 'https://login.example.com/a|b', clientId: 'c' },
      { issuer: 'https://login.example.com/a%7Cb', clientId: 'c' },
    ],
  ])('differs between %j and %j (F24)', async (one, other) => {
    expect(await keyOf(one)).not.toBe(await keyOf(other))
  })
})

describe('a session key that looks like the name of something else', () => {
  test.each(['tx|mine', 'tx', 'gen|mine', 'gen'])(
    '%s: the client without one leaves its session and its sign-ins alone',
    async (sessionKey) => {
      const world = createWorld()
      const other = await world.signIn(world.browser.openTab(), { overrides: { sessionKey } })
      const { url } = await other.createAuthorizationUrl()
      await world.clock.advance(60_000)
      const usual = await world.signIn()
      for (let count = 0; count < 21; count += 1) await usual.createAuthorizationUrl()
      const next = world.client(world.browser.openTab(), { sessionKey })
      expect((await next.start()).session).toMatchObject({ claims: { sub: 'user-ada' } })
      const answer = await world.server.authorize(url, { jar: world.jar })
      expect(await next.handleCallback(answer)).toMatchObject({ kind: 'signed-in' })
    },
  )
})

describe.each<[string, (world: World) => Partial<PkceClientOptions>]>([
  ['localStorage', () => ({})],
  ['sessionStorage', ({ tab }) => ({ store: tab.sessionStore })],
  ['one memoryStore', () => ({ store: memoryStore() })],
  ['a store of the app', () => ({ store: { ...memoryStore(), volatile: false } })],
])('two clients of one page with %s', (_, overridesIn) => {
  async function twoOfOnePage() {
    const world = createWorld()
    const overrides = overridesIn(world)
    const one = world.client(world.tab, overrides)
    const two = world.client(world.tab, overrides)
    await Promise.all([one.start(), two.start()])
    await world.server.signInTo(one)
    await world.clock.settle()
    return Object.assign(world, { one, two })
  }

  test('hear of a sign-in, a refresh and a sign-out of the other (F20)', async () => {
    const { one, two, clock } = await twoOfOnePage()
    expect(two.getSession()).toEqual(one.getSession())
    expect(two.getSession()).toMatchObject({ status: 'signed-in' })
    await clock.advance(1000)
    await two.refresh()
    await clock.settle()
    expect(one.getSession()).toEqual(two.getSession())
    await one.signOut({ redirect: false })
    await clock.settle()
    expect(two.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })

  test('refresh once for both, and one cannot undo what the other does meanwhile (F20)', async () => {
    const world = await twoOfOnePage()
    const { one, two, clock, server } = world
    await clock.advance(900_000)
    const held = server.hold('/token')
    const calls = [one, two].map((auth) => auth.fetch(usersMe).catch(() => undefined))
    await world.until(() => held.count)
    await two.signOut({ redirect: false, revoke: false })
    held.release()
    await Promise.all(calls)
    await clock.settle()
    expect(server.requestsTo('/token').filter(({ form }) => form?.['refresh_token'])).toHaveLength(
      1,
    )
    for (const auth of [one, two])
      expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
  })
})

test.each([0, 2, 4, 6, 8, 10, 12, 14])(
  'of two clients with one slow store, a refresh that is saved %i turns after a sign-out begins does not undo it (F20)',
  async (turns) => {
    const world = createWorld()
    const store = slowStore()
    const [one, two] = [1, 2].map(() => world.client(world.tab, { store }))
    await Promise.all([one!.start(), two!.start()])
    await world.server.signInTo(one!)
    await world.until(() => two!.getSession().status === 'signed-in')
    const held = world.server.hold('/token')
    const call = one!.refresh().catch(() => undefined)
    await world.until(() => held.count)
    const leaving = two!.signOut({ redirect: false, revoke: false })
    for (let turn = 0; turn < turns; turn += 1) await nextTurn()
    held.release()
    await Promise.all([call, leaving])
    const ends = store.written.map((text) => text.includes('"signedOut"'))
    expect(ends.lastIndexOf(false)).toBeLessThan(ends.indexOf(true))
    await world.clock.settle()
    for (const auth of [one!, two!])
      expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
    expect(await store.get(usualSessionKey)).toContain('"signedOut":"signed-out"')
  },
)

test('the clients of another tab with its own store hear nothing (F20)', async () => {
  const world = createWorld()
  const reads: string[] = []
  const other = world.browser.openTab()
  const store: Store = {
    ...other.sessionStore,
    get(name) {
      reads.push(name)
      return other.sessionStore.get(name)
    },
  }
  await world.client(other, { store }).start()
  const before = reads.length
  const auth = world.client(world.tab, { store: world.tab.sessionStore })
  await world.server.signInTo(auth)
  await world.clock.settle()
  expect(reads).toHaveLength(before)
})

describe('two instances of one client on one page', () => {
  test('share the session', async () => {
    const world = createWorld()
    const first = await world.signIn()
    const second = world.client()
    await second.start()
    expect(second.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    await second.signOut({ redirect: false })
    await world.clock.settle()
    expect(first.getSession()).toMatchObject({ status: 'signed-out' })
  })

  test('hear of a sign-in of the other', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const first = world.load(world.tab, '/')
    const second = world.client()
    await first.start()
    const events = listen(first)
    await second.handleCallback(callback)
    await world.clock.settle()
    expect(first.getSession()).toMatchObject({ claims: { sub: 'user-ada' } })
    expect(events.map(({ name }) => name)).toEqual(['session-changed', 'signed-in'])
  })
})

describe('two authorization servers (C-21, A-08)', () => {
  function twoServers() {
    const world = createWorld()
    const issuer = 'https://other.example.net'
    const other = createAuthServer({ issuer, clock: world.clock })
    const fetch: typeof globalThis.fetch = (input, init) =>
      (input as string).startsWith(issuer)
        ? other.fetch(input, init)
        : world.server.fetch(input, init)
    const open = (theirs: boolean): PkceClient =>
      new PkceClient({
        ...world.options,
        ...(theirs && { issuer }),
        ...world.tab.ports,
        fetch,
      })
    return { world, other, open }
  }

  test('an answer of one with the state of the other is refused, and its code goes nowhere', async () => {
    const { world, other, open } = twoServers()
    const ours = await open(false).createAuthorizationUrl()
    const theirs = await open(true).createAuthorizationUrl()
    const answer = new URL(await other.authorize(theirs.url))
    answer.searchParams.set('state', ours.state)
    world.tab.load(answer.href)
    await expect(open(false).start()).rejects.toMatchObject({ code: 'issuer_mismatch' })
    expect(world.server.requestsTo('/token')).toHaveLength(0)
    expect(other.requestsTo('/token')).toHaveLength(0)
  })

  test('answers that are swapped are each handled by the client they are for', async () => {
    const { world, other, open } = twoServers()
    const ours = await open(false).createAuthorizationUrl()
    const theirs = await open(true).createAuthorizationUrl()
    const [here, there] = [open(false), open(true)]
    const [ourAnswer, theirAnswer] = [
      await world.server.authorize(ours.url),
      await other.authorize(theirs.url),
    ]
    expect(await here.handleCallback(theirAnswer)).toBeUndefined()
    expect(await there.handleCallback(ourAnswer)).toBeUndefined()
    expect(world.server.requestsTo('/token')).toHaveLength(0)
    expect(other.requestsTo('/token')).toHaveLength(0)
    expect(await here.handleCallback(ourAnswer)).toMatchObject({ kind: 'signed-in' })
    expect(await there.handleCallback(theirAnswer)).toMatchObject({ kind: 'signed-in' })
    expect(here.getSession()).toMatchObject({ claims: { iss: world.server.issuer } })
    expect(there.getSession()).toMatchObject({ claims: { iss: other.issuer } })
  })
})

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** A store for one tab that answers later. */
function slowStore(): Store & { written: string[] } {
  const written: string[] = []
  const values = new Map<string, string>()
  const later = async <T>(work: () => T): Promise<T> => {
    await nextTurn()
    const result = work()
    await nextTurn()
    return result
  }
  return {
    written,
    get: (name) => later(() => values.get(name)),
    set: (name, value) =>
      later(() => {
        values.set(name, value)
        written.push(value)
      }),
    remove: (name) => later(() => void values.delete(name)),
  }
}
