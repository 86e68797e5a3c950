import { describe, expect, test } from 'vitest'
import {
  asked,
  bills,
  entries,
  graph,
  orders,
  reports,
  signedInToApis,
  tokenRequests,
  tokensAt,
} from '../../../support/apis.ts'
import { expectNoTokenSentTwice, failure } from '../../../support/refreshes.ts'
import { anotherTab, createWorld } from '../../../support/world.ts'

const me = (api: string) => `${api}echo`

const styles = [
  ['resource indicators (RFC 8707)', entries.orders, entries.bills, { resource: bills }],
  ['scopes (Entra)', orders, entries.graph, { scope: 'api://graph/read' }],
  ['params (Auth0)', orders, entries.reports, { audience: 'reports' }],
] as const

describe.each(styles)('two APIs told apart by %s', (_, first, second, wanted) => {
  test('each gets a token of its own, and no other one (C-82, A-41)', async () => {
    const world = await signedInToApis([first, second])
    for (const api of [orders, second.url, orders, second.url])
      expect((await world.auth.fetch(me(api))).status).toBe(200)
    const [own, other] = [tokensAt(world, orders), tokensAt(world, second.url)]
    expect(new Set(own).size).toBe(1)
    expect(new Set(other).size).toBe(1)
    expect(own[0]).not.toBe(other[0])
  })

  test('the code becomes the token of the first, the other comes when it is needed', async () => {
    const world = await signedInToApis([first, second])
    await world.auth.fetch(me(orders))
    expect(tokenRequests(world)).toHaveLength(1)
    await world.auth.fetch(me(second.url))
    expect(asked(world, 1)).toEqual([wanted])
    expect(tokenRequests(world)[1]!.form).toMatchObject({ grant_type: 'refresh_token' })
  })

  test('getAccessToken() gives the token of the API it is for', async () => {
    const world = await signedInToApis([first, second])
    const own = await world.auth.getAccessToken()
    expect(await world.auth.getAccessToken({ for: me(orders) })).toBe(own)
    const other = await world.auth.getAccessToken({ for: me(second.url) })
    expect(other).not.toBe(own)
    expect(await world.auth.getAccessToken({ for: second.url.replace('https', 'wss') })).toBe(other)
    await world.auth.fetch(me(second.url))
    expect(tokensAt(world, second.url)).toEqual([`Bearer ${other}`])
  })

  test('each is refreshed for itself when it is due', async () => {
    const world = await signedInToApis([first, second])
    await world.clock.advance(450_000)
    const early = await world.auth.getAccessToken({ for: second.url })
    await world.clock.advance(450_000)
    const sent = tokenRequests(world).length
    expect(await world.auth.getAccessToken({ for: second.url })).toBe(early)
    expect(tokenRequests(world)).toHaveLength(sent)
    await world.auth.getAccessToken({ for: orders })
    expect(tokenRequests(world)).toHaveLength(sent + 1)
    await world.clock.advance(400_000)
    expect(await world.auth.getAccessToken({ for: second.url })).toBe(early)
    await world.clock.settle()
    expect(asked(world, sent + 1)).toEqual([wanted])
    expect(await world.auth.getAccessToken({ for: second.url })).not.toBe(early)
    expectNoTokenSentTwice(world)
  })

  test('a 401 of one renews its token only', async () => {
    const world = await signedInToApis([first, second])
    const own = await world.auth.getAccessToken()
    await world.auth.fetch(me(second.url))
    await world.clock.advance(60_000)
    world.server.fault('api-401', { times: 1 })
    const sent = tokenRequests(world).length
    expect((await world.auth.fetch(me(second.url))).status).toBe(200)
    expect(asked(world, sent)).toEqual([wanted])
    expect(new Set(tokensAt(world, second.url)).size).toBe(2)
    expect(await world.auth.getAccessToken()).toBe(own)
  })

  test('a tab that comes later uses both tokens, and asks for none', async () => {
    const world = await signedInToApis([first, second])
    await world.auth.fetch(me(second.url))
    const sent = tokenRequests(world).length
    const { auth } = await anotherTab(world)
    for (const api of [orders, second.url]) expect((await auth.fetch(me(api))).ok).toBe(true)
    expect(tokenRequests(world)).toHaveLength(sent)
    expect(new Set(tokensAt(world, second.url)).size).toBe(1)
  })

  test('minValidity is about the token of that API', async () => {
    const world = await signedInToApis([first, second])
    const own = await world.auth.getAccessToken()
    await world.clock.advance(450_000)
    const other = await world.auth.getAccessToken({ for: second.url })
    expect(await world.auth.getAccessToken({ for: second.url, minValidity: 600 })).toBe(other)
    expect(await world.auth.getAccessToken({ for: orders, minValidity: 600 })).not.toBe(own)
  })
})

test('the authorization request names every resource, and the union of the scopes (C-17)', async () => {
  const world = createWorld()
  const auth = world.client(world.tab, {
    scope: 'openid orders:read',
    resources: [
      entries.orders,
      { ...entries.bills, scope: 'orders:read bills:read' },
      { url: `${bills}old/`, resource: bills },
      entries.graph,
      { url: reports, resource: 'urn:reports', params: { audience: 'reports' } },
    ],
  })
  const { url } = await auth.createAuthorizationUrl({ resource: 'urn:more' })
  const query = url.searchParams
  expect(query.getAll('resource')).toEqual(['urn:more', orders, bills, 'urn:reports'])
  expect(query.get('scope')).toBe('openid orders:read bills:read api://graph/read')
  expect(query.has('audience')).toBe(false)
})

test('the params of the first entry are in the authorization request as well, where Auth0 reads them', async () => {
  const world = await signedInToApis([entries.reports, entries.bills])
  const [request] = world.server.requestsTo('/authorize')
  expect(request!.query).toMatchObject({ audience: 'reports' })
  expect(asked(world)).toEqual([{ audience: 'reports' }])
  expect((await world.auth.fetch(me(reports))).status).toBe(200)
})

test('the code exchange names the resource of the first entry only (C-17)', async () => {
  const world = await signedInToApis([entries.bills, entries.orders])
  expect(asked(world)).toEqual([{ resource: bills }])
  expect((await world.auth.fetch(me(bills))).status).toBe(200)
  expect(tokenRequests(world)).toHaveLength(1)
})

test('the code exchange names the scope of the first entry only, which says at Entra which API the token is for', async () => {
  const world = await signedInToApis([entries.graph, entries.bills])
  expect(asked(world)).toEqual([{ scope: 'api://graph/read' }])
  expect((await world.auth.fetch(me(graph))).status).toBe(200)
  await world.auth.refresh()
  expect(asked(world, 1)).toEqual([{ scope: 'api://graph/read' }])
})

test('signIn({ resource }) is asked for with the code of a first entry that is a string', async () => {
  const world = await signedInToApis([orders], { params: { resource: orders } })
  expect(asked(world)).toEqual([{ resource: orders }])
})

test('entries with the same parameters, in any order, share one token', async () => {
  const one = { url: `${reports}a/`, scope: 'openid', params: { audience: 'reports', x: '1' } }
  const two = { params: { x: '1', audience: 'reports' }, scope: 'openid', url: `${reports}b/` }
  const { auth } = await signedInToApis([one, two])
  const token = await auth.getAccessToken({ for: one.url })
  expect(await auth.getAccessToken({ for: two.url })).toBe(token)
})

test('of two entries that cover a URL, the longer one says which token it gets (C-82)', async () => {
  const world = await signedInToApis([orders, { ...entries.reports, url: `${orders}reports/` }])
  const own = await world.auth.getAccessToken()
  const other = await world.auth.getAccessToken({ for: `${orders}reports/2026` })
  expect(other).not.toBe(own)
  for (const url of ['reports', 'reports/', 'reports/x'])
    expect(await world.auth.getAccessToken({ for: orders + url })).toBe(other)
  expect(await world.auth.getAccessToken({ for: `${orders}reports2` })).toBe(own)
})

test('refresh() renews the token of the first entry, and leaves the others', async () => {
  const world = await signedInToApis()
  const own = await world.auth.getAccessToken()
  const other = await world.auth.getAccessToken({ for: bills })
  await world.auth.refresh()
  expect(await world.auth.getAccessToken()).not.toBe(own)
  expect(await world.auth.getAccessToken({ for: bills })).toBe(other)
})

test('the session shows scope and expiry of the first entry, whatever the others bring', async () => {
  const world = await signedInToApis([orders, entries.graph])
  const before = world.auth.getSession()
  await world.clock.advance(60_000)
  await world.auth.fetch(me(graph))
  expect(world.auth.getSession()).toBe(before)
  expect(before).toMatchObject({ expiresAt: world.clock.now() - 60_000 + 900_000 })
})

test('signing out revokes every token, and nothing is left in the store', async () => {
  const world = await signedInToApis()
  const tokens = [
    await world.auth.getAccessToken(),
    await world.auth.getAccessToken({ for: bills }),
  ]
  const { refreshToken } = world.storedSession()!
  await world.auth.signOut({ redirect: false })
  const revoked = world.server.requestsTo('/revoke').map(({ form }) => form!.token)
  expect(revoked).toEqual([refreshToken, ...tokens])
  expect(world.storedSession()).toMatchObject({ signedOut: 'signed-out', access: {} })
})

test('another sign-in leaves no token of the one before', async () => {
  const world = await signedInToApis()
  const ofAda = await world.auth.getAccessToken({ for: bills })
  const auth = await world.signIn(world.tab, {
    person: { username: 'grace' },
    params: { prompt: 'login' },
  })
  expect(auth.getSession()).toMatchObject({ claims: { name: 'Grace Hopper' } })
  expect(await auth.getAccessToken({ for: bills })).not.toBe(ofAda)
})

test('userinfo is asked with the token of the first entry', async () => {
  const world = await signedInToApis()
  await world.auth.getAccessToken({ for: bills })
  expect(await world.auth.getUserInfo()).toMatchObject({ name: 'Ada Lovelace' })
})

describe('an app that asks for something else since the page was loaded', () => {
  test.each([
    ['a string', [orders]],
    ['another resource', [{ url: orders, resource: 'urn:orders' }]],
    ['the same resource, narrowed', [{ ...entries.orders, scope: 'openid' }]],
  ])('gets another token for the first entry: %s (C-82)', async (_, resources) => {
    const world = await signedInToApis([entries.orders], { server: { resources: ['urn:orders'] } })
    const before = await world.auth.getAccessToken()
    const auth = world.load(world.tab, '/', { resources })
    await auth.start()
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
    // Whatever the server says to the new request, the old token does not go out.
    const now = await auth.getAccessToken({ for: orders }).catch(() => 'none')
    expect(now).not.toBe(before)
    expect(tokenRequests(world)).toHaveLength(2)
  })

  test('gets another token for an API that had the default one, and its calls go out with that', async () => {
    const world = await signedInToApis([orders, graph])
    const shared = await world.auth.getAccessToken({ for: graph })
    expect(shared).toBe(await world.auth.getAccessToken())
    const again = await world.signIn(world.tab, {
      overrides: { resources: [orders, entries.graph] },
    })
    const own = await again.getAccessToken({ for: graph })
    const auth = world.load(world.tab, '/', {
      resources: [orders, { ...entries.graph, scope: 'api://graph/read openid' }],
    })
    await auth.start()
    expect(await auth.getAccessToken({ for: orders })).toBe(await again.getAccessToken())
    expect(await auth.getAccessToken({ for: graph })).not.toBe(own)
  })

  test('and comes back with the code that was asked for before', async () => {
    const world = createWorld({ server: { otherApis: [{ url: bills }] } })
    const before = { resources: [entries.orders, entries.bills] }
    const callback = await world.depart(world.tab, { overrides: before })
    const auth = world.load(world.tab, callback, { resources: [entries.bills, entries.orders] })
    await auth.start()
    // The code became the token that it was to become.
    expect(asked(world)).toEqual([{ resource: orders }])
    await auth.fetch(me(orders))
    expect(tokenRequests(world)).toHaveLength(1)
    await auth.fetch(me(bills))
    expect(asked(world, 1)).toEqual([{ resource: bills }])
    expect(new Set([...tokensAt(world, orders), ...tokensAt(world, bills)]).size).toBe(2)
  })

  test('and has no refresh token: the session ends, as there is no token that fits', async () => {
    const world = await signedInToApis([entries.orders], { params: { scope: 'openid' } })
    const auth = world.load(world.tab, '/', { resources: [orders] })
    await auth.start()
    expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })
})

describe('without a refresh token', () => {
  const signedIn = () => signedInToApis(undefined, { params: { scope: 'openid' } })

  test('the first API is called, and the calls of another one ask for a sign-in (C-15)', async () => {
    const world = await signedIn()
    expect(await failure(world.auth.fetch(me(bills)))).toMatchObject({
      code: 'sign_in_required',
      sessionEnded: false,
      message: expect.stringContaining('offline_access'),
    })
    expect((await world.auth.fetch(me(orders))).status).toBe(200)
    expect(tokenRequests(world)).toHaveLength(1)
    expect(tokensAt(world, bills)).toEqual([])
  })

  test('the session ends with the token of the first entry, whichever API is called then', async () => {
    const world = await signedIn()
    await world.clock.advance(900_000)
    expect(await failure(world.auth.fetch(me(bills)))).toMatchObject({ code: 'session_ended' })
    expect(world.auth.getSession()).toEqual({ status: 'signed-out', reason: 'expired' })
  })
})
