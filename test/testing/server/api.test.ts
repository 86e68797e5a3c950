import { describe, expect, it } from 'vitest'
import type { AccessTokenFormat, AuthServer } from '../../../src/testing/index.ts'
import {
  callApi,
  challengeOf,
  claimsOf,
  headerOf,
  post,
  refresh,
  signIn,
  strictServer,
} from '../support.ts'
import type { Tokens } from '../support.ts'

const formats: AccessTokenFormat[] = ['opaque', 'HS256', 'RS256']

describe.each(formats)('with %s access tokens', (accessTokenFormat) => {
  it('answers who the token belongs to', async () => {
    const server = strictServer({ accessTokenFormat })
    const { access_token: token } = await signIn(server)
    const response = await callApi(server, '/users/me', token)
    expect(await response.json()).toMatchObject({ sub: 'user-ada', email: 'ada@example.com' })
  })

  it('refuses an expired token (S-40)', async () => {
    const server = strictServer({ accessTokenFormat })
    const { access_token: token } = await signIn(server)
    server.clock.pass(900)
    const response = await callApi(server, '/users/me', token)
    expect([response.status, challengeOf(response)]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
  })

  it('takes a token until it expires (S-40)', async () => {
    const server = strictServer({ accessTokenFormat })
    const { access_token: token } = await signIn(server)
    server.clock.pass(899)
    expect((await callApi(server, '/users/me', token)).status).toBe(200)
  })

  it('refuses a token that was revoked (S-40)', async () => {
    const server = strictServer({ accessTokenFormat })
    const { access_token: token } = await signIn(server)
    server.revokeSessions()
    const response = await callApi(server, '/users/me', token)
    expect([response.status, challengeOf(response)]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
    expect(await response.json()).toMatchObject({ error: 'invalid_token' })
  })

  it('refuses a token that was tampered with, and what is none (S-40)', async () => {
    const server = strictServer({ accessTokenFormat })
    const { access_token: token } = await signIn(server)
    const end = token.endsWith('AAAA') ? 'BBBB' : 'AAAA'
    for (const spoiled of [token.slice(0, -4) + end, 'e30.e30.e30', 'a.b', 'token']) {
      const response = await callApi(server, '/users/me', spoiled)
      expect([response.status, challengeOf(response)]).toEqual([
        401,
        expect.stringContaining('error="invalid_token"'),
      ])
    }
  })

  it('refuses a token for another audience (S-42)', async () => {
    const resource = 'https://files.example.com/'
    const server = strictServer({ accessTokenFormat, resources: [resource] })
    const { access_token: token } = await signIn(server, { resource })
    const response = await callApi(server, '/users/me', token)
    expect(challengeOf(response)).toContain('error="invalid_token"')
  })

  it('refuses a token of another server (S-42)', async () => {
    const stranger = strictServer({ accessTokenFormat, issuer: 'https://other.example' })
    const { access_token: token } = await signIn(stranger)
    const server = strictServer({ accessTokenFormat })
    await signIn(server)
    expect((await callApi(server, '/users/me', token)).status).toBe(401)
  })

  it('refuses an ID token (S-42)', async () => {
    const server = strictServer({ accessTokenFormat })
    const { id_token: token } = await signIn(server)
    expect(headerOf(token)['typ']).toBe('JWT')
    expect((await callApi(server, '/users/me', token)).status).toBe(401)
  })
})

it('tells an ID token by its type, were it like an access token in all else (S-42)', async () => {
  const server = strictServer({ accessTokenFormat: 'RS256' })
  const { access_token: accessToken } = await signIn(server)
  server.fault('id-token-claims', { set: claimsOf(accessToken) })
  const { id_token: idToken } = await signIn(server)
  expect(claimsOf(idToken)).toMatchObject(claimsOf(accessToken))
  expect((await callApi(server, '/users/me', accessToken)).status).toBe(200)
  expect((await callApi(server, '/users/me', idToken)).status).toBe(401)
})

describe('credentials', () => {
  it('asks for a token without an error code when there is none (S-39)', async () => {
    const response = await callApi(strictServer(), '/users/me')
    expect([response.status, challengeOf(response)]).toEqual([401, 'Bearer'])
  })

  it('asks for a token when another scheme came (S-39)', async () => {
    const response = await callApi(strictServer(), '/users/me', undefined, {
      headers: { authorization: 'Basic YTpi' },
    })
    expect([response.status, challengeOf(response)]).toEqual([401, 'Bearer'])
  })

  it('takes the scheme in any case (S-40)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    const headers = { authorization: `bEARER ${token}` }
    expect((await callApi(server, '/users/me', undefined, { headers })).status).toBe(200)
  })

  it('refuses two methods at once (S-40)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    const body = new URLSearchParams({ access_token: token })
    const response = await callApi(server, '/orders', token, { method: 'POST', body })
    expect([response.status, challengeOf(response)]).toEqual([
      400,
      expect.stringContaining('error="invalid_request"'),
    ])
    expect(await response.json()).toMatchObject({ error: 'invalid_request' })
  })

  it('names the scope that is missing (S-40)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server, { scope: 'openid orders:read' })
    const response = await callApi(server, '/orders', token, { method: 'POST', body: '{}' })
    expect(response.status).toBe(403)
    expect(challengeOf(response)).toBe('Bearer error="insufficient_scope", scope="orders:write"')
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope' })
  })

  it('does not look for a token in the query (S-41)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    const response = await callApi(server, `/users/me?access_token=${token}`)
    expect([response.status, challengeOf(response)]).toEqual([401, 'Bearer'])
  })
})

describe('routes', () => {
  async function signedIn(): Promise<{ server: AuthServer; token: string }> {
    const server = strictServer()
    return { server, token: (await signIn(server)).access_token }
  }

  it('shows orders to orders:read', async () => {
    const { server, token } = await signedIn()
    const response = await callApi(server, '/orders', token)
    expect(await response.json()).toEqual({ orders: [{ id: 1, title: 'A difference engine' }] })
  })

  it('sends an order back as it came', async () => {
    const { server, token } = await signedIn()
    const init = {
      method: 'POST',
      body: '{"ü":1}',
      headers: { 'content-type': 'application/json' },
    }
    const response = await callApi(server, '/orders', token, init)
    expect([response.status, await response.text()]).toEqual([201, '{"ü":1}'])
  })

  it('echoes any method', async () => {
    const { server, token } = await signedIn()
    const init = { method: 'PATCH', body: 'half', headers: { 'x-trace': '7' } }
    const response = await callApi(server, '/echo?a=1', token, init)
    expect(await response.json()).toMatchObject({
      method: 'PATCH',
      url: 'https://api.example.com/echo?a=1',
      authorized: true,
      scheme: 'Bearer',
      headers: { 'x-trace': '7' },
      body: 'half',
    })
  })

  it('echoes without a token in the public part only', async () => {
    const { server } = await signedIn()
    expect((await callApi(server, '/echo')).status).toBe(401)
    const response = await callApi(server, '/public')
    expect(await response.json()).toMatchObject({ authorized: false, scheme: null })
  })

  it('has nothing else', async () => {
    const { server, token } = await signedIn()
    expect((await callApi(server, '/elsewhere', token)).status).toBe(404)
  })

  it('lives below a path when told so', async () => {
    const server = strictServer({ apiUrl: 'https://api.example.com/v1/' })
    const { access_token: token } = await signIn(server)
    expect((await callApi(server, '/users/me', token)).status).toBe(200)
    const headers = { authorization: `Bearer ${token}` }
    const outside = await server.fetch('https://api.example.com/users/me', { headers })
    expect(outside.status).toBe(404)
  })

  it('shares an origin with the issuer when told so', async () => {
    const server = strictServer({ apiUrl: 'https://login.example.com/api/' })
    const { access_token: token } = await signIn(server)
    expect((await callApi(server, '/users/me', token)).status).toBe(200)
  })
})

describe('user info', () => {
  it.each(['GET', 'POST'])('answers %s', async (method) => {
    const server = strictServer()
    const { access_token: token } = await signIn(server, { scope: 'openid email' })
    const response = await server.fetch(`${server.issuer}/userinfo`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await response.json()).toEqual({
      sub: 'user-ada',
      email: 'ada@example.com',
      email_verified: true,
    })
  })

  it('takes the token in a form', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    const response = await post(server, '/userinfo', { access_token: token })
    expect(response.status).toBe(200)
  })

  it('says no more than the scope of the token allows (S-27)', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server, {
      scope: 'openid profile offline_access',
    })
    const narrowed = (await (await refresh(server, token, { scope: 'openid' })).json()) as Tokens
    const response = await post(server, '/userinfo', { access_token: narrowed.access_token })
    expect(await response.json()).toEqual({ sub: 'user-ada' })
  })

  it('needs openid (S-40)', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server, { scope: 'orders:read' })
    const headers = { authorization: `Bearer ${token}` }
    const response = await server.fetch(`${server.issuer}/userinfo`, { headers })
    expect(challengeOf(response)).toContain('insufficient_scope')
  })

  it('needs a token (S-39)', async () => {
    const server = strictServer()
    const response = await server.fetch(`${server.issuer}/userinfo`)
    expect([response.status, challengeOf(response)]).toEqual([401, 'Bearer'])
  })

  it('takes a token for another resource', async () => {
    const resource = 'https://files.example.com/'
    const server = strictServer({ resources: [resource] })
    const { access_token: token } = await signIn(server, { resource })
    const headers = { authorization: `Bearer ${token}` }
    expect((await server.fetch(`${server.issuer}/userinfo`, { headers })).status).toBe(200)
  })
})
