import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  claimsOf,
  hiddenFields,
  internalApp,
  obtainCode,
  open,
  production,
  redirectOf,
  refusalOf,
  signIn,
  strictServer,
} from '../support.ts'
import type { Overrides } from '../support.ts'

const wrongType = 'wrong response type, only code allowed'

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
      expect(sentence).toBe('the parameter with a strange name was sent twice')
    }
    const { sentence } = await refusalOf({ nonce: ['one', 'two'] })
    expect(sentence).toBe('the parameter nonce was sent twice')
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
