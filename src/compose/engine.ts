import { bearer } from '../api/bearer.ts'
import { createCredentials } from '../api/credentials.ts'
import { createEndpoints } from '../api/endpoints.ts'
import { createAuthorizedFetch } from '../api/fetch.ts'
import { createGlobalFetch, createPlatformFetch } from '../api/global-fetch.ts'
import { createResources, secureUrl } from '../api/resources.ts'
import { createEmitter } from '../events.ts'
import { createState } from '../protocol/authorization.ts'
import { readChallenges } from '../protocol/challenge.ts'
import { publicClient } from '../protocol/client-authentication.ts'
import { refreshTokens } from '../protocol/refresh.ts'
import { discoverServer } from '../protocol/server.ts'
import { revokeToken } from '../protocol/sign-out.ts'
import { createTransport } from '../protocol/transport.ts'
import { requestUserInfo } from '../protocol/user-info.ts'
import { canRefresh } from '../session/record.ts'
import { createRefresher } from '../session/refresh.ts'
import { createSession } from '../session/session.ts'
import { createSignIn } from '../sign-in/sign-in.ts'
import { createSignOut } from '../sign-in/sign-out.ts'
import { createStart } from '../sign-in/start.ts'
import { createTransactions } from '../sign-in/transactions.ts'
import { once } from './once.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Store, TransactionStore } from '../storage/store.ts'
import type { Channel } from '../tabs/channel.ts'
import type { Lock } from '../tabs/lock.ts'

/** What the engine stands on. */
export interface Ports {
  clock: Clock
  host: Host
  lock: Lock
  channel: Channel
  store: Store
  transactionStore: TransactionStore
  navigator: Navigator
}

export type Engine = ReturnType<typeof composeEngine>

/** The composition root: makes every part, from the bottom up, and hands each what it needs by name. */
export function composeEngine(options: ResolvedOptions, ports: Ports) {
  const { issuer, clientId, redirectUri, scope, metadata, key, timeout } = options
  const { clock, host, lock, channel, store, transactionStore, navigator } = ports
  const clientAuthentication = publicClient()
  const { emit, on, close: closeEvents } = createEmitter()

  const platformFetch = createPlatformFetch()
  const fetch = options.fetch ? () => options.fetch! : platformFetch.current
  const transport = createTransport({ fetch, clock, timeout, emit })
  const endpoints = createEndpoints()
  const server = once(async () => {
    const found = await discoverServer({ issuer, scope, metadata, transport, secureUrl })
    endpoints.add(found)
    return found
  })
  const client = { clientId, clientAuthentication, transport, clock }
  const revoke = async (token: string) => revokeToken({ ...client, server: await server() }, token)

  const session = createSession({
    key,
    issuer,
    clientId,
    store,
    marks: transactionStore,
    lock,
    channel,
    clock,
    timeout,
    emit,
    newId: createState,
  })
  session.onAdopted((record) => endpoints.add({ ...record?.endpoints }))
  const refresher = createRefresher({
    key,
    store,
    session,
    lock,
    clock,
    timeout,
    canRefresh,
    prepare: server,
    grant: async (record) => refreshTokens({ ...client, server: await server() }, record),
    // A failure may be ignored: nobody will use the token, and it expires by itself.
    discard: (token) => revoke(token).catch(() => {}),
    emit,
  })

  const transactions = createTransactions({ key, transactionStore, lock, clock, timeout })
  const signIn = createSignIn({
    options,
    host,
    clock,
    navigator,
    client,
    transactionStore,
    transactions,
    session,
    server,
  })
  const start = createStart({ host, redirectUri, signIn, session, refresher })

  const scheme = bearer(readChallenges)
  const credentials = createCredentials({
    session,
    refresher,
    clock,
    scheme,
    canRefresh,
    emit,
    started: start.start,
  })
  const authorizedFetch = createAuthorizedFetch({
    resources: createResources(options.resourceList),
    isOAuthEndpoint: endpoints.has,
    baseUrl: () => host.baseUrl(),
    fetch,
    scheme,
    credentials,
  })
  const globalFetch = createGlobalFetch(authorizedFetch, platformFetch)

  const signOut = createSignOut({
    postSignOutRedirectUri: options.postSignOutRedirectUri,
    clientId,
    host,
    clock,
    session,
    signIn,
    server,
    revoke,
    start: start.start,
  })

  return {
    on,
    session,
    signIn,
    start,
    signOut,
    credentials,
    authorizedFetch,
    globalFetch,
    userInfo: async (credential: { token: string; subject: string | undefined }) =>
      requestUserInfo({ ...client, server: await server() }, credential),

    /** Lets go of listeners, channels and timers. */
    close(): void {
      start.close()
      closeEvents()
      refresher.close()
      session.close()
      globalFetch.restore()
    },
  }
}
