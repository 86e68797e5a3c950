import { describe, expect, it } from 'vitest'
import { exchange, obtainCode, post, production, strictServer } from '../support.ts'
import type { Tokens } from '../support.ts'
import type { AuthServerOptions } from '../../../src/testing/index.ts'

const clientId = 'back-end'
const at = { client_id: clientId, redirect_uri: production.redirectUri }
const credentials = { client_id: clientId, client_secret: 'hush' }

async function withTokens(options: AuthServerOptions = {}) {
  const server = strictServer({
    clients: [
      { clientId, clientSecret: 'hush', redirectUris: [production.redirectUri], kind: 'internal' },
      { clientId: 'page', redirectUris: [production.redirectUri] },
    ],
    ...options,
  })
  const code = await obtainCode(server, at)
  const tokens = (await (await exchange(server, code, { ...at, ...credentials })).json()) as Tokens
  const ask = (token: string, fields: object = credentials) =>
    post(server, '/introspect', { token, ...fields })
  return { server, tokens, ask, said: async (token: string) => (await ask(token)).json() }
}

describe('introspection', () => {
  it.each(['opaque', 'RS256', 'HS256'] as const)(
    'says what an access token is for, %s (S-46)',
    async (accessTokenFormat) => {
      const { server, tokens, said } = await withTokens({ accessTokenFormat })
      const now = Math.floor(server.clock.now() / 1000)
      expect(await said(tokens.access_token)).toEqual({
        active: true,
        scope: tokens.scope,
        client_id: clientId,
        username: 'ada',
        sub: 'user-ada',
        iss: server.issuer,
        token_type: 'Bearer',
        aud: server.api.url,
        exp: now + 900,
        iat: now,
      })
    },
  )

  it('knows refresh tokens (S-46)', async () => {
    const { tokens, said } = await withTokens()
    expect(await said(tokens.refresh_token)).toMatchObject({ active: true, sub: 'user-ada' })
  })

  it('says of what is over, revoked or unknown exactly that it is not active (S-46)', async () => {
    const { server, tokens, said } = await withTokens()
    const inactive = { active: false }
    expect(await said('nothing')).toEqual(inactive)
    expect(await said(tokens.id_token)).toEqual(inactive)
    server.clock.pass(901)
    expect(await said(tokens.access_token)).toEqual(inactive)
    server.revokeSessions('ada')
    expect(await said(tokens.refresh_token)).toEqual(inactive)
  })

  it.each([
    ['nobody', {}],
    ['a public client', { client_id: 'page' }],
    ['a wrong secret', { client_id: clientId, client_secret: 'guess' }],
  ])('tells %s nothing (S-46)', async (_, fields) => {
    const { tokens, ask } = await withTokens()
    const response = await ask(tokens.access_token, fields)
    expect(response.status).toBe(401)
    expect(await response.json()).not.toHaveProperty('active')
  })

  it('is found in the metadata (S-46)', async () => {
    const { server } = await withTokens()
    const url = `${server.issuer}/.well-known/openid-configuration`
    expect(await (await server.fetch(url)).json()).toMatchObject({
      introspection_endpoint: `${server.issuer}/introspect`,
      introspection_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
      ],
    })
  })

  it('goes wrong as it is told', async () => {
    const { server, tokens, ask, said } = await withTokens()
    server.fault('introspection-members', { set: { active: 'true' }, remove: ['sub'], times: 1 })
    const odd = (await said(tokens.access_token)) as object
    expect(odd).toMatchObject({ active: 'true' })
    expect(odd).not.toHaveProperty('sub')
    server.fault('html-200', { path: '/introspect', times: 1 })
    expect((await ask(tokens.access_token)).headers.get('content-type')).toContain('text/html')
    server.fault('network-error', { path: '/introspect', times: 1 })
    await expect(ask(tokens.access_token)).rejects.toThrow('fetch failed')
  })
})

describe('access tokens that an API verifies by itself', () => {
  const parts = (token: string) =>
    token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object)

  it('are of the type that is asked for, and still good at the API', async () => {
    for (const accessTokenType of ['at+jwt', 'JWT'] as const) {
      const { server, tokens } = await withTokens({ accessTokenFormat: 'ES256', accessTokenType })
      const [header, claims] = parts(tokens.access_token)
      expect(header).toMatchObject({ alg: 'ES256', typ: accessTokenType })
      expect(claims).toMatchObject({ iss: server.issuer, aud: server.api.url, sub: 'user-ada' })
      const me = (token: string) =>
        server.fetch(`${server.api.url}users/me`, { headers: { authorization: `Bearer ${token}` } })
      expect((await me(tokens.access_token)).status).toBe(200)
      expect((await me(tokens.id_token)).status).toBe(401)
      const { keys } = (await (await server.fetch(`${server.issuer}/jwks`)).json()) as {
        keys: { alg: string }[]
      }
      expect(keys.map(({ alg }) => alg)).toEqual(['RS256', 'ES256'])
    }
  })

  it('are signed with the secret that is shared', async () => {
    const accessTokenSecret = 'thirty-two bytes that two sides know'
    const { tokens } = await withTokens({ accessTokenFormat: 'HS256', accessTokenSecret })
    const [header, claims, signature] = tokens.access_token.split('.')
    const key = await crypto.subtle.importKey(
      'raw',
      Buffer.from(accessTokenSecret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    )
    const input = Buffer.from(`${header}.${claims}`)
    const bytes = Buffer.from(signature!, 'base64url')
    expect(await crypto.subtle.verify('HMAC', key, bytes, input)).toBe(true)
  })

  it('have the claims that a fault gives them', async () => {
    const { server, ask } = await withTokens({ accessTokenFormat: 'RS256' })
    server.fault('access-token-claims', { set: { aud: 'elsewhere' }, remove: ['exp'] })
    const code = await obtainCode(server, at)
    const response = await exchange(server, code, { ...at, ...credentials })
    const { access_token } = (await response.json()) as Tokens
    const [, claims] = parts(access_token)
    expect(claims).toMatchObject({ aud: 'elsewhere' })
    expect(claims).not.toHaveProperty('exp')
    expect((await ask(access_token)).status).toBe(200)
  })
})
