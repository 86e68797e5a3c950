import { afterEach, describe, expect, test, vi } from 'vitest'
import { discoverResource, readChallenges } from '../../src/index.ts'
import type { DiscoverResourceOptions } from '../../src/index.ts'
import { createAuthServer, createFakeClock } from '../../src/testing/index.ts'
import { createWorld, rejection } from '../support/world.ts'

const issuer = 'https://login.example.com'
const url = 'https://mcp.example.com/mcp'
const wellKnown = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
const metadata = {
  resource: url,
  authorization_servers: [issuer],
  scopes_supported: ['orders:read', 'orders:write'],
}

/** An API that answers at these addresses, and nowhere else. */
function api(answers: Record<string, object | (() => Response | Promise<Response>)>) {
  const asked: string[] = []
  const fetch: typeof globalThis.fetch = async (address) => {
    asked.push(address as string)
    const answer = answers[address as string] ?? (() => new Response('Not Found', { status: 404 }))
    return typeof answer === 'function' ? (answer as () => Response)() : Response.json(answer)
  }
  return { fetch, asked }
}

/** The API as the reference server serves it, with other members in its metadata. */
function published(document: object) {
  const server = openServer()
  const none = { authorization_servers: undefined, scopes_supported: undefined }
  server.fault('resource-metadata', { patch: { ...none, ...document } })
  return {
    fetch: server.fetch,
    get asked() {
      return server.requests.map(({ url: address }) => address)
    },
  }
}

const openServer = () =>
  createAuthServer({ otherApis: [{ url, scopes: metadata.scopes_supported }] })

function discover(
  { fetch }: { fetch: typeof globalThis.fetch },
  options: Partial<DiscoverResourceOptions> & { at?: string } = {},
) {
  const { at = url, ...others } = options
  return discoverResource(at, { issuers: [issuer], fetch, ...others })
}

const refusal = (...challenges: string[]) =>
  new Response(null, {
    status: 401,
    headers: challenges.map((value) => ['www-authenticate', value] as [string, string]),
  })

describe('an app that knows nothing but the URL of an API', () => {
  test('learns its server and scopes, signs in there and calls it with a token for it alone', async () => {
    const world = createWorld({ server: { otherApis: [{ url, scopes: ['orders:read'] }] } })
    const { fetch } = world.server
    const challenge = await fetch(`${url}/orders`)
    expect(challenge.status).toBe(401)
    const found = await discover({ fetch }, { challenge })
    expect(found).toEqual({ issuer, resource: url, scope: 'orders:read' })
    const { resource } = found
    const { client } = await world.comeBack(world.tab, {
      overrides: {
        issuer: found.issuer,
        scope: found.scope,
        resources: [{ url: resource, resource }],
      },
    })
    expect((await client.fetch(`${resource}/orders`)).status).toBe(200)
    const token = await client.getAccessToken({ for: resource })
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${world.server.api.url}orders`, { headers })).status).toBe(401)
  })

  test('learns it without a refusal as well', async () => {
    expect(await discover(openServer())).toEqual({
      issuer,
      resource: url,
      scope: 'orders:read orders:write',
    })
  })

  test('is told all of it in the names of the options of a client', async () => {
    const mcp = published(metadata)
    expect(await discover(mcp)).toEqual({
      issuer,
      resource: url,
      scope: 'orders:read orders:write',
    })
    expect(mcp.asked).toEqual([wellKnown])
  })

  test('asks with the fetch of the platform when it has none of its own', async () => {
    vi.stubGlobal('fetch', published(metadata).fetch)
    expect(await discoverResource(new URL(url), { issuers: [issuer] })).toMatchObject({ issuer })
  })

  test.each([
    ['https://mcp.example.com', 'https://mcp.example.com/.well-known/oauth-protected-resource'],
    ['https://mcp.example.com/', 'https://mcp.example.com/.well-known/oauth-protected-resource'],
    [`${url}/`, `${wellKnown}/`],
    [`${url}?tenant=7`, `${wellKnown}?tenant=7`],
    ['http://127.0.0.1:8080/mcp', 'http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp'],
  ])('asks about %s at %s', async (at, place) => {
    const mcp = api({ [place]: { ...metadata, resource: at } })
    expect(await discover(mcp, { at })).toMatchObject({ resource: at })
  })
})

describe('metadata of another resource are not used', () => {
  test.each([
    ['another API', 'https://mcp.attacker.example/mcp'],
    ['the whole origin', 'https://mcp.example.com'],
    ['a path below', `${url}/tools`],
    ['the same with a slash more', `${url}/`],
    ['the same with the default port', 'https://mcp.example.com:443/mcp'],
    ['the same in capitals', 'https://MCP.example.com/mcp'],
    ['the same with an empty query', `${url}?`],
    ['the same without https', 'http://mcp.example.com/mcp'],
    ['no URL', 'the API'],
  ])('they are about %s (C-86)', async (_, resource) => {
    const error = await rejection(discover(published({ ...metadata, resource })))
    expect(error).toMatchObject({ code: 'discovery_failed', retryable: false })
  })

  test('and the error shows both names, and nothing that could break a line', async () => {
    const { message } = (await rejection(
      discover(published({ ...metadata, resource: 'https://mcp.example.com/\n\u202e' })),
    )) as Error
    expect(message).toBe(
      `${wellKnown} has no metadata of "${url}", only those of "https://mcp.example.com/\\u{a}\\u{202e}"; pass the URL that the API calls itself, or its 401 as challenge.`,
    )
  })

  test('also not when a challenge led to them (C-86)', async () => {
    const place = 'https://mcp.example.com/metadata'
    const mcp = api({ [place]: { ...metadata, resource: 'https://mcp.example.com/other' } })
    const challenge = refusal(`Bearer resource_metadata="${place}"`)
    expect(await rejection(discover(mcp, { challenge }))).toMatchObject({
      code: 'discovery_failed',
    })
  })
})

describe('the challenge of an API', () => {
  const place = 'https://mcp.example.com/metadata?of=mcp'

  test('says where the metadata are, and which scope is wanted', async () => {
    const mcp = api({ [place]: metadata })
    const challenge = refusal(`Bearer resource_metadata="${place}", scope="orders:read"`)
    expect(await discover(mcp, { challenge })).toMatchObject({ scope: 'orders:read' })
    expect(mcp.asked).toEqual([place])
  })

  test('is found among others', async () => {
    const mcp = api({ [place]: metadata })
    const challenge = refusal(
      'Basic realm="old"',
      `DPoP algs="ES256", Bearer resource_metadata="${place}"`,
    )
    expect(await discover(mcp, { challenge })).toMatchObject({ issuer })
  })

  test.each([
    'https://attacker.example/metadata',
    'https://mcp.example.com.attacker.example/metadata',
    'https://mcp.example.com:8443/metadata',
    'http://mcp.example.com/metadata',
    'https://user@mcp.example.com/metadata',
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:6379/',
    'javascript:alert(1)',
    'data:application/json,{}',
    '/metadata',
    '',
  ])('leads to no other origin: %s is not asked (C-87)', async (address) => {
    const mcp = published(metadata)
    const challenge = refusal(`Bearer resource_metadata="${address}"`)
    expect(await discover(mcp, { challenge })).toMatchObject({ issuer })
    expect(mcp.asked).toEqual([wellKnown])
  })

  test.each([
    ['has none', new Response(null, { status: 401 })],
    ['cannot be read', refusal('Bearer "')],
    ['is about something else', refusal('Bearer realm="mcp"')],
  ])('that %s changes nothing', async (_, challenge) => {
    expect(await discover(published(metadata), { challenge })).toEqual({
      issuer,
      resource: url,
      scope: 'orders:read orders:write',
    })
  })

  test('can be read by an app that acts on it itself', async () => {
    const challenge = refusal('Bearer error="insufficient_scope", scope="orders:write"')
    expect(await readChallenges(challenge)).toEqual([
      {
        scheme: 'bearer',
        parameters: { error: 'insufficient_scope', scope: 'orders:write' },
      },
    ])
  })
})

describe('scopes that an API does not name properly are left out', () => {
  test.each([
    [undefined, undefined],
    [[], undefined],
    ['orders:read', undefined],
    [
      [7, null, '', 'a b', 'say"hello"', 'back\\slash', 'line\nbreak', 'orders:read'],
      'orders:read',
    ],
  ])('%j', async (scopes_supported, scope) => {
    const found = await discover(published({ ...metadata, scopes_supported }))
    expect(found.scope).toBe(scope)
  })
})

describe('a server that an API names is not trusted for that', () => {
  test('one that the app does not list is refused, and not asked (C-87, A-73)', async () => {
    const mcp = published({ ...metadata, authorization_servers: ['https://attacker.example'] })
    const error = await rejection(discover(mcp))
    expect(error).toMatchObject({ code: 'issuer_mismatch', retryable: false })
    expect((error as Error).message).toBe(
      `${url} takes tokens of ["https://attacker.example"], and issuers has none of them; add one if you trust it.`,
    )
    expect(mcp.asked).toEqual([wellKnown])
  })

  test.each([
    'https://login.example.com.attacker.example',
    'https://login.example.com/tenant',
    'https://login.example.com//',
    'http://login.example.com',
    'HTTPS://LOGIN.EXAMPLE.COM',
    '',
    7,
    null,
  ])('%j is not the listed one (C-87)', async (other) => {
    const mcp = published({ ...metadata, authorization_servers: [other, 'https://b.example'] })
    expect(await rejection(discover(mcp))).toMatchObject({ code: 'issuer_mismatch' })
  })

  test('the first that is listed counts', async () => {
    const mcp = published({
      ...metadata,
      authorization_servers: ['https://attacker.example', 'https://b.example', issuer],
    })
    const issuers = [issuer, 'https://b.example']
    expect(await discover(mcp, { issuers })).toMatchObject({ issuer: 'https://b.example' })
  })

  test.each([
    ['https://accounts.google.com/', ['https://accounts.google.com']],
    ['https://oauth.id.jumpcloud.com', ['https://oauth.id.jumpcloud.com/']],
  ])('%s is one of %j, which is how the app spells it', async (named, issuers) => {
    const mcp = published({ ...metadata, authorization_servers: [named] })
    expect(await discover(mcp, { issuers })).toMatchObject({ issuer: issuers.at(-1) })
  })

  test.each([[undefined], [[]], [issuer], [{ 0: issuer }]])(
    'metadata that name none lead nowhere: %j (C-87)',
    async (authorization_servers) => {
      const error = await rejection(discover(published({ ...metadata, authorization_servers })))
      expect(error).toMatchObject({ code: 'issuer_mismatch' })
      expect((error as Error).message).toContain(`${url} takes tokens of []`)
    },
  )
})

describe('an API that cannot be asked', () => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'authorization_servers')
  })

  test.each([400, 401, 403, 404, 410, 301])('has no metadata: %i', async (status) => {
    const error = await rejection(
      discover(api({ [wellKnown]: () => new Response(null, { status }) })),
    )
    expect(error).toMatchObject({ code: 'discovery_failed', retryable: false })
    expect((error as Error).message).toBe(
      `${wellKnown} has no metadata of "${url}"; pass the URL that the API calls itself, or its 401 as challenge.`,
    )
  })

  test.each([
    [429, 'rate_limited'],
    [408, 'server_error'],
    [302, 'server_error'],
    [500, 'server_error'],
    [503, 'server_error'],
  ])('may be asked again later: %i', async (status, code) => {
    const mcp = api({ [wellKnown]: () => new Response(null, { status }) })
    const error = await rejection(discover(mcp))
    expect(error).toMatchObject({ code, status, retryable: true })
    expect((error as Error).message).toMatch(
      status === 302 ? `${wellKnown} answered with a redirect` : `The API answered ${status}`,
    )
  })

  test.each([
    ['a page', () => new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })],
    ['a list', () => Response.json([metadata])],
    ['null', () => Response.json(null)],
    ['no resource', () => Response.json({ authorization_servers: [issuer] })],
    ['a number for its name', () => Response.json({ ...metadata, resource: 7 })],
  ])('answers with what is no metadata: %s', async (_, answer) => {
    const error = await rejection(discover(api({ [wellKnown]: answer })))
    expect(error).toMatchObject({ code: 'discovery_failed', retryable: false })
    expect((error as Error).message).toContain(url)
  })

  test('is not reachable', async () => {
    const mcp = { fetch: () => Promise.reject(new TypeError('fetch failed')) }
    const error = await rejection(discover(mcp))
    expect(error).toMatchObject({ code: 'network', retryable: true })
    expect((error as Error).message).toContain(wellKnown)
  })

  test('does not answer in time', async () => {
    const clock = createFakeClock()
    const mcp = { fetch: () => new Promise<Response>(() => {}) }
    const failing = rejection(discover(mcp, { clock, timeout: 5000 }))
    await clock.advance(4999)
    await clock.advance(1)
    expect(await failing).toMatchObject({ code: 'timeout', retryable: true })
  })

  test('is no longer waited for once the app gives up', async () => {
    const gone = new AbortController()
    const mcp = { fetch: () => new Promise<Response>(() => {}) }
    const failing = rejection(discover(mcp, { signal: gone.signal, clock: createFakeClock() }))
    gone.abort(new Error('The page was closed.'))
    expect(await failing).toMatchObject({ message: 'The page was closed.' })
  })

  test('gets nothing from what some library put on Object.prototype', async () => {
    Object.assign(Object.prototype, { authorization_servers: [issuer] })
    const error = await rejection(discover(published({ resource: url })))
    expect(error).toMatchObject({ code: 'issuer_mismatch' })
  })
})

test('an error stays short when names are long', async () => {
  const at = `${url}/${'x'.repeat(5000)}`
  const place = `${wellKnown}/${'x'.repeat(5000)}`
  for (const document of [
    { ...metadata, resource: `${at}y` },
    { ...metadata, resource: at, authorization_servers: [`https://${'y'.repeat(5000)}.example`] },
  ]) {
    const error = (await rejection(discover(api({ [place]: document }), { at }))) as Error
    expect(error.message.length).toBeLessThan(800)
  }
})

describe('what the app passes is checked', () => {
  test.each([
    ['issuers', {}],
    ['issuers', { issuers: [] }],
    ['issuers', { issuers: issuer }],
    ['issuers', { issuers: ['login.example.com'] }],
    ['issuers', { issuers: [issuer, 'http://login.example.com'] }],
    ['challenge must be the Response', { issuers: [issuer], challenge: null }],
    ['challenge', { issuers: [issuer], challenge: 'Bearer' }],
    ['timeout', { issuers: [issuer], timeout: 0 }],
    ['fetch', { issuers: [issuer], fetch: true }],
    ['clock', { issuers: [issuer], clock: 0 }],
    ['signal', { issuers: [issuer], signal: true }],
    ['issuer,', { issuers: [issuer], issuer }],
  ])('%s in %j', async (name, options) => {
    const error = await rejection(discoverResource(url, options as never))
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect((error as Error).message).toContain(name)
  })

  test.each(['mcp.example.com', 'http://mcp.example.com', '/mcp', `${url}#x`, 'javascript:0', ''])(
    'the URL %j',
    async (at) => {
      const mcp = published(metadata)
      const error = await rejection(discover(mcp, { at }))
      expect(error).toMatchObject({ code: 'invalid_option' })
      expect((error as Error).message).toContain('url must be an absolute https URL')
      expect(mcp.asked).toEqual([])
    },
  )
})
