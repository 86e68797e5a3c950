import { createAuthServer } from 'pkce-client/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ServerClient, TokenVerifier } from 'pkce-client/server'
import type { AuthServer } from 'pkce-client/testing'
import { rsa } from '../support/certificates.ts'
import { entraOf, otherTenant, providers, tenant } from '../support/providers.ts'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadApp } from './app.ts'
import type { Provider } from '../support/providers.ts'

const document = 'docs/entra.md'
const app = 'https://app.example.com'
const graph = 'https://graph.microsoft.com'
const one = providers['Microsoft Entra, one tenant']!

let server: AuthServer
/** What the token endpoint was sent. */
let sent: URLSearchParams[]

/** The reference server under the addresses of Entra. */
function playEntra({ issuer, metadata, claims }: Provider): () => void {
  const endpoint = (name: string) => metadata[name] as string
  const mend = server.fault('id-token-claims', {
    on: 'sign-in',
    set: claims,
    remove: ['at_hash', 'auth_time'],
  })
  vi.stubGlobal('fetch', async (input: string, init?: RequestInit) => {
    if (input === `${issuer}/.well-known/openid-configuration`) return Response.json(metadata)
    if (input === endpoint('jwks_uri')) return server.fetch(`${server.issuer}/jwks`)
    if (input !== endpoint('token_endpoint')) return server.fetch(input, init)
    const form = new URLSearchParams(init!.body as URLSearchParams)
    sent.push(form)
    // Entra takes its own address as audience, which the reference server refuses.
    const body = new URLSearchParams(form)
    if (body.has('client_assertion')) body.set('client_secret', 'the secret')
    body.delete('client_assertion')
    body.delete('client_assertion_type')
    return server.fetch(`${server.issuer}/token`, { ...init, body })
  })
  return mend
}

beforeEach(() => {
  sent = []
  server = createAuthServer({
    otherApis: [{ url: `${graph}/`, audience: graph, scopes: [`${graph}/User.Read`] }],
    clients: [
      {
        clientId: 'entra-app',
        clientSecret: 'the secret',
        redirectUris: [`${app}/auth/callback`],
        kind: 'internal',
      },
    ],
  })
  vi.stubEnv('TENANT_ID', tenant)
  vi.stubEnv('CLIENT_ID', 'entra-app')
  vi.stubEnv('CLIENT_SECRET', 'the secret')
  vi.stubEnv('SESSION_SECRET', 'a secret of this app that nobody guesses')
  vi.stubEnv('BASE_URL', app)
})
afterEach(() => vi.unstubAllEnvs())

/** The whole way of one user; resolves to the answer to the callback, and what the session is afterwards. */
async function signIn(auth: ServerClient) {
  const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }
  const leave = (await auth.handle(new Request(`${app}/auth/login`, { headers })))!
  const url = new URL(leave.headers.get('location')!)
  expect(url.host).toBe('login.microsoftonline.com')
  const callback = new URL(await server.authorize(`${server.issuer}/authorize${url.search}`))
  callback.searchParams.delete('iss')
  const cookie = cookiesOf(leave)
  const answer = (await auth.handle(new Request(callback, { headers: { ...headers, cookie } })))!
  const request = new Request(`${app}/`, { headers: { cookie: cookiesOf(answer) } })
  return { answer, session: await auth.session(request) }
}

const cookiesOf = ({ headers }: Response) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .filter((cookie) => !cookie!.endsWith('='))
    .join('; ')

const load = async (name: string) => {
  const { auth } = await loadApp(document, { 'node:fs': await import('node:fs') }).run(name)
  return auth as ServerClient
}

describe('Microsoft Entra on a back end', () => {
  test('with a secret: a user of the tenant signs in', async () => {
    playEntra(one)
    const { session } = await signIn(await load('auth'))
    expect(session).toMatchObject({ status: 'signed-in', claims: { tid: tenant } })
  })

  test('with a certificate: for the token endpoint, named by SHA-256', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'entra-'))
    for (const [name, pem] of Object.entries({
      KEY_FILE: rsa.privateKey,
      CERTIFICATE_FILE: rsa.certificate,
    })) {
      writeFileSync(join(folder, name), pem)
      vi.stubEnv(name, join(folder, name))
    }
    playEntra(one)
    const { session } = await signIn(await load('certificate'))
    rmSync(folder, { recursive: true })
    expect(session.status).toBe('signed-in')
    const [header, claims] = sent[0]!
      .get('client_assertion')!
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object)
    expect(header).toEqual({ alg: 'PS256', 'x5t#S256': rsa.sha256 })
    expect(claims).toMatchObject({ aud: one.metadata['token_endpoint'], iss: 'entra-app' })
  })

  test('for many tenants: only those that the app serves', async () => {
    vi.stubEnv('TENANTS', `${tenant},`)
    const mend = playEntra(entraOf('organizations'))
    const { session } = await signIn(await load('tenants'))
    expect(session.status).toBe('signed-in')
    mend()
    const iss = `https://login.microsoftonline.com/${otherTenant}/v2.0`
    server.fault('id-token-claims', { on: 'sign-in', set: { iss, tid: otherTenant } })
    const stranger = await signIn(await load('tenants'))
    expect(stranger.answer.status).toBe(403)
    expect(stranger.session.status).toBe('signed-out')
  })

  test('the verifier of the API is made as the guide says', async () => {
    vi.stubEnv('API_CLIENT_ID', 'the-api')
    const { verify } = await loadApp(document).run('api')
    const refused = (verify as TokenVerifier['verify'])(new Request(app))
    await expect(refused).rejects.toMatchObject({ status: 401 })
  })
})
