import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import type { AuthServer, CookieJar } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  claimsOf,
  exchange,
  production,
  redirectOf,
  signIn,
  strictServer,
} from '../support.ts'
import type { Overrides, Tokens } from '../support.ts'

function openIn(jar: CookieJar, server: AuthServer, overrides: Overrides): Promise<Response> {
  return server.withCookies(jar)(authorizationUrl(server, overrides), { redirect: 'manual' })
}

/** What people answered on the consent page. */
const answersOf = (server: AuthServer) =>
  server.requestsTo('/consent').filter(({ method }) => method === 'POST')

async function errorIn(jar: CookieJar, server: AuthServer, overrides: Overrides) {
  return redirectOf(await openIn(jar, server, overrides)).get('error')
}

async function tokensOf(server: AuthServer, response: Response): Promise<Tokens> {
  return (await (await exchange(server, redirectOf(response).get('code')!)).json()) as Tokens
}

describe('prompt=none', () => {
  it('without a session: login_required (S-07, oidcc-prompt-none-not-logged-in)', async () => {
    const server = strictServer()
    const error = await errorIn(createCookieJar(), server, { prompt: 'none' })
    expect(error).toBe('login_required')
  })

  it('with a session: the same person, no page (S-07, oidcc-prompt-none-logged-in)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const before = claimsOf((await signIn(server, {}, { jar })).id_token)
    server.clock.pass(60)
    const after = await tokensOf(server, await openIn(jar, server, { prompt: 'none' }))
    expect(claimsOf(after.id_token)).toMatchObject({
      sub: before['sub'],
      auth_time: before['auth_time'],
    })
  })

  it('with a session and without consent: consent_required (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const internal = { client_id: production.clientId, redirect_uri: production.redirectUri }
    await signIn(server, internal, { jar })
    expect(await errorIn(jar, server, { prompt: 'none' })).toBe('consent_required')
  })

  it('with more scope than was consented to: consent_required (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, { scope: 'openid' }, { jar })
    const error = await errorIn(jar, server, { prompt: 'none', scope: 'openid email' })
    expect(error).toBe('consent_required')
  })

  it('beside another prompt: invalid_request (S-07)', async () => {
    const server = strictServer()
    const error = await errorIn(createCookieJar(), server, { prompt: 'none login' })
    expect(error).toBe('invalid_request')
  })

  it('with the hint of another person: login_required (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const grace = await signIn(server, {}, { username: 'grace' })
    await signIn(server, {}, { jar })
    const error = await errorIn(jar, server, { prompt: 'none', id_token_hint: grace.id_token })
    expect(error).toBe('login_required')
  })

  it('with the hint of the person who is signed in: a code (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const { id_token: hint } = await signIn(server, {}, { jar })
    const response = await openIn(jar, server, { prompt: 'none', id_token_hint: hint })
    expect(redirectOf(response).get('code')).toHaveLength(43)
  })

  it('with a hint that is none: login_required (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    const overrides = { prompt: 'none', id_token_hint: 'not.a.token' }
    expect(await errorIn(jar, server, overrides)).toBe('login_required')
  })

  it('with a session that is exactly as old as max_age: a code (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    server.clock.pass(10)
    const response = await openIn(jar, server, { prompt: 'none', max_age: '10' })
    expect(redirectOf(response).get('code')).toHaveLength(43)
  })

  it('with a session that is older than max_age: login_required (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    server.clock.pass(11)
    expect(await errorIn(jar, server, { prompt: 'none', max_age: '10' })).toBe('login_required')
  })
})

describe('who is asked again', () => {
  it('asks nothing of a person who signed in and consented before', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    expect((await openIn(jar, server, {})).status).toBe(303)
  })

  it('does not remember a person in another browser', async () => {
    const server = strictServer()
    await signIn(server, {}, { jar: createCookieJar() })
    expect((await openIn(createCookieJar(), server, {})).status).toBe(200)
  })

  it('prompt=login asks for the password again and moves auth_time (oidcc-prompt-login)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const before = claimsOf((await signIn(server, {}, { jar })).id_token)
    server.clock.pass(60)
    const after = claimsOf((await signIn(server, { prompt: 'login' }, { jar })).id_token)
    expect(server.requestsTo('/login')).toHaveLength(2)
    expect(after['auth_time']).toBe((before['auth_time'] as number) + 60)
  })

  it('prompt=consent asks for consent again', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    await signIn(server, { prompt: 'consent' }, { jar })
    expect(answersOf(server)).toHaveLength(2)
    expect(server.requestsTo('/login')).toHaveLength(1)
  })

  it('prompt=select_account lets another person sign in', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    const second = await signIn(server, { prompt: 'select_account' }, { jar, username: 'grace' })
    expect(claimsOf(second.id_token)['sub']).toBe('user-grace')
  })

  it('max_age that has passed asks for the password again (S-08, oidcc-max-age-1)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const before = claimsOf((await signIn(server, {}, { jar })).id_token)
    server.clock.pass(2)
    const after = claimsOf((await signIn(server, { max_age: '1' }, { jar })).id_token)
    expect(after['auth_time']).toBe((before['auth_time'] as number) + 2)
  })

  it('max_age that has not passed asks nothing (S-08, oidcc-max-age-10000)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    const before = claimsOf((await signIn(server, {}, { jar })).id_token)
    server.clock.pass(60)
    const after = claimsOf((await signIn(server, { max_age: '10000' }, { jar })).id_token)
    expect(after['auth_time']).toBe(before['auth_time'])
  })

  it('max_age=0 always asks (S-08)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await signIn(server, {}, { jar })
    await signIn(server, { max_age: '0' }, { jar })
    expect(server.requestsTo('/login')).toHaveLength(2)
  })

  it("asks an external app's user for consent once, and again for more", async () => {
    const server = strictServer()
    await signIn(server, { scope: 'openid email' })
    await signIn(server, { scope: 'openid' })
    expect(answersOf(server)).toHaveLength(1)
    await signIn(server, { scope: 'openid orders:write' })
    expect(answersOf(server)).toHaveLength(2)
  })

  it('asks each person for consent, and for each app', async () => {
    const redirectUris = ['http://localhost:3000/callback']
    const clients = ['sandbox-app', 'another-app'].map((clientId) => ({ clientId, redirectUris }))
    const server = strictServer({ clients })
    await signIn(server)
    await signIn(server, {}, { username: 'grace' })
    await signIn(server, { client_id: 'another-app' })
    expect(answersOf(server)).toHaveLength(3)
  })

  it('a person whose sessions were revoked signs in anew, and nobody else', async () => {
    const server = strictServer()
    const [ada, grace] = [createCookieJar(), createCookieJar()]
    await signIn(server, {}, { jar: ada })
    await signIn(server, {}, { jar: grace, username: 'grace' })
    server.revokeSessions('ada')
    expect(await errorIn(ada, server, { prompt: 'none' })).toBe('login_required')
    expect(await errorIn(grace, server, { prompt: 'none' })).toBeNull()
    server.revokeSessions()
    expect(await errorIn(grace, server, { prompt: 'none' })).toBe('login_required')
  })
})
