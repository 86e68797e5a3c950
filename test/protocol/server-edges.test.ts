import { describe, expect, test } from 'vitest'
import { createWorld, listen, rejection } from '../support/world.ts'
import type { World } from '../support/world.ts'

const paths = ({ server }: World) => server.requests.map(({ path }) => path)
const openid = '/.well-known/openid-configuration'
const oauth = '/.well-known/oauth-authorization-server'

describe('metadata that the app gives', () => {
  const issuer = 'https://login.example.com'
  const all = {
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
  }

  test.each(Object.keys(all))('are completed by discovery without %s', async (name) => {
    const world = createWorld()
    const metadata = Object.fromEntries(Object.entries(all).filter(([other]) => other !== name))
    await world.client(world.tab, { metadata }).createAuthorizationUrl()
    expect(paths(world)).toEqual([openid])
  })

  test('are complete without keys where no ID token is asked for', async () => {
    const world = createWorld({ client: { scope: 'orders:read' } })
    const { jwks_uri: _, ...metadata } = all
    await world.client(world.tab, { metadata }).createAuthorizationUrl()
    expect(paths(world)).toEqual([])
  })
})

describe('finding the metadata', () => {
  test.each([408, 429, 500, 504])(
    'status %d is an answer: nothing else is asked for',
    async (status) => {
      const world = createWorld()
      world.server.fault('respond', { path: openid, status })
      const error = await rejection(world.client().createAuthorizationUrl())
      expect(error).toMatchObject({ status })
      expect((error as Error).message).toContain(`The authorization server answered ${status}`)
      expect(paths(world)).toEqual([openid])
    },
  )

  test('a plain OAuth server is asked the OpenID way when the OAuth way leads nowhere (C-50)', async () => {
    const world = createWorld({ client: { scope: 'orders:read' } })
    world.server.fault('respond', { path: oauth, status: 404 })
    await world.client().createAuthorizationUrl()
    expect(paths(world)).toEqual([oauth, openid])
  })

  test.each([400, 401, 403, 405, 407])(
    'so it is where nothing is there means %d, as 400 does at Cognito (C-50)',
    async (status) => {
      const world = createWorld({ client: { scope: 'orders:read' } })
      world.server.fault('respond', { path: oauth, status })
      expect((await world.comeBack()).result.kind).toBe('signed-in')
      expect(paths(world).slice(0, 2)).toEqual([oauth, openid])
    },
  )

  test('neither way leads anywhere: each is tried once', async () => {
    const issuer = 'https://login.example.com/'
    const world = createWorld({ server: { issuer }, client: { issuer } })
    for (const path of [openid, oauth]) world.server.fault('respond', { path, status: 404 })
    const auth = world.client()
    const heard = listen(auth)
    const error = await rejection(auth.createAuthorizationUrl())
    expect(error).toMatchObject({ code: 'discovery_failed' })
    expect((error as Error).message).toContain(`at ${issuer.slice(0, -1)}${openid};`)
    expect(paths(world)).toEqual([openid, oauth])
    const requests = heard.filter(({ name }) => name === 'request')
    expect(requests.map(({ facts }) => facts)).toMatchObject(
      [openid, oauth].map(() => ({ what: 'discovery' })),
    )
  })

  test.each([
    ['there are none', 404, {}, 'discovery_failed'],
    [
      'they are of another server',
      200,
      { issuer: 'https://login.example.com/' },
      'issuer_mismatch',
    ],
    ['they name no endpoints', 200, {}, 'discovery_failed'],
  ])(
    'an error shows no more than the beginning of a long issuer: %s',
    async (_, status, body, code) => {
      const issuer = `https://login.example.com/${'a'.repeat(300)}`
      const fetch = () => Promise.resolve(Response.json({ issuer, ...body }, { status }))
      const world = createWorld({ client: { issuer, fetch } })
      const error = await rejection(world.client().createAuthorizationUrl())
      expect(error).toMatchObject({ code })
      expect((error as Error).message).toContain(issuer.slice(0, 200))
      expect((error as Error).message).not.toContain(issuer.slice(0, 201))
    },
  )

  test('an error that holds metadata is an error all the same', async () => {
    const world = createWorld()
    const body = { issuer: 'https://attacker.example' }
    world.server.fault('respond', { path: openid, status: 500, body })
    expect(await rejection(world.client().createAuthorizationUrl())).toMatchObject({
      code: 'server_error',
      retryable: true,
    })
  })
})

test('a server whose own name has the word common in it is not taken for Entra (C-49)', async () => {
  const issuer = 'https://login.example.com/common/v2.0'
  const world = createWorld({ server: { issuer }, client: { issuer } })
  expect((await world.comeBack()).result.kind).toBe('signed-in')
})

test('what metadata have beside the members we know is not kept (C-51)', async () => {
  const world = createWorld()
  const mtls_endpoint_aliases = { token_endpoint: 'https://attacker.example/token' }
  world.server.fault('metadata', { patch: { mtls_endpoint_aliases } })
  await world.client().createAuthorizationUrl()
  const [transaction] = world.transactions().values()
  expect(transaction!['server']).toMatchObject({
    token_endpoint: 'https://login.example.com/token',
  })
  expect(transaction!['server']).not.toHaveProperty('mtls_endpoint_aliases')
})

describe('a server that does not say how it signs ID tokens (C-57)', () => {
  const signIn = (idTokenAlg: 'RS256' | 'ES256') => {
    const world = createWorld({ server: { idTokenAlg } })
    const patch = { id_token_signing_alg_values_supported: undefined }
    world.server.fault('metadata', { patch })
    return world.comeBack()
  }

  test('signs them with RS256', async () => {
    expect((await signIn('RS256')).result.kind).toBe('signed-in')
  })

  test('signs them with nothing else', async () => {
    expect(await rejection(signIn('ES256'))).toMatchObject({ code: 'id_token_invalid' })
  })
})
