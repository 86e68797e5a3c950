import { checkOptions } from '../check-options.ts'
import { knownAudiences } from './apis.ts'
import { endBrowserSession } from './back-channel-logout.ts'
import type { LogoutDelivery } from './back-channel-logout.ts'
import type { Context } from './context.ts'
import { dispatch } from './dispatch.ts'
import { createDpopNonces, createProofs } from './dpop-memory.ts'
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
import { doorsOf, listenChoices, moveTo, openDoors } from './listen.ts'
import type { ListenOptions } from './listen.ts'
import { resolveSettings } from './options.ts'
import type { AuthServerOptions, User } from './options.ts'
import type { RegisteredClient } from './client-registration.ts'
import { playPerson } from '../person/person.ts'
import type { AuthorizeOptions } from '../person/person.ts'
import { apisOf, createPlace, locate, nobodyAnswers } from './place.ts'
import { createPushedRequests } from './pushed-requests.ts'
import { createSessions } from './sessions.ts'
import { systemClock } from './system-clock.ts'

/** A request that the server received, or that its `fetch` was asked to send to another origin. */
export interface RecordedRequest {
  /** Who it was for. A request to `elsewhere` got no answer. */
  to: 'issuer' | 'api' | 'elsewhere'
  /** In capitals. */
  method: string
  /** The whole URL, query included. */
  url: string
  /** Relative to the issuer or the API. */
  path: string
  /** The parameters of the URL; of a repeated one, the last. */
  query: Record<string, string>
  /** Names in lower case. */
  headers: Record<string, string>
  /** As a string; empty when there was none. */
  body: string
  /** The fields of the body, if it is form-encoded. */
  form: Record<string, string> | undefined
  /** When it arrived: milliseconds, by the option `clock`. */
  at: number
}

/** Answers that wait, as {@link AuthServer.hold} made them. */
export interface Held {
  /** How many answers wait. */
  readonly count: number
  /** Sends them, and no longer holds later ones. */
  release(): void
}

/** What `signInTo` needs of a client. */
export interface SignInClient<Result> {
  /** As in `PkceClient`. */
  createAuthorizationUrl(): Promise<{ url: URL }>
  /** As in `PkceClient`. */
  handleCallback(url: string): Promise<Result>
}

/** What {@link createAuthServer} returns: the server, and the controls a test has. */
export interface AuthServer {
  /** Its name, for the option `issuer` of a client. */
  readonly issuer: string
  /** The protected API, whose `url` goes into the option `resources` of a client. */
  readonly api: { readonly url: string }
  /** The APIs of the option `otherApis`, in its order. */
  readonly otherApis: readonly { readonly url: string; readonly audience: string }[]
  /** The registered clients. */
  readonly clients: readonly RegisteredClient[]
  /** The users who can sign in. */
  readonly users: readonly User[]
  /** Answers in process for issuer and API; rejects for any other origin, naming both. */
  readonly fetch: typeof fetch
  /** The same with a browser's cookies. */
  withCookies(jar: CookieJar): typeof fetch
  /** Listens on real ports of this machine, for real browsers. */
  listen(options?: ListenOptions): Promise<{
    url: string
    apiUrl: string
    /** The base URLs of the option `otherApis`, in its order. */
    otherApiUrls: string[]
    /** Closes the ports and every connection. */
    close(): Promise<void>
  }>
  /** Acts as the user at the sign-in pages. Resolves to the callback URL; rejects with the error that the page shows. */
  authorize(url: string | URL, options?: AuthorizeOptions): Promise<string>
  /** Signs a user in to a client, from start to end. Resolves to what the client's `handleCallback` returns. */
  signInTo<Result>(client: SignInClient<Result>, user?: string | User): Promise<Result>
  /** Refuses every access token issued so far. */
  expireAccessTokens(): void
  /** Ends the sessions of one user, or of all users: refresh tokens, access tokens and sign-ins at the server. */
  revokeSessions(user?: string | User): void
  /**
   * Ends one session at the server, or all of a user's, as signing out there does: its tokens are no longer good, and apps are told by
   * logout tokens (the options `deliver` and `backChannelLogoutUri`). Resolves to what they answered.
   */
  endSession(of: { sid: string } | { sub: string }): Promise<LogoutDelivery[]>
  /** A client's secret is no longer good, and the new one is. */
  changeSecret(clientId: string, secret: string): void
  /** Signs with new keys from now on. The old ones stay in the key set unless `publishRetired` is false. */
  rotateKeys(options?: { publishRetired?: boolean }): void
  /** The grants that were revoked, oldest first, with the reason. */
  readonly revoked: readonly RevokedGrant[]
  /** Every request so far, oldest first. */
  readonly requests: readonly RecordedRequest[]
  /** The requests to one path of the issuer or the API, without CORS preflights. */
  requestsTo(path: string): RecordedRequest[]
  /** Turns on one fault; returns a function that turns it off. */
  fault<Name extends FaultName>(name: Name, ...options: FaultArguments<Name>): () => void
  /** Turns all faults off. */
  clearFaults(): void
  /** Requests to this path are processed, but their answers wait until `release()`. */
  hold(path: string): Held
}

/** An OAuth 2.0 and OpenID Connect authorization server for tests: in memory, and strict. */
export function createAuthServer(options: AuthServerOptions = {}): AuthServer {
  const settings = resolveSettings(options)
  const clock = options.clock ?? systemClock()
  const place = createPlace(options)
  const faults = createFaultBoard(() => knownAudiences({ place, settings }))
  const now = (): number => clock.now() + (faults.see('clock-offset')?.seconds ?? 0) * 1000
  const { accessTokenFormat } = settings
  const context: Context = {
    settings,
    place,
    now,
    keys: createKeyRing([
      settings.idTokenAlg,
      ...(settings.userInfoAlg ? [settings.userInfoAlg] : []),
      ...(accessTokenFormat === 'RS256' || accessTokenFormat === 'ES256'
        ? [accessTokenFormat]
        : []),
    ]),
    grants: createGrants(settings, now),
    sessions: createSessions(),
    pushedRequests: createPushedRequests(settings, now),
    proofs: createProofs(),
    dpopNonces: createDpopNonces(now),
    faults,
  }
  const requests: RecordedRequest[] = []
  const holds = createHolds()
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void clock.setTimeout(resolve, milliseconds))

  const send = async (sent: Sent): Promise<Outcome> => {
    const { to, path, api } = locate(place, sent.url)
    requests.push(record(sent, { to, path, at: clock.now() }))
    if (to === 'elsewhere') throw nobodyAnswers(sent.url.origin, place)
    const outcome = await dispatch({ context, call: { ...sent, to, path, api } }, sleep)
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
    get otherApis() {
      return apisOf(place).slice(1)
    },
    clients: settings.clients,
    users: settings.users,
    fetch: createFetch(send),
    withCookies: (jar) => createFetch(send, jar),
    async listen(how = {}) {
      checkOptions(how, { of: 'listen', choices: listenChoices })
      const doors = await openDoors(doorsOf(place, how), send)
      const [url, apiUrl, ...otherApiUrls] = doors.urls
      moveTo(place, { urls: doors.urls, options })
      return {
        url: url!,
        apiUrl: `${apiUrl!}/`,
        otherApiUrls: otherApiUrls.map((otherUrl) => `${otherUrl}/`),
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
    async endSession(of) {
      const sessions =
        'sub' in of ? context.sessions.bySub(of.sub) : [context.sessions.bySid(of.sid)]
      const told: LogoutDelivery[] = []
      for (const session of sessions) {
        if (!session) throw new Error(`There is no session ${JSON.stringify(of)}.`)
        told.push(...(await endBrowserSession(context, session)))
      }
      return told
    },
    changeSecret(clientId, secret) {
      const client = settings.clients.find((candidate) => candidate.clientId === clientId)
      if (client?.clientSecret === undefined) {
        throw new Error(`There is no client ${clientId} with a secret.`)
      }
      client.clientSecret = secret
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
