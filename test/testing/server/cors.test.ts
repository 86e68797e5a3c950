import { describe, expect, it } from 'vitest'
import type { AuthServer } from '../../../src/testing/index.ts'
import { callApi, strictServer } from '../support.ts'

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
  it.each(registered)('%s is open to registered origins (S-25)', async (path) => {
    const server = strictServer()
    const response = await preflight(server, server.issuer + path)
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
    expect(response.headers.get('access-control-allow-methods')).toBe('POST')
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization,content-type')
  })

  it.each(registered)('%s is closed to other origins (S-25)', async (path) => {
    const server = strictServer()
    const response = await preflight(server, server.issuer + path, 'https://attacker.example')
    expect(response.status).toBe(403)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('a native app opens nothing to pages without an origin (S-25)', async () => {
    const redirectUris = ['com.example.app:/callback']
    const server = strictServer({ clients: [{ clientId: 'app', redirectUris }] })
    expect((await preflight(server, `${server.issuer}/token`, 'null')).status).toBe(403)
  })

  it.each(['/.well-known/openid-configuration', '/jwks'])(
    '%s is open to all (S-25)',
    async (path) => {
      const server = strictServer()
      const origin = 'https://attacker.example'
      const response = await from(server, server.issuer + path, { origin })
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
    },
  )

  it('errors can be read too (S-25)', async () => {
    const server = strictServer()
    const response = await from(server, `${server.issuer}/token`, {
      origin: 'http://localhost:3000',
      method: 'POST',
      body: new URLSearchParams(),
    })
    expect(response.status).toBe(400)
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  })

  it('the API is open to registered origins, and shows its challenges (S-25)', async () => {
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

  it('takes any port of a registered loopback literal (S-25)', async () => {
    const server = strictServer()
    const response = await preflight(server, `${server.issuer}/token`, 'http://127.0.0.1:51004')
    expect(response.status).toBe(204)
  })

  it('takes no loopback literal that is not registered (S-25)', async () => {
    const redirectUris = ['http://localhost:3000/callback']
    const server = strictServer({ clients: [{ clientId: 'c', redirectUris }] })
    const response = await preflight(server, `${server.issuer}/token`, 'http://127.0.0.1:51004')
    expect(response.status).toBe(403)
  })

  it('takes no other port of localhost (S-25)', async () => {
    const server = strictServer()
    const response = await preflight(server, `${server.issuer}/token`, 'http://localhost:51004')
    expect(response.status).toBe(403)
  })

  it('takes the origins a client adds (S-25)', async () => {
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
    '%s is for no script (S-11)',
    async (path) => {
      const server = strictServer()
      const response = await preflight(server, server.issuer + path)
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    },
  )
})
