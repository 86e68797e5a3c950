import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { production, signInWithAnotherClient, strictServer, through } from './support.ts'

describe('another OAuth client', () => {
  it('signs in, ID token signature included', async () => {
    const server = strictServer()
    const { claims } = await signInWithAnotherClient(server)
    expect(claims).toMatchObject({
      iss: server.issuer,
      sub: 'user-ada',
      aud: 'sandbox-app',
      name: 'Ada Lovelace',
      email: 'ada@example.com',
    })
  })

  it('signs in to an internal app, which asks for no consent', async () => {
    const server = strictServer()
    const { tokens } = await signInWithAnotherClient(server, production)
    expect(tokens.refresh_token).toBeTypeOf('string')
    expect(server.requestsTo('/consent')).toHaveLength(0)
  })

  it.each(['RS256', 'PS256', 'ES256'] as const)(
    'verifies ID tokens signed with %s',
    async (alg) => {
      const { claims } = await signInWithAnotherClient(strictServer({ idTokenAlg: alg }))
      expect(claims.sub).toBe('user-ada')
    },
  )

  it('refreshes, and the refreshed ID token passes (oidcc-refresh-token)', async () => {
    const server = strictServer()
    const { as, client, tokens } = await signInWithAnotherClient(server)
    const response = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.None(),
      tokens.refresh_token!,
      through(server),
    )
    const refreshed = await oauth.processRefreshTokenResponse(as, client, response)
    expect(refreshed.access_token).not.toBe(tokens.access_token)
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
  })

  it('reads the user info', async () => {
    const server = strictServer()
    const { as, client, tokens } = await signInWithAnotherClient(server)
    const response = await oauth.userInfoRequest(as, client, tokens.access_token, through(server))
    const info = await oauth.processUserInfoResponse(as, client, 'user-ada', response)
    expect(info).toMatchObject({ sub: 'user-ada', name: 'Ada Lovelace' })
  })

  it('revokes', async () => {
    const server = strictServer()
    const { as, client, tokens } = await signInWithAnotherClient(server)
    const response = await oauth.revocationRequest(
      as,
      client,
      oauth.None(),
      tokens.refresh_token!,
      through(server),
    )
    await expect(oauth.processRevocationResponse(response)).resolves.toBeUndefined()
    expect(server.revoked).toHaveLength(1)
  })

  it('calls the protected API', async () => {
    const server = strictServer()
    const { tokens } = await signInWithAnotherClient(server)
    const response = await oauth.protectedResourceRequest(
      tokens.access_token,
      'GET',
      new URL('users/me', server.api.url),
      new Headers(),
      null,
      through(server),
    )
    expect(await response.json()).toMatchObject({ sub: 'user-ada' })
  })
})
