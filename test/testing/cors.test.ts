import { describe, expect, it } from 'vitest'
import type { AuthServer } from '../../src/testing/index.ts'
import { callApi, strictServer } from './support.ts'

function from(server: AuthServer, url: string, init: RequestInit & { origin: string }) {
  const { origin, ...rest } = init
  return server.fetch(url, { ...rest, headers: { ...(rest.headers as object), origin } })
}

function preflight(server: AuthServer, url: string, origin = 'http://localhost:3000') {
  return from(server, url, {
    origin,
    method: 'OPTIONS',
    headers: {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
}

const registered = ['/token', '/revoke', '/userinfo', '/refresh_token']

describe('CORS', () => {
  it.each(registered)('S-25 %s is open to registered origins', async (path) => {
    const server = strictServer()
    const response = await preflight(server, server.issuer + path)
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
    expect(response.headers.get('access-control-allow-methods')).toBe('POST')
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization,content-type')
  })

  it.each(registered)('S-25 %s is closed to other origins', async (path) => {
    const server = strictServer()
    const response = await preflight(server, server.issuer + path, 'https://attacker.example')
    expect(response.status).toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it.each(['/.well-known/openid-configuration', '/jwks'])(
    'S-25 %s is open to all',
    async (path) => {
      const server = strictServer()
      const origin = 'https://attacker.example'
      const response = await from(server, server.issuer + path, { origin })
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
    },
  )

  it('S-25 errors can be read too', async () => {
    const server = strictServer()
    const response = await from(server, `${server.issuer}/token`, {
      origin: 'http://localhost:3000',
      method: 'POST',
      body: new URLSearchParams(),
    })
    expect(response.status).toBe(400)
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  })

  it('S-25 the API is open to registered origins, and shows its challenges', async () => {
    const server = strictServer()
    const response = await callApi(server, '/users/me', undefined, {
      headers: { origin: 'https://app.example.com' },
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    const exposed = response.headers.get('access-control-expose-headers')?.split(', ')
    expect(exposed).toEqual(
      expect.arrayContaining(['WWW-Authenticate', 'DPoP-Nonce', 'Retry-After']),
    )
  })

  it('S-25 takes any port of a registered loopback literal', async () => {
    const server = strictServer()
    const response = await preflight(server, `${server.issuer}/token`, 'http://127.0.0.1:51004')
    expect(response.status).toBe(204)
  })

  it('S-25 takes no loopback literal that is not registered', async () => {
    const redirectUris = ['http://localhost:3000/callback']
    const server = strictServer({ clients: [{ clientId: 'c', redirectUris }] })
    const response = await preflight(server, `${server.issuer}/token`, 'http://127.0.0.1:51004')
    expect(response.status).toBe(403)
  })

  it('S-25 takes no other port of localhost', async () => {
    const server = strictServer()
    const response = await preflight(server, `${server.issuer}/token`, 'http://localhost:51004')
    expect(response.status).toBe(403)
  })

  it('S-25 takes the origins a client adds', async () => {
    const server = strictServer({
      clients: [
        {
          clientId: 'c',
          redirectUris: ['https://app.example.com/callback'],
          allowedOrigins: ['https://other.example.com'],
        },
      ],
    })
    const response = await preflight(server, `${server.issuer}/token`, 'https://other.example.com')
    expect(response.status).toBe(204)
  })

  it.each(['/authorize', '/login', '/consent', '/end_session', '/end_session/confirm'])(
    'S-11 %s is for no script',
    async (path) => {
      const server = strictServer()
      const response = await preflight(server, server.issuer + path)
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    },
  )
})
