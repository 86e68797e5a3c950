import { describe, expect, it } from 'vitest'
import {
  authorizationUrl,
  callApi,
  claimsOf,
  discover,
  errorOf,
  exchange,
  obtainCode,
  refresh,
  signIn,
  strictServer,
} from '../support.ts'
import type { AuthServer, FaultArguments, FaultName } from '../../../src/testing/index.ts'

/** The token response under one fault, as text and header. */
async function tokenAnswer<Name extends FaultName>(name: Name, ...options: FaultArguments<Name>) {
  const server = strictServer()
  const code = await obtainCode(server)
  server.fault(name, ...options)
  const response = await exchange(server, code)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return { status: response.status, type: response.headers.get('content-type'), text, server }
}

async function tokenMembers<Name extends FaultName>(name: Name, ...options: FaultArguments<Name>) {
  return JSON.parse((await tokenAnswer(name, ...options)).text) as Record<string, unknown>
}

describe('faults of the token response', () => {
  it.each(['mac', 7, null])('token-type: %s', async (value) => {
    expect(await tokenMembers('token-type', { value })).toHaveProperty('token_type', value)
  })

  it('token-type: gone', async () => {
    expect(await tokenMembers('token-type')).not.toHaveProperty('token_type')
  })

  it('token-type-inverted-case', async () => {
    const members = await tokenMembers('token-type-inverted-case')
    expect(members).toHaveProperty('token_type', 'bEARER')
  })

  it.each([0, -1, '3600', '3600abc', null, [], 1e12])('expires-in: %j', async (value) => {
    expect((await tokenMembers('expires-in', { value }))['expires_in']).toEqual(value)
  })

  it('expires-in: gone', async () => {
    expect(await tokenMembers('expires-in')).not.toHaveProperty('expires_in')
  })

  it('expires-in: as it is written', async () => {
    expect((await tokenAnswer('expires-in', { raw: 'NaN' })).text).toContain('"expires_in":NaN,')
  })

  it.each([
    ['no-access-token', 'access_token'],
    ['no-refresh-token', 'refresh_token'],
  ] as const)('%s', async (name, member) => {
    const members = await tokenMembers(name)
    expect(members).not.toHaveProperty(member)
    expect(members).toHaveProperty('token_type')
  })

  it('granted-scope: other, or not said', async () => {
    expect(await tokenMembers('granted-scope', { scope: 'openid' })).toMatchObject({
      scope: 'openid',
    })
    expect(await tokenMembers('granted-scope')).not.toHaveProperty('scope')
  })

  it('error-200', async () => {
    expect(await tokenMembers('error-200')).toEqual({ error: 'invalid_grant' })
  })

  it('token-members', async () => {
    const members = await tokenMembers('token-members', { set: { extra: 1 }, remove: ['scope'] })
    expect(members).toHaveProperty('extra', 1)
    expect(members).not.toHaveProperty('scope')
  })

  it('proto-member', async () => {
    const members = await tokenMembers('proto-member')
    expect(Object.keys(members).slice(0, 2)).toEqual(['__proto__', 'constructor'])
    expect(members['access_token']).toHaveLength(43)
  })

  it('duplicate-member', async () => {
    const { text } = await tokenAnswer('duplicate-member')
    expect(text.match(/"access_token"/g)).toHaveLength(2)
    expect(JSON.parse(text)).not.toMatchObject({ access_token: 'a-token-of-somebody-else' })
  })

  it('duplicate-member: the good one first', async () => {
    const members = await tokenMembers('duplicate-member', { goodOne: 'first' })
    expect(members['access_token']).toBe('a-token-of-somebody-else')
  })

  it.each([
    ['sign-in', [true, false]],
    ['refresh', [false, true]],
    [undefined, [true, true]],
  ] as const)('strikes at %s', async (on, expected) => {
    const server = strictServer()
    const options = on ? { on } : {}
    server.fault('token-type', { ...options, value: 'mac' })
    server.fault('wrong-content-type', { ...options, contentType: 'text/x-strange' })
    const first = await exchange(server, await obtainCode(server))
    const tokens = (await first.json()) as { refresh_token: string; token_type: string }
    const second = await refresh(server, tokens.refresh_token)
    const renewed = (await second.json()) as typeof tokens
    const types = [first, second].map((one) => one.headers.get('content-type'))
    expect(types.map((type) => type === 'text/x-strange')).toEqual(expected)
    expect([tokens, renewed].map((one) => one.token_type === 'mac')).toEqual(expected)
  })

  it('leaves refusals alone', async () => {
    const server = strictServer()
    server.fault('no-access-token')
    server.fault('html-200')
    expect(await errorOf(refresh(server, 'made up'))).toEqual([400, 'invalid_grant'])
  })
})

describe('faults of a body', () => {
  it('bom', async () => {
    expect((await tokenAnswer('bom')).text).toMatch(/^\ufeff\{/)
  })

  it.each([
    ['html-200', 200],
    ['html-502', 502],
  ] as const)('%s', async (name, status) => {
    expect(await tokenAnswer(name)).toMatchObject({
      status,
      type: 'text/html; charset=utf-8',
      text: expect.stringMatching(/^<!doctype html>/),
    })
  })

  it('empty-200', async () => {
    expect(await tokenAnswer('empty-200')).toMatchObject({ status: 200, text: '' })
  })

  it('no-content', async () => {
    expect(await tokenAnswer('no-content')).toMatchObject({ status: 204, text: '' })
  })

  it.each([
    ['json-array', (value: unknown) => Array.isArray(value)],
    ['json-null', (value: unknown) => value === null],
    ['json-string', (value: unknown) => typeof value === 'string'],
  ] as const)('%s', async (name, holds) => {
    expect(holds(JSON.parse((await tokenAnswer(name)).text))).toBe(true)
  })

  it('truncated-json', async () => {
    const { text } = await tokenAnswer('truncated-json')
    expect(text).toMatch(/^\{"access_token"/)
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
  })

  it('wrong-content-type', async () => {
    const { type, text } = await tokenAnswer('wrong-content-type')
    expect(type).toBe('text/plain')
    expect(JSON.parse(text)).toHaveProperty('access_token')
  })

  it('huge-body', async () => {
    const members = await tokenMembers('huge-body', { bytes: 2_000_000 })
    expect(members['padding']).toHaveLength(2_000_000)
    expect(members).toHaveProperty('access_token')
  })

  it('strikes at another path when told so', async () => {
    const server = strictServer()
    server.fault('html-200', { path: '/.well-known/openid-configuration' })
    await expect(discover(server)).rejects.toThrow()
    expect(await signIn(server)).toHaveProperty('access_token')
  })

  it('spoils the answer after the request was processed', async () => {
    const server = strictServer()
    const tokens = await signIn(server)
    server.fault('html-200', { on: 'refresh', times: 1 })
    await refresh(server, tokens.refresh_token)
    expect(await errorOf(refresh(server, tokens.refresh_token))).toEqual([400, 'invalid_grant'])
  })
})

describe('faults of metadata, keys and time', () => {
  it('metadata: members replaced and removed', async () => {
    const server = strictServer()
    server.fault('metadata', {
      patch: {
        authorization_endpoint: 'javascript:alert(1)',
        code_challenge_methods_supported: undefined,
      },
    })
    const as = await discover(server)
    expect(as.authorization_endpoint).toBe('javascript:alert(1)')
    expect(as).not.toHaveProperty('code_challenge_methods_supported')
  })

  it.each([null, ''])('metadata: a member that is %j (F4)', async (value) => {
    const server = strictServer()
    server.fault('metadata', { patch: { revocation_endpoint: value } })
    expect((await discover(server)).revocation_endpoint).toBe(value)
  })

  it('metadata: another token endpoint for a while, where nobody answers (F14)', async () => {
    const server = strictServer()
    const elsewhere = `${server.issuer}/v2/token`
    const off = server.fault('metadata', { patch: { token_endpoint: elsewhere } })
    expect((await discover(server)).token_endpoint).toBe(elsewhere)
    expect((await server.fetch(elsewhere, { method: 'POST' })).status).toBe(404)
    off()
    expect((await discover(server)).token_endpoint).toBe(`${server.issuer}/token`)
  })

  it('metadata: the issuer of somebody else', async () => {
    const server = strictServer()
    server.fault('metadata', { patch: { issuer: 'https://attacker.example' } })
    await expect(discover(server)).rejects.toThrow('issuer')
  })

  it('jwks-error', async () => {
    const server = strictServer()
    server.fault('jwks-error')
    expect((await server.fetch(`${server.issuer}/jwks`)).status).toBe(500)
  })

  it('jwks-keys', async () => {
    const server = strictServer()
    server.fault('jwks-keys', { keys: [] })
    expect(await (await server.fetch(`${server.issuer}/jwks`)).json()).toEqual({ keys: [] })
  })

  it.each([300, -300])('clock-offset: %d seconds', async (seconds) => {
    const server = strictServer()
    server.fault('clock-offset', { seconds })
    const { id_token: idToken } = await signIn(server)
    const now = Math.floor(server.clock.now() / 1000)
    expect(claimsOf(idToken)['iat']).toBe(now + seconds)
  })

  it('clock-offset does not falsify the record of requests', async () => {
    const server = strictServer()
    server.fault('clock-offset', { seconds: 300 })
    await callApi(server, '/public')
    expect(server.requests[0]!.at).toBe(server.clock.now())
  })
})

describe('faults of the API', () => {
  async function apiAnswer(options?: FaultArguments<'api-401'>[0]) {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    server.fault('api-401', options)
    const response = await callApi(server, '/users/me', token)
    return [response.status, response.headers.get('www-authenticate')]
  }

  it('api-401 whatever the token', async () => {
    expect(await apiAnswer()).toEqual([401, 'Bearer error="invalid_token"'])
  })

  it('api-401 with a challenge of any kind', async () => {
    expect(await apiAnswer({ challenge: 'Basic realm="x"' })).toEqual([401, 'Basic realm="x"'])
  })

  it('api-401 with several challenges', async () => {
    const challenge = ['Basic realm="x"', 'Bearer error="insufficient_scope"']
    expect(await apiAnswer({ challenge })).toEqual([401, challenge.join(', ')])
  })

  it('api-401 without a challenge', async () => {
    expect(await apiAnswer({ challenge: false })).toEqual([401, null])
  })

  it('api-401 for some calls, on one path', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    server.fault('api-401', { path: '/orders', times: 1 })
    const answers = []
    for (const path of ['/users/me', '/orders', '/orders']) {
      answers.push((await callApi(server, path, token)).status)
    }
    expect(answers).toEqual([200, 401, 200])
  })

  it('user-info-claims', async () => {
    const server = strictServer()
    const { access_token: token } = await signIn(server)
    server.fault('user-info-claims', { set: { sub: 'user-mallory' }, remove: ['email'] })
    const headers = { authorization: `Bearer ${token}` }
    const response = await server.fetch(`${server.issuer}/userinfo`, { headers })
    const claims = await response.json()
    expect(claims).toHaveProperty('sub', 'user-mallory')
    expect(claims).not.toHaveProperty('email')
  })

  it.each([
    ['end-session-state-missing', null],
    ['end-session-state-wrong', 'a-state-of-somebody-else'],
  ] as const)('%s', async (name, state) => {
    const server = strictServer()
    server.fault(name)
    const url = `${server.issuer}/end_session?client_id=sandbox-app&state=mine&post_logout_redirect_uri=${encodeURIComponent('http://localhost:3000/')}`
    const response = await server.fetch(url, { redirect: 'manual' })
    const location = new URL(response.headers.get('location')!)
    expect(location.searchParams.get('state')).toBe(state)
  })
})

describe('switches', () => {
  const signsIn = async (server: AuthServer) =>
    new URL(await server.authorize(authorizationUrl(server))).searchParams.has('iss')

  it('are off at first, on when told, and off again', async () => {
    const server = strictServer()
    const before = await signsIn(server)
    const off = server.fault('callback-iss-missing')
    const during = await signsIn(server)
    off()
    expect([before, during, await signsIn(server)]).toEqual([true, false, true])
  })

  it('last as many times as they are told to', async () => {
    const server = strictServer()
    server.fault('callback-iss-missing', { times: 2 })
    const seen = [await signsIn(server), await signsIn(server), await signsIn(server)]
    expect(seen).toEqual([false, false, true])
  })

  it('do not last for no times', async () => {
    const server = strictServer()
    server.fault('callback-iss-missing', { times: 0 })
    expect(await signsIn(server)).toBe(true)
  })

  it('are all off after clearFaults', async () => {
    const server = strictServer()
    server.fault('callback-iss-missing')
    server.fault('network-error', { path: '/public' })
    server.clearFaults()
    expect(await signsIn(server)).toBe(true)
    expect((await callApi(server, '/public')).status).toBe(200)
  })

  it('do not touch another server', async () => {
    strictServer().fault('callback-iss-missing')
    expect(await signsIn(strictServer())).toBe(true)
  })

  it('turn on one at a time: the same fault twice lasts until both are off', async () => {
    const server = strictServer()
    const first = server.fault('callback-iss-missing')
    const second = server.fault('callback-iss-missing')
    first()
    const between = await signsIn(server)
    second()
    expect([between, await signsIn(server)]).toEqual([false, true])
  })
})
