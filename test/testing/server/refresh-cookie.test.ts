import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import { callApi, exchange, obtainCode, signIn, strictServer, verifier } from '../support.ts'
import type { Tokens } from '../support.ts'

const redirectUri = 'https://app.example.com/callback'
const options = {
  clients: [
    {
      clientId: 'cookie-app',
      redirectUris: [redirectUri],
      refreshTokenIn: 'cookie',
      kind: 'internal',
    },
    { clientId: 'other-app', redirectUris: ['https://other.example.com/callback'] },
  ],
} as const

const scripted = {
  origin: 'https://app.example.com',
  'content-type': 'application/json',
}

async function signedIn() {
  const server = strictServer(options)
  const jar = createCookieJar()
  const browse = server.withCookies(jar)
  const app = { client_id: 'cookie-app', redirect_uri: redirectUri }
  const response = await browse(`${server.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...app,
      grant_type: 'authorization_code',
      code: await obtainCode(server, app),
      code_verifier: verifier,
    }),
  })
  const refresh = (headers: Record<string, string> = scripted) =>
    browse(`${server.issuer}/refresh_token`, { method: 'POST', headers, body: '{}' })
  const signOut = (headers: Record<string, string> = scripted) =>
    browse(`${server.issuer}/refresh_token/sign_out`, { method: 'POST', headers, body: '{}' })
  return { server, jar, response, refresh, signOut }
}

describe('a refresh token in a cookie', () => {
  it('is set with the tokens and is not among them', async () => {
    const { response } = await signedIn()
    expect(response.headers.get('set-cookie')).toMatch(
      /^refresh-token=[\w-]{43}; Path=\/refresh_token; HttpOnly; SameSite=Strict; Secure; Max-Age=604800$/,
    )
    expect(await response.json()).not.toHaveProperty('refresh_token')
  })

  it('gives a new access token', async () => {
    const { server, refresh } = await signedIn()
    const response = await refresh()
    const body = (await response.json()) as { data: { access_token: string } }
    expect(body).toEqual({
      status: 'success',
      code: 200,
      data: { access_token: expect.any(String) },
    })
    expect((await callApi(server, '/users/me', body.data.access_token)).status).toBe(200)
  })

  it('rotates', async () => {
    const { server, jar, refresh } = await signedIn()
    const url = new URL(`${server.issuer}/refresh_token`)
    const before = jar.header(url)
    await refresh()
    expect(jar.header(url)).not.toBe(before)
    expect((await refresh()).status).toBe(200)
  })

  it('ends the family when an old one comes back', async () => {
    const { server, jar, refresh } = await signedIn()
    const old = jar.header(new URL(`${server.issuer}/refresh_token`))!
    await refresh()
    const replay = await server.fetch(`${server.issuer}/refresh_token`, {
      method: 'POST',
      headers: { ...scripted, cookie: old },
    })
    expect(replay.status).toBe(401)
    expect((await refresh()).status).toBe(401)
  })

  it('is missed', async () => {
    const server = strictServer(options)
    const response = await server.fetch(`${server.issuer}/refresh_token`, { method: 'POST' })
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      status: 'error',
      code: 401,
      message: 'Refresh token missing.',
    })
  })

  it('is refused when it is made up', async () => {
    const server = strictServer(options)
    const response = await server.fetch(`${server.issuer}/refresh_token`, {
      method: 'POST',
      headers: { ...scripted, cookie: 'refresh-token=made-up' },
    })
    expect(await response.json()).toEqual({
      status: 'error',
      code: 401,
      message: 'Invalid refresh token.',
    })
  })

  it.each([
    ['without an origin', { 'content-type': 'application/json' }],
    ['from an unknown origin', { ...scripted, origin: 'https://attacker.example' }],
    ["from another client's origin", { ...scripted, origin: 'https://other.example.com' }],
    ['as a form could send it', { ...scripted, 'content-type': 'text/plain' }],
  ])('is not taken %s, nor spent', async (_, headers: Record<string, string>) => {
    const { refresh } = await signedIn()
    expect((await refresh(headers)).status).toBe(403)
    expect((await refresh()).status).toBe(200)
  })

  it('is taken with a custom header instead of JSON', async () => {
    const { refresh } = await signedIn()
    const headers = { origin: 'https://app.example.com', 'x-requested-with': 'fetch' }
    expect((await refresh(headers)).status).toBe(200)
  })

  it('may come in the Authorization header, and then its successor comes in the answer', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const response = await server.fetch(`${server.issuer}/refresh_token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.refresh_token}` },
    })
    expect(response.headers.has('set-cookie')).toBe(false)
    expect(await response.json()).toEqual({
      status: 'success',
      code: 200,
      data: { access_token: expect.any(String), refresh_token: expect.any(String) },
    })
  })

  it('of a client with a secret is not taken here, where nobody asks for the secret', async () => {
    const clientSecret = 'hush'
    const app = { client_id: 'back-end', redirect_uri: redirectUri }
    const server = strictServer({
      clients: [{ clientId: 'back-end', clientSecret, redirectUris: [redirectUri] }],
    })
    const code = await obtainCode(server, app)
    const tokens = (await (
      await exchange(server, code, { ...app, client_secret: clientSecret })
    ).json()) as Tokens
    const response = await server.fetch(`${server.issuer}/refresh_token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.refresh_token}` },
    })
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { message: 'Invalid refresh token.' },
    ])
  })

  it('is not asked for by GET', async () => {
    const server = strictServer()
    expect((await server.fetch(`${server.issuer}/refresh_token`)).status).toBe(405)
  })
})

describe('signing out with the cookie', () => {
  it('ends the session and takes the cookie away', async () => {
    const { server, jar, response, refresh, signOut } = await signedIn()
    const { access_token: token } = (await response.json()) as Tokens
    const cookieUrl = new URL(`${server.issuer}/refresh_token`)
    const kept = jar.header(cookieUrl)!
    const answer = await signOut()
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'success', code: 200 }])
    expect(answer.headers.get('set-cookie')).toBe(
      'refresh-token=; Path=/refresh_token; HttpOnly; SameSite=Strict; Secure; Max-Age=0',
    )
    expect(jar.header(cookieUrl)).toBeUndefined()
    expect((await refresh()).status).toBe(401)
    expect((await callApi(server, '/users/me', token)).status).toBe(401)
    const replay = await server.fetch(cookieUrl, {
      method: 'POST',
      headers: { ...scripted, cookie: kept },
    })
    expect(replay.status).toBe(401)
    expect(server.revoked).toMatchObject([{ clientId: 'cookie-app', reason: 'signed-out' }])
  })

  it('succeeds when there is nothing to end', async () => {
    const { server, signOut } = await signedIn()
    server.revokeSessions()
    expect((await signOut()).status).toBe(200)
    expect((await signOut()).status).toBe(200)
    const headers = { ...scripted, cookie: 'refresh-token=made-up' }
    const made = server.fetch(`${server.issuer}/refresh_token/sign_out`, {
      method: 'POST',
      headers,
    })
    expect((await made).status).toBe(200)
  })

  it.each([
    ['from another origin', { ...scripted, origin: 'https://attacker.example' }],
    ['as a form could send it', { ...scripted, 'content-type': 'text/plain' }],
  ])('is not done %s', async (_, headers: Record<string, string>) => {
    const { refresh, signOut } = await signedIn()
    const answer = await signOut(headers)
    expect([answer.status, answer.headers.has('set-cookie')]).toEqual([403, false])
    expect((await refresh()).status).toBe(200)
  })

  it('may be done with the token in the Authorization header', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    const headers = { authorization: `Bearer ${tokens.refresh_token}` }
    await server.fetch(`${server.issuer}/refresh_token/sign_out`, { method: 'POST', headers })
    expect(server.revoked).toMatchObject([{ reason: 'signed-out' }])
  })

  it('is not done by GET', async () => {
    const server = strictServer()
    expect((await server.fetch(`${server.issuer}/refresh_token/sign_out`)).status).toBe(405)
  })
})
