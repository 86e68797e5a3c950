import { describe, expect, it } from 'vitest'
import type { FaultArguments } from '../../../src/testing/index.ts'
import { tokenRefusals } from '../../../src/testing/faults/refusals.ts'
import { callApi, errorOf, refresh, signIn, strictServer } from '../support.ts'

async function turn(): Promise<void> {
  for (let step = 0; step < 20; step += 1) await new Promise((go) => setImmediate(go))
}

describe('faults of the connection', () => {
  it('respond: any answer, without processing the request', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('respond', {
      path: '/token',
      status: 418,
      body: { hot: true },
      headers: { 'X-Pot': 'yes' },
      times: 1,
    })
    const response = await refresh(server, token)
    expect([response.status, response.headers.get('x-pot')]).toEqual([418, 'yes'])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ hot: true })
    expect((await refresh(server, token)).status).toBe(200)
  })

  it('respond: text is sent as it is', async () => {
    const server = strictServer()
    server.fault('respond', { path: '/public', body: '<p>' })
    const response = await callApi(server, '/public')
    expect([response.status, await response.text()]).toEqual([200, '<p>'])
  })

  it('respond: for one method only', async () => {
    const server = strictServer()
    server.fault('respond', { path: '/public', method: 'POST', status: 500 })
    expect((await callApi(server, '/public')).status).toBe(200)
    expect((await callApi(server, '/public', undefined, { method: 'POST' })).status).toBe(500)
  })

  it('network-error: fetch fails, and nothing was processed', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('network-error', { path: '/token', times: 1 })
    await expect(refresh(server, token)).rejects.toThrow(TypeError)
    expect((await refresh(server, token)).status).toBe(200)
  })

  it('network-error: other paths are reached', async () => {
    const server = strictServer()
    server.fault('network-error', { path: '/token' })
    expect((await callApi(server, '/public')).status).toBe(200)
  })

  it('drop-response: fetch fails, and the refresh token is spent', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('drop-response', { path: '/token', times: 1 })
    await expect(refresh(server, token)).rejects.toThrow(TypeError)
    expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
    expect(server.revoked).toMatchObject([{ reason: 'refresh-token-reused' }])
  })

  it('hang: no answer until the caller gives up, and nothing was processed', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('hang', { path: '/token', times: 1 })
    const controller = new AbortController()
    const attempt = server.fetch(`${server.issuer}/token`, {
      method: 'POST',
      signal: controller.signal,
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'sandbox-app',
        refresh_token: token,
      }),
    })
    await turn()
    controller.abort()
    await expect(attempt).rejects.toThrow('aborted')
    expect((await refresh(server, token)).status).toBe(200)
  })

  it('hang: processed when told so', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('hang', { path: '/token', processed: true, times: 1 })
    void refresh(server, token)
    await turn()
    expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
  })

  it("slow-headers: the answer comes late, by the server's clock", async () => {
    const server = strictServer()
    server.fault('slow-headers', { path: '/public', milliseconds: 5000 })
    let answered = false
    const attempt = callApi(server, '/public').then((response) => {
      answered = true
      return response
    })
    await turn()
    server.clock.pass(4.9)
    await turn()
    expect(answered).toBe(false)
    server.clock.pass(0.1)
    expect((await attempt).status).toBe(200)
  })

  it('slow-body: the headers come at once, the body in pieces', async () => {
    const server = strictServer()
    server.fault('slow-body', { path: '/jwks', milliseconds: 1000 })
    const response = await server.fetch(`${server.issuer}/jwks`)
    expect(response.status).toBe(200)
    const reader = response.body!.getReader()
    const first = reader.read()
    await turn()
    server.clock.pass(1)
    expect(new TextDecoder().decode((await first).value)).toBe('{"keys":[{')
  })

  it('slow-body: aborting ends the body too', async () => {
    const server = strictServer()
    server.fault('slow-body', { path: '/jwks' })
    const controller = new AbortController()
    const response = await server.fetch(`${server.issuer}/jwks`, { signal: controller.signal })
    const text = response.text()
    await turn()
    const reason = new Error('no longer needed')
    controller.abort(reason)
    await expect(text).rejects.toBe(reason)
  })

  it('infinite-body: there is always more', async () => {
    const server = strictServer()
    server.fault('infinite-body', { path: '/token' })
    const response = await refresh(server, 'x')
    const reader = response.body!.getReader()
    let bytes = 0
    while (bytes < 2_000_000) bytes += (await reader.read()).value!.length
    await reader.cancel()
    expect(bytes).toBeGreaterThanOrEqual(2_000_000)
  })

  it.each([
    [{}, 503, '60'],
    [{ status: 429, retryAfter: 7 }, 429, '7'],
    [{ retryAfter: 'Wed, 21 Oct 2015 07:28:00 GMT' }, 503, 'Wed, 21 Oct 2015 07:28:00 GMT'],
  ] as const)('try-later: %j', async (options, status, retryAfter) => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('try-later', { path: '/token', times: 1, ...options })
    const response = await refresh(server, token)
    expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter])
    expect((await refresh(server, token)).status).toBe(200)
  })

  it.each([
    ['respond', { status: 401, body: { error: 'invalid_token' } }],
    ['try-later', {}],
  ] as const)('%s: at refreshes only', async (name, options) => {
    const server = strictServer()
    server.fault(name, { path: '/token', on: 'refresh', ...options })
    const { refresh_token: token } = await signIn(server)
    expect((await refresh(server, token)).status).not.toBe(200)
  })

  it.each(tokenRefusals)('token-refused: %s, and nothing was processed', async (as) => {
    const server = strictServer()
    server.fault('token-refused', { on: 'refresh', as, times: 1 })
    const { refresh_token: token } = await signIn(server)
    const response = await refresh(server, token)
    const [status, what, extra] = as.split(' ')
    const { headers } = response
    const body = await response.text()
    expect(response.status).toBe(Number(status))
    expect(headers.has('www-authenticate')).toBe(extra === 'challenge')
    if (what === 'empty') expect([body, headers.get('content-type')]).toEqual(['', null])
    else if (what === 'html') expect(body).toMatch(/^<!doctype html>/)
    else if (what === 'json') expect(JSON.parse(body)).not.toHaveProperty('error')
    else
      expect(JSON.parse(body)).toEqual({
        error: what,
        ...(extra === 'suberror' && { suberror: 'consent_required' }),
      })
    expect((await refresh(server, token)).status).toBe(200)
  })

  it('token-refused: invalid_grant unless told otherwise', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('token-refused', { times: 1 })
    expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
    expect((await refresh(server, token)).status).toBe(200)
  })

  it.each([
    [{}, 307],
    [{ status: 302 }, 302],
  ] as const)('redirect-token: %j', async (options, status) => {
    const server = strictServer()
    server.fault('redirect-token', options)
    const response = await server.fetch(`${server.issuer}/token`, {
      method: 'POST',
      redirect: 'manual',
    })
    const to = 'https://elsewhere.example/token'
    expect([response.status, response.headers.get('location')]).toEqual([status, to])
  })

  it('redirect-token: at another path, such as a discovery that moved for good (F29)', async () => {
    const server = strictServer()
    const path = '/.well-known/openid-configuration'
    const to = `${server.issuer}${path}/`
    server.fault('redirect-token', { path, status: 301, to })
    const moved = await server.fetch(server.issuer + path, { redirect: 'manual' })
    expect([moved.status, moved.headers.get('location')]).toEqual([301, to])
    expect((await server.fetch(server.issuer + path)).status).toBe(404)
  })

  it('redirect-token: who follows takes the body elsewhere', async () => {
    const server = strictServer()
    server.fault('redirect-token')
    await expect(refresh(server, 'secret')).rejects.toThrow(TypeError)
    expect(server.requests.at(-1)).toMatchObject({
      to: 'elsewhere',
      form: { refresh_token: 'secret' },
    })
  })
})

describe('what a browser would hide', () => {
  const headers = { origin: 'http://localhost:3000' }

  async function hidden(
    ...fault: ['no-cors' | 'no-expose-headers', FaultArguments<'no-cors'>[0]?]
  ) {
    const server = strictServer()
    const off = server.fault(...fault)
    return { server, off, call: () => callApi(server, '/users/me', undefined, { headers }) }
  }

  it('no-cors: the request was processed, the answer is a failure', async () => {
    const server = strictServer()
    const { refresh_token: token } = await signIn(server)
    server.fault('no-cors', { times: 1 })
    await expect(refresh(server, token)).rejects.toThrow(TypeError)
    expect(await errorOf(refresh(server, token))).toEqual([400, 'invalid_grant'])
  })

  it('no-cors: preflights fail as well, without using it up', async () => {
    const { server, call } = await hidden('no-cors', { times: 1 })
    const preflight = await server.fetch(`${server.api.url}users/me`, {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-method': 'GET' },
    })
    expect(preflight.headers.has('access-control-allow-origin')).toBe(false)
    await expect(call()).rejects.toThrow(TypeError)
    expect((await call()).status).toBe(401)
  })

  it('no-expose-headers: the status is seen, the challenge is not', async () => {
    const { off, call } = await hidden('no-expose-headers')
    const response = await call()
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, null])
    off()
    expect((await call()).headers.get('www-authenticate')).toMatch(/^Bearer resource_metadata=/)
  })

  it('no-expose-headers: safe-listed headers are seen', async () => {
    const server = strictServer()
    server.fault('no-expose-headers')
    const response = await server.fetch(`${server.issuer}/jwks`)
    expect(response.headers.get('content-type')).toBe('application/json')
  })
})
