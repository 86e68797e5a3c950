import { checkOptions } from '../check-options.ts'
import type { Context } from './context.ts'
import { dispatch, locate } from './dispatch.ts'
import { checkPath, createFaultBoard } from '../faults/board.ts'
import type { FaultArguments, FaultName, FaultOptions } from '../faults/fault.ts'
import { createGrants } from './grants.ts'
import type { RevokedGrant } from './grants.ts'
import { formOf } from './http.ts'
import type { Outcome } from './http.ts'
import type { CookieJar } from '../person/cookie-jar.ts'
import { createFetch } from './in-process-fetch.ts'
import type { Sent } from './in-process-fetch.ts'
import { createKeyRing } from './keys.ts'
import { listenChoices, openDoors } from './listen.ts'
import type { ListenOptions } from './listen.ts'
import { checkPlace, resolveSettings } from './options.ts'
import type { AuthServerOptions, RegisteredClient, User } from './options.ts'
import { playPerson } from '../person/person.ts'
import type { AuthorizeOptions } from '../person/person.ts'
import { createSessions } from './sessions.ts'
import { systemClock } from './system-clock.ts'

/** One request the server was sent, or that its `fetch` was asked to send elsewhere. */
export interface RecordedRequest {
  /** Whom it was for. `elsewhere` got no answer. */
  to: 'issuer' | 'api' | 'elsewhere'
  /** In capitals. */
  method: string
  /** The whole address, query included. */
  url: string
  /** Relative to the issuer or the API. */
  path: string
  /** The parameters of the address; the last one counts when one came twice. */
  query: Record<string, string>
  /** Names in lower case. */
  headers: Record<string, string>
  /** As text; empty when there was none. */
  body: string
  /** The body's fields, when it is form-encoded. */
  form: Record<string, string> | undefined
  /** Milliseconds, by the clock that was handed in. */
  at: number
}

/** Answers that wait, as {@link AuthServer.hold} made them. */
export interface Held {
  /** How many answers wait. */
  readonly count: number
  /** Lets them go, and later ones through. */
  release(): void
}

/** What `signInTo` needs of a client. */
export interface SignInClient<Result> {
  /** As in `PkceClient`. */
  createAuthorizationUrl(): Promise<{ url: URL }>
  /** As in `PkceClient`. */
  handleCallback(url: string): Promise<Result>
}

/** A server of {@link createAuthServer}, and what a test can do to it. */
export interface AuthServer {
  /** Its name, for the option `issuer` of a client. */
  readonly issuer: string
  /** The protected API, whose `url` goes into the option `resources` of a client. */
  readonly api: { readonly url: string }
  /** Who may ask for tokens. */
  readonly clients: readonly RegisteredClient[]
  /** Who can sign in. */
  readonly users: readonly User[]
  /** Answers in process for issuer and API; rejects for any other origin, naming both. */
  readonly fetch: typeof fetch
  /** The same with a browser's cookies. */
  withCookies(jar: CookieJar): typeof fetch
  /** Opens real ports on this machine, for real browsers. */
  listen(options?: ListenOptions): Promise<{
    url: string
    apiUrl: string
    /** Closes the ports and every connection. */
    close(): Promise<void>
  }>
  /** Plays the person at the sign-in pages; the callback URL, or an error with the page's sentence. */
  authorize(url: string | URL, options?: AuthorizeOptions): Promise<string>
  /** Signs a user in to a client, start to end; what its `handleCallback` says. */
  signInTo<Result>(client: SignInClient<Result>, user?: string | User): Promise<Result>
  /** Every access token issued so far is refused from now on. */
  expireAccessTokens(): void
  /** Ends the sessions of a user, or of everybody: refresh tokens, access tokens, sign-ins at the server. */
  revokeSessions(user?: string | User): void
  /** Signs with new keys from now on. */
  rotateKeys(options?: { publishRetired?: boolean }): void
  /** The grants that were revoked, and why, in order. */
  readonly revoked: readonly RevokedGrant[]
  /** Everything the server was asked, in order of arrival. */
  readonly requests: readonly RecordedRequest[]
  /** Those to one path of the issuer or the API, without CORS preflights. */
  requestsTo(path: string): RecordedRequest[]
  /** Turns on one misbehaviour; returns the way back. */
  fault<Name extends FaultName>(name: Name, ...options: FaultArguments<Name>): () => void
  /** Turns all misbehaviour off. */
  clearFaults(): void
  /** Requests to this path are processed, but their answers wait. */
  hold(path: string): Held
}

/** An OAuth 2.0 and OpenID Connect authorization server for tests: in memory, and strict. */
export function createAuthServer(options: AuthServerOptions = {}): AuthServer {
  const settings = resolveSettings(options)
  const clock = options.clock ?? systemClock()
  const faults = createFaultBoard()
  const now = (): number => clock.now() + (faults.see('clock-offset')?.seconds ?? 0) * 1000
  const place = {
    issuer: checkPlace(options.issuer ?? 'https://login.example.com', 'issuer'),
    apiUrl: checkPlace(options.apiUrl ?? 'https://api.example.com/', 'apiUrl'),
    listens: false,
  }
  const signsAccessTokens = settings.accessTokenFormat === 'RS256'
  const context: Context = {
    settings,
    place,
    now,
    keys: createKeyRing([
      settings.idTokenAlg,
      ...(settings.userInfoAlg ? [settings.userInfoAlg] : []),
      ...(signsAccessTokens ? ['RS256' as const] : []),
    ]),
    grants: createGrants(settings, now),
    sessions: createSessions(),
    faults,
  }
  const requests: RecordedRequest[] = []
  const holds = createHolds()
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void clock.setTimeout(resolve, milliseconds))

  const send = async (sent: Sent): Promise<Outcome> => {
    const { to, path } = locate(place, sent.url)
    requests.push(record(sent, { to, path, at: clock.now() }))
    if (to === 'elsewhere') throw nobodyAnswers(sent.url.origin, place)
    const outcome = await dispatch({ context, call: { ...sent, to, path } }, sleep)
    await holds.pass(path)
    return outcome
  }

  const findUser = (user: string | User): User => {
    const username = typeof user === 'string' ? user : user.username
    const found = settings.users.find((candidate) => candidate.username === username)
    if (!found) throw new Error(`There is no user ${username}.`)
    return found
  }

  const authorize: AuthServer['authorize'] = (url, how = {}) =>
    playPerson({ send, issuer: place.issuer, users: settings.users }, { url, options: how })

  return {
    get issuer() {
      return place.issuer
    },
    api: {
      get url() {
        return place.apiUrl
      },
    },
    clients: settings.clients,
    users: settings.users,
    fetch: createFetch(send),
    withCookies: (jar) => createFetch(send, jar),
    async listen(how = {}) {
      checkOptions(how, { of: 'listen', choices: listenChoices })
      const { port = 0, apiPort = 0, host = '127.0.0.1' } = how
      const doors = await openDoors([
        { port, host, answer: send, origin: () => new URL(place.issuer).origin },
        { port: apiPort, host, answer: send, origin: () => new URL(place.apiUrl).origin },
      ])
      const [url, apiOrigin] = doors.urls
      const apiUrl = `${apiOrigin!}/`
      if (options.issuer === undefined) place.issuer = url!
      if (options.apiUrl === undefined) place.apiUrl = apiUrl
      place.listens = true
      return {
        url: url!,
        apiUrl,
        close() {
          place.listens = false
          return doors.close()
        },
      }
    },
    authorize,
    async signInTo(client, user) {
      const { url } = await client.createAuthorizationUrl()
      const who = user === undefined ? {} : { username: findUser(user).username }
      return client.handleCallback(await authorize(url, who))
    },
    expireAccessTokens: () => context.grants.expireAccessTokens(),
    revokeSessions(user) {
      const found = user === undefined ? undefined : findUser(user)
      context.sessions.endAll(found)
      context.grants.revokeWhere(
        (grant) => !found || grant.user.sub === found.sub,
        'revoked-by-server',
      )
    },
    rotateKeys: (how) => context.keys.rotate(how),
    revoked: context.grants.revoked,
    requests,
    requestsTo(path) {
      checkPath(path)
      return requests.filter(
        (request) =>
          request.path === path && request.to !== 'elsewhere' && request.method !== 'OPTIONS',
      )
    },
    fault<Name extends FaultName>(name: Name, ...[how]: FaultArguments<Name>) {
      return faults.turnOn(name, (how ?? {}) as FaultOptions[Name])
    },
    clearFaults: () => faults.clear(),
    hold: holds.hold,
  }
}

/** What a tester reads who gave the app another issuer, or forgot to answer for an API of its own. */
function nobodyAnswers(origin: string, { issuer, apiUrl }: Context['place']): TypeError {
  return new TypeError(
    `fetch failed: nobody answers at ${origin}; this server is ${issuer} (option issuer), its API is ${apiUrl} (option apiUrl)`,
  )
}

function record(
  sent: Sent,
  { to, path, at }: Pick<RecordedRequest, 'to' | 'path' | 'at'>,
): RecordedRequest {
  const form = formOf(sent)
  return {
    to,
    method: sent.method,
    url: sent.url.href,
    path,
    query: Object.fromEntries(sent.url.searchParams),
    headers: sent.headers,
    body: sent.body,
    form: form && Object.fromEntries(form),
    at,
  }
}

interface Holds {
  hold: (path: string) => Held
  /** Waits while something holds answers of this path. */
  pass(path: string): Promise<void>
}

function createHolds(): Holds {
  const holds = new Set<{ path: string; waiting: (() => void)[] }>()
  return {
    hold(path) {
      checkPath(path)
      const held = { path, waiting: [] as (() => void)[] }
      holds.add(held)
      return {
        get count() {
          return held.waiting.length
        },
        release() {
          holds.delete(held)
          for (const goOn of held.waiting.splice(0)) goOn()
        },
      }
    },
    async pass(path) {
      for (const held of [...holds].filter((candidate) => candidate.path === path)) {
        await new Promise<void>((resolve) => held.waiting.push(resolve))
      }
    },
  }
}
