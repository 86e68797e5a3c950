import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import type { AuthServer, AuthServerOptions } from '../../../src/testing/index.ts'
import { callApi, discover, post, sandbox, signIn, strictServer, through } from '../support.ts'
import { boundApp, newKeys } from './dpop-support.ts'

const wellKnown = '/.well-known/oauth-protected-resource'
const mcp = 'https://mcp.example.com/mcp'

async function described(server: AuthServer, resource: string): Promise<oauth.ResourceServer> {
  const url = new URL(resource)
  const response = await oauth.resourceDiscoveryRequest(url, through(server))
  return oauth.processResourceDiscoveryResponse(url, response)
}

function metadataUrl(response: Response): string | undefined {
  const challenge = response.headers.get('www-authenticate') ?? ''
  return /resource_metadata="([^"]*)"/.exec(challenge)?.[1]
}

describe('the metadata of an API (RFC 9728)', () => {
  it('name the API, its server and its scopes (S-44)', async () => {
    const server = strictServer()
    expect(await described(server, server.api.url)).toEqual({
      resource: 'https://api.example.com/',
      authorization_servers: ['https://login.example.com'],
      scopes_supported: ['orders:read', 'orders:write'],
      bearer_methods_supported: ['header', 'body'],
      dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256'],
      dpop_bound_access_tokens_required: false,
    })
  })

  it.each<[string, NonNullable<AuthServerOptions['otherApis']>[number], string]>([
    ['with a path', { url: mcp }, `https://mcp.example.com${wellKnown}/mcp`],
    ['with a slash at the end', { url: `${mcp}/` }, `https://mcp.example.com${wellKnown}/mcp/`],
    ['at a root', { url: 'https://bills.example.com/' }, `https://bills.example.com${wellKnown}`],
    [
      'beside another one',
      { url: 'https://api.example.com/reports' },
      `https://api.example.com${wellKnown}/reports`,
    ],
    [
      'whose audience has no slash',
      { url: 'https://bills.example.com/', audience: 'https://bills.example.com' },
      `https://bills.example.com${wellKnown}`,
    ],
  ])('of an API %s have an address of their own (S-44)', async (_, api, address) => {
    const server = strictServer({ otherApis: [{ ...api, scopes: ['tools:call'] }] })
    const resource = api.audience ?? api.url!
    expect(await described(server, resource)).toMatchObject({
      resource,
      scopes_supported: ['tools:call'],
    })
    expect(server.requests[0]!.url).toBe(address)
    expect(metadataUrl(await server.fetch(api.url!))).toBe(address)
  })

  it('are named by every challenge of the API, and by none of the server (S-44)', async () => {
    const server = strictServer()
    const address = `https://api.example.com${wellKnown}`
    const { access_token: token } = await signIn(server, { scope: 'openid' })
    for (const response of [
      await callApi(server, '/users/me'),
      await callApi(server, '/users/me', 'made up'),
      await callApi(server, '/orders', token),
      await callApi(server, '/step-up?acr_values=mfa', token),
      await boundApp(server, await newKeys()).call(`${server.api.url}users/me`, token),
    ]) {
      expect(response.status).toBeGreaterThan(400)
      expect(metadataUrl(response)).toBe(address)
    }
    const userInfo = await server.fetch(`${server.issuer}/userinfo`)
    expect(userInfo.headers.get('www-authenticate')).toBe('Bearer')
  })

  it('are open to any page (S-44)', async () => {
    const server = strictServer()
    const headers = { origin: 'https://stranger.example' }
    const response = await callApi(server, wellKnown, undefined, { headers })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  })

  it.each(['mcp', 'https://elsewhere.example/mcp'])(
    'do not exist for an audience that is no address of the API: %s (S-44)',
    async (audience) => {
      const otherApis = [{ url: mcp, audience }]
      const server = strictServer({ otherApis })
      expect((await server.fetch(`https://mcp.example.com${wellKnown}/mcp`)).status).toBe(404)
      expect(metadataUrl(await server.fetch(mcp))).toBeUndefined()
      expect((await discover(server)).protected_resources).toEqual(['https://api.example.com/'])
    },
  )

  it('are listed by the server as well (S-44)', async () => {
    const { protected_resources: resources } = await discover(
      strictServer({ otherApis: [{ url: mcp }] }),
    )
    expect(resources).toEqual(['https://api.example.com/', mcp])
  })

  it('say so where every client must use DPoP (S-44)', async () => {
    const client = { clientId: 'c', redirectUris: [sandbox.redirectUri], dpopBound: true }
    const server = strictServer({ clients: [client] })
    const { dpop_bound_access_tokens_required: required } = await described(server, server.api.url)
    expect(required).toBe(true)
  })

  it('lead to a token: from the challenge to the server, and back (S-44)', async () => {
    const server = strictServer({ otherApis: [{ url: mcp, scopes: ['tools:call'] }] })
    const refused = await server.fetch(mcp, { method: 'POST', body: '{}' })
    const metadata = (await (await server.fetch(metadataUrl(refused)!)).json()) as {
      resource: string
      authorization_servers: string[]
      scopes_supported: string[]
    }
    expect(metadata.authorization_servers).toEqual([server.issuer])
    const { access_token: token } = await signIn(server, {
      resource: metadata.resource,
      scope: metadata.scopes_supported.join(' '),
    })
    const init = { method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}` } }
    expect(await (await server.fetch(mcp, init)).json()).toMatchObject({ body: '{}', url: mcp })
  })

  it('resource-metadata: another resource, or none (S-44)', async () => {
    const server = strictServer()
    server.fault('resource-metadata', {
      patch: { resource: 'https://attacker.example/' },
      times: 1,
    })
    await expect(described(server, server.api.url)).rejects.toThrow('resource')
    server.fault('resource-metadata', { patch: { authorization_servers: undefined }, times: 1 })
    expect(await described(server, server.api.url)).not.toHaveProperty('authorization_servers')
    expect(await described(server, server.api.url)).toHaveProperty('authorization_servers')
  })
})

describe('a page of the server', () => {
  it('takes no metadata address of an API', async () => {
    const server = strictServer()
    expect((await server.fetch(server.issuer + wellKnown)).status).toBe(404)
    expect((await post(server, wellKnown, {})).status).toBe(404)
  })
})
