import { systemClock } from './clock.ts'
import { createEmitter } from './events.ts'
import { createAuthorizedFetch } from './fetch.ts'
import { createGlobalFetch } from './global-fetch.ts'
import { pageHost } from './host/page.ts'
import { redirect } from './navigation/redirect.ts'
import { ownMembers, resolveOptions } from './options.ts'
import { createState } from './protocol/authorization.ts'
import { judgeChallenge } from './protocol/challenge.ts'
import { discoverServer } from './protocol/server.ts'
import { revokeToken } from './protocol/sign-out.ts'
import { refreshTokens } from './protocol/token.ts'
import { createTransport } from './protocol/transport.ts'
import { createResources, secureUrl } from './resources.ts'
import { createRefresher } from './session/refresh.ts'
import { createSession } from './session/session.ts'
import { createTransactions } from './session/transactions.ts'
import { createSignIn } from './sign-in.ts'
import { pageStore } from './storage/web-storage.ts'
import { broadcastChannel } from './tabs/broadcast-channel.ts'
import { webLocks } from './tabs/web-locks.ts'
import { createTokens } from './tokens.ts'
import type { Fetch, Scheme } from './fetch.ts'
import type { PkceClientOptions, ResolvedOptions } from './options.ts'
import type { ServerMetadata } from './protocol/server.ts'
import type { Transport } from './protocol/transport.ts'

const bearer: Scheme = { authorize: (token) => `Bearer ${token}`, onChallenge: judgeChallenge }

export type Parts = ReturnType<typeof compose>

/** The composition root: every part is made here and handed what it needs. Making the default ports touches nothing. */
export function compose(given: PkceClientOptions, started: () => Promise<unknown>) {
  const emitter = createEmitter()
  const options = ownMembers({
    clock: systemClock(),
    host: pageHost(),
    lock: webLocks(),
    channel: broadcastChannel(),
    store: pageStore(),
    transactionStore: pageStore(),
    navigator: redirect(),
    ...resolveOptions(given),
    emit: emitter.emit,
  })
  const fetch = (): Fetch => options.fetch ?? globalFetch.platform()
  const transport = createTransport({ ...options, fetch })
  const { server, isOAuthEndpoint, addEndpoints } = createServer(options, transport)
  const { clientId } = options
  const revoke = async (token: string) =>
    revokeToken(await server(), { clientId, token, transport })
  const session = createSession({
    ...options,
    newId: createState,
    onAdopted(record) {
      tokens.adopted(record)
      refresher.watch(record)
      addEndpoints({ ...record?.endpoints, token: record?.tokenEndpoint })
    },
  })
  const refresher = createRefresher({
    ...options,
    session,
    prepare: server,
    grant: async (known) => refreshTokens({ ...options, transport, server: await server() }, known),
    // A failure costs nothing: nobody uses the token, and it expires.
    discard: (token) => revoke(token).catch(() => {}),
  })
  const tokens = createTokens({ ...options, session, refresher, scheme: bearer, started })
  const api = createAuthorizedFetch({
    ...tokens,
    fetch,
    scheme: bearer,
    isOAuthEndpoint,
    resources: createResources(options.resourceList),
    baseUrl: () => options.host.baseUrl(),
  })
  const globalFetch = createGlobalFetch(api)
  const parts = ownMembers({
    ...options,
    emitter,
    transport,
    server,
    revoke,
    session,
    refresher,
    tokens,
    transactions: createTransactions(options),
    api,
    globalFetch,
  })
  return Object.assign(parts, { signIn: createSignIn(parts) })
}

/** The server's metadata, found once; a failure is forgotten, so that the next call tries again. */
function createServer(options: ResolvedOptions, transport: Transport) {
  const { issuer, scope, metadata } = options
  const endpoints = new Set<string>()
  let found: Promise<ServerMetadata> | undefined
  const addEndpoints = (among: object) => {
    for (const value of Object.values(among)) {
      const url = secureUrl(value)
      if (url) endpoints.add(url.pathname).add(url.origin + url.pathname)
    }
  }
  return {
    addEndpoints,
    // The path alone tells nearly always, and without making a string.
    isOAuthEndpoint: (url: URL) =>
      endpoints.has(url.pathname) && endpoints.has(url.origin + url.pathname),
    server: (): Promise<ServerMetadata> =>
      (found ??= discoverServer({ issuer, scope, metadata, transport, secureUrl }).then(
        (server) => {
          addEndpoints(server)
          return server
        },
        (error: unknown) => {
          found = undefined
          throw error
        },
      )),
  }
}
