import * as honoServer from 'hono'
import * as honoFactory from 'hono/factory'
import express from 'express'
import { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { TokenVerifier, TokenVerifierOptions } from 'pkce-client/server'
import type { AuthServer } from 'pkce-client/testing'
import { freePort } from '../support/free-port.ts'
import { loadApp } from './app.ts'
import { namesInTables } from './markdown.ts'

const document = 'docs/verifying-tokens.md'
const realFetch = globalThis.fetch

let server: AuthServer
beforeEach(() => {
  server = createAuthServer({ accessTokenFormat: 'RS256' })
  vi.stubGlobal('fetch', server.fetch)
})

/** An access token of ada, as an app gets it. */
async function tokenWith(scope: string): Promise<string> {
  const client = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: 'https://app.example.com/callback',
    scope: `openid ${scope}`,
    resources: [server.api.url],
  })
  await server.signInTo(client)
  return client.getAccessToken()
}

type Call = (authorization?: string) => Promise<Response>

/** The API of the document, on each kind of server. */
const apis: Record<string, () => Promise<Call>> = {
  async api() {
    const { api } = await loadApp(document).run('api')
    return (authorization) => (api as (request: Request) => Promise<Response>)(ask(authorization))
  },
  async express() {
    const port = await freePort()
    vi.stubEnv('PORT', String(port))
    onTestFinished(() => void vi.unstubAllEnvs())
    const app = await loadApp(document, { express: { default: express } }).run('express')
    const running = app['server'] as ReturnType<ReturnType<typeof express>['listen']>
    onTestFinished(() => void running.close())
    return (authorization) =>
      realFetch(`http://localhost:${port}/orders`, { headers: ask(authorization).headers })
  },
  async hono() {
    const modules = { hono: honoServer, 'hono/factory': honoFactory }
    const { app } = await loadApp(document, modules).run('hono')
    return async (authorization) => (app as honoServer.Hono).fetch(ask(authorization))
  },
}

const ask = (authorization?: string) =>
  new Request('http://localhost/orders', { headers: authorization ? { authorization } : {} })

test.each(Object.keys(apis))('the API of the guide lets the right callers in: %s', async (name) => {
  const call = await apis[name]!()
  const good = await call(`Bearer ${await tokenWith('orders:read')}`)
  expect([good.status, await good.json()]).toEqual([200, { ordersOf: expect.any(String) }])
  for (const [authorization, status, challenge] of [
    [undefined, 401, 'Bearer'],
    ['Bearer nonsense', 401, 'Bearer error="invalid_token"'],
    [
      `Bearer ${await tokenWith('orders:write')}`,
      403,
      'Bearer error="insufficient_scope", scope="orders:read"',
    ],
  ] as const) {
    const answer = await call(authorization)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([status, challenge])
    expect(await answer.json()).toMatchObject({ message: expect.any(String) })
  }
})

test('the verifiers for opaque tokens and for HS256 are made as the guide says', async () => {
  vi.stubEnv('API_SECRET', 'a-secret')
  vi.stubEnv('TOKEN_SECRET', 'a secret of 32 bytes, or of more')
  onTestFinished(() => void vi.unstubAllEnvs())
  for (const name of ['opaque', 'hs256']) {
    const { verifier } = (await loadApp(document).run(name)) as { verifier: TokenVerifier }
    await expect(verifier.verify(ask())).rejects.toMatchObject({ status: 401 })
  }
})

test('the guide has every option', () => {
  const all: Record<keyof TokenVerifierOptions, true> = {
    ...{ issuer: true, audience: true, algorithms: true, secret: true, introspection: true },
    ...{ profile: true, metadata: true, clock: true, fetch: true },
  }
  expect(namesInTables(document, '## Options')).toEqual(Object.keys(all).sort())
})
