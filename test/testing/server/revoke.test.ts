import { describe, expect, it } from 'vitest'
import { callApi, errorOf, post, production, refresh, signIn, strictServer } from '../support.ts'

const client = { client_id: 'sandbox-app' }

describe('revocation', () => {
  it('of a refresh token is answered with an empty 200 (S-45)', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    const response = await post(server, '/revoke', { ...client, token })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('of a refresh token ends it, and the access tokens (S-45)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    await post(server, '/revoke', { ...client, token: tokens.refresh_token })
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
  })

  it.each(['opaque', 'HS256', 'RS256'] as const)(
    'of an access token (%s) ends that one only (S-45)',
    async (accessTokenFormat) => {
      const server = strictServer({ accessTokenFormat })
      const tokens = await signIn(server)
      await post(server, '/revoke', { ...client, token: tokens.access_token })
      expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
      expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
    },
  )

  it.each(['access_token', 'refresh_token'])(
    'works with the wrong hint %s (S-45)',
    async (hint) => {
      const server = strictServer()
      const tokens = await signIn(server)
      const token = hint === 'access_token' ? tokens.refresh_token : tokens.access_token
      await post(server, '/revoke', { ...client, token, token_type_hint: hint })
      expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
    },
  )

  it('of an unknown token is a success (S-45)', async () => {
    const response = await post(strictServer(), '/revoke', { ...client, token: 'made up' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('of the token of another client is refused (S-45)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const fields = { client_id: production.clientId, token: tokens.refresh_token }
    expect(await errorOf(post(server, '/revoke', fields))).toEqual([400, 'invalid_grant'])
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it.each([
    [
      'of another type',
      { ...client, token: 'x', token_type_hint: 'id_token' },
      400,
      'unsupported_token_type',
    ],
    ['without a token', client, 400, 'invalid_request'],
    ['twice', { ...client, token: ['x', 'y'] }, 400, 'invalid_request'],
    ['by an unknown client', { client_id: 'nobody', token: 'x' }, 401, 'invalid_client'],
    ['by no client', { token: 'x' }, 401, 'invalid_client'],
  ])('%s is refused (S-45)', async (_, fields, status, error) => {
    expect(await errorOf(post(strictServer(), '/revoke', fields))).toEqual([status, error])
  })

  it('with anything in the query is refused (S-45)', async () => {
    const server = strictServer()
    const response = post(server, '/revoke?client_id=sandbox-app', { ...client, token: 'x' })
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it('later, when the server says so (S-45)', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('try-later', { path: '/revoke', times: 1, retryAfter: 7 })
    const response = await post(server, '/revoke', { ...client, token })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7'])
    expect((await refresh(server, token)).status).toBe(200)
  })

  it('by GET is refused (S-45)', async () => {
    const server = strictServer()
    expect((await server.fetch(`${server.issuer}/revoke?token=x`)).status).toBe(405)
  })
})
