import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { createAuthServer } from '../../../src/testing/index.ts'
import {
  claimsOf,
  discover,
  signIn,
  signInWithAnotherClient,
  strictServer,
  through,
} from '../support.ts'

describe('metadata', () => {
  it('publishes what the server can do (S-48)', async () => {
    const server = strictServer()
    expect(await discover(server)).toMatchObject({
      issuer: 'https://login.example.com',
      authorization_endpoint: 'https://login.example.com/authorize',
      token_endpoint: 'https://login.example.com/token',
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      require_pushed_authorization_requests: false,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      id_token_signing_alg_values_supported: ['RS256'],
      subject_types_supported: ['public'],
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      acr_values_supported: ['pwd', 'mfa'],
      claims_parameter_supported: false,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
    })
  })

  it('names every claim there can be, and none besides (S-48)', async () => {
    const server = strictServer()
    const { id_token: idToken } = await signIn(server)
    const { claims_supported: supported } = await discover(server)
    const given = Object.keys(claimsOf(idToken))
    expect([...given, 'azp'].sort()).toEqual([...(supported as string[])].sort())
  })

  it.each([
    ['https://login.example.com', '/.well-known/openid-configuration', 'oidc'],
    ['https://login.example.com', '/.well-known/oauth-authorization-server', 'oauth2'],
    ['https://login.example.com/', '/.well-known/openid-configuration', 'oidc'],
    ['https://login.example.com/t1', '/t1/.well-known/openid-configuration', 'oidc'],
    ['https://login.example.com/t1', '/.well-known/oauth-authorization-server/t1', 'oauth2'],
  ] as const)('of %s is at %s (S-48)', async (issuer, path, algorithm) => {
    const server = strictServer({ issuer })
    const url = new URL(issuer)
    const response = await oauth.discoveryRequest(url, { algorithm, ...through(server) })
    const as = await oauth.processDiscoveryResponse(url, response)
    expect(as.issuer).toBe(issuer)
    expect(new URL(server.requests[0]!.url).pathname).toBe(path)
  })

  it('an issuer with a path signs in below it (S-48)', async () => {
    const server = strictServer({ issuer: 'https://login.example.com/t1' })
    const { claims } = await signInWithAnotherClient(server)
    expect(claims.iss).toBe('https://login.example.com/t1')
    expect(server.requestsTo('/token')[0]!.url).toBe('https://login.example.com/t1/token')
  })

  it('an issuer with a path has nothing outside it (S-48)', async () => {
    const server = strictServer({ issuer: 'https://login.example.com/t1' })
    const urls = ['/token', '/jwks', '/.well-known/openid-configuration', '/t10/jwks']
    const answers = await Promise.all(
      urls.map((path) => server.fetch(`https://login.example.com${path}`)),
    )
    expect(answers.map((answer) => answer.status)).toEqual([404, 404, 404, 404])
  })

  it.each(['http://login.example.com', 'ftp://localhost', 'not a URL', 'https://a.example/?b'])(
    'refuses the issuer %s (S-48)',
    (issuer) => {
      expect(() => createAuthServer({ issuer })).toThrow(issuer)
    },
  )

  it('refuses an API on http (S-48)', () => {
    const apiUrl = 'http://api.example.com/'
    expect(() => createAuthServer({ apiUrl })).toThrow('must use https')
  })

  it('names the password grant only when it is on', async () => {
    const legacy = await discover(strictServer({ legacyPasswordGrant: true }))
    const strict = await discover(strictServer())
    expect(legacy.grant_types_supported).toContain('password')
    expect(strict.grant_types_supported).not.toContain('password')
  })
})

interface Jwk {
  kid: string
  alg: string
}

async function keysOf(server: ReturnType<typeof strictServer>): Promise<Jwk[]> {
  const response = await server.fetch(`${server.issuer}/jwks`)
  return ((await response.json()) as { keys: Jwk[] }).keys
}

describe('keys', () => {
  it.each(['RS256', 'PS256', 'ES256'] as const)('are public ones only: %s (S-48)', async (alg) => {
    const [key, ...others] = await keysOf(strictServer({ idTokenAlg: alg }))
    const named = alg === 'ES256' ? ['crv', 'kty', 'x', 'y'] : ['e', 'kty', 'n']
    expect(Object.keys(key!).sort()).toEqual([...named, 'alg', 'kid', 'use'].sort())
    expect(others).toEqual([])
  })

  it('serve ID tokens and JWT access tokens of different algorithms', async () => {
    const server = strictServer({ idTokenAlg: 'ES256', accessTokenFormat: 'RS256' })
    await signIn(server)
    expect((await keysOf(server)).map((key) => key.alg)).toEqual(['ES256', 'RS256'])
  })

  it('are never the secret of HS256', async () => {
    const keys = await keysOf(strictServer({ accessTokenFormat: 'HS256' }))
    expect(keys.map((key) => key.alg)).toEqual(['RS256'])
  })

  it('rotate, and the retired ones stay for a while (oidcc-server-rotate-keys)', async () => {
    const server = strictServer()
    const before = await keysOf(server)
    server.rotateKeys()
    const after = await keysOf(server)
    expect(after).toHaveLength(2)
    expect(after).toContainEqual(before[0])
    expect(await signInWithAnotherClient(server)).toBeDefined()
  })

  it('rotate, and the retired ones are gone when told so', async () => {
    const server = strictServer()
    const before = await keysOf(server)
    server.rotateKeys({ publishRetired: false })
    const after = await keysOf(server)
    expect(after).toHaveLength(1)
    expect(after[0]!.kid).not.toBe(before[0]!.kid)
  })

  it('have ids of their own on each server', async () => {
    const [one] = await keysOf(strictServer())
    const [other] = await keysOf(strictServer())
    expect(one!.kid).not.toBe(other!.kid)
  })
})
