import * as oauth from 'oauth4webapi'
import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import type { AuthServer } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  discover,
  errorOf,
  exchange,
  hiddenFields,
  internalApp,
  open,
  post,
  production,
  redirectOf,
  sandbox,
  signInWithAnotherClient,
  strictServer,
  through,
} from '../support.ts'
import type { Overrides } from '../support.ts'

const register = { clientId: 'c', redirectUris: [production.redirectUri] }
const requiring = { clients: [{ ...register, requirePushedRequests: true }] }
const registered = { client_id: 'c', redirect_uri: production.redirectUri }

function parametersOf(server: AuthServer, overrides: Overrides = {}): Overrides {
  const search = new URL(authorizationUrl(server, overrides)).searchParams
  return Object.fromEntries([...search.keys()].map((name) => [name, search.getAll(name)]))
}

function push(server: AuthServer, overrides: Overrides = {}, headers = {}): Promise<Response> {
  return post(server, '/par', parametersOf(server, overrides), headers)
}

async function pushed(server: AuthServer, overrides: Overrides = {}): Promise<string> {
  const answer = (await (await push(server, overrides)).json()) as { request_uri: string }
  return answer.request_uri
}

/** What the browser carries: the client and the reference. */
function leave(server: AuthServer, uri: string, extra: Record<string, string> = {}): string {
  const parameters = { client_id: sandbox.clientId, request_uri: uri, ...extra }
  return `${server.issuer}/authorize?${new URLSearchParams(parameters).toString()}`
}

describe('a pushed request', () => {
  it('is answered 201 with a reference nobody can guess, for a minute (S-34)', async () => {
    const response = await push(strictServer())
    expect(response.status).toBe(201)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{43}$/) as string,
      expires_in: 60,
    })
  })

  it('signs in by its reference alone (S-33)', async () => {
    const server = strictServer()
    const callback = new URL(await server.authorize(leave(server, await pushed(server))))
    expect(callback.searchParams.get('state')).toBe('a state')
    const response = await exchange(server, callback.searchParams.get('code')!)
    expect(await response.json()).toMatchObject({ token_type: 'Bearer' })
  })

  it('is understood by another client (S-33)', async () => {
    const server = strictServer()
    const as = await discover(server)
    const client = { client_id: sandbox.clientId }
    const response = await oauth.pushedAuthorizationRequest(
      as,
      client,
      oauth.None(),
      new URL(authorizationUrl(server)).searchParams,
      through(server),
    )
    const answer = await oauth.processPushedAuthorizationResponse(as, client, response)
    const callback = new URL(await server.authorize(leave(server, answer.request_uri)))
    expect(oauth.validateAuthResponse(as, client, callback, 'a state').get('code')).toHaveLength(43)
  })

  it('is what counts, whatever else the browser brings (S-13)', async () => {
    const server = strictServer()
    const extra = {
      scope: 'everything',
      state: 'another',
      redirect_uri: 'https://attacker.example/',
      response_type: 'token',
    }
    const callback = await server.authorize(leave(server, await pushed(server), extra))
    expect(callback).toContain(sandbox.redirectUri)
    expect(new URL(callback).searchParams.get('state')).toBe('a state')
  })

  it('can be read by pages of registered clients', async () => {
    const origin = 'https://app.example.com'
    const response = await push(strictServer(), {}, { origin })
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
  })
})

describe('pushing', () => {
  it.each([
    ['no client', { client_id: undefined }, [401, 'invalid_client']],
    ['an unknown client', { client_id: 'nobody' }, [401, 'invalid_client']],
    ['a secret of a client that has none', { client_secret: 'x' }, [401, 'invalid_client']],
    ['a request_uri', { request_uri: 'urn:example:1' }, [400, 'invalid_request']],
    ['a request object', { request: 'a.b.c' }, [400, 'request_not_supported']],
    [
      'an unregistered redirect URI',
      { redirect_uri: 'https://x.example/"' },
      [400, 'invalid_request'],
    ],
    ['no redirect URI', { redirect_uri: undefined }, [400, 'invalid_request']],
    ['no response type', { response_type: undefined }, [400, 'invalid_request']],
    ['the response type token', { response_type: 'token' }, [400, 'unsupported_response_type']],
    ['no challenge', { code_challenge: undefined }, [400, 'invalid_request']],
    ['the method plain', { code_challenge_method: 'plain' }, [400, 'invalid_request']],
    ['an unknown scope', { scope: 'openid everything' }, [400, 'invalid_scope']],
    ['an unknown resource', { resource: 'https://x.example/' }, [400, 'invalid_target']],
    [
      'authorization details',
      { authorization_details: '[{"type":"x"}]' },
      [400, 'invalid_authorization_details'],
    ],
    ['an unknown prompt', { prompt: 'dance' }, [400, 'invalid_request']],
    ['state twice', { state: ['a', 'b'] }, [400, 'invalid_request']],
    ['a state of a megabyte', { state: 'x'.repeat(1024 * 1024) }, [413, 'invalid_request']],
  ] as [string, Overrides, [number, string]][])(
    '%s is refused (S-33)',
    async (_, overrides, answer) => {
      expect(await errorOf(push(strictServer(), overrides))).toEqual(answer)
    },
  )

  it('describes a refusal in the characters that are allowed (S-33)', async () => {
    const response = await push(strictServer(), { redirect_uri: 'https://x.example/"é\\' })
    const { error_description: description } = (await response.json()) as Record<string, string>
    expect(description).toContain('the redirect URI https://x.example/??? is not registered')
  })

  it('is by POST only, with a form for a body and nothing in the URL (S-33)', async () => {
    const server = strictServer()
    expect((await server.fetch(`${server.issuer}/par`)).status).toBe(405)
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    expect(await errorOf(server.fetch(`${server.issuer}/par`, json))).toEqual([
      400,
      'invalid_request',
    ])
    const inUrl = post(server, '/par?prompt=none', parametersOf(server))
    expect(await errorOf(inUrl)).toEqual([400, 'invalid_request'])
  })

  it('takes the secret of a confidential client, and nothing less (S-33)', async () => {
    const server = strictServer({ clients: [{ ...register, clientSecret: 'hush' }] })
    expect(await errorOf(push(server, registered))).toEqual([401, 'invalid_client'])
    expect((await push(server, { ...registered, client_secret: 'hush' })).status).toBe(201)
    const basic = { authorization: `Basic ${btoa('c:hush')}` }
    expect((await push(server, registered, basic)).status).toBe(201)
    const nameless = push(server, { ...registered, client_id: undefined }, basic)
    expect(await errorOf(nameless)).toEqual([400, 'invalid_request'])
  })
})

describe('a reference', () => {
  it('is good once (S-34)', async () => {
    const server = strictServer()
    const url = leave(server, await pushed(server))
    await server.authorize(url)
    const again = redirectOf(await open(server, url))
    expect(Object.fromEntries(again)).toMatchObject({
      error: 'invalid_request_uri',
      state: 'a state',
      iss: server.issuer,
    })
  })

  it.each([
    ['refused by the user', {}, { consent: false }],
    ['answered without a page', { prompt: 'none' }, {}],
  ])('is used up when %s (S-34)', async (_, overrides, how) => {
    const server = strictServer()
    const url = leave(server, await pushed(server, overrides))
    await server.authorize(url, how)
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_request_uri')
  })

  it('survives a reload of the login page, and is still good once (S-34)', async () => {
    const server = strictServer()
    const url = leave(server, await pushed(server, internalApp), { client_id: 'production-app' })
    const browse = server.withCookies(createCookieJar())
    const pages = [await browse(url), await browse(url)]
    const answers = []
    for (const page of pages) {
      const fields = { ...hiddenFields(await page.text()), username: 'ada', password: 'lovelace' }
      const body = new URLSearchParams(fields)
      const sent = { method: 'POST', redirect: 'manual', body } as const
      answers.push(redirectOf(await browse(`${server.issuer}/login`, sent)))
    }
    expect(answers[0]!.get('code')).toHaveLength(43)
    expect(answers[1]!.get('code')).toBeNull()
    expect(answers[1]!.get('error')).toBe('invalid_request_uri')
  })

  it('expires (S-34)', async () => {
    const server = strictServer({ requestUriLifetime: 5 })
    const url = leave(server, await pushed(server))
    server.clock.pass(4)
    expect((await open(server, url)).status).toBe(200)
    server.clock.pass(1)
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_request_uri')
  })

  it.each([
    [
      'of another client',
      (server: AuthServer, uri: string) => leave(server, uri, { client_id: 'production-app' }),
    ],
    [
      'without a client',
      (server: AuthServer, uri: string) => leave(server, uri).replace('client_id', 'x'),
    ],
    [
      'with a second client',
      (server: AuthServer, uri: string) => `${leave(server, uri)}&client_id=production-app`,
    ],
    ['beside another', (server: AuthServer, uri: string) => `${leave(server, uri)}&request_uri=x`],
    ['made up', (server: AuthServer, uri: string) => leave(server, `${uri}x`)],
  ])('%s is refused by a page (S-34)', async (_, url) => {
    const server = strictServer()
    const response = await open(server, url(server, await pushed(server)))
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/request_uri is unknown|sent twice/)
  })

  it('from somewhere else is not fetched (S-13)', async () => {
    const server = strictServer()
    const url = authorizationUrl(server, { request_uri: 'https://x.example/request.jwt' })
    expect(redirectOf(await open(server, url)).get('error')).toBe('request_uri_not_supported')
  })
})

describe('a client that must push', () => {
  it('is refused at the authorization endpoint (S-13)', async () => {
    const server = strictServer(requiring)
    const refusal = redirectOf(await open(server, authorizationUrl(server, registered)))
    expect(Object.fromEntries(refusal)).toMatchObject({
      error: 'invalid_request',
      state: 'a state',
    })
  })

  it('is refused by a page where the redirect URI cannot be trusted (S-13)', async () => {
    const server = strictServer(requiring)
    const overrides = { ...registered, redirect_uri: 'https://attacker.example/' }
    expect((await open(server, authorizationUrl(server, overrides))).status).toBe(400)
  })

  it('signs in with what it pushed (S-13)', async () => {
    const server = strictServer(requiring)
    const url = leave(server, await pushed(server, registered), { client_id: 'c' })
    expect(new URL(await server.authorize(url)).searchParams.get('code')).toHaveLength(43)
  })

  it('is named by the metadata when there is no other (S-13, S-48)', async () => {
    expect(await discover(strictServer(requiring))).toMatchObject({
      pushed_authorization_request_endpoint: 'https://login.example.com/par',
      require_pushed_authorization_requests: true,
    })
    const both = { clients: [...requiring.clients, { ...register, clientId: 'other' }] }
    expect(await discover(strictServer(both))).toMatchObject({
      require_pushed_authorization_requests: false,
    })
  })

  it('leaves other clients alone (S-13)', async () => {
    const other = { ...register, clientId: sandbox.clientId, redirectUris: [sandbox.redirectUri] }
    const server = strictServer({ clients: [...requiring.clients, other] })
    expect((await signInWithAnotherClient(server)).claims.sub).toBe('user-ada')
  })
})

describe('faults', () => {
  it('par-expired: the reference has expired when the browser arrives', async () => {
    const server = strictServer()
    server.fault('par-expired', { times: 1 })
    const url = leave(server, await pushed(server))
    expect(redirectOf(await open(server, url)).get('error')).toBe('invalid_request_uri')
    const next = leave(server, await pushed(server))
    expect((await open(server, next)).status).toBe(200)
  })

  it('par-200: the status is 200', async () => {
    const server = strictServer()
    server.fault('par-200', { times: 1 })
    const response = await push(server)
    expect([response.status, await response.json()]).toMatchObject([200, { expires_in: 60 }])
    expect((await push(server)).status).toBe(201)
  })

  it('par-status: refuses as told', async () => {
    const server = strictServer()
    server.fault('par-status', { times: 1 })
    expect(await errorOf(push(server))).toEqual([400, 'invalid_request'])
    server.fault('par-status', { times: 1, status: 429, error: 'slow_down', retryAfter: 30 })
    const limited = await push(server)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '30'])
    expect(await limited.json()).toMatchObject({ error: 'slow_down' })
    expect((await push(server)).status).toBe(201)
  })

  it('bodies can be spoiled here too', async () => {
    const server = strictServer()
    server.fault('json-null', { path: '/par' })
    const response = await push(server)
    expect([response.status, await response.json()]).toEqual([201, null])
  })
})
