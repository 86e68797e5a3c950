import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import type { AuthServerOptions, FaultArguments, Seal } from '../../../src/testing/index.ts'
import { claimsOf, discover, headerOf, signIn, strictServer, through } from '../support.ts'

const client = { client_id: 'sandbox-app', userinfo_signed_response_alg: 'ES256' }

async function signedIn(options: AuthServerOptions = {}) {
  const server = strictServer(options)
  const { access_token: token } = await signIn(server)
  const ask = (init = {}) =>
    server.fetch(`${server.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${token}` },
      ...init,
    })
  return { server, token, ask }
}

describe('user info as a JWT (E3)', () => {
  it('is named in the metadata, and JSON is not', async () => {
    const signed = await discover(strictServer({ userInfoAlg: 'ES256' }))
    expect(signed.userinfo_signing_alg_values_supported).toEqual(['ES256'])
    expect(await discover(strictServer())).not.toHaveProperty(
      'userinfo_signing_alg_values_supported',
    )
  })

  it('names issuer and audience, for another client as well', async () => {
    const { server, ask } = await signedIn({ userInfoAlg: 'ES256' })
    const response = await ask()
    expect(response.headers.get('content-type')).toBe('application/jwt')
    expect(claimsOf(await response.text())).toEqual({
      iss: server.issuer,
      aud: 'sandbox-app',
      sub: 'user-ada',
      name: 'Ada Lovelace',
      preferred_username: 'ada',
      email: 'ada@example.com',
      email_verified: true,
    })
    expect(await checked(server, await ask())).toHaveProperty('sub', 'user-ada')
  })

  it('is signed by a published key, also where ID tokens are signed otherwise', async () => {
    const { server, ask } = await signedIn({ userInfoAlg: 'ES256', idTokenAlg: 'RS256' })
    const jwks = await (await server.fetch(`${server.issuer}/jwks`)).json()
    const { alg, kid } = headerOf(await (await ask()).text())
    expect(alg).toBe('ES256')
    expect(jwks).toMatchObject({ keys: expect.arrayContaining([expect.objectContaining({ kid })]) })
  })

  it.each([
    ['iss', 'https://attacker.example'],
    ['aud', 'another-client'],
    ['sub', 'user-mallory'],
  ])('user-info-claims changes its %s: another client refuses it', async (name, value) => {
    const { server, ask } = await signedIn({ userInfoAlg: 'ES256' })
    server.fault('user-info-claims', { set: { [name]: value } })
    await expect(checked(server, await ask())).rejects.toThrow()
  })

  const seals: Exclude<Seal, 'key'>[] = [
    'none',
    'broken',
    'other-key',
    'foreign-key',
    'public-key-as-secret',
    'encrypted',
  ]
  it.each(seals)('user-info-jwt, sealed "%s": another client refuses it', async (seal) => {
    const { server, ask } = await signedIn({ userInfoAlg: 'ES256' })
    server.fault('user-info-jwt', { seal, times: 1 })
    await expect(checked(server, await ask())).rejects.toThrow()
    expect(await checked(server, await ask())).toHaveProperty('sub', 'user-ada')
  })

  it.each([
    ['none', 'none', 3],
    ['public-key-as-secret', 'HS256', 3],
    ['other-key', 'RS256', 3],
    ['broken', 'ES256', 3],
    ['foreign-key', 'ES256', 3],
    ['encrypted', 'RSA-OAEP-256', 5],
  ] as const)('user-info-jwt, sealed "%s", has alg %s and %d parts', async (seal, alg, parts) => {
    const { server, ask } = await signedIn({ userInfoAlg: 'ES256' })
    server.fault('user-info-jwt', { seal })
    const jwt = await (await ask()).text()
    expect([headerOf(jwt)['alg'], jwt.split('.').length]).toEqual([alg, parts])
    expect(jwt.endsWith('.')).toBe(seal === 'none')
  })

  it.each<[string, FaultArguments<'user-info-jwt'>[0], object]>([
    ['without the option', {}, { alg: 'RS256' }],
    ['with members of the header', { header: { typ: 'JWT', kid: 'x' } }, { typ: 'JWT', kid: 'x' }],
  ])('user-info-jwt %s', async (_, options, header) => {
    const { server, ask } = await signedIn()
    server.fault('user-info-jwt', options)
    const response = await ask()
    expect(response.headers.get('content-type')).toBe('application/jwt')
    expect(headerOf(await response.text())).toMatchObject(header)
  })

  it('is not for those who have no token', async () => {
    const { ask } = await signedIn({ userInfoAlg: 'ES256' })
    expect((await ask({ headers: {} })).status).toBe(401)
  })
})

/** What another client makes of the answer, its signature included. */
async function checked(
  server: Awaited<ReturnType<typeof signedIn>>['server'],
  response: Response,
): Promise<oauth.UserInfoResponse> {
  const as = await discover(server)
  const claims = await oauth.processUserInfoResponse(as, client, 'user-ada', response)
  await oauth.validateApplicationLevelSignature(as, response, through(server))
  return claims
}
