import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../src/testing/index.ts'
import {
  authorizationUrl,
  claimsOf,
  obtainCode,
  open,
  production,
  redirectOf,
  signIn,
  strictServer,
} from './support.ts'
import type { Overrides } from './support.ts'

const wrongType = 'wrong response type, only code allowed'

/** What the server says to a broken request: by redirect, or on a page. */
async function refusalOf(overrides: Overrides) {
  const server = strictServer()
  const response = await open(server, authorizationUrl(server, overrides))
  const location = response.headers.get('location')
  const page = await response.text()
  const parameters = location === null ? undefined : new URL(location).searchParams
  return {
    status: response.status,
    by: location === null ? 'page' : 'redirect',
    error: parameters?.get('error') ?? undefined,
    sentence: parameters?.get('error_description') ?? /<p role="alert">([^<]*)</.exec(page)?.[1],
    parameters,
  }
}

describe('who is told about a problem', () => {
  it.each([
    ['an unknown client', { client_id: 'nobody' }],
    ['no client', { client_id: undefined }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['an unregistered redirect URI', { redirect_uri: 'https://attacker.example/callback' }],
    ["another client's redirect URI", { redirect_uri: production.redirectUri }],
  ])('%s gets a page and no redirect (S-01)', async (_, overrides: Overrides) => {
    expect(await refusalOf(overrides)).toMatchObject({ status: 400, by: 'page' })
  })

  it.each([
    ['a trailing slash', 'http://localhost:3000/callback/'],
    ['an added query (oidcc-redirect-uri-query-added)', 'http://localhost:3000/callback?x=1'],
    ['a prefix', 'http://localhost:3000/call'],
    ['another case', 'http://localhost:3000/Callback'],
    ['a percent-encoded dot segment', 'http://localhost:3000/%2e/callback'],
    ['user info', 'http://user@localhost:3000/callback'],
    ['a port that is user info', 'http://127.0.0.1:80@attacker.example/callback'],
    ['a fragment (oidcc-redirect-uri-regfrag)', 'http://localhost:3000/callback#x'],
    ['a subdomain', 'http://evil.localhost:3000/callback'],
    ['another port of localhost', 'http://localhost:3001/callback'],
    ['another path on a loopback literal', 'http://127.0.0.1:3000/other'],
    ['a backslash', 'http://127.0.0.1:3000\\callback'],
    ['https for http', 'https://127.0.0.1/callback'],
    ['a port that no machine has', 'http://127.0.0.1:99999/callback'],
    ['a loopback literal behind something else', 'javascript:x//http://127.0.0.1/callback'],
  ])('refuses %s (S-02)', async (_, redirectUri) => {
    const refusal = await refusalOf({ redirect_uri: redirectUri })
    expect(refusal).toMatchObject({ status: 400, by: 'page' })
  })

  it.each(['http://127.0.0.1:51004/callback', 'http://[::1]:51004/callback'])(
    'takes any port of a loopback literal: %s (S-02)',
    async (redirectUri) => {
      const server = strictServer()
      const callback = await server.authorize(
        authorizationUrl(server, { redirect_uri: redirectUri }),
      )
      expect(callback).toMatch(redirectUri)
    },
  )

  it('keeps the query of a registered redirect URI (S-02, oidcc-redirect-uri-query-OK)', async () => {
    const redirectUri = 'https://app.example.com/callback?tenant=1'
    const server = strictServer({ clients: [{ clientId: 'c', redirectUris: [redirectUri] }] })
    const callback = await server.authorize(
      authorizationUrl(server, { client_id: 'c', redirect_uri: redirectUri }),
    )
    expect(new URL(callback).searchParams.get('tenant')).toBe('1')
  })

  it('refuses a changed query (S-02, oidcc-redirect-uri-query-mismatch)', async () => {
    const redirectUris = ['https://app.example.com/callback?tenant=1']
    const server = strictServer({ clients: [{ clientId: 'c', redirectUris }] })
    const redirectUri = 'https://app.example.com/callback?tenant=2'
    const url = authorizationUrl(server, { client_id: 'c', redirect_uri: redirectUri })
    expect((await open(server, url)).status).toBe(400)
  })

  it.each(['state', 'scope', 'nonce', 'code_challenge', 'response_type', 'something'])(
    'refuses %s twice, by redirect (S-03)',
    async (name) => {
      const refusal = await refusalOf({ [name]: ['one', 'two'] })
      expect(refusal).toMatchObject({ by: 'redirect', error: 'invalid_request' })
    },
  )

  it('names no parameter in a way that an error description cannot hold (S-03)', async () => {
    for (const name of ['"', 'é', '<b>x</b>', 'x'.repeat(41)]) {
      const { sentence } = await refusalOf({ [name]: ['one', 'two'] })
      expect(sentence).toBe('the parameter with a strange name came twice')
    }
    const { sentence } = await refusalOf({ nonce: ['one', 'two'] })
    expect(sentence).toBe('the parameter nonce came twice')
  })

  it('takes a resource twice (S-03)', async () => {
    const resource = ['https://api.example.com/', 'https://files.example.com/']
    const server = strictServer({ resources: ['https://files.example.com/'] })
    expect(await obtainCode(server, { resource })).toHaveLength(43)
  })

  it.each(['client_id', 'redirect_uri'])('refuses %s twice, by page (S-03)', async (name) => {
    const twice = name === 'client_id' ? 'sandbox-app' : 'http://localhost:3000/callback'
    const refusal = await refusalOf({ [name]: [twice, twice] })
    expect(refusal).toMatchObject({ status: 400, by: 'page' })
  })
})

describe('the order of the checks', () => {
  it.each([
    ['missing (oidcc-response-type-missing)', undefined, 'invalid_request'],
    ['empty', '', 'invalid_request'],
    ['token', 'token', 'unsupported_response_type'],
    ['id_token', 'id_token', 'unsupported_response_type'],
    ['code token', 'code token', 'unsupported_response_type'],
    ['CODE', 'CODE', 'unsupported_response_type'],
  ])('a response type that is %s (S-05)', async (_, responseType, error) => {
    const refusal = await refusalOf({ response_type: responseType })
    expect(refusal).toMatchObject({ by: 'redirect', error })
  })

  it('says which response type is allowed (S-05)', async () => {
    expect((await refusalOf({ response_type: 'token' })).sentence).toBe(wrongType)
  })

  it('looks at the response type before the client (S-05)', async () => {
    const refusal = await refusalOf({ response_type: 'token', client_id: 'nobody' })
    expect(refusal).toMatchObject({ status: 400, by: 'page', sentence: wrongType })
  })

  it('looks at the response type before the redirect URI (S-05)', async () => {
    const refusal = await refusalOf({ response_type: 'token', redirect_uri: 'https://x.example/' })
    expect(refusal).toMatchObject({ status: 400, by: 'page', sentence: wrongType })
  })

  it('looks at the client before the challenge (S-01)', async () => {
    const refusal = await refusalOf({ client_id: 'nobody', code_challenge: undefined })
    expect(refusal).toMatchObject({ by: 'page' })
    expect(refusal.sentence).toContain('unknown client nobody')
  })

  it.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a method and no challenge', { code_challenge: undefined }],
    ['an empty challenge', { code_challenge: '' }],
    ['a challenge that is too short', { code_challenge: 'short' }],
    ['characters outside base64url', { code_challenge: `${'a'.repeat(42)}+` }],
    ['padding', { code_challenge: `${'a'.repeat(42)}=` }],
    ['a challenge that is too long', { code_challenge: 'a'.repeat(44) }],
  ])('refuses %s (S-06)', async (_, overrides: Overrides) => {
    expect(await refusalOf(overrides)).toMatchObject({
      by: 'redirect',
      error: 'invalid_request',
      sentence: 'invalid code challenge',
    })
  })

  it.each([
    ['plain', 'plain'],
    ['none, which means plain', undefined],
    ['s256', 's256'],
  ])('refuses the method %s (S-06)', async (_, method) => {
    const refusal = await refusalOf({ code_challenge_method: method })
    expect(refusal).toMatchObject({ by: 'redirect', error: 'invalid_request' })
    expect(refusal.sentence).toMatch(/^invalid code challenge/)
  })

  it('looks at the method before the challenge (S-06)', async () => {
    const refusal = await refusalOf({ code_challenge_method: 'plain', code_challenge: undefined })
    expect(refusal.sentence).toBe('invalid code challenge method, only S256 allowed')
  })

  it('takes S256 (S-06, oidcc-ensure-request-with-valid-pkce-succeeds)', async () => {
    const server = strictServer()
    expect(await obtainCode(server)).toHaveLength(43)
  })
})

describe('what a request may say', () => {
  it('ignores unknown parameters (S-04, oidcc-ensure-request-with-unknown-parameter-succeeds)', async () => {
    const code = await obtainCode(strictServer(), { extra: 'foobar' })
    expect(code).toHaveLength(43)
  })

  it('takes an empty parameter for an omitted one (S-04)', async () => {
    const server = strictServer()
    const callback = await server.authorize(authorizationUrl(server, { state: '', prompt: '' }))
    expect(new URL(callback).searchParams.has('state')).toBe(false)
  })

  it('takes the request by POST too', async () => {
    const server = strictServer()
    const response = await server.fetch(`${server.issuer}/authorize`, {
      method: 'POST',
      body: new URL(authorizationUrl(server)).searchParams,
    })
    expect(await response.text()).toContain('<h1>Sign in</h1>')
  })

  it.each([
    ['an unknown scope', { scope: 'openid everything' }, 'invalid_scope'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['an unknown resource', { resource: 'https://other.example/' }, 'invalid_target'],
    ['authorization details', { authorization_details: '[]' }, 'invalid_authorization_details'],
    ['a request object', { request: 'a.b.c' }, 'request_not_supported'],
    ['a request URI', { request_uri: 'https://x.example/' }, 'request_uri_not_supported'],
    ['a registration', { registration: '{}' }, 'registration_not_supported'],
    ['an unknown prompt', { prompt: 'dance' }, 'invalid_request'],
    ['a max_age in words', { max_age: 'soon' }, 'invalid_request'],
    ['a negative max_age', { max_age: '-1' }, 'invalid_request'],
    ['a max_age with a unit', { max_age: '10s' }, 'invalid_request'],
  ])('refuses %s (S-12)', async (_, overrides: Overrides, error) => {
    expect(await refusalOf(overrides)).toMatchObject({ by: 'redirect', error })
  })

  it('refuses a scope that is not for this client (S-12)', async () => {
    const server = strictServer({
      clients: [{ clientId: 'c', redirectUris: [production.redirectUri], scopes: ['openid'] }],
    })
    const url = authorizationUrl(server, {
      client_id: 'c',
      redirect_uri: production.redirectUri,
      scope: 'openid profile',
    })
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_scope')
  })

  it('takes a scope of an API of the app, registered for the client, and says that it has it (S-12)', async () => {
    const server = strictServer({
      clients: [
        {
          clientId: 'c',
          redirectUris: [production.redirectUri],
          scopes: ['openid', 'todos:read'],
          kind: 'internal',
        },
      ],
    })
    const app = { client_id: 'c', redirect_uri: production.redirectUri }
    const url = authorizationUrl(server, { ...app, scope: 'openid todos:read' })
    expect(new URL(await server.authorize(url)).searchParams.get('code')).toBeTruthy()
    const metadata = await server.fetch(`${server.issuer}/.well-known/openid-configuration`)
    expect(await metadata.json()).toMatchObject({
      scopes_supported: expect.arrayContaining(['todos:read', 'orders:read']) as string[],
    })
  })

  it('refuses a client that may not use the code flow (S-12)', async () => {
    const server = strictServer({
      clients: [
        { clientId: 'c', redirectUris: [production.redirectUri], grantTypes: ['password'] },
      ],
    })
    const url = authorizationUrl(server, { client_id: 'c', redirect_uri: production.redirectUri })
    expect(redirectOf(await open(server, url)).get('error')).toBe('unauthorized_client')
  })

  it.each(['fragment', 'form_post'])('refuses the response mode %s (S-14)', async (mode) => {
    const refusal = await refusalOf({ response_mode: mode })
    expect(refusal).toMatchObject({ by: 'redirect', error: 'invalid_request' })
  })

  it('takes the response mode query (S-14)', async () => {
    expect(await obtainCode(strictServer(), { response_mode: 'query' })).toHaveLength(43)
  })
})

describe('the answer', () => {
  it('names the issuer beside the code (S-09)', async () => {
    const server = strictServer()
    const callback = new URL(await server.authorize(authorizationUrl(server)))
    expect(callback.searchParams.get('iss')).toBe(server.issuer)
  })

  it('names the issuer beside an error, and returns the state (S-09)', async () => {
    const { parameters } = await refusalOf({ response_type: 'token' })
    expect(parameters?.get('iss')).toBe('https://login.example.com')
    expect(parameters?.get('state')).toBe('a state')
  })

  it('leaves the sign-in form with 303 (S-10)', async () => {
    const server = strictServer()
    const browse = server.withCookies(createCookieJar())
    const page = await (await browse(authorizationUrl(server, internalApp))).text()
    const response = await browse(`${server.issuer}/login`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ ...hiddenFields(page), username: 'ada', password: 'lovelace' }),
    })
    expect(response.status).toBe(303)
  })

  it('reports a person who denies (fapi2 user-rejects-authentication) (S-12)', async () => {
    const server = strictServer()
    const callback = new URL(await server.authorize(authorizationUrl(server), { consent: false }))
    expect(Object.fromEntries(callback.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'a state',
      iss: server.issuer,
    })
  })

  it('echoes the nonce in the ID token (S-08)', async () => {
    const { id_token: idToken } = await signIn(strictServer(), { nonce: 'n-0S6_WzA2Mj' })
    expect(claimsOf(idToken)['nonce']).toBe('n-0S6_WzA2Mj')
  })

  it('has no nonce in the ID token when none was sent', async () => {
    const { id_token: idToken } = await signIn(strictServer(), { nonce: undefined })
    expect(claimsOf(idToken)).not.toHaveProperty('nonce')
  })

  it('answers acr_values with one it knows', async () => {
    const { id_token: idToken } = await signIn(strictServer(), { acr_values: 'gold mfa' })
    expect(claimsOf(idToken)['acr']).toBe('mfa')
  })
})

const internalApp = { client_id: production.clientId, redirect_uri: production.redirectUri }

function hiddenFields(page: string): Record<string, string> {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  return Object.fromEntries([...inputs].map(([, name, value]) => [name, value]))
}

const ada = { username: 'ada', password: 'lovelace' }

/** A browser that shows the login page; `send` posts the fields of its form with others. */
async function atLoginPage(overrides: Overrides = {}) {
  const server = strictServer()
  const browse = server.withCookies(createCookieJar())
  const form = hiddenFields(await (await browse(authorizationUrl(server, overrides))).text())
  const send = (path: string, fields: Record<string, string>, headers = {}) =>
    browse(server.issuer + path, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: new URLSearchParams({ ...form, ...fields }),
    })
  const consentUrl = `${server.issuer}/consent?interaction=${form['interaction']!}`
  return { server, browse, send, consentUrl }
}

describe('pages', () => {
  it('cannot be framed and cannot be read across origins (S-11)', async () => {
    const server = strictServer()
    const response = await server.fetch(authorizationUrl(server), {
      headers: { origin: 'http://localhost:3000' },
    })
    expect(response.headers.get('x-frame-options')).toBe('DENY')
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('error pages cannot be framed either (S-11)', async () => {
    const server = strictServer()
    const response = await open(server, authorizationUrl(server, { client_id: 'nobody' }))
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  })

  it('have an icon that the policy allows, so that no browser reports one it could not load', async () => {
    const response = await open(strictServer(), authorizationUrl(strictServer()))
    expect(await response.text()).toContain('<link rel="icon" href="data:,">')
    expect(response.headers.get('content-security-policy')).toContain('img-src data:;')
  })

  it('say which redirect URI came and which are registered, escaped', async () => {
    const { sentence } = await refusalOf({ redirect_uri: 'http://localhost:3001/<b>' })
    expect(sentence).toMatch(/redirect URI http:\/\/localhost:3001\/&#60;b&#62; is not registered/)
    expect(sentence).toContain('registered are http://localhost:3000/callback, ')
  })

  it('say which clients there are', async () => {
    const { sentence } = await refusalOf({ client_id: 'my-app' })
    expect(sentence).toBe('unknown client my-app; known are sandbox-app, production-app')
  })

  it.each([
    [{ redirect_uri: `http://localhost:3001/${'x'.repeat(5000)}` }, 500],
    [{ client_id: 'x'.repeat(5000) }, 300],
  ])('repeat only the beginning of something long', async (overrides, limit) => {
    expect((await refusalOf(overrides)).sentence!.length).toBeLessThan(limit)
  })

  it('name the scope that nobody knows', async () => {
    const { sentence } = await refusalOf({ scope: 'openid todos:read' })
    expect(sentence).toBe('the scope todos:read is unknown or not for this client')
  })

  it.each([
    ['/', 404],
    ['/login', 405],
  ])('are shown at %s too, to a person who opens it', async (path, status) => {
    const server = strictServer()
    const page = await server.fetch(server.issuer + path, { headers: { accept: 'text/html' } })
    expect([page.status, await page.text()]).toEqual([
      status,
      expect.stringContaining('This did not work'),
    ])
    const answer = await server.fetch(server.issuer + path)
    expect([answer.status, await answer.json()]).toEqual([status, expect.anything()])
  })

  it('ties labels to inputs and fills in the login hint, escaped', async () => {
    const server = strictServer()
    const hint = '"><script>alert(1)</script>'
    const page = await (await open(server, authorizationUrl(server, { login_hint: hint }))).text()
    expect(page).toContain('<label for="username">')
    expect(page).toContain('id="username"')
    expect(page).not.toContain('<script>')
  })

  it('shows the form again after a wrong password, and no redirect', async () => {
    const server = strictServer()
    const attempt = server.authorize(authorizationUrl(server), { password: 'wrong' })
    await expect(attempt).rejects.toThrow('Wrong username or password.')
    expect(server.requestsTo('/login')).toHaveLength(1)
  })

  it('tells what will be shared, and with whom', async () => {
    const server = strictServer()
    const browse = server.withCookies(createCookieJar())
    const page = await (await browse(authorizationUrl(server, { scope: 'openid email' }))).text()
    const fields = { ...hiddenFields(page), username: 'ada', password: 'lovelace' }
    const body = new URLSearchParams(fields)
    const consent = await (await browse(`${server.issuer}/login`, { method: 'POST', body })).text()
    expect(consent).toContain('Allow Sandbox App?')
    expect(consent).toContain('See your email address')
    expect(consent).not.toContain('See your orders')
  })

  it('gives the consent page an address that can be loaded again, in this browser only', async () => {
    const { server, browse, send, consentUrl } = await atLoginPage()
    expect((await send('/login', ada)).headers.get('location')).toBe(consentUrl)
    expect(await (await browse(consentUrl)).text()).toContain('Allow Sandbox App?')
    expect(await (await browse(consentUrl)).text()).toContain('Allow Sandbox App?')
    const elsewhere = await server.withCookies(createCookieJar())(consentUrl)
    expect(elsewhere.status).toBe(400)
    server.clock.pass(11 * 60)
    expect((await browse(consentUrl)).status).toBe(400)
  })

  it('shows nobody a consent page who has not signed in', async () => {
    const { browse, consentUrl } = await atLoginPage()
    expect((await browse(consentUrl)).status).toBe(400)
  })

  it('takes no consent of a person whose session has ended meanwhile', async () => {
    const { server, browse, send, consentUrl } = await atLoginPage()
    await send('/login', ada)
    server.revokeSessions('ada')
    expect((await browse(consentUrl)).status).toBe(400)
    expect((await send('/consent', { decision: 'allow' })).status).toBe(400)
  })

  it.each([
    ['Allow on the consent page', {}, 'allow'],
    ['Deny on the consent page', {}, 'deny'],
    ['Sign in, where nobody is asked for consent', internalApp, undefined],
  ])('a double click on %s leads back to the app once', async (_, overrides, decision) => {
    const { server, browse, send, consentUrl } = await atLoginPage(overrides)
    if (decision) await send('/login', ada)
    const click = () => (decision ? send('/consent', { decision }) : send('/login', ada))
    const first = await click()
    const second = await click()
    expect(redirectOf(first).has(decision === 'deny' ? 'error' : 'code')).toBe(true)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(second.headers.getSetCookie()).toEqual(first.headers.getSetCookie())
    expect((await browse(consentUrl)).status).toBe(400)
    server.revokeSessions('ada')
    expect((await click()).status).toBe(400)
  })

  it('refuses a form from another browser', async () => {
    const server = strictServer()
    const page = await (
      await server.withCookies(createCookieJar())(authorizationUrl(server))
    ).text()
    const fields = { ...hiddenFields(page), username: 'ada', password: 'lovelace' }
    const response = await server.withCookies(createCookieJar())(`${server.issuer}/login`, {
      method: 'POST',
      body: new URLSearchParams(fields),
    })
    expect(response.status).toBe(400)
  })

  it.each([
    ['without its CSRF token', { csrf: '' }, {}],
    ['from another origin', {}, { origin: 'https://attacker.example' }],
  ])('refuses a form %s', async (_, spoiled, headers) => {
    const { send } = await atLoginPage()
    expect((await send('/login', { ...ada, ...spoiled }, headers)).status).toBe(400)
  })

  it('refuses a form that is eleven minutes old', async () => {
    const { server, send } = await atLoginPage()
    server.clock.pass(11 * 60)
    expect((await send('/login', ada)).status).toBe(400)
  })

  it('explains what the page said when a request cannot be completed', async () => {
    const server = strictServer()
    const attempt = server.authorize(authorizationUrl(server, { client_id: 'nobody' }))
    await expect(attempt).rejects.toThrow('unknown client')
  })

  it('does not play the person at an address that is not the server', async () => {
    const attempt = strictServer().authorize('https://attacker.example/authorize')
    await expect(attempt).rejects.toThrow('not a URL of the authorization server')
  })
})
