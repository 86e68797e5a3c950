import axios from 'axios'
import * as ky from 'ky'
import * as openapiFetch from 'openapi-fetch'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { AxiosInstance } from 'axios'
import type { KyInstance } from 'ky'
import type { PkceClient } from 'pkce-client'
import { isPkceClientError } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { loadApp } from './app.ts'

const modules = { ky, axios: { default: axios }, 'openapi-fetch': openapiFetch }

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => vi.useRealTimers())

/** The app of the document, signed in. */
async function signedIn() {
  const server = createAuthServer({
    clients: [{ clientId: 'my-app', redirectUris: ['https://app.example.com/callback'] }],
  })
  vi.stubGlobal('fetch', server.fetch)
  const app = loadApp('docs/api-calls.md', modules)
  const auth = (await app.run('auth')).auth as PkceClient
  await server.signInTo(auth)
  return { server, app, auth }
}

const calls = [
  { block: 'fetch', method: 'POST', prints: [201, { title: 'An analytical engine' }] },
  { block: 'ky', method: 'POST', prints: [{ title: 'An analytical engine' }] },
  { block: 'axios', method: 'POST', prints: [{ title: 'An analytical engine' }] },
  { block: 'openapi-fetch', method: 'GET', prints: ['A difference engine'] },
  { block: 'global-fetch', method: 'GET', prints: [200, 200] },
]

test.each(calls)('$block: the call carries the token', async ({ block, method, prints }) => {
  const { server, app, auth } = await signedIn()
  await app.run(block)
  expect(app.printed).toEqual(prints)
  const authorization = `Bearer ${await auth.getAccessToken()}`
  expect(server.requestsTo('/orders')).toEqual([
    expect.objectContaining({ method, headers: expect.objectContaining({ authorization }) }),
  ])
})

test.each(calls)(
  '$block: after a 401 the token is renewed and the call sent again, body included',
  async ({ block, prints }) => {
    const { server, app } = await signedIn()
    server.expireAccessTokens()
    await app.run(block)
    expect(app.printed).toEqual(prints)
    expect(server.requestsTo('/orders')).toHaveLength(2)
    expect(server.requestsTo('/token')).toHaveLength(2)
  },
)

test('global-fetch: other places see no token, and restore() gives the global fetch back', async () => {
  const { server, app } = await signedIn()
  const before = server.requestsTo('/jwks').length
  await app.run('global-fetch')
  expect(server.requestsTo('/jwks').slice(before)).toEqual([
    expect.objectContaining({
      headers: expect.not.objectContaining({ authorization: expect.anything() }),
    }),
  ])
  expect(globalThis.fetch).toBe(server.fetch)
})

test('axios: the error of the client is the cause of the AxiosError', async () => {
  const { server, auth } = await signedIn()
  const api = axios.create({ adapter: 'fetch', env: { fetch: auth.fetch } })
  const error: unknown = await api.get('https://elsewhere.example/').catch((one: unknown) => one)
  expect(axios.isAxiosError(error) && isPkceClientError(error.cause)).toBe(true)
  expect(error).toMatchObject({ code: 'resource_not_allowed' })
  expect(server.requests.filter(({ to }) => to === 'elsewhere')).toEqual([])
})

test('ky: what the client rejects with passes through, at once, and nothing is sent', async () => {
  const { server, app, auth } = await signedIn()
  const api = (await app.run('ky')).api as KyInstance
  await auth.signOut({ redirect: false })
  const sent = server.requests.length
  let asked = 0
  auth.on('sign-in-required', () => (asked += 1))
  await expect(api.get('orders')).rejects.toMatchObject({ code: 'sign_in_required' })
  expect([asked, server.requests.length]).toEqual([1, sent])
})

test('axios, as an interceptor: the call carries the token, and only to listed places', async () => {
  const { server, app } = await signedIn()
  const api = (await app.run('axios-interceptor')).api as AxiosInstance
  const network = { adapter: 'fetch', env: { fetch: server.fetch } }
  expect((await api.get('orders', network)).status).toBe(200)
  await expect(api.get('https://elsewhere.example/', network)).rejects.toMatchObject({
    code: 'resource_not_allowed',
  })
})

test('the token itself, and what the server knows about the person', async () => {
  const { app } = await signedIn()
  await app.run('token')
  await app.run('user-info')
  expect(app.printed).toEqual(['string', 'user-ada', 'Ada Lovelace'])
})

test('minValidity: a token that ends too soon is renewed first', async () => {
  const { server, app } = await signedIn()
  vi.setSystemTime(Date.now() + 14 * 60_000)
  await app.run('token')
  expect(server.requestsTo('/token')).toHaveLength(2)
})
