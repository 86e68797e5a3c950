import { describe, expect, test } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import { createWorld, rejection } from '../support/world.ts'
import type { World } from '../support/world.ts'

const optional = [
  'userinfo_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
  'authorization_response_iss_parameter_supported',
  'id_token_signing_alg_values_supported',
  'code_challenge_methods_supported',
]
const required = ['authorization_endpoint', 'token_endpoint', 'issuer']

describe('an optional member of the metadata that is null or empty counts as left out', () => {
  test.each(optional.flatMap((name) => [null, ''].map((value) => [name, value] as const)))(
    '%s: %j, and the user signs in (F4)',
    async (name, value) => {
      const world = createWorld()
      world.server.fault('metadata', { patch: { [name]: value } })
      const auth = await world.signIn()
      expect(auth.getSession().status).toBe('signed-in')
    },
  )

  test.each([null, ''])(
    '%j in the option `metadata` does not hide what discovery finds (F4)',
    async (value) => {
      const world = createWorld()
      const metadata = { revocation_endpoint: value, token_endpoint: value } as never
      const auth = await world.signIn(world.tab, { overrides: { metadata } })
      await auth.signOut({ redirect: false })
      expect(world.server.requestsTo('/revoke')).not.toHaveLength(0)
    },
  )

  test.each([null, ''])('nothing is sent to an endpoint that is %j (F4)', async (value) => {
    const world = createWorld()
    const patch = {
      revocation_endpoint: value,
      end_session_endpoint: value,
      userinfo_endpoint: value,
    }
    world.server.fault('metadata', { patch })
    const auth = await world.signIn()
    const asked = () =>
      world.server.requests.filter(({ path }) => !path.startsWith('/.well-known/')).length
    const before = asked()
    const navigations = world.tab.navigations.length
    expect(await rejection(auth.getUserInfo())).toMatchObject({ code: 'server_error' })
    await auth.signOut()
    expect(asked()).toBe(before)
    expect(world.tab.navigations).toHaveLength(navigations)
    expect(auth.getSession().status).toBe('signed-out')
  })

  test.each(required.flatMap((name) => [null, ''].map((value) => [name, value] as const)))(
    'but not one that is required: %s: %j (F4)',
    async (name, value) => {
      const world = createWorld()
      world.server.fault('metadata', { patch: { [name]: value } })
      const error = await rejection(world.client().signIn())
      expect((error as { code: string }).code).toMatch(/^(?:discovery_failed|issuer_mismatch)$/)
    },
  )
})

/** Every address of metadata answers like this. */
function answerDiscovery(world: World, answer: () => Response) {
  return {
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const url = new URL(input instanceof Request ? input.url : input)
      return url.pathname.includes('/.well-known/') ? answer() : world.server.fetch(input, init)
    },
  }
}
const opaqueRedirect = () =>
  Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' })

describe('a server without metadata', () => {
  test.each<[string, () => Response]>([
    ['301 for good', () => Response.redirect('https://login.example.com/', 301)],
    ['308', () => Response.redirect('https://login.example.com/', 308)],
    ['a redirect as a browser shows it', opaqueRedirect],
    ['404', () => new Response('', { status: 404 })],
    ['400, as Cognito', () => new Response('{}', { status: 400 })],
    ['401', () => new Response('', { status: 401 })],
    ['410', () => new Response('', { status: 410 })],
    [
      'a page of an app',
      () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } }),
    ],
  ])(
    'that answers %s is a permanent failure, which names the option metadata (F29)',
    async (_, answer) => {
      const world = createWorld()
      const auth = world.client(world.tab, answerDiscovery(world, answer))
      const error = await rejection(auth.signIn())
      expect(error).toMatchObject({ code: 'discovery_failed', retryable: false })
      expect((error as Error).message).toContain('option metadata')
      expect((error as Error).message).toContain(
        `${world.server.issuer}/.well-known/openid-configuration`,
      )
    },
  )

  test('with metadata by hand signs people in, and discovery is not asked (F29)', async () => {
    const world = createWorld()
    const found = await world.server.fetch(
      `${world.server.issuer}/.well-known/openid-configuration`,
    )
    const metadata = (await found.json()) as never
    const gone = answerDiscovery(world, () => Response.redirect('https://login.example.com/', 301))
    const auth = await world.signIn(world.tab, { overrides: { ...gone, metadata } })
    expect(auth.getSession().status).toBe('signed-in')
  })

  test.each<[string, () => Response]>([
    ['302, as a captive portal', () => Response.redirect('https://hotel.example.com/', 302)],
    ['303', () => Response.redirect('https://hotel.example.com/', 303)],
    ['503', () => new Response('', { status: 503 })],
    ['429', () => new Response('', { status: 429 })],
  ])('but %s is not: trying again may help (F29)', async (_, answer) => {
    const world = createWorld()
    const auth = world.client(world.tab, answerDiscovery(world, answer))
    expect(await rejection(auth.signIn())).toMatchObject({ retryable: true })
  })

  test('the second address is asked when the first redirects for good (F29)', async () => {
    const world = createWorld()
    const { server } = world
    const oauth = '/.well-known/oauth-authorization-server'
    const fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
      const { pathname } = new URL(input as string)
      if (pathname === '/.well-known/openid-configuration')
        return Response.redirect(server.issuer, 301)
      return server.fetch(
        pathname === oauth ? `${server.issuer}/.well-known/openid-configuration` : input,
        init,
      )
    }
    const auth = await world.signIn(world.tab, { overrides: { fetch } })
    expect(auth.getSession().status).toBe('signed-in')
  })
})

describe('an error of the network or of discovery says which address it is about', () => {
  test('a request that is not answered names origin and path, and no query (N4)', async () => {
    const world = createWorld()
    world.server.fault('network-error', { path: '/.well-known/openid-configuration' })
    const error = await rejection(world.client().signIn())
    expect((error as Error).message).toContain(
      `${world.server.issuer}/.well-known/openid-configuration`,
    )
  })

  test('so does one that takes too long (N4)', async () => {
    const world = createWorld()
    world.server.fault('slow-headers', { path: '/token', milliseconds: 60_000 })
    const callback = await world.depart()
    const started = rejection(world.load(world.tab, callback).start())
    await world.clock.advance(20_000)
    const { message } = (await started) as Error
    expect(message).toContain(`${world.server.issuer}/token`)
    expect(message).not.toContain('?')
  })

  test.each([
    'https://login.example.com/.well-known/openid-configuration',
    'https://login.example.com/tenant/.well-known/openid-configuration',
    'https://login.example.com/.well-known/oauth-authorization-server',
    'https://login.example.com/.well-known/oauth-authorization-server/tenant',
    'https://login.example.com/.well-known/openid-configuration/',
  ])('the issuer %s is refused, with what to leave off (N4)', (issuer) => {
    const make = () =>
      new PkceClient({ issuer, clientId: 'app', redirectUri: 'https://app.example.com/callback' })
    expect(make).toThrow(/issuer .*leave off "\/\.well-known\//)
  })
})
