import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { PkceClient, registerClient } from '../../src/index.ts'
import type { RegisterClientOptions } from '../../src/index.ts'
import { createAuthServer, createFakeClock } from '../../src/testing/index.ts'
import { rejection } from '../support/world.ts'

const redirectUris = ['https://app.example.com/callback']
const place = 'https://login.example.com/register'

/** A server that apps may register at: it knows one client already, and gives its ID to whoever registers. */
function open(answer: () => Response = () => Response.json(registered, { status: 201 })) {
  const server = createAuthServer({ clients: [{ clientId: 'new-app', redirectUris }] })
  server.fault('metadata', { patch: { registration_endpoint: place } })
  const asked: { init: RequestInit; body: unknown }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (input !== place) return server.fetch(input, init)
    asked.push({ init: init!, body: JSON.parse(init!.body as string) })
    return answer()
  }
  const register = (options: Partial<RegisterClientOptions> = {}) =>
    registerClient(server.issuer, { redirectUris, fetch, ...options })
  return { server, asked, fetch, register }
}
const registered = { client_id: 'new-app', redirect_uris: redirectUris }

describe('an app that a server has never heard of', () => {
  test('registers itself, and signs a user in who stays signed in', async () => {
    const server = createAuthServer({ dynamicRegistration: true })
    const { fetch } = server
    const { clientId } = await registerClient(server.issuer, { redirectUris, fetch })
    const auth = new PkceClient({
      ...{ issuer: server.issuer, clientId, redirectUri: redirectUris[0]!, fetch },
      scope: 'openid offline_access',
    })
    expect(await server.signInTo(auth)).toMatchObject({ kind: 'signed-in' })
    expect(await auth.refresh()).toMatchObject({ status: 'signed-in' })
  })

  test.each(['http://127.0.0.1/callback', 'com.example.app:/callback'])(
    'may be on a user’s machine: %s',
    async (redirectUri) => {
      const server = createAuthServer({ dynamicRegistration: true })
      const { fetch } = server
      const { clientId } = await registerClient(server.issuer, {
        redirectUris: [redirectUri],
        fetch,
      })
      const auth = new PkceClient({ issuer: server.issuer, clientId, redirectUri, fetch })
      expect(await server.signInTo(auth)).toMatchObject({ kind: 'signed-in' })
    },
  )

  test('hears that a server does not let apps register themselves', async () => {
    const server = createAuthServer()
    const { fetch } = server
    expect(await rejection(registerClient(server.issuer, { redirectUris, fetch }))).toMatchObject({
      code: 'discovery_failed',
    })
    expect(server.requestsTo('/register')).toEqual([])
  })

  test('says who it is, and asks for no secret', async () => {
    const { asked, register } = open()
    const metadata = { client_uri: 'https://app.example.com/', token_endpoint_auth_method: 'x' }
    await register({ clientName: 'Example app', metadata })
    expect(asked).toHaveLength(1)
    expect(asked[0]!.init).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
    })
    expect(asked[0]!.body).toEqual({
      client_name: 'Example app',
      client_uri: 'https://app.example.com/',
      application_type: 'web',
      redirect_uris: redirectUris,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    })
  })

  test.each([
    ['http://127.0.0.1/callback', {}, 'native'],
    ['com.example.app:/callback', {}, 'native'],
    ['https://app.example.com/callback', {}, 'web'],
    ['https://app.example.com/callback com.example.app:/callback', {}, 'native'],
    ['https://app.example.com/callback', { application_type: 'native' }, 'native'],
  ])('with the redirect URI %s and %j is a %s app', async (uri, metadata, application_type) => {
    const { asked, register } = open()
    await register({ redirectUris: uri.split(' '), metadata })
    expect(asked[0]!.body).toMatchObject({ application_type })
    expect(asked[0]!.body).not.toHaveProperty('client_name')
  })
})

test('metadata are looked for where servers of either kind have them', async () => {
  const asked: string[] = []
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(input as string)
    return new Response(null, { status: 404 })
  }
  const error = await rejection(
    registerClient('https://login.example.com', { redirectUris, fetch }),
  )
  expect(error).toMatchObject({ code: 'discovery_failed' })
  expect(asked).toEqual([
    'https://login.example.com/.well-known/oauth-authorization-server',
    'https://login.example.com/.well-known/openid-configuration',
  ])
})

test('a server that answers 200 has registered the app as well', async () => {
  expect(await open(() => Response.json(registered)).register()).toEqual({ clientId: 'new-app' })
})

describe('a registration that fails', () => {
  test.each([undefined, '', 'http://login.example.com/register', 'javascript:alert(1)', 7])(
    'because the server has no usable endpoint for it: %j',
    async (registration_endpoint) => {
      const { server, asked, register } = open()
      server.clearFaults()
      server.fault('metadata', { patch: { registration_endpoint } })
      const error = await rejection(register())
      expect(error).toMatchObject({ code: 'discovery_failed', retryable: false })
      expect((error as Error).message).toBe(
        'https://login.example.com does not let apps register themselves; register it there by hand.',
      )
      expect(asked).toEqual([])
    },
  )

  test('and its error stays short when the issuer is long', async () => {
    const issuer = `https://login.example.com/${'x'.repeat(5000)}`
    const server = createAuthServer({ issuer })
    const error = (await rejection(
      registerClient(issuer, { redirectUris, fetch: server.fetch }),
    )) as Error
    expect(error).toMatchObject({ code: 'discovery_failed' })
    expect(error.message.length).toBeLessThan(300)
  })

  test('gets no endpoint from what some library put on Object.prototype', async () => {
    const { server, register } = open()
    server.clearFaults()
    Object.assign(Object.prototype, { registration_endpoint: place })
    const error = await rejection(register()).finally(() =>
      Reflect.deleteProperty(Object.prototype, 'registration_endpoint'),
    )
    expect(error).toMatchObject({ code: 'discovery_failed' })
  })

  test('because the server calls itself something else', async () => {
    const { server, register } = open()
    server.clearFaults()
    server.fault('metadata', { patch: { issuer: 'https://attacker.example' } })
    expect(await rejection(register())).toMatchObject({ code: 'issuer_mismatch' })
  })

  test('because the server refuses it', async () => {
    const refused = { error: 'invalid_redirect_uri', error_description: 'Only our own.' }
    const { register } = open(() => Response.json(refused, { status: 400 }))
    expect(await rejection(register())).toMatchObject({
      code: 'server_error',
      status: 400,
      error: 'invalid_redirect_uri',
      description: 'Only our own.',
      retryable: false,
    })
  })

  test.each([
    [401, 'server_error', false],
    [429, 'rate_limited', true],
    [503, 'server_error', true],
  ])('because the server answers %i', async (status, code, retryable) => {
    const { register } = open(() => new Response(null, { status }))
    expect(await rejection(register())).toMatchObject({ code, status, retryable })
  })

  test.each([
    ['no JSON', () => new Response('<!doctype html>', { status: 201 })],
    ['no client ID', () => Response.json({}, { status: 201 })],
    ['a client ID that is no text', () => Response.json({ client_id: 7 }, { status: 201 })],
  ])('because the answer has %s', async (_, answer) => {
    const error = await rejection(open(answer).register())
    expect(error).toMatchObject({ code: 'server_error', retryable: false })
    expect((error as Error).message).toContain('The answer of the registration endpoint')
  })

  test('because the server gives it a secret', async () => {
    const secret = { client_secret: 'TOP-SECRET', client_secret_expires_at: 0 }
    const { register } = open(() => Response.json({ ...registered, ...secret }, { status: 201 }))
    const error = (await rejection(register())) as Error
    expect(error).toMatchObject({ code: 'server_error', retryable: false })
    expect(error.message).toContain('with a secret')
    expect(inspect(error)).not.toContain('TOP-SECRET')
  })

  test('because the app gives up, or the server does not answer in time', async () => {
    const clock = createFakeClock()
    const fetch = () => new Promise<Response>(() => {})
    const gone = AbortSignal.abort(new Error('enough'))
    const { register } = open()
    expect(await rejection(register({ fetch, signal: gone }))).toMatchObject({ message: 'enough' })
    const failing = rejection(register({ fetch, clock, timeout: 5000 }))
    await clock.advance(5000)
    expect(await failing).toMatchObject({ code: 'timeout' })
  })

  test.each([
    ['redirectUris', {}],
    ['redirectUris', { redirectUris: [] }],
    ['redirectUris', { redirectUris: 'https://app.example.com/callback' }],
    [
      'redirectUris must be a list of redirect',
      { redirectUris: [...redirectUris, 'http://a.example/'] },
    ],
    ['redirectUris', { redirectUris: ['myapp:/callback'] }],
    ['clientName', { redirectUris, clientName: '' }],
    ['metadata', { redirectUris, metadata: 'x' }],
    ['timeout', { redirectUris, timeout: -1 }],
    ['redirectUri,', { redirectUris, redirectUri: 'x' }],
  ])('because %s is wrong in %j', async (name, options) => {
    const error = await rejection(registerClient('https://login.example.com', options as never))
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect((error as Error).message).toContain(name)
  })

  test('because the issuer is wrong', async () => {
    const { asked, fetch } = open()
    const error = await rejection(registerClient('login.example.com', { redirectUris, fetch }))
    expect(error).toMatchObject({ code: 'invalid_option' })
    expect((error as Error).message).toContain('issuer')
    expect(asked).toEqual([])
  })
})
