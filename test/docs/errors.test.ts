import ts from 'typescript'
import { expect, test } from 'vitest'
import { PkceClient, iframe, popup, signInOnDemand } from 'pkce-client'
import type { ErrorCode, PkceClientError, PkceClientOptions } from 'pkce-client'
import { ServerClient, createTokenVerifier } from 'pkce-client/server'
import { createAuthServer, createFakeBrowser, createFakeClock } from 'pkce-client/testing'
import type { AuthServer } from 'pkce-client/testing'
import { loadApp } from './app.ts'
import { readDocument } from './markdown.ts'

/** The cells of the table rows whose first cell is a name in code. */
function rowsOf(document: string): string[][] {
  return readDocument(document)
    .split('\n')
    .filter((line) => /^\| `[\w-]+` \|/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

/** The members of a union of strings, as the source has them. */
function unionOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readDocument(file), ts.ScriptTarget.ES2022)
  const alias = source.statements.find(
    (one): one is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(one) && one.name.text === name,
  )
  return (alias!.type as ts.UnionTypeNode).types.map(
    (member) => ((member as ts.LiteralTypeNode).literal as ts.StringLiteral).text,
  )
}

const rows = rowsOf('docs/errors.md')

test('every error code has one row, and every row is an error code', () => {
  expect(rows.map(([code]) => code)).toEqual(unionOf('src/errors.ts', 'ErrorCode'))
})

test('every row says what happened, why, what to do, and both flags', () => {
  for (const [, what, why, todo, retryable, ended, ...more] of rows) {
    for (const cell of [what, why, todo]) expect(cell).toMatch(/\w{2}/)
    expect(['yes', 'no', 'depends']).toContain(retryable)
    expect(['yes', 'no', 'depends']).toContain(ended)
    expect(more).toEqual([])
  }
})

test('every reason of a session that ended has one row, and every row is a reason', () => {
  const reasons = rowsOf('docs/getting-started.md').map(([reason]) => reason)
  expect(reasons).toEqual(unionOf('src/session/record.ts', 'SignedOutReason'))
})

function stage() {
  const clock = createFakeClock()
  const server = createAuthServer({ clock, otherApis: [{}], accessTokenFormat: 'RS256' })
  const browser = createFakeBrowser({ clock })
  const tab = browser.openTab()
  const client = (options: Partial<PkceClientOptions> = {}) =>
    new PkceClient({
      issuer: server.issuer,
      clientId: 'production-app',
      redirectUri: 'https://app.example.com/callback',
      scope: 'openid profile offline_access',
      resources: [server.api.url],
      fetch: server.fetch,
      ...tab.ports,
      ...options,
    })
  const auth = client()
  const wellKnown = '/.well-known/openid-configuration'
  return { clock, server, browser, tab, client, auth, wellKnown }
}
type Stage = ReturnType<typeof stage>

/** What a person or an app does to run into each error. */
const stories: Record<ErrorCode, (stage: Stage) => Promise<unknown>> = {
  invalid_option: async ({ client }) => client({ scope: 'two  spaces' }),
  insecure_context: ({ client, tab }) =>
    client({ host: { ...tab.ports.host, isSecureContext: () => false } }).signIn(),
  discovery_failed({ server, auth }) {
    server.fault('metadata', { patch: { token_endpoint: undefined } })
    return auth.signIn()
  },
  network({ server, auth, wellKnown }) {
    server.fault('network-error', { path: wellKnown })
    return auth.signIn()
  },
  async timeout({ server, auth, clock, wellKnown }) {
    server.fault('hang', { path: wellKnown })
    const done = auth.signIn()
    done.catch(() => {})
    await clock.advance(15_000)
    return done
  },
  server_error({ server, auth, wellKnown }) {
    server.fault('respond', { path: wellKnown, status: 500 })
    return auth.signIn()
  },
  rate_limited({ server, auth }) {
    server.fault('try-later', { path: '/token', status: 429 })
    return server.signInTo(auth)
  },
  storage_unavailable({ browser, auth }) {
    browser.failStorage('set')
    return auth.signIn()
  },
  callback_invalid({ server, auth }) {
    server.fault('callback-code-duplicate')
    return server.signInTo(auth)
  },
  async transaction_not_found({ auth, server, browser }) {
    const { url } = await auth.createAuthorizationUrl()
    browser.local.clear()
    return auth.handleCallback(await server.authorize(url))
  },
  async transaction_consumed({ auth, server, client }) {
    const { url } = await auth.createAuthorizationUrl()
    const callback = await server.authorize(url)
    await auth.handleCallback(callback)
    await auth.signOut({ redirect: false })
    return client().handleCallback(callback)
  },
  issuer_mismatch({ server, auth }) {
    server.fault('callback-iss-wrong')
    return server.signInTo(auth)
  },
  async authorization_denied({ server, client }) {
    const redirectUri = 'http://localhost:3000/callback'
    const auth = client({ clientId: 'sandbox-app', redirectUri })
    const { url } = await auth.createAuthorizationUrl()
    return auth.handleCallback(await server.authorize(url, { consent: false }))
  },
  async login_required({ server, auth }) {
    const { url } = await auth.createAuthorizationUrl({ prompt: 'none' })
    return auth.handleCallback(await server.authorize(url))
  },
  id_token_invalid({ server, auth }) {
    server.fault('id-token-bad-signature')
    return server.signInTo(auth)
  },
  token_response_invalid({ server, auth }) {
    server.fault('no-access-token')
    return server.signInTo(auth)
  },
  async session_ended({ server, auth }) {
    await server.signInTo(auth)
    server.revokeSessions()
    return auth.refresh()
  },
  sign_in_required: ({ server, auth }) => auth.fetch(server.api.url),
  async sign_in_cancelled({ auth, tab, clock }) {
    const done = auth.signIn()
    done.catch(() => {})
    await clock.settle()
    tab.restoreFromBackForwardCache()
    return done
  },
  popup_blocked({ auth, tab }) {
    tab.blocksWindows = true
    return auth.signIn({ navigator: popup() })
  },
  async popup_closed({ auth, browser, clock }) {
    const done = auth.signIn({ navigator: popup() })
    done.catch(() => {})
    browser.tabs.at(-1)!.close()
    await clock.advance(2_000)
    return done
  },
  async iframe_blocked({ auth, clock }) {
    const done = auth.signIn({ navigator: iframe() })
    done.catch(() => {})
    await clock.advance(10_000)
    return done
  },
  resource_not_allowed: ({ auth }) => auth.fetch('https://elsewhere.example/'),
  async redirect_loop({ client, tab, clock }) {
    for (let departures = 0; departures < 2; departures++) {
      client()
        .signIn()
        .catch(() => {})
      await clock.settle()
      tab.load('https://app.example.com/')
    }
    return client().signIn()
  },
  async step_up_required({ server, client }) {
    const ask = (_: unknown, error: Error) => {
      throw error
    }
    const auth = client({ use: [signInOnDemand({ ask })] })
    await server.signInTo(auth)
    return auth.fetch(new URL('orders', server.api.url))
  },
  csrf_rejected: async ({ server }) => errorAt(server, 'logout'),
  access_token_invalid: (at) => verify(at, 'made-up'),
  async insufficient_scope(at) {
    await at.server.signInTo(at.auth)
    return verify(at, await at.auth.getAccessToken(), ['admin'])
  },
  logout_token_invalid: async ({ server }) =>
    errorAt(server, 'backchannel-logout', new URLSearchParams({ logout_token: 'made-up' })),
}

/** Rejects with why a back end refuses a POST. */
async function errorAt({ issuer, fetch }: AuthServer, route: string, body?: URLSearchParams) {
  const baseUrl = 'https://app.example.com'
  const secret = 'a secret of this app that nobody guesses'
  const app = new ServerClient({ issuer, fetch, clientId: 'production-app', baseUrl, secret })
  let refusal: unknown
  app.on('request-refused', ({ error }) => (refusal = error))
  const init = { method: 'POST', body: body ?? null }
  await app.handle(new Request(`${baseUrl}/auth/${route}`, init))
  throw refusal
}

/** What an API says to a token. */
async function verify({ server, clock }: Stage, token: string, scopes: string[] = []) {
  const { issuer, api, fetch } = server
  const verifier = createTokenVerifier({ issuer, audience: api.url, fetch, clock })
  const headers = { authorization: `Bearer ${token}` }
  return verifier.verify(new Request(api.url, { headers }), { scopes })
}

test.each(rows.map(([code, , , , retryable, ended]) => [code, retryable, ended] as const))(
  '%s happens as its row says (retryable %s, session ended %s)',
  async (code, retryable, ended) => {
    const error = await stories[code as ErrorCode](stage()).then(
      () => new Error('It did not happen.'),
      (caught: unknown) => caught as PkceClientError,
    )
    expect(error).toMatchObject({ code })
    if (ended !== 'depends') expect(error).toMatchObject({ sessionEnded: ended === 'yes' })
    if (retryable !== 'depends') expect(error).toMatchObject({ retryable: retryable === 'yes' })
  },
)

test('server_error: a 5xx is worth another try, another 4xx is not', async () => {
  for (const [status, retryable] of [
    [500, true],
    [408, true],
    [404, false],
  ] as const) {
    const { server, auth } = stage()
    server.fault('respond', { path: '/token', status, body: { error: 'something' } })
    await expect(server.signInTo(auth)).rejects.toMatchObject({ code: 'server_error', retryable })
  }
})

test('token_response_invalid: not worth another try at a sign-in, but at a renewal', async () => {
  const { server, auth } = stage()
  await server.signInTo(auth)
  // Answered without being processed, or the strict server would take the repetition for theft.
  server.fault('respond', { path: '/token', status: 200, body: [] })
  await expect(auth.refresh()).rejects.toMatchObject({
    code: 'token_response_invalid',
    retryable: true,
  })
  expect(auth.getSession().status).toBe('signed-in')
})

test('token_response_invalid: worth another try when a refresh brought odd tokens', async () => {
  const { server, auth, tab, client } = stage()
  await server.signInTo(auth)
  server.fault('no-access-token', { on: 'refresh', times: 1 })
  const odd = { code: 'token_response_invalid', retryable: true }
  for (let tries = 0; tries < 2; tries++) await expect(auth.refresh()).rejects.toMatchObject(odd)
  expect(server.requestsTo('/token')).toHaveLength(2)
  expect(auth.getSession()).toMatchObject({ status: 'signed-in', stale: true })
  tab.load()
  expect(await client(tab.ports).refresh()).toMatchObject({ status: 'signed-in', stale: false })
})

test('sign_in_required: the session is over when nobody is signed in, and not for want of a refresh token', async () => {
  const { server, auth, client } = stage()
  await expect(auth.refresh()).rejects.toMatchObject({ sessionEnded: true })
  const brief = client({ scope: 'openid', sessionKey: 'brief' })
  await server.signInTo(brief)
  const why = { code: 'sign_in_required', sessionEnded: false }
  await expect(brief.refresh()).rejects.toMatchObject(why)
  await expect(brief.getAccessToken({ minValidity: 901 })).rejects.toMatchObject(why)
  expect(brief.getSession().status).toBe('signed-in')
})

test('the example tells the three kinds of errors apart', async () => {
  const load = (await loadApp('docs/errors.md').run('handle')).load as (
    auth: PkceClient,
    url: string,
  ) => Promise<unknown>
  const { server, auth, clock } = stage()
  const me = new URL('users/me', server.api.url).href
  expect(await load(auth, me)).toBe('Please sign in.')
  await server.signInTo(auth)
  expect(await load(auth, me)).toMatchObject({ name: 'Ada Lovelace' })
  await expect(load(auth, 'https://elsewhere.example/')).rejects.toThrow('not a listed resource')
  await clock.advance(16 * 60_000)
  server.fault('network-error', { path: '/token' })
  expect(await load(auth, me)).toBe('That did not work just now. Please try again.')
})
