import { describe, expect, it } from 'vitest'
import type { AuthServerOptions } from '../../../src/testing/index.ts'
import {
  callApi,
  claimsOf,
  errorOf,
  exchange,
  headerOf,
  obtainCode,
  post,
  production,
  refresh,
  sandbox,
  signIn,
  strictServer,
  verifier,
} from '../support.ts'
import type { Overrides, Tokens } from '../support.ts'

const confidential: AuthServerOptions = {
  clients: [
    {
      clientId: 'back end',
      clientSecret: 's:+ é%',
      redirectUris: [production.redirectUri],
      kind: 'internal',
    },
  ],
}
const atBackEnd = { client_id: 'back end', redirect_uri: production.redirectUri }

function basic(id: string, secret: string): Record<string, string> {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+')
  return { authorization: `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}` }
}

describe('the token request', () => {
  it.each(['GET', 'PUT', 'DELETE'])('is no %s (S-15)', async (method) => {
    const server = strictServer()
    const response = await server.fetch(`${server.issuer}/token`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it.each(['application/json', 'text/plain'])('is not %s (S-15)', async (type) => {
    const server = strictServer()
    const response = await server.fetch(`${server.issuer}/token`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: '{"grant_type":"authorization_code"}',
    })
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it('has no parameter twice (S-15)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    const response = exchange(server, code, { code_verifier: [verifier, verifier] })
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it('does not keep the server busy with its length (S-15)', async () => {
    const server = strictServer()
    const many = Array.from({ length: 100_000 }, (_, at): [string, string] => [`p${at}`, ''])
    const response = post(server, '/token', Object.fromEntries(many))
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it('has nothing in the query (S-15)', async () => {
    const server = strictServer()
    const response = await server.fetch(`${server.issuer}/token?client_id=sandbox-app`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' }),
    })
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it.each([
    ['missing', undefined, 'invalid_request'],
    ['unknown', 'magic', 'unsupported_grant_type'],
    ['implicit', 'implicit', 'unsupported_grant_type'],
    ['client_credentials', 'client_credentials', 'unsupported_grant_type'],
    ['__proto__', '__proto__', 'unsupported_grant_type'],
    ['password, without the switch', 'password', 'unsupported_grant_type'],
  ])('a grant type that is %s (S-16)', async (_, grantType, error) => {
    const server = strictServer()
    const response = exchange(server, 'a code', { grant_type: grantType })
    expect(await errorOf(response)).toEqual([400, error])
  })

  it('a grant that is not for this client (S-16)', async () => {
    const server = strictServer({
      clients: [{ ...sandboxRegistration, grantTypes: ['authorization_code'] }],
    })
    expect(await errorOf(refresh(server, 'x'))).toEqual([400, 'unauthorized_client'])
  })
})

const sandboxRegistration = { clientId: sandbox.clientId, redirectUris: [sandbox.redirectUri] }

describe('client authentication', () => {
  it.each([
    ['an unknown client', { client_id: 'nobody' }],
    ['no client', { client_id: undefined }],
    ['a secret of a client that has none', { client_secret: 'secret' }],
    ['a client assertion', { client_assertion: 'a.b.c' }],
  ])('refuses %s (S-17)', async (_, overrides: Overrides) => {
    const server = strictServer()
    const response = await exchange(server, await obtainCode(server), overrides)
    expect(response.headers.has('www-authenticate')).toBe(false)
    expect(await errorOf(response)).toEqual([401, 'invalid_client'])
  })

  it('challenges a wrong Basic header (S-17)', async () => {
    const server = strictServer(confidential)
    const fields = { grant_type: 'authorization_code', code: 'x' }
    const response = await post(server, '/token', fields, basic('back end', 'wrong'))
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic /)
    expect(await errorOf(response)).toEqual([401, 'invalid_client'])
  })

  it.each([
    ['of an unknown client', basic('nobody', 'secret').authorization],
    ['of a client that has no secret', basic(sandbox.clientId, '').authorization],
    ['that is not base64', 'Basic %%%'],
    ['without a colon', `Basic ${btoa('back end')}`],
    ['that is not form-encoded', `Basic ${btoa('back end:%')}`],
    ['of another scheme', 'Bearer a.b.c'],
  ])('refuses a header %s (S-17)', async (_, authorization) => {
    const server = strictServer({ clients: [...confidential.clients!, sandboxRegistration] })
    const fields = { grant_type: 'authorization_code', code: 'x' }
    const response = await post(server, '/token', fields, { authorization: authorization! })
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic /)
    expect(await errorOf(response)).toEqual([401, 'invalid_client'])
  })

  it('refuses a Basic header of one client and the id of another (S-17)', async () => {
    const server = strictServer(confidential)
    const fields = { grant_type: 'authorization_code', code: 'x', client_id: 'another' }
    const response = post(server, '/token', fields, basic('back end', 's:+ é%'))
    expect(await errorOf(response)).toEqual([401, 'invalid_client'])
  })

  it('refuses two methods (S-17)', async () => {
    const server = strictServer(confidential)
    const fields = { grant_type: 'authorization_code', code: 'x', client_secret: 's:+ é%' }
    const response = post(server, '/token', fields, basic('back end', 's:+ é%'))
    expect(await errorOf(response)).toEqual([400, 'invalid_request'])
  })

  it('takes a Basic header whose parts are form-encoded (S-17)', async () => {
    const server = strictServer(confidential)
    const fields = {
      grant_type: 'authorization_code',
      code: await obtainCode(server, atBackEnd),
      code_verifier: verifier,
      redirect_uri: production.redirectUri,
    }
    const response = await post(server, '/token', fields, basic('back end', 's:+ é%'))
    expect(response.status).toBe(200)
  })

  it('takes the secret in the body (S-17)', async () => {
    const server = strictServer(confidential)
    const code = await obtainCode(server, atBackEnd)
    const response = await exchange(server, code, { ...atBackEnd, client_secret: 's:+ é%' })
    expect(response.status).toBe(200)
  })

  it('refuses a confidential client without its secret (S-17)', async () => {
    const server = strictServer(confidential)
    const code = await obtainCode(server, atBackEnd)
    expect(await errorOf(exchange(server, code, atBackEnd))).toEqual([401, 'invalid_client'])
  })
})

async function challengeOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(hash).toString('base64url')
}

describe('the code', () => {
  it('is for one client (fapi2 ensure-authorization-code-is-bound-to-client) (S-18)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    const response = exchange(server, code, { client_id: production.clientId })
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
  })

  it('lives 60 seconds (fapi2 ensure-token-endpoint-fails-with-expired-auth-code) (S-18)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    server.clock.pass(60)
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_grant'])
  })

  it('still works after 59 seconds (S-18)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    server.clock.pass(59)
    expect((await exchange(server, code)).status).toBe(200)
  })

  it.each([undefined, '', 'made up'])('cannot be %s (S-18)', async (code) => {
    const server = strictServer()
    expect(await errorOf(exchange(server, '', { code }))).toEqual([400, 'invalid_grant'])
  })

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['of another registered URI', 'http://127.0.0.1/callback'],
    ['almost the same', `${sandbox.redirectUri}/`],
  ])('is refused with a redirect URI that is %s (S-23)', async (_, redirectUri) => {
    const server = strictServer()
    const code = await obtainCode(server)
    const response = exchange(server, code, { redirect_uri: redirectUri })
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
  })

  it.each([
    ['missing (fapi2 ensure-pkce-code-verifier-required)', undefined],
    ['empty', ''],
    ['wrong (fapi2 incorrect-pkce-code-verifier-rejected)', 'a'.repeat(43)],
    ['the challenge itself', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    ['too short', 'short'],
    ['followed by a space', `${verifier} `],
  ])('is refused with a verifier that is %s (S-21)', async (_, codeVerifier) => {
    const server = strictServer()
    const code = await obtainCode(server)
    const response = exchange(server, code, { code_verifier: codeVerifier })
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
  })

  // RFC 7636 §4.1: 43 to 128 characters, all of them unreserved.
  it.each([
    ['too short', 'a'.repeat(42)],
    ['too long', 'a'.repeat(129)],
    ['of other characters at its end', `${'a'.repeat(43)}+`],
    ['of other characters at its beginning', ` ${'a'.repeat(43)}`],
  ])('is refused with a verifier that fits and is %s (S-21)', async (_, strange) => {
    const server = strictServer()
    const code = await obtainCode(server, { code_challenge: await challengeOf(strange) })
    const response = exchange(server, code, { code_verifier: strange })
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
  })

  it.each([43, 128])('takes a verifier of %d characters (S-21)', async (length) => {
    const server = strictServer()
    const long = '~'.repeat(length)
    const code = await obtainCode(server, { code_challenge: await challengeOf(long) })
    expect((await exchange(server, code, { code_verifier: long })).status).toBe(200)
  })

  it('is refused with a verifier when the request had no challenge (S-22)', async () => {
    const server = strictServer()
    const off = server.fault('ignore-pkce')
    const code = await obtainCode(server, { code_challenge: undefined })
    off()
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_grant'])
  })

  it('is refused without verifier when the request had no challenge (S-22)', async () => {
    const server = strictServer()
    const off = server.fault('ignore-pkce')
    const code = await obtainCode(server, { code_challenge: undefined })
    off()
    const response = exchange(server, code, { code_verifier: undefined })
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
  })

  it('dies with the session it came from (S-18)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    server.revokeSessions()
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_grant'])
  })

  it('works once (S-19, oidcc-codereuse)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    await exchange(server, code)
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_grant'])
  })

  it('works for one of two parallel exchanges (S-19)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    const answers = await Promise.all([exchange(server, code), exchange(server, code)])
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400])
  })

  it.each([1, 30])(
    'used again after %d seconds ends what it gave (S-20, oidcc-codereuse-30seconds)',
    async (later) => {
      const server = strictServer()
      const code = await obtainCode(server)
      const tokens = (await (await exchange(server, code)).json()) as Tokens
      server.clock.pass(later)
      await exchange(server, code)
      expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(401)
      expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
      expect(server.revoked).toMatchObject([{ username: 'ada', reason: 'code-replayed' }])
    },
  )

  it.each([
    ['another', 'a'.repeat(43)],
    ['no', undefined],
    ['a malformed', 'short'],
  ])('tried with %s verifier is spent: the right one comes too late (S-21)', async (_, wrong) => {
    const server = strictServer()
    const code = await obtainCode(server)
    await exchange(server, code, { code_verifier: wrong })
    expect(await errorOf(exchange(server, code))).toEqual([400, 'invalid_grant'])
    expect(server.revoked).toMatchObject([{ username: 'ada', reason: 'wrong-code-verifier' }])
  })

  it('tried with a wrong verifier takes no other code along (S-21)', async () => {
    const server = strictServer()
    const [tried, other] = [await obtainCode(server), await obtainCode(server)]
    await exchange(server, tried, { code_verifier: 'a'.repeat(43) })
    expect((await exchange(server, other)).status).toBe(200)
  })

  it('used again with a wrong verifier ends nothing (S-20)', async () => {
    const server = strictServer()
    const code = await obtainCode(server)
    const tokens = (await (await exchange(server, code)).json()) as Tokens
    const replay = exchange(server, code, { code_verifier: 'a'.repeat(43) })
    expect(await errorOf(replay)).toEqual([400, 'invalid_grant'])
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(200)
    expect(server.revoked).toEqual([])
  })
})

describe('the token response', () => {
  it('is JSON that nobody keeps (S-24)', async () => {
    const server = strictServer()
    const response = await exchange(server, await obtainCode(server))
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('says what was granted, and for how long (S-24)', async () => {
    const tokens = await signIn(strictServer(), { scope: 'openid email' })
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'openid email' })
  })

  it('has a refresh token for offline_access only', async () => {
    expect(await signIn(strictServer(), { scope: 'openid' })).not.toHaveProperty('refresh_token')
  })

  it('has no refresh token for a client that may not use one', async () => {
    const server = strictServer({
      clients: [{ ...sandboxRegistration, grantTypes: ['authorization_code'] }],
    })
    expect(await signIn(server)).not.toHaveProperty('refresh_token')
  })

  it('has an ID token for openid only', async () => {
    expect(await signIn(strictServer(), { scope: 'orders:read' })).not.toHaveProperty('id_token')
  })

  it('has an ID token with the claims of OIDC Core §2', async () => {
    const server = strictServer()
    const { id_token: idToken } = await signIn(server, { scope: 'openid' })
    const now = Math.floor(server.clock.now() / 1000)
    expect(claimsOf(idToken)).toMatchObject({
      iss: server.issuer,
      sub: 'user-ada',
      aud: 'sandbox-app',
      iat: now,
      exp: now + 3600,
      auth_time: now,
    })
    expect(claimsOf(idToken)).not.toHaveProperty('email')
  })

  it('has an ID token that names its access token (OpenID Connect Core §3.1.3.6)', async () => {
    const { id_token: idToken, access_token: token } = await signIn(strictServer())
    const hash = Buffer.from(await challengeOf(token), 'base64url')
    expect(claimsOf(idToken)['at_hash']).toBe(hash.subarray(0, 16).toString('base64url'))
  })

  it.each(['HS256', 'RS256'] as const)('has a %s access token when asked for', async (format) => {
    const server = strictServer({ accessTokenFormat: format })
    const tokens = await signIn(server)
    const now = Math.floor(server.clock.now() / 1000)
    expect(headerOf(tokens.access_token)).toMatchObject({ alg: format, typ: 'at+jwt' })
    expect(claimsOf(tokens.access_token)).toMatchObject({
      iss: server.issuer,
      sub: 'user-ada',
      aud: server.api.url,
      iat: now,
      exp: now + 900,
      azp: 'sandbox-app',
      gty: 'authorization_code',
    })
  })
})

describe('resource indicators', () => {
  const options = { resources: ['https://files.example.com/'], accessTokenFormat: 'HS256' as const }

  it('give the token its audience (S-12)', async () => {
    const tokens = await signIn(strictServer(options), { resource: 'https://files.example.com/' })
    expect(claimsOf(tokens.access_token)['aud']).toBe('https://files.example.com/')
  })

  it.each([
    ['not asked for at first', 'https://api.example.com/'],
    ['unknown', 'https://other.example/'],
  ])('are refused when %s (S-12)', async (_, resource) => {
    const server = strictServer(options)
    const code = await obtainCode(server, { resource: 'https://files.example.com/' })
    expect(await errorOf(exchange(server, code, { resource }))).toEqual([400, 'invalid_target'])
  })

  const both = ['https://api.example.com/', 'https://files.example.com/']

  it.each(both)('may be narrowed to one of several: %s (S-12)', async (resource) => {
    const server = strictServer(options)
    const code = await obtainCode(server, { resource: both })
    const { access_token: token, refresh_token: refreshToken } = (await (
      await exchange(server, code, { resource })
    ).json()) as Tokens
    expect(claimsOf(token)['aud']).toBe(resource)
    const other = both.find((one) => one !== resource)!
    const renewed = await (await refresh(server, refreshToken, { resource: other })).json()
    expect(claimsOf((renewed as Tokens).access_token)['aud']).toBe(other)
  })

  it('may be named late when none was asked for at first (S-12)', async () => {
    const server = strictServer(options)
    const [, resource] = both
    const response = await exchange(server, await obtainCode(server), { resource })
    expect(claimsOf(((await response.json()) as Tokens).access_token)['aud']).toBe(resource)
  })

  it('are refused when a token is to be for two (S-12)', async () => {
    const server = strictServer(options)
    const code = await obtainCode(server, { resource: both })
    const response = exchange(server, code, { resource: both })
    expect(await errorOf(response)).toEqual([400, 'invalid_target'])
  })
})

describe('the password grant', () => {
  const fields = {
    grant_type: 'password',
    client_id: 'sandbox-app',
    username: 'ada',
    password: 'lovelace',
    scope: 'openid offline_access',
  }

  it('exists behind the legacy switch', async () => {
    const server = strictServer({ legacyPasswordGrant: true })
    const tokens = (await (await post(server, '/token', fields)).json()) as Tokens
    expect((await callApi(server, '/users/me', tokens.access_token)).status).toBe(200)
  })

  it('is for the person named, gives no ID token, and says when', async () => {
    const server = strictServer({ legacyPasswordGrant: true, accessTokenFormat: 'HS256' })
    const grace = { ...fields, username: 'grace', password: 'hopper' }
    const tokens = (await (await post(server, '/token', grace)).json()) as Tokens
    expect(claimsOf(tokens.access_token)).toMatchObject({ sub: 'user-grace', gty: 'password' })
    expect(tokens).not.toHaveProperty('id_token')
  })

  it('is for openid when no scope was asked for, and never for more than the client may', async () => {
    const clients = [{ ...sandboxRegistration, scopes: ['openid', 'email'] }]
    const server = strictServer({ legacyPasswordGrant: true, clients })
    const plain = await post(server, '/token', { ...fields, scope: undefined })
    expect(await plain.json()).toMatchObject({ scope: 'openid' })
    const greedy = post(server, '/token', { ...fields, scope: 'openid orders:read' })
    expect(await errorOf(greedy)).toEqual([400, 'invalid_scope'])
  })

  it('refuses a wrong password', async () => {
    const server = strictServer({ legacyPasswordGrant: true })
    const response = post(server, '/token', { ...fields, password: 'wrong' })
    expect(await errorOf(response)).toEqual([400, 'invalid_grant'])
  })
})
