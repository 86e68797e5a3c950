import { describe, expect, test } from 'vitest'
import { createWorld, rejection, signedInTab } from '../support/world.ts'
import type { World } from '../support/world.ts'

const wellKnown = '/.well-known/openid-configuration'

async function metadataOf({ server }: World): Promise<Record<string, string>> {
  const response = await server.fetch(server.issuer + wellKnown)
  return (await response.json()) as Record<string, string>
}

describe('discovery', () => {
  test('happens once per client, however often it signs in', async () => {
    const world = createWorld()
    const auth = world.client()
    await Promise.all([auth.createAuthorizationUrl(), auth.createAuthorizationUrl()])
    await auth.createAuthorizationUrl()
    expect(world.server.requestsTo(wellKnown)).toHaveLength(1)
  })

  test('that failed is forgotten, so that the next click works', async () => {
    const world = createWorld()
    world.server.fault('network-error', { path: wellKnown, times: 1 })
    const auth = world.client()
    expect(await rejection(auth.signIn())).toMatchObject({ code: 'network', retryable: true })
    await world.leave(world.tab, auth)
    expect(world.tab.navigations).toHaveLength(1)
  })

  test('does not happen when the app is started, nor on the way back', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const before = world.server.requestsTo(wellKnown).length
    await world.load(world.tab, callback).start()
    await world.load(world.tab, '/').start()
    expect(world.server.requestsTo(wellKnown)).toHaveLength(before)
  })

  test('does not happen at all with complete metadata', async () => {
    const world = createWorld()
    const { authorization_endpoint, token_endpoint, jwks_uri } = await metadataOf(world)
    const metadata = { authorization_endpoint, token_endpoint, jwks_uri } as never
    const before = world.server.requests.length
    const auth = await world.signIn(world.tab, { overrides: { metadata } })
    await auth.fetch(`${world.server.api.url}users/me`)
    const paths = world.server.requests.slice(before).map(({ path }) => path)
    expect(paths).not.toContain(wellKnown)
    expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
  })

  test('is not undone by a member that is given as undefined', async () => {
    const world = createWorld()
    const metadata = { token_endpoint: undefined, jwks_uri: undefined } as never
    const auth = await world.signIn(world.tab, { overrides: { metadata } })
    expect(auth.getSession().status).toBe('signed-in')
  })

  test('is completed, not replaced, by metadata that lack something', async () => {
    const world = createWorld()
    const metadata = { authorization_endpoint: `${world.server.issuer}/authorize?tenant=7` }
    const { url } = await world.client(world.tab, { metadata }).createAuthorizationUrl()
    expect(url.searchParams.get('tenant')).toBe('7')
    expect(world.server.requestsTo(wellKnown)).toHaveLength(1)
  })

  test.each([
    [
      'an endpoint that is not https',
      { token_endpoint: 'http://login.example.com/token' },
      'discovery_failed',
    ],
    [
      'a script for an endpoint',
      { authorization_endpoint: 'javascript:alert(1)' },
      'discovery_failed',
    ],
    ['another issuer', { issuer: 'https://attacker.example' }, 'issuer_mismatch'],
  ])('metadata given by the app with %s are refused too (A-26)', async (_, metadata, code) => {
    const world = createWorld()
    const auth = world.client(world.tab, { metadata })
    expect(await rejection(auth.signIn())).toMatchObject({ code })
    expect(world.tab.navigations).toHaveLength(0)
  })
})

describe('metadata kept for the way back', () => {
  async function editedTransaction(edit: (server: Record<string, unknown>) => void) {
    const world = createWorld()
    const callback = await world.depart(world.tab, { params: { returnTo: '/here' } })
    const [[name, transaction]] = [...world.transactions()] as [[string, { server: never }]]
    edit(transaction.server)
    world.browser.local.set(name, JSON.stringify(transaction))
    const before = world.server.requests.length
    const auth = world.load(world.tab, callback)
    const error = await rejection(auth.start())
    expect(world.server.requests).toHaveLength(before)
    expect(world.storedSession()).toBeUndefined()
    expect(error).toMatchObject({ returnTo: 'https://app.example.com/here' })
    return error
  }

  test.each([
    'http://login.example.com/token',
    'javascript:alert(1)',
    'data:text/plain,x',
    '',
    null,
    undefined,
    7,
  ])('edited to send the code to %j is refused (C-51, A-75)', async (token_endpoint) => {
    const error = await editedTransaction((server) => Object.assign(server, { token_endpoint }))
    expect(error).toMatchObject({ code: 'discovery_failed' })
  })

  test('edited to be another server’s is refused (C-21, C-51)', async () => {
    const error = await editedTransaction((server) =>
      Object.assign(server, { issuer: 'https://attacker.example' }),
    )
    expect(error).toMatchObject({ code: 'issuer_mismatch' })
  })

  test('edited to allow "none" allows it as little as before (C-57)', async () => {
    const world = createWorld()
    const callback = await world.depart()
    const [[name, transaction]] = [...world.transactions()] as [[string, { server: object }]]
    Object.assign(transaction.server, { id_token_signing_alg_values_supported: ['none'] })
    world.browser.local.set(name, JSON.stringify(transaction))
    world.server.fault('id-token-alg-none')
    expect(await rejection(world.load(world.tab, callback).start())).toMatchObject({
      code: 'id_token_invalid',
    })
  })

  test('is not there once the person is back', async () => {
    const world = await signedInTab()
    const [transaction] = world.transactions().values()
    expect(transaction).not.toHaveProperty('server')
  })
})

describe('a server without OpenID Connect', () => {
  const oauth = { client: { scope: 'orders:read offline_access' } }

  test('signs in without ID token, keys or nonce check', async () => {
    const world = createWorld(oauth)
    world.server.fault('metadata', { patch: { jwks_uri: undefined } })
    world.server.fault('id-token-missing')
    const { client, result } = await world.comeBack()
    expect(result).toMatchObject({ kind: 'signed-in', session: { status: 'signed-in' } })
    expect(client.getSession()).not.toHaveProperty('claims')
    expect(world.server.requestsTo('/jwks')).toHaveLength(0)
    expect((await client.fetch(`${world.server.api.url}orders`)).status).toBe(200)
  })

  test('that sends an ID token all the same is held to it', async () => {
    const world = createWorld(oauth)
    world.server.fault('token-members', { set: { id_token: 'e30.e30.e30' } })
    expect(await rejection(world.comeBack())).toMatchObject({ code: 'id_token_invalid' })
    expect(world.storedSession()).toBeUndefined()
  })
})
