import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  callApi,
  errorOf,
  open,
  production,
  refresh,
  signIn,
  strictServer,
} from '../support.ts'
import type { Tokens } from '../support.ts'

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
  it('returns to the app with the state (S-47, oidcc-rp-initiated-logout)', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
      state: 'a state',
    })
    const response = await open(server, url)
    expect(response.headers.get('location')).toBe('http://localhost:3000/?state=a+state')
  })

  it('works by POST (S-47)', async () => {
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

  it('ends the browser session (S-47)', async () => {
    const { server, tokens, browse } = await signedIn()
    await browse(endSessionUrl(server, { id_token_hint: tokens.id_token }))
    const page = await browse(authorizationUrl(server))
    expect(await page.text()).toContain('<h1>Sign in</h1>')
  })

  it('ends it for a cookie that somebody kept as well, and takes the cookie away (S-47)', async () => {
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

  it('ends the session of the hint, whoever signed in before (S-47)', async () => {
    const server = strictServer()
    const other = await signIn(server, {}, { jar: createCookieJar() })
    const tokens = await signIn(server, {}, { jar: createCookieJar() })
    await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect((await refresh(server, other.refresh_token)).status).toBe(200)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  it('asks before it signs somebody out whom the hint does not name (S-47)', async () => {
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

  it('ends the session of the browser too when the hint is from an earlier one (S-47)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const earlier = await signIn(server, {}, { jar })
    const later = await signIn(server, { prompt: 'login' }, { jar })
    const url = endSessionUrl(server, { id_token_hint: earlier.id_token })
    await server.withCookies(jar)(url)
    for (const { refresh_token: token } of [earlier, later])
      expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
  })

  it('takes a hint whose audience is an array (S-47)', async () => {
    const server = strictServer()
    server.fault('id-token-aud-array')
    const { id_token: hint } = await signIn(server)
    for (const client of [{}, { client_id: 'sandbox-app' }]) {
      const url = { ...client, id_token_hint: hint, post_logout_redirect_uri: target }
      const response = await open(server, endSessionUrl(server, url))
      expect(response.headers.get('location')).toBe(target)
    }
  })

  it('takes a client_id beside the hint that was issued to it (S-47)', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      client_id: 'sandbox-app',
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('does nothing when a parameter came twice (S-47)', async () => {
    const { server, tokens } = await signedIn()
    const hint = encodeURIComponent(tokens.id_token)
    const url = endSessionUrl(server, { id_token_hint: tokens.id_token })
    expect((await open(server, `${url}&id_token_hint=${hint}`)).status).toBe(400)
    expect((await refresh(server, tokens.refresh_token)).status).toBe(200)
  })

  it('ends the refresh tokens and access tokens of the session (S-47)', async () => {
    const { server, tokens } = await signedIn()
    await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
    expect(server.revoked).toMatchObject([{ reason: 'signed-out' }])
  })

  it('leaves the session of another browser alone (S-47)', async () => {
    const { server, tokens } = await signedIn()
    const other = await signIn(server, {}, { jar: createCookieJar() })
    await open(server, endSessionUrl(server, { id_token_hint: tokens.id_token }))
    expect((await refresh(server, other.refresh_token)).status).toBe(200)
  })

  it('takes an expired hint (S-47)', async () => {
    const { server, tokens } = await signedIn()
    server.clock.pass(24 * 60 * 60)
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('takes a hint signed with a retired key (S-47)', async () => {
    const { server, tokens } = await signedIn()
    server.rotateKeys({ publishRetired: false })
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('asks first when there is no hint, then returns to the app of the client_id (S-47)', async () => {
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

  it('does not take the confirmation of another browser (S-47)', async () => {
    const { server, browse } = await signedIn()
    const page = await (await browse(endSessionUrl(server, {}))).text()
    const stranger = server.withCookies(createCookieJar())
    expect((await confirm(server, { browse: stranger, page })).status).toBe(400)
  })

  it.each([
    ['without parameters (oidcc-rp-initiated-logout-no-params)', {}],
    ['with a state only (oidcc-rp-initiated-logout-only-state)', { state: 'a state' }],
  ])('%s: asks and stays (S-47)', async (_, parameters: Record<string, string>) => {
    const { server, browse } = await signedIn()
    const page = await (await browse(endSessionUrl(server, parameters))).text()
    const response = await confirm(server, { browse, page })
    expect(response.headers.get('location')).toBeNull()
    expect(await response.text()).toContain('<h1>Signed out</h1>')
  })

  it('without state: returns without one (S-47, oidcc-rp-initiated-logout-no-state)', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).headers.get('location')).toBe(target)
  })

  it('without a redirect URI: stays (S-47, oidcc-rp-initiated-logout-no-post-logout-redirect-uri)', async () => {
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
  ])('does not redirect to %s (S-47)', async (_, uri) => {
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
  ])('does not redirect when the hint is %s (S-47)', async (_, hint) => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: hint(tokens.id_token),
      post_logout_redirect_uri: target,
    })
    const response = await open(server, url)
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
  })

  it('does not redirect when the hint is of another issuer, though signed by the same key (S-47)', async () => {
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

  it('does not let a client_id make up for a bad hint (S-47)', async () => {
    const server = strictServer()
    const url = endSessionUrl(server, {
      id_token_hint: 'not.a.token',
      client_id: 'sandbox-app',
      post_logout_redirect_uri: target,
    })
    expect((await open(server, url)).status).toBe(400)
  })

  it('does not redirect without hint and client (S-47, oidcc-rp-initiated-logout-no-id-token-hint)', async () => {
    const { server, browse } = await signedIn()
    const url = endSessionUrl(server, { post_logout_redirect_uri: target })
    const response = await browse(url, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
  })

  it('does not take the hint of one client for another (S-47)', async () => {
    const { server, tokens } = await signedIn()
    const url = endSessionUrl(server, {
      id_token_hint: tokens.id_token,
      client_id: production.clientId,
      post_logout_redirect_uri: 'https://app.example.com/',
    })
    expect((await open(server, url)).status).toBe(400)
  })

  it('returns even when nobody is signed in (S-47)', async () => {
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
