import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { createAuthServer } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  discover,
  errorOf,
  exchange,
  obtainCode,
  open,
  signInWithAnotherClient,
  strictServer,
  through,
} from '../support.ts'

const redirectUri = 'https://tools.example.com/callback'
const app = {
  client_name: 'Tools',
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
}

const openServer = () => strictServer({ dynamicRegistration: true })

function register(server: AuthServer, metadata: unknown, type = 'application/json') {
  return server.fetch(`${server.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: JSON.stringify(metadata),
  })
}

describe('registration (RFC 7591)', () => {
  it('by another client, which then signs in', async () => {
    const server = openServer()
    const as = await discover(server)
    expect(as.registration_endpoint).toBe('https://login.example.com/register')
    const response = await oauth.dynamicClientRegistrationRequest(as, app, through(server))
    const client = await oauth.processDynamicClientRegistrationResponse(response)
    expect(client).toMatchObject({ ...app, response_types: ['code'] })
    expect(client).not.toHaveProperty('client_secret')
    const { tokens } = await signInWithAnotherClient(server, {
      clientId: client.client_id,
      redirectUri,
    })
    expect(tokens.refresh_token).toHaveLength(43)
    expect(server.clients.at(-1)).toMatchObject({ clientId: client.client_id, name: 'Tools' })
  })

  it('of a client that says nothing: it has a secret, and no refresh token', async () => {
    const server = openServer()
    const response = await register(server, { redirect_uris: [redirectUri] })
    const client = (await response.json()) as Record<string, string>
    expect([response.status, client]).toMatchObject([
      201,
      {
        client_secret_expires_at: 0,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['authorization_code'],
      },
    ])
    const [id, secret] = [client['client_id']!, client['client_secret']!]
    const own = { client_id: id, redirect_uri: redirectUri }
    const code = await obtainCode(server, own)
    expect(await errorOf(exchange(server, code, own))).toEqual([401, 'invalid_client'])
    const tokens = await exchange(server, code, { ...own, client_secret: secret })
    expect(await tokens.json()).not.toHaveProperty('refresh_token')
  })

  it('may ask for bound tokens, pushed requests and some of the scopes', async () => {
    const server = openServer()
    const wishes = {
      scope: 'openid orders:read',
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    }
    const response = await register(server, { ...app, ...wishes })
    expect(await response.json()).toMatchObject(wishes)
    expect(server.clients.at(-1)).toMatchObject({
      scopes: ['openid', 'orders:read'],
      dpopBound: true,
      requirePushedRequests: true,
    })
  })

  it.each<[string, object, string]>([
    ['no redirect URI', { redirect_uris: undefined }, 'invalid_redirect_uri'],
    ['an empty list of them', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['one that is no string', { redirect_uris: [7] }, 'invalid_redirect_uri'],
    ['one on http', { redirect_uris: ['http://tools.example.com/'] }, 'invalid_redirect_uri'],
    ['one with a fragment', { redirect_uris: [`${redirectUri}#x`] }, 'invalid_redirect_uri'],
    [
      'a key for a secret',
      { token_endpoint_auth_method: 'private_key_jwt' },
      'invalid_client_metadata',
    ],
    ['the implicit grant', { grant_types: ['implicit'] }, 'invalid_client_metadata'],
    ['the password grant', { grant_types: ['password'] }, 'invalid_client_metadata'],
    ['grants that are no list', { grant_types: 'refresh_token' }, 'invalid_client_metadata'],
    ['the response type token', { response_types: ['token'] }, 'invalid_client_metadata'],
    ['an unknown scope', { scope: 'openid everything' }, 'invalid_client_metadata'],
    ['scopes in a list', { scope: ['openid'] }, 'invalid_client_metadata'],
  ])('with %s is refused', async (_, wrong, error) => {
    const server = openServer()
    expect(await errorOf(register(server, { ...app, ...wrong }))).toEqual([400, error])
    expect(server.clients).toHaveLength(2)
  })

  it('is a JSON object, sent by POST', async () => {
    const server = openServer()
    const refusal = [400, 'invalid_client_metadata']
    expect(await errorOf(register(server, [app]))).toEqual(refusal)
    expect(await errorOf(register(server, app, 'text/plain'))).toEqual(refusal)
    expect((await server.fetch(`${server.issuer}/register`)).status).toBe(405)
  })

  it('is open to pages of any origin, as their origin is not known before', async () => {
    const server = openServer()
    const response = await server.fetch(`${server.issuer}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'https://tools.example.com' },
      body: JSON.stringify(app),
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('is not offered unless the server is told to', async () => {
    const server = strictServer()
    expect((await register(server, app)).status).toBe(404)
    expect(await discover(server)).not.toHaveProperty('registration_endpoint')
  })
})

describe('client ID metadata documents', () => {
  const url = 'https://tools.example.com/client.json'
  const document = { client_id: url, ...app }
  const withDocument = (changes: object = {}, at = url) =>
    createAuthServer({ clientDocuments: { [at]: { ...document, ...changes } } })

  it('a client signs in by the URL of its document', async () => {
    const server = withDocument()
    const { tokens } = await signInWithAnotherClient(server, { clientId: url, redirectUri })
    expect(tokens.refresh_token).toHaveLength(43)
    const page = await open(
      server,
      authorizationUrl(server, { client_id: url, redirect_uri: redirectUri }),
    )
    expect(await page.text()).toContain('<strong>Tools</strong>')
  })

  it('need not say that there is no secret', async () => {
    const server = withDocument({ token_endpoint_auth_method: undefined })
    const { claims } = await signInWithAnotherClient(server, { clientId: url, redirectUri })
    expect(claims.aud).toBe(url)
  })

  it('are announced in the metadata where there are any', async () => {
    const name = 'client_id_metadata_document_supported'
    expect(await discover(withDocument())).toMatchObject({ [name]: true })
    expect(await discover(strictServer())).not.toHaveProperty(name)
  })

  it('hold for their own redirect URIs only', async () => {
    const server = withDocument()
    const overrides = { client_id: url, redirect_uri: 'https://attacker.example/' }
    expect((await open(server, authorizationUrl(server, overrides))).status).toBe(400)
  })

  it('another URL is an unknown client: nothing is fetched', async () => {
    const server = withDocument()
    const overrides = { client_id: `${url}?2`, redirect_uri: redirectUri }
    expect(await (await open(server, authorizationUrl(server, overrides))).text()).toContain(
      'unknown client',
    )
    expect(server.requests.map(({ to }) => to)).toEqual(['issuer'])
  })

  it.each<[string, object, string]>([
    [
      'that names another client',
      { client_id: 'https://tools.example.com/' },
      'client_id is not its URL',
    ],
    ['with a secret', { client_secret: 'hush' }, 'has no secret'],
    ['that authenticates', { token_endpoint_auth_method: 'client_secret_post' }, 'has no secret'],
    ['without redirect URIs', { redirect_uris: undefined }, 'redirect_uris is an array'],
    [
      'with a redirect URI on http',
      { redirect_uris: ['http://x.example/'] },
      'https redirect URIs only',
    ],
    ['with an unknown scope', { scope: 'everything' }, 'a scope that the server does not know'],
  ])('one %s is a mistake', (_, changes, complaint) => {
    expect(() => withDocument(changes)).toThrow(complaint)
  })

  it.each([
    ['http://tools.example.com/client.json', 'an https URL with a path'],
    ['https://tools.example.com/', 'an https URL with a path'],
    ['client.json', 'an https URL with a path'],
    ['https://tools.example.com/client.json#x', 'neither a fragment'],
    ['https://me@tools.example.com/client.json', 'neither a fragment'],
    ['https://tools.example.com/a/../client.json', 'nor dot segments'],
  ])('one at %s is a mistake', (at, complaint) => {
    expect(() => withDocument({ client_id: at }, at)).toThrow(complaint)
  })
})
