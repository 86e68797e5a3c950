import { describe, expect, test, vi } from 'vitest'
import { expiredTab, failure, refreshes, usersMe } from '../support/refreshes.ts'
import { appOrigin, createWorld, signedInTab, usualSessionKey } from '../support/world.ts'
import { places } from '../support/stores.ts'

const key = usualSessionKey

type Tamper = (record: Record<string, unknown>) => unknown

const depth = 100_000
const nested = '['.repeat(depth) + ']'.repeat(depth)
const deep = (name: string): Tamper => {
  return (record) => JSON.stringify({ ...record, [name]: 'HERE' }).replace('"HERE"', nested)
}

const rows: [string, Tamper][] = [
  ['no JSON', () => 'not json {'],
  ['empty text', () => ''],
  ['null', () => null],
  ['a number', () => 7],
  ['a string', () => '"text"'],
  ['an array', () => []],
  ['an empty object', () => ({})],
  ['the first half of the record', (record) => half(JSON.stringify(record))],
  ['the record without its last character', (record) => JSON.stringify(record).slice(0, -1)],
  ['the record twice', (record) => JSON.stringify(record) + JSON.stringify(record)],
  ['the record as a string in JSON', (record) => JSON.stringify(JSON.stringify(record))],
  ['a list of the record', (record) => [record]],
  ['a version before the first', (record) => ({ ...record, v: 0 })],
  ['the version as text', (record) => ({ ...record, v: '1' })],
  ['another issuer', (record) => ({ ...record, issuer: 'https://attacker.example' })],
  ['the issuer with a slash', (record) => ({ ...record, issuer: `${String(record.issuer)}/` })],
  ['another client', (record) => ({ ...record, clientId: 'sandbox-app' })],
  ['no sid', ({ sid: _, ...record }) => record],
  ['gen as text', (record) => ({ ...record, gen: '1' })],
  ['gen null', (record) => ({ ...record, gen: null })],
  ['gen infinite', (record) => JSON.stringify(record).replace(/"gen":\d+/, '"gen":1e999')],
  ['access as array', (record) => ({ ...record, access: [] })],
  ['access null', (record) => ({ ...record, access: null })],
  ['no access token', (record) => ({ ...record, access: {} })],
  [
    'an access token that is a number',
    (record) => ({ ...record, access: { default: { token: 7, type: 'bearer', obtainedAt: 0 } } }),
  ],
  [
    'expiresAt as text',
    (record) => ({
      ...record,
      access: { default: { token: 'x', type: 'bearer', obtainedAt: 0, expiresAt: 'soon' } },
    }),
  ],
  ['a refresh token that is an object', (record) => ({ ...record, refreshToken: {} })],
  ['claims without sub', (record) => ({ ...record, claims: {} })],
  ['claims as text', (record) => ({ ...record, claims: 'ada' })],
  ['a sub inherited', (record) => text(record, 'claims', '{"__proto__":{"sub":"user-ada"}}')],
  ['pending as text', (record) => ({ ...record, pending: 'x' })],
  [
    'pending with an odd date',
    (record) => ({ ...record, pending: { unknown: 0, failures: 1, notBefore: 'never' } }),
  ],
  ['__proto__ instead of members', (record) => `{"__proto__":${JSON.stringify(record)}}`],
  [
    'constructor.prototype instead of members',
    (record) => ({ constructor: { prototype: record } }),
  ],
  [
    'members inherited by access',
    (record) => text(record, 'access', `{"__proto__":${JSON.stringify(record.access)}}`),
  ],
  ['5 MB of text', () => 'x'.repeat(5_000_000)],
  ['5 MB of brackets', () => '['.repeat(5_000_000)],
  ['5 MB of quotes', () => '"'.repeat(5_000_000)],
  ['a record blown up to 5 MB', (record) => ({ ...record, scope: 'x'.repeat(5_000_000) })],
  ['deep nesting', () => '['.repeat(depth)],
  ['deep nesting that is well-formed', () => nested],
  ['access nested deeply', deep('access')],
  ['the refresh token nested deeply', deep('refreshToken')],
]

function half(whole: string): string {
  return whole.slice(0, whole.length / 2)
}

/** The record with something that JSON.stringify would not write. */
function text(record: Record<string, unknown>, name: string, json: string): string {
  return JSON.stringify({ ...record, [name]: 'HERE' }).replace('"HERE"', json)
}

function tampered(tamper: Tamper, record: Record<string, unknown>): string {
  const changed = tamper(record)
  return typeof changed === 'string' ? changed : JSON.stringify(changed)
}

/** A page that finds the contents in the place. */
async function startsWith(contents: string, place: ReturnType<(typeof places)[string]>) {
  const world = createWorld()
  await place.plant(key, contents)
  const store = place.open()
  const auth = world.client(world.tab, { store })
  return { world, auth, store, result: await auth.start() }
}

describe('a stored record that is not one of ours means signed out, and never a throw (A-75)', () => {
  test.each(rows)('%s', async (_, tamper) => {
    const world = await signedInTab()
    world.browser.local.set(key, tampered(tamper, world.storedSession()!))
    const next = world.load(world.tab, `${appOrigin}/`)
    expect(await next.start()).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
    expect(await failure(next.fetch(usersMe))).toMatchObject({ code: 'sign_in_required' })
    expect(({} as { token?: unknown }).token).toBeUndefined()
    await world.server.signInTo(next)
    expect((await next.fetch(usersMe)).status).toBe(200)
  })

  test.each(rows)('%s, while the tab is open: it keeps what it knows', async (_, tamper) => {
    const world = await expiredTab()
    world.browser.local.set(key, tampered(tamper, world.storedSession()!))
    expect((await world.auth.fetch(usersMe)).status).toBe(200)
    expect(world.storedSession()).toMatchObject({ v: 1, gen: 2 })
  })
})

/** What a client leaves in a store. */
const usual = signedInTab().then((world) => JSON.stringify(world.storedSession()))

describe.each(Object.entries(places))('A-75, whatever the store: %s', (_, makePlace) => {
  test('a record that is one of ours is found', async () => {
    const { result } = await startsWith(await usual, makePlace())
    expect(result).toMatchObject({ session: { status: 'signed-in', claims: { sub: 'user-ada' } } })
  })

  test.each(rows)('%s', async (_, tamper) => {
    const record = JSON.parse(await usual) as Record<string, unknown>
    const { world, auth, result } = await startsWith(tampered(tamper, record), makePlace())
    expect(result).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
    expect(await failure(auth.getAccessToken())).toMatchObject({ code: 'sign_in_required' })
    expect(refreshes(world)).toEqual([])
  })

  test('and a sign-in takes its place', async () => {
    const place = makePlace()
    const { world, auth } = await startsWith('not json {', place)
    await world.server.signInTo(auth)
    expect(await place.peek(key)).toContain('"v":1')
    const next = world.client(world.tab, { store: place.open() })
    expect((await next.start()).session).toEqual(auth.getSession())
  })
})

test('what is too long to be one of ours is not even parsed (A-75)', async () => {
  const { plant, open } = places['an object with three methods']!()
  await plant(key, `{"v":1,"scope":"${'x'.repeat(5_000_000)}"}`)
  const parsed = vi.spyOn(JSON, 'parse')
  const world = createWorld()
  await world.client(world.tab, { store: open() }).start()
  expect(parsed.mock.calls.filter(([text]) => text.length > 1_000_000)).toEqual([])
})

describe('odd members of a record that is one of ours (A-75)', () => {
  test('times that no clock has do not hold the session up', async () => {
    const world = await expiredTab()
    const pending = { unknown: 0, failures: 1e9, notBefore: 1e300 }
    world.browser.local.set(key, JSON.stringify({ ...world.storedSession(), pending }))
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(world.clock.timers).toBe(0)
  })

  test('members nobody knows are harmless, whatever their names', async () => {
    const world = await expiredTab()
    const odd =
      '"__proto__":{"signedOut":"expired"},"constructor":{"prototype":{"evil":1}},"toJSON":7'
    const record = JSON.stringify(world.storedSession()).slice(0, -1)
    world.browser.local.set(key, `${record},${odd}}`)
    const next = world.load(world.tab, `${appOrigin}/`)
    expect((await next.fetch(usersMe)).status).toBe(200)
    expect(next.getSession()).toMatchObject({ status: 'signed-in' })
    expect(({} as { evil?: unknown; signedOut?: unknown }).evil).toBeUndefined()
    await next.signOut({ redirect: false })
    expect(Object.keys(world.storedSession()!)).not.toContain('constructor')
  })

  test.each(['claims', 'endpoints'])(
    '%s nested deeply throw nowhere, and nobody is signed in',
    async (name) => {
      const world = await expiredTab()
      const record = { ...world.storedSession() }
      const inside = { ...(record[name] as object), deep: 'HERE' }
      world.browser.local.set(
        key,
        JSON.stringify({ ...record, [name]: inside }).replace('"HERE"', nested),
      )
      const next = world.load(world.tab, `${appOrigin}/`)
      expect((await next.start()).session).toEqual({ status: 'signed-out' })
      await world.server.signInTo(next)
      expect((await next.fetch(usersMe)).status).toBe(200)
    },
  )
})

describe('a store that gives what is no text (A-75)', () => {
  const rows: [string, unknown][] = [
    ['a number', 7],
    ['true', true],
    ['an object', {}],
    ['the record as an object', { v: 1, sid: 'x', gen: 0 }],
    ['a list', []],
    ['bytes', new Uint8Array(10)],
    ['a function', () => 'text'],
    ['a symbol', Symbol('text')],
  ]

  test.each(rows)('%s, for the session', async (_, value) => {
    const world = createWorld()
    const store = { get: () => value as string, set: () => undefined, remove: () => undefined }
    const auth = world.client(world.tab, { store })
    expect(await auth.start()).toEqual({ kind: 'restored', session: { status: 'signed-out' } })
  })

  test.each(rows)('%s, for a sign-in under way', async (_, value) => {
    const world = createWorld()
    const callback = await world.depart()
    world.tab.load(callback)
    const transactionStore = { ...world.tab.ports.transactionStore, get: () => value as string }
    const auth = world.client(world.tab, { transactionStore })
    const error = await failure(auth.start())
    expect(error).toMatchObject({ name: 'CallbackError' })
    expect(auth.getSession()).toEqual({ status: 'signed-out' })
    expect(world.server.requestsTo('/token')).toEqual([])
  })
})

describe('a sign-in under way that was edited in storage (A-75)', () => {
  const tampers: [string, Tamper][] = [
    ...rows.filter(
      ([name]) =>
        !/access|issuer|client|version|gen|sid|claims|sub|refresh|pending|expiresAt/.test(name),
    ),
    ['another issuer', (one) => ({ ...one, issuer: 'https://attacker.example' })],
    ['another client', (one) => ({ ...one, clientId: 'sandbox-app' })],
    ['a redirect URI that is no URL', (one) => ({ ...one, redirectUri: 'nowhere' })],
    ['an empty redirect URI', (one) => ({ ...one, redirectUri: '' })],
    ['a redirect URI elsewhere', (one) => ({ ...one, redirectUri: 'https://attacker.example/' })],
    ['a verifier that is a number', (one) => ({ ...one, verifier: 7 })],
    ['an empty verifier', (one) => ({ ...one, verifier: '' })],
    ['an empty nonce', (one) => ({ ...one, nonce: '' })],
    ['a date that never comes', (one) => text(one, 'createdAt', '1e999')],
    ['a date in the future', (one) => ({ ...one, createdAt: 1e15 })],
    ['an unknown mode', (one) => ({ ...one, mode: '__proto__' })],
    ['the mode of a sign-out', (one) => ({ ...one, mode: 'sign-out' })],
    [
      'metadata of another server',
      (one) => ({ ...one, server: { issuer: 'https://attacker.example' } }),
    ],
    ['metadata that is a list', (one) => ({ ...one, server: [] })],
    ['metadata nested deeply', (one) => text(one, 'server', nested)],
    [
      'endpoints of another server',
      (one) => ({
        ...one,
        server: { ...(one.server as object), token_endpoint: 'http://attacker.example/token' },
      }),
    ],
    ['a resource that is a number', (one) => ({ ...one, resource: 7 })],
    ['a list of odd resources', (one) => ({ ...one, resource: [7, null, {}] })],
    ['maxAge negative', (one) => ({ ...one, maxAge: -1 })],
    ['returnTo elsewhere', (one) => ({ ...one, returnTo: 'https://attacker.example/' })],
    ['an app state nested deeply', (one) => text(one, 'appState', nested)],
    ['used before', (one) => ({ ...one, taken: true })],
  ]

  test.each(tampers)('%s', async (_, tamper) => {
    const world = createWorld()
    const callback = await world.depart()
    for (const [name, one] of world.transactions())
      world.browser.local.set(name, tampered(tamper, one))
    const auth = world.load(world.tab, callback)
    const outcome = await auth.start().catch((error: unknown) => error)
    if (outcome instanceof Error) expect(outcome).toMatchObject({ name: 'CallbackError' })
    expect(auth.getSession().status).toMatch(/^signed-(in|out)$/)
    expect(JSON.stringify(outcome)).not.toContain('attacker.example')
    expect(world.server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
    world.tab.load('/')
    expect((await world.signIn()).getSession()).toMatchObject({ status: 'signed-in' })
  })

  test.each([
    'mode',
    'issuer',
    'redirectUri',
    'scope',
    'verifier',
    'nonce',
    'createdAt',
    'returnTo',
  ])('%s of another type: the sign-in is not found, and no code is sent', async (member) => {
    const world = createWorld()
    const callback = await world.depart()
    for (const [name, one] of world.transactions())
      world.browser.local.set(name, JSON.stringify({ ...one, [member]: {} }))
    const error = await failure(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ name: 'CallbackError', code: 'transaction_not_found' })
    expect(world.server.requestsTo('/token')).toEqual([])
  })
})
