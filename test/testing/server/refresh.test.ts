import { describe, expect, it } from 'vitest'
import {
  callApi,
  claimsOf,
  errorOf,
  production,
  refresh,
  signIn,
  strictServer,
} from '../support.ts'
import type { Tokens } from '../support.ts'

const week = 7 * 24 * 60 * 60

async function refreshed(...how: Parameters<typeof refresh>): Promise<Tokens> {
  return (await (await refresh(...how)).json()) as Tokens
}

describe('rotation', () => {
  it('gives a new refresh token each time (S-26)', async () => {
    const server = strictServer()
    const first = await signIn(server)
    const second = await refreshed(server, first.refresh_token)
    const third = await refreshed(server, second.refresh_token)
    const values = [first, second, third].map((tokens) => tokens.refresh_token)
    expect(new Set(values).size).toBe(3)
  })

  it('leaves the access tokens of before alone (S-26)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    await refresh(server, tokens.refresh_token)
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(200)
  })

  it('refuses a spent refresh token (S-26)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    await refresh(server, tokens.refresh_token)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('ends the family on reuse: the newest refresh token dies too (S-26)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const newest = await refreshed(server, tokens.refresh_token)
    await refresh(server, tokens.refresh_token)
    expect(await errorOf(refresh(server, newest.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('ends the family on reuse: access tokens too (S-26)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const newest = await refreshed(server, tokens.refresh_token)
    await refresh(server, tokens.refresh_token)
    expect((await callApi(server, '/users/me', newest.access_token)).status).toBe(401)
  })

  it('keeps a list of what was revoked (S-26)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    await refresh(server, tokens.refresh_token)
    await refresh(server, tokens.refresh_token)
    const at = server.clock.now()
    expect(server.revoked).toEqual([
      { clientId: 'sandbox-app', username: 'ada', reason: 'refresh-token-reused', at },
    ])
  })

  it('leaves other sign-ins of the same person alone (S-26)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const other = await signIn(server)
    await refresh(server, tokens.refresh_token)
    await refresh(server, tokens.refresh_token)
    expect((await refresh(server, other.refresh_token)).status).toBe(200)
  })

  it('lets one of two parallel refreshes through (S-26)', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    const answers = await Promise.all([refresh(server, token), refresh(server, token)])
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400])
  })

  it('takes a spent refresh token within the grace window (S-30)', async () => {
    const server = strictServer({ reuseGraceSeconds: 10 })
    const tokens = await signIn(server)
    await refresh(server, tokens.refresh_token)
    server.clock.pass(9)
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
    expect(server.revoked).toEqual([])
  })

  it('ends the family after the grace window, which reuse does not extend (S-30)', async () => {
    const server = strictServer({ reuseGraceSeconds: 10 })
    const tokens = await signIn(server)
    await refresh(server, tokens.refresh_token)
    server.clock.pass(9)
    await refresh(server, tokens.refresh_token)
    server.clock.pass(1)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
    expect(server.revoked).toHaveLength(1)
  })

  it('takes a refresh token until the one that came for it is used (S-29)', async () => {
    const server = strictServer({ rotation: 'until-used' })
    const first = await signIn(server)
    const lost = await refreshed(server, first.refresh_token)
    const second = await refreshed(server, first.refresh_token)
    const third = await refreshed(server, second.refresh_token)
    expect(new Set([first, lost, second, third].map((one) => one.refresh_token)).size).toBe(4)
    expect(server.revoked).toEqual([])
    expect(await errorOf(refresh(server, first.refresh_token))).toEqual([400, 'invalid_grant'])
    expect(server.revoked).toMatchObject([{ reason: 'refresh-token-reused' }])
    expect(await errorOf(refresh(server, third.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('takes it also when another sign-in has gone on (S-29)', async () => {
    const server = strictServer({ rotation: 'until-used' })
    const mine = await signIn(server)
    const other = await signIn(server)
    await refreshed(server, (await refreshed(server, other.refresh_token)).refresh_token)
    expect((await refresh(server, mine.refresh_token)).status).toBe(200)
    expect(server.revoked).toEqual([])
  })

  it('sends no refresh token along, and takes the same again, when rotation is off (S-29)', async () => {
    const server = strictServer({ rotation: false })
    const tokens = await signIn(server)
    expect(await refreshed(server, tokens.refresh_token)).not.toHaveProperty('refresh_token')
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })
})

describe('what a refresh token is bound to', () => {
  it('one client (S-27)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const stolen = refresh(server, tokens.refresh_token, { client_id: production.clientId })
    expect(await errorOf(stolen)).toEqual([400, 'invalid_grant'])
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it.each([undefined, ''])('is not %s (S-27)', async (token) => {
    const response = refresh(strictServer(), '', { refresh_token: token })
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it('the scope it was given, or less (S-27)', async () => {
    const server = strictServer()
    const tokens = await signIn(server, { scope: 'openid offline_access orders:read' })
    const less = await refreshed(server, tokens.refresh_token, { scope: 'orders:read' })
    expect(less.scope).toBe('orders:read')
    expect(less).not.toHaveProperty('id_token')
  })

  it('and no more, without being spent by the attempt (S-27)', async () => {
    const server = strictServer()
    const tokens = await signIn(server, { scope: 'openid offline_access' })
    const more = refresh(server, tokens.refresh_token, { scope: 'openid email' })
    expect(await errorOf(more)).toEqual([400, 'invalid_scope'])
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it('a scope that names something (S-27)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const none = refresh(server, tokens.refresh_token, { scope: ' ' })
    expect(await errorOf(none)).toEqual([400, 'invalid_scope'])
  })

  it('the resource it was given, without being spent by another (S-27)', async () => {
    const resource = 'https://files.example.com/'
    const server = strictServer({ resources: [resource] })
    const tokens = await signIn(server, { resource: server.api.url })
    const other = refresh(server, tokens.refresh_token, { resource })
    expect(await errorOf(other)).toEqual([400, 'invalid_target'])
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it('the resource it was given, also when it is not named again (S-27)', async () => {
    const resource = 'https://files.example.com/'
    const server = strictServer({ resources: [resource], accessTokenFormat: 'HS256' })
    const tokens = await signIn(server, { resource })
    const renewed = await refreshed(server, tokens.refresh_token)
    expect(claimsOf(renewed.access_token)['aud']).toBe(resource)
  })

  it('hands its whole scope on, even when less was asked for (S-27)', async () => {
    const server = strictServer()
    const tokens = await signIn(server, { scope: 'openid offline_access orders:read' })
    const less = await refreshed(server, tokens.refresh_token, { scope: 'openid' })
    const again = await refreshed(server, less.refresh_token)
    expect(again.scope).toBe('openid offline_access orders:read')
  })
})

describe('how long a refresh token lives', () => {
  it('seven days (S-28)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    server.clock.pass(week - 1)
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it('not longer (S-28)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    server.clock.pass(week)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('not longer by rotation (S-28)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    server.clock.pass(week - 1)
    const newer = await refreshed(server, tokens.refresh_token)
    server.clock.pass(1)
    expect(await errorOf(refresh(server, newer.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('as long as it is told to (S-28)', async () => {
    const server = strictServer({ refreshTokenLifetime: 60 })
    const tokens = await signIn(server)
    server.clock.pass(60)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })
})

describe('the refreshed ID token', () => {
  it('keeps iss, sub, aud and auth_time, and has a new iat (S-31)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const before = claimsOf(tokens.id_token)
    server.clock.pass(120)
    const after = claimsOf((await refreshed(server, tokens.refresh_token)).id_token)
    const { iss, sub, aud, auth_time } = before
    expect(after).toMatchObject({ iss, sub, aud, auth_time, iat: (before['iat'] as number) + 120 })
  })

  it('has no nonce (S-31)', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const { id_token: idToken } = await refreshed(server, tokens.refresh_token)
    expect(claimsOf(idToken)).not.toHaveProperty('nonce')
  })
})

describe('test controls', () => {
  it('expires the access tokens and leaves the refresh tokens', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    server.expireAccessTokens()
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
    const { access_token: next } = await refreshed(server, tokens.refresh_token)
    expect((await callApi(server, '/users/me', next)).status).toBe(200)
  })

  it('revokes the sessions of one user', async () => {
    const server = strictServer()
    const ada = await signIn(server)
    const grace = await signIn(server, {}, { username: 'grace' })
    server.revokeSessions('ada')
    expect(await errorOf(refresh(server, ada.refresh_token))).toEqual([400, 'invalid_grant'])
    expect((await callApi(server, '/users/me', ada.access_token)).status).toBe(401)
    expect((await refresh(server, grace.refresh_token)).status).toBe(200)
  })

  it('revokes the sessions of everybody', async () => {
    const server = strictServer()
    const tokens = await signIn(server, {}, { username: 'grace' })
    server.revokeSessions()
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('knows who it can revoke', () => {
    expect(() => strictServer().revokeSessions('mallory')).toThrow('There is no user mallory.')
  })
})
