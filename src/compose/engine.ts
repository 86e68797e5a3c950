import { createCredentials } from '../api/credentials.ts'
import { createEndpoints } from '../api/endpoints.ts'
import { createAuthorizedFetch } from '../api/fetch.ts'
import { createGlobalFetch, createPlatformFetch } from '../api/global-fetch.ts'
import { createResources, secureUrl } from '../api/resources.ts'
import { createEmitter } from '../events.ts'
import { createState } from '../protocol/authorization.ts'
import { publicClient } from '../protocol/client-authentication.ts'
import { refreshTokens } from '../protocol/refresh.ts'
import { createSend } from '../protocol/send.ts'
import { discoverServer } from '../protocol/server.ts'
import { revokeToken } from '../protocol/sign-out.ts'
import { createTransport } from '../protocol/transport.ts'
import { requestUserInfo } from '../protocol/user-info.ts'
import { underLock } from '../session/exclusive.ts'
import { createRefresher } from '../session/refresh.ts'
import { createSession } from '../session/session.ts'
import { applyCapabilities, plainHooks } from './hooks.ts'
import { knownServer } from './known-server.ts'
import { once } from './once.ts'
import { dependable } from './ports.ts'
import { composeSignIn } from './sign-in.ts'
import type { ResolvedOptions } from '../options.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { Ports } from './ports.ts'

export type Engine = ReturnType<typeof composeEngine>

/** The composition root: makes every part, from the bottom up, and hands each what it needs by name. */
export function composeEngine(options: ResolvedOptions, given: Ports) {
  const ports = dependable(given)
  const { issuer, clientId, scope, metadata, key, timeout, asks } = options
  const { clock, host, lock, channel, store, transactionStore, orderedMarks } = ports
  const clientAuthentication = publicClient()
  const { emit, on, close: closeEvents } = createEmitter((error) => host.reportError(error))

  const platformFetch = createPlatformFetch()
  const fetch = options.fetch ? () => options.fetch! : platformFetch.current
  const transport = createTransport({ fetch, clock, timeout, emit })
  const endpoints = createEndpoints(issuer)
  endpoints.add({ ...metadata })
  const server = once(async () => {
    const found = await discoverServer({ issuer, scope, metadata, transport, secureUrl })
    endpoints.complete(found)
    return found
  })
  const hooks = applyCapabilities(options.use, {
    parts: { options, ports, fetch, transport, server, session: () => session, emit },
    plain: plainHooks(async (record, ask) =>
      refreshTokens({ ...client, server: await server() }, { ...record, ask }),
    ),
  })
  const { scheme, canRefresh } = hooks
  const send = createSend(transport, hooks.protect)
  const client: Omit<OAuthClient, 'server'> = {
    clientId,
    clientAuthentication,
    transport,
    send,
    tokenType: scheme.type,
    clock,
  }
  const revoke = (token: string, at: ServerMetadata) =>
    revokeToken({ ...client, server: at }, token)
  const serverOf = knownServer(issuer, server)

  const exclusive = underLock({ lock, clock, timeout })
  const session: SessionKeeper = createSession({
    key,
    issuer,
    clientId,
    first: asks[0],
    tokenType: scheme.type,
    store,
    marks: transactionStore,
    orderedMarks,
    exclusive,
    channel,
    clock,
    timeout,
    emit,
    newId: createState,
  })
  session.onAdopted((record) => record?.endpoints && endpoints.complete(record.endpoints))
  const refresher = createRefresher({
    key,
    store,
    session,
    exclusive,
    clock,
    timeout,
    canRefresh,
    prepare: () => Promise.all([server(), hooks.ready()]),
    grant: async (record, ask) => {
      const answer = await hooks.grant(record, ask)
      // It may be so for a while only: the next try looks again.
      if (answer.kind === 'moved') server.forget()
      return answer
    },
    // A failure may be ignored: the token will not be used, and it expires by itself.
    discard: (token, record) =>
      serverOf(record)
        .then((at) => revoke(token, at))
        .catch(() => {}),
    emit,
  })

  const { signIn, start, signOut, requireSession, ...signInParts } = composeSignIn({
    options,
    ports,
    client,
    hooks,
    server,
    serverOf,
    revoke,
    session,
    refresher,
    exclusive,
    emit,
    onSessionChanged: (listener) => on('session-changed', listener),
  })

  const credentials = createCredentials({
    asks,
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
    endpoints,
    baseUrl: () => host.baseUrl(),
    fetch,
    scheme,
    credentials,
  })
  const wrappedFetch = hooks.wrap(authorizedFetch.fetch, {
    session,
    signIn: signIn.signIn,
    start: start.start,
    isTarget: authorizedFetch.isTarget,
    isSignedOutHere: signInParts.isSignedOutHere,
  })
  const globalFetch = createGlobalFetch({ ...authorizedFetch, fetch: wrappedFetch }, platformFetch)

  return {
    on,
    session,
    signIn,
    requireSession,
    start,
    signOut,
    credentials,
    fetch: wrappedFetch,
    askFor: authorizedFetch.askFor,
    globalFetch,
    userInfo: async (credential: { token: string; subject: string | undefined }) =>
      requestUserInfo({ ...client, server: await server() }, credential),

    /** Lets go of listeners, channels and timers. */
    close(): void {
      signInParts.close()
      closeEvents()
      refresher.close()
      session.close()
      globalFetch.restore()
    },
  }
}
