import * as oauth from 'oauth4webapi'
import type { Clock } from '../../src/clock.ts'
import { createAuthServer } from '../../src/testing/index.ts'
import type { AuthServer, AuthServerOptions, AuthorizeOptions } from '../../src/testing/index.ts'

/** A clock that moves when told, and calls its timers back then. */
export function handClock(): Clock & { pass(seconds: number): void; timers: number } {
  // oauth4webapi reads the real time, so the server's time starts there.
  let now = Date.now()
  let timers: { at: number; callback: () => void }[] = []
  return {
    now: () => now,
    setTimeout(callback, milliseconds) {
      const timer = { at: now + milliseconds, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    random: () => 0.5,
    systemOffset: () => 0,
    pass(seconds) {
      now += seconds * 1000
      const due = timers.filter((timer) => timer.at <= now)
      timers = timers.filter((timer) => timer.at > now)
      for (const timer of due) timer.callback()
    },
    get timers() {
      return timers.length
    },
  }
}

export const sandbox = { clientId: 'sandbox-app', redirectUri: 'http://localhost:3000/callback' }
export const production = {
  clientId: 'production-app',
  redirectUri: 'https://app.example.com/callback',
}

export interface App {
  clientId: string
  redirectUri: string
}

export const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const fullScope = 'openid profile email offline_access orders:read orders:write'

/** A server whose time stands still. */
export function strictServer(
  options: AuthServerOptions = {},
): AuthServer & { clock: ReturnType<typeof handClock> } {
  const clock = handClock()
  const server = createAuthServer({ clock, ...options })
  return Object.defineProperty(server, 'clock', { value: clock }) as AuthServer & {
    clock: ReturnType<typeof handClock>
  }
}

export type Overrides = Record<string, string | undefined | readonly string[]>

/** A good authorization URL, but for what is overridden; `undefined` leaves a parameter out. */
export function authorizationUrl(server: AuthServer, overrides: Overrides = {}): string {
  const parameters: Overrides = {
    response_type: 'code',
    client_id: sandbox.clientId,
    redirect_uri: sandbox.redirectUri,
    scope: fullScope,
    state: 'a state',
    nonce: 'a nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...overrides,
  }
  const url = new URL(`${server.issuer}/authorize`)
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of [values].flat())
      if (value !== undefined) url.searchParams.append(name, value)
  }
  return url.href
}

/** Opens a URL like a browser that follows nothing by itself. */
export function open(server: AuthServer, url: string): Promise<Response> {
  return server.fetch(url, { redirect: 'manual' })
}

export function redirectOf(response: Response): URLSearchParams {
  return new URL(response.headers.get('location')!).searchParams
}

export async function obtainCode(
  server: AuthServer,
  overrides: Overrides = {},
  options: AuthorizeOptions = {},
): Promise<string> {
  const callback = await server.authorize(authorizationUrl(server, overrides), options)
  return new URL(callback).searchParams.get('code')!
}

/** A form-encoded POST; `undefined` leaves a parameter out. */
export function post(
  server: AuthServer,
  path: string,
  fields: Record<string, string | undefined | readonly string[]>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const body = new URLSearchParams()
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) if (value !== undefined) body.append(name, value)
  }
  return server.fetch(server.issuer + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: body.toString(),
  })
}

export function exchange(
  server: AuthServer,
  code: string,
  overrides: Overrides = {},
): Promise<Response> {
  return post(server, '/token', {
    grant_type: 'authorization_code',
    client_id: sandbox.clientId,
    redirect_uri: sandbox.redirectUri,
    code,
    code_verifier: verifier,
    ...overrides,
  })
}

export function refresh(
  server: AuthServer,
  refreshToken: string,
  overrides: Overrides = {},
): Promise<Response> {
  return post(server, '/token', {
    grant_type: 'refresh_token',
    client_id: sandbox.clientId,
    refresh_token: refreshToken,
    ...overrides,
  })
}

export interface Tokens {
  access_token: string
  refresh_token: string
  id_token: string
  scope: string
  token_type: string
  expires_in: number
}

export async function signIn(
  server: AuthServer,
  overrides: Overrides = {},
  options: AuthorizeOptions = {},
): Promise<Tokens> {
  const code = await obtainCode(server, overrides, options)
  const { client_id: clientId, redirect_uri: redirectUri } = overrides
  const response = await exchange(server, code, {
    ...(clientId !== undefined && { client_id: clientId }),
    ...(redirectUri !== undefined && { redirect_uri: redirectUri }),
  })
  return (await response.json()) as Tokens
}

export async function errorOf(response: Response | Promise<Response>): Promise<[number, string]> {
  const answer = await response
  const body = (await answer.json()) as { error: string }
  return [answer.status, body.error]
}

export function callApi(
  server: AuthServer,
  path: string,
  token?: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string>) }
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  return server.fetch(server.api.url.replace(/\/$/, '') + path, { ...init, headers })
}

export function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(atob(jwt.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')))
}

export function headerOf(jwt: string): Record<string, unknown> {
  return JSON.parse(atob(jwt.split('.')[0]!.replaceAll('-', '+').replaceAll('_', '/')))
}

/** What every call of oauth4webapi needs to reach the server. */
export function through(server: AuthServer) {
  return {
    [oauth.customFetch]: server.fetch as (url: string, options: object) => Promise<Response>,
  }
}

export async function discover(server: AuthServer): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(server.issuer)
  const response = await oauth.discoveryRequest(issuer, through(server))
  return oauth.processDiscoveryResponse(issuer, response)
}

/** A whole sign-in by oauth4webapi, which checks what it is given. */
export async function signInWithAnotherClient(
  server: AuthServer,
  app: App = sandbox,
  extra: Overrides = {},
): Promise<{
  as: oauth.AuthorizationServer
  client: oauth.Client
  tokens: oauth.TokenEndpointResponse
  claims: oauth.IDToken
}> {
  const as = await discover(server)
  const client = { client_id: app.clientId }
  const nonce = oauth.generateRandomNonce()
  const state = oauth.generateRandomState()
  const codeVerifier = oauth.generateRandomCodeVerifier()
  const url = authorizationUrl(server, {
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    nonce,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    ...extra,
  })
  const callback = new URL(await server.authorize(url))
  const parameters = oauth.validateAuthResponse(as, client, callback, state)
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    parameters,
    app.redirectUri,
    codeVerifier,
    through(server),
  )
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response, through(server))
  return { as, client, tokens, claims: oauth.getValidatedIdTokenClaims(tokens)! }
}

/** What the server says to a broken request: by redirect, or on a page. */
export async function refusalOf(overrides: Overrides) {
  const server = strictServer()
  const response = await open(server, authorizationUrl(server, overrides))
  const location = response.headers.get('location')
  const page = await response.text()
  const parameters = location === null ? undefined : new URL(location).searchParams
  return {
    status: response.status,
    by: location === null ? 'page' : 'redirect',
    error: parameters?.get('error') ?? undefined,
    sentence: parameters?.get('error_description') ?? /<p role="alert">([^<]*)</.exec(page)?.[1],
    parameters,
  }
}

/** The production app, which asks nobody for consent. */
export const internalApp = { client_id: production.clientId, redirect_uri: production.redirectUri }

/** The hidden fields of the form on a page. */
export function hiddenFields(page: string): Record<string, string> {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)
  return Object.fromEntries([...inputs].map(([, name, value]) => [name, value]))
}

/** The challenges of an answer, without where the API's metadata are (RFC 9728). */
export function challengeOf(response: Response): string | undefined {
  const challenges = response.headers.get('www-authenticate')
  return challenges?.replace(/,? ?resource_metadata="[^"]*"/g, '')
}
