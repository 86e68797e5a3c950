import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../src/testing/index.ts'
import type { AuthServer } from '../../src/testing/index.ts'
import {
  authorizationUrl,
  callApi,
  errorOf,
  open,
  production,
  refresh,
  signIn,
  strictServer,
} from './support.ts'
import type { Tokens } from './support.ts'

const target = 'http://localhost:3000/'

async function signedIn(): Promise<{
  server: AuthServer & { clock: { pass(seconds: number): void } }
  tokens: Tokens
  browse: typeof fetch
}> {
  const server = strictServer()
  const jar = createCookieJar()
  const tokens = await signIn(server, {}, { jar })
  return { server, tokens, browse: server.withCookies(jar) }
}

function endSessionUrl(server: AuthServer, parameters: Record<string, string>): string {
  return `${server.issuer}/end_session?${new URLSearchParams(parameters).toString()}`
}

describe('signing out at the server', () => {
  it('S-47 returns to the app with the state (oidcc-rp-initiated-logout)', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
      state: 'a state',
    })
    const response = await open(server, url)
    expect(response.headers.get('location')).toBe('http://localhost:3000/?state=a+state')
  })

  it('S-47 works by POST', async () => {
    const { server, tokens } = await signedIn()
    const response = await server.fetch(`${server.issuer}/end_session`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: target,
      }),
    })
    expect([response.status, response.headers.get('location')]).toEqual([303, target])
  })

  it('S-47 ends the browser session', async () => {
    const { server, tokens, browse } = await signedIn()
    await browse(endSessionUrl(server, { id_token_hint: tokens.id_token }))
    const page = await browse(authorizationUrl(server))
    expect(await page.text()).toContain('<h1>Sign in</h1>')
  })

  it('S-47 ends it for a cookie that somebody kept as well, and takes the cookie away', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const tokens = await signIn(server, {}, { jar })
    const cookie = jar.header(new URL(server.issuer))!
    const again = () =>
      server.fetch(authorizationUrl(server), { headers: { cookie }, redirect: 'manual' })
    expect((await again()).status).toBe(303)
    await server.withCookies(jar)(endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect((await again()).status).toBe(200)
    expect(jar.header(new URL(server.issuer))).not.toContain('auth-session')
  })

  it('S-47 ends the session of the hint, whoever signed in before', async () => {
    const server = strictServer()
    const other = await signIn(server, {}, { jar: createCookieJar() })
    const tokens = await signIn(server, {}, { jar: createCookieJar() })
    await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect((await refresh(server, other.refresh_token)).status).toBe(200)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('S-47 asks before it signs somebody out whom the hint does not name', async () => {
    const { server, tokens } = await signedIn()
    const jar = createCookieJar()
    const hers = await signIn(server, {}, { jar, username: 'grace' })
    const browse = server.withCookies(jar)
    const page = await (
      await browse(endSessionUrl(server, { id_token_hint: tokens.id_token }))
    ).text()
    expect(page).toContain('signed in as <strong>Grace Hopper</strong>')
    expect(jar.header(new URL(server.issuer))).toContain('auth-session')
    await confirm(server, { browse, page })
    expect(jar.header(new URL(server.issuer))).not.toContain('auth-session')
    expect(await errorOf(refresh(server, hers.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('S-47 ends the session of the browser too when the hint is from an earlier one', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const earlier = await signIn(server, {}, { jar })
    const later = await signIn(server, { prompt: 'login' }, { jar })
    const url = endSessionUrl(server, { id_token_hint: earlier.id_token })
    await server.withCookies(jar)(url)
    for (const { refresh_token: token } of [earlier, later])
      expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
  })

  it('S-47 takes a hint whose audience is an array', async () => {
    const server = strictServer()
    server.fault('id-token-aud-array')
    const { id_token: hint } = await signIn(server)
    for (const client of [{}, { client_id: 'sandbox-app' }]) {
      const url = { ...client, id_token_hint: hint, post_logout_redirect_uri: target }
      const response = await open(server, endSessionUrl(server, url))
      expect(response.headers.get('location')).toBe(target)
    }
  })

  it('S-47 takes a client_id beside the hint that was issued to it', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      client_id: 'sandbox-app',
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('S-47 does nothing when a parameter came twice', async () => {
    const { server, tokens } = await signedIn()
    const hint = encodeURIComponent(tokens.id_token)
    const url = endSessionUrl(server, { id_token_hint: tokens.id_token })
    expect((await open(server, `${url}&id_token_hint=${hint}`)).status).toBe(400)
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it('S-47 ends the refresh tokens and access tokens of the session', async () => {
    const { server, tokens } = await signedIn()
    await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
    expect(server.revoked).toMatchObject([{ reason: 'signed-out' }])
  })

  it('S-47 leaves the session of another browser alone', async () => {
    const { server, tokens } = await signedIn()
    const other = await signIn(server, {}, { jar: createCookieJar() })
    await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect((await refresh(server, other.refresh_token)).status).toBe(200)
  })

  it('S-47 takes an expired hint', async () => {
    const { server, tokens } = await signedIn()
    server.clock.pass(24 * 60 * 60)
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('S-47 takes a hint signed with a retired key', async () => {
    const { server, tokens } = await signedIn()
    server.rotateKeys({ publishRetired: false })
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('S-47 asks first when there is no hint, then returns to the app of the client_id', async () => {
    const { server, browse, tokens } = await signedIn()
    const asked = await browse(
      endSessionUrl(server, { client_id: 'sandbox-app', post_logout_redirect_uri: target }),
    )
    const page = await asked.text()
    expect(page).toContain('<h1>Sign out?</h1>')
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
    const response = await confirm(server, { browse, page })
    expect(response.headers.get('location')).toBe(target)
  })

  it('S-47 does not take the confirmation of another browser', async () => {
    const { server, browse } = await signedIn()
    const page = await (await browse(endSessionUrl(server, {}))).text()
    const stranger = server.withCookies(createCookieJar())
    expect((await confirm(server, { browse: stranger, page })).status).toBe(400)
  })

  it.each([
    ['without parameters (oidcc-rp-initiated-logout-no-params)', {}],
    ['with a state only (oidcc-rp-initiated-logout-only-state)', { state: 'a state' }],
  ])('S-47 %s: asks and stays', async (_, parameters: Record<string, string>) => {
    const { server, browse } = await signedIn()
    const page = await (await browse(endSessionUrl(server, parameters))).text()
    const response = await confirm(server, { browse, page })
    expect(response.headers.get('location')).toBeNull()
    expect(await response.text()).toContain('<h1>Signed out</h1>')
  })

  it('S-47 without state: returns without one (oidcc-rp-initiated-logout-no-state)', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('S-47 without a redirect URI: stays (oidcc-rp-initiated-logout-no-post-logout-redirect-uri)', async () => {
    const { server, tokens } = await signedIn()
    const response = await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect(response.headers.get('location')).toBeNull()
  })

  it.each([
    [
      'an unregistered one (oidcc-rp-initiated-logout-bad-post-logout-redirect-uri)',
      'https://attacker.example/',
    ],
    [
      'one with a query (oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri)',
      `${target}?x=1`,
    ],
    ["another client's", 'https://app.example.com/'],
  ])('S-47 does not redirect to %s', async (_, uri) => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: uri,
    })
    const response = await open(server, url)
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
    expect(await response.text()).toContain('registered are http://localhost:3000/, ')
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it.each([
    ['bad (oidcc-rp-initiated-logout-bad-id-token-hint)', () => 'not.a.token'],
    ['modified (oidcc-rp-initiated-logout-modified-id-token-hint)', modified],
  ])('S-47 does not redirect when the hint is %s', async (_, hint) => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: hint(tokens.id_token),
      post_logout_redirect_uri: target,
    })
    const response = await open(server, url)
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
  })

  it('S-47 does not redirect when the hint is of another issuer, though signed by the same key', async () => {
    const server = strictServer()
    server.fault('id-token-iss-wrong', { iss: 'https://login.example.com/another' })
    const tokens = await signIn(server)
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    const response = await open(server, url)
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it('S-47 does not let a client_id make up for a bad hint', async () => {
    const server = strictServer()
    const url = endSessionUrl(server, {
      id_token_hint: 'not.a.token',
      client_id: 'sandbox-app',
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).status).toBe(400)
  })

  it('S-47 does not redirect without hint and client (oidcc-rp-initiated-logout-no-id-token-hint)', async () => {
    const { server, browse } = await signedIn()
    const url = endSessionUrl(server, { post_logout_redirect_uri: target })
    const response = await browse(url, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
  })

  it('S-47 does not take the hint of one client for another', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      client_id: production.clientId,
      post_logout_redirect_uri: 'https://app.example.com/',
    })
    expect((await open(server, url)).status).toBe(400)
  })

  it('S-47 returns even when nobody is signed in', async () => {
    const server = strictServer()
    const url = endSessionUrl(server, {
      client_id: 'sandbox-app',
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('the page cannot be framed', async () => {
    const response = await open(strictServer(), endSessionUrl(strictServer(), {}))
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })
})

function modified(idToken: string): string {
  const [header, , signature] = idToken.split('.') as [string, string, string]
  const payload = btoa(JSON.stringify({ sub: 'user-grace' })).replaceAll('=', '')
  return `${header}.${payload}.${signature}`
}

function confirm(
  server: AuthServer,
  { browse, page }: { browse: typeof fetch; page: string },
): Promise<Response> {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  const fields = Object.fromEntries([...inputs].map(([, name, value]) => [name, value]))
  return browse(`${server.issuer}/end_session/confirm`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields as Record<string, string>),
  })
}
