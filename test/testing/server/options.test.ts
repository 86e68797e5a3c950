import { describe, expect, it } from 'vitest'
import { createAuthServer } from '../../../src/testing/index.ts'
import type { ClientRegistration } from '../../../src/testing/index.ts'

const register = (client: Partial<ClientRegistration>) => () =>
  createAuthServer({
    clients: [{ clientId: 'c', redirectUris: ['https://app.example.com/callback'], ...client }],
  })

describe('client registration', () => {
  it('has a sandbox client and a production client from the start', () => {
    const { clients } = createAuthServer()
    expect(clients).toMatchObject([
      { clientId: 'sandbox-app', environment: 'sandbox', kind: 'external' },
      { clientId: 'production-app', environment: 'production', kind: 'internal' },
    ])
  })

  it('has two users from the start', () => {
    const names = createAuthServer().users.map((user) => [user.username, user.sub])
    expect(names).toEqual([
      ['ada', 'user-ada'],
      ['grace', 'user-grace'],
    ])
  })

  it('tells the environment by the redirect URIs', () => {
    const redirectUris = ['http://localhost:4000/callback']
    expect(register({ redirectUris })().clients[0]!.environment).toBe('sandbox')
    expect(register({})().clients[0]!.environment).toBe('production')
  })

  it.each([
    ['a sandbox client with a public redirect URI', { environment: 'sandbox' }, 'loopback'],
    [
      'a production client on http',
      { redirectUris: ['http://localhost:3000/callback'], environment: 'production' },
      'https',
    ],
    ['http in public', { redirectUris: ['http://app.example.com/callback'] }, 'https'],
    ['a mixture', { redirectUris: ['https://app.example.com/', 'http://localhost/'] }, 'https'],
    ['a fragment', { redirectUris: ['https://app.example.com/#x'] }, 'fragment'],
    ['a wildcard', { redirectUris: ['https://*.example.com/'] }, 'wildcard'],
    ['a relative URI', { redirectUris: ['/callback'] }, 'absolute'],
    ['no redirect URI', { redirectUris: [] }, 'no redirect URI'],
    ['a bad place to return to', { postLogoutRedirectUris: ['http://x.example/'] }, 'https'],
  ] as [string, Partial<ClientRegistration>, string][])('refuses %s', (_, client, reason) => {
    expect(register(client)).toThrow(reason)
  })
})
