import { keepingPage } from '../support/navigators.ts'
import { describe, expect, it } from 'vitest'
import type { PkceClient, PkceClientOptions } from '../../src/index.ts'
import { createWorld, rejection, signedInTab, usualSessionKey } from '../support/world.ts'
import type { World } from '../support/world.ts'

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'userinfo_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
] as const

/** What a browser, a shell or an old parser would do something with other than ask a server. */
const hostile = [
  'javascript:alert(document.domain)',
  'JaVaScRiPt:alert(1)//https://login.example.com/',
  'java\nscript:alert(1)',
  '\u0001javascript:alert(1)',
  ' javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:application/json,{"access_token":"x","token_type":"bearer"}',
  'blob:https://app.example.com/7f3c',
  'filesystem:https://app.example.com/temporary/x',
  'vbscript:x',
  'about:blank',
  'file:///etc/passwd',
  'ftp://login.example.com/',
  'intent://login.example.com/#Intent;scheme=https;end',
  'http://login.example.com/authorize',
  '//attacker.example/authorize',
  '/authorize',
  '$(open -a Calculator)',
]
const cases = endpoints.flatMap((name) => hostile.map((value) => ({ name, value })))

/** Writes down where it would have gone, and whether it was asked to. */
function watcher() {
  const went: string[] = []
  const navigator = keepingPage(async ({ url }) => {
    went.push(url.href)
    return undefined
  })
  return { went, navigator }
}

/** Nobody was sent anywhere, and nothing was sent but what found the metadata. */
async function expectNothing(world: World, make: (o?: Partial<PkceClientOptions>) => PkceClient) {
  const navigations = world.tab.navigations.length
  const { went, navigator } = watcher()
  const ways = [
    () => world.leave(world.tab, make()),
    () => make({ navigator }).signIn(),
    () => make().createAuthorizationUrl(),
  ]
  for (const way of ways) expect(await rejection(way())).toMatchObject({ code: 'discovery_failed' })
  expect(went).toEqual([])
  expect(world.tab.navigations).toHaveLength(navigations)
}

describe('an endpoint that is no place to ask (A-26)', () => {
  it.each(cases)('$name $value in discovered metadata: nobody goes there', async (row) => {
    const { name, value } = row
    const world = createWorld()
    world.server.fault('metadata', { patch: { [name]: value } })
    await expectNothing(world, (overrides) => world.client(world.tab, overrides))
    expect(new Set(world.server.requests.map(({ path }) => path))).toEqual(
      new Set(['/.well-known/openid-configuration']),
    )
  })

  it.each(endpoints)('%s in the option metadata: nobody goes there', async (name) => {
    const world = createWorld()
    for (const value of hostile) {
      await expectNothing(world, (overrides) =>
        world.client(world.tab, { metadata: { [name]: value }, ...overrides }),
      )
    }
  })

  it.each(cases)('$name $value in a stored sign-in: the code goes nowhere', async (row) => {
    const { name, value } = row
    const world = createWorld()
    const callback = await world.depart()
    for (const [key, transaction] of world.transactions()) {
      Object.assign(transaction['server'] as object, { [name]: value })
      world.browser.local.set(key, JSON.stringify(transaction))
    }
    const before = world.server.requests.length
    const error = await rejection(world.load(world.tab, callback).start())
    expect(error).toMatchObject({ code: 'discovery_failed' })
    expect(world.server.requests).toHaveLength(before)
    expect(world.storedSession()).toBeUndefined()
  })

  it.each(cases.filter(({ name }) => /^(?:end|rev)/.test(name)))(
    '$name $value after somebody signed in: signing out goes nowhere',
    async (row) => {
      const { name, value } = row
      const world = await signedInTab()
      const record = world.storedSession() as { endpoints: object }
      const endpoints = { ...record.endpoints, [name]: value }
      world.browser.local.set(usualSessionKey, JSON.stringify({ ...record, endpoints }))
      world.server.fault('metadata', { patch: { [name]: value } })
      const [navigations, before] = [world.tab.navigations.length, world.server.requests.length]
      const auth = world.load(world.tab, '/')
      expect(await rejection(auth.signOut())).toMatchObject({ code: 'discovery_failed' })
      expect(auth.getSession()).toEqual({ status: 'signed-out', reason: 'signed-out' })
      expect(world.tab.navigations).toHaveLength(navigations)
      const paths = world.server.requests.slice(before).map(({ path }) => path)
      expect(new Set(paths)).toEqual(new Set(['/.well-known/openid-configuration']))
    },
  )
})

describe('an authorization endpoint on another origin (A-27)', () => {
  it('is gone to with a client, a challenge and a state, and with no secret', async () => {
    const world = createWorld()
    const authorization_endpoint = 'https://accounts.example.net/authorize?tenant=7'
    world.server.fault('metadata', { patch: { authorization_endpoint } })
    const url = await world.leave(world.tab, world.client())
    expect(url.origin).toBe('https://accounts.example.net')
    const [transaction] = world.transactions().values()
    expect(url.href).not.toContain(transaction!['verifier'])
    expect([...url.searchParams.keys()].sort()).toEqual([
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
      'tenant',
    ])
  })
})
