import { createResources } from '../api/resources.ts'
import { systemClock } from '../clock.ts'
import { createEmitter } from '../events.ts'
import { createState } from '../protocol/authorization.ts'
import { createAnswers } from './answers.ts'
import { composeProtocol } from './compose-protocol.ts'
import { createCookies } from './cookies.ts'
import { createDepartures } from './departures.ts'
import { dependableStore } from './dependable-store.ts'
import { createBackChannelLogoutEndpoint } from './endpoints/back-channel-logout.ts'
import { createCallbackEndpoint } from './endpoints/callback.ts'
import { createProxy } from './endpoints/proxy.ts'
import { createRefreshTokenEndpoint } from './endpoints/refresh-token.ts'
import { createSessionEndpoint } from './endpoints/session.ts'
import { createSignInEndpoint } from './endpoints/sign-in.ts'
import { createSignOutEndpoint } from './endpoints/sign-out.ts'
import { createGuard } from './guard.ts'
import { createKeepers } from './keepers.ts'
import { createLeaseLock } from './lease-lock.ts'
import { makeKeeper } from './make-keeper.ts'
import { createRoutes } from './routes.ts'
import { createSeal } from './seal.ts'
import { createServerSessions } from './server-session.ts'
import { createSessions } from './sessions.ts'
import { monotonic } from './stopwatch.ts'
import { memorySessions } from './store/memory.ts'
import { createVisitors } from './visitor.ts'
import type { ServerEventMap } from './events.ts'
import type { Keeper } from './keepers.ts'
import type { ResolvedServerOptions } from './options.ts'
import type { ServerSession } from './server-session.ts'
import type { Visitor } from './visitor.ts'

export type ServerEngine = ReturnType<typeof composeServer>

/** The composition root of a back end: makes every part, and hands each what it needs by name. */
export function composeServer(options: ResolvedServerOptions) {
  const { issuer, timeout, origin } = options
  const clock = options.clock ?? systemClock()
  const { emit, on, close } = createEmitter<ServerEventMap>(reportError)
  const protocol = composeProtocol(options, { clock, emit })
  const { client, server, serverOf, revoke, keys, introspect } = protocol

  const seal = createSeal(options.secrets)
  const given = options.sessions ?? memorySessions({ clock })
  if (!options.sessions)
    // Later, so that the app has had the time to listen.
    void Promise.resolve().then(() => emit('sessions-in-memory', { message: inMemory }))
  const store = dependableStore({ store: given, clock, emit })
  const lease = createLeaseLock({ store, clock, monotonic, newId: createState })
  const secure = origin.startsWith('https:')
  const cookies = createCookies({ ...options.cookie, secure, lifetime: options.lifetime })
  const guard = createGuard({ origin })
  const visitors = createVisitors({ options, cookies, seal })
  const answers = createAnswers({ options, reportError })
  const departures = createDepartures({ cookies, seal, store, clock, timeout })
  const keepers = createKeepers({
    clock,
    make: (key, hold): Keeper => makeKeeper(keeperParts, key, hold),
  })
  const sessions = createSessions({ issuer, keepers, store })
  const keeperParts = {
    ...protocol,
    options,
    resources: createResources(options.resourceList),
    store,
    seal,
    lease,
    clock,
    namesOf: sessions.namesOf,
    discard: protocol.discardToken,
    emit,
  }
  const { sessionOf } = createServerSessions({
    keepers,
    requestUserInfo: protocol.userInfo,
  })
  async function read(visitor: Visitor | undefined): Promise<ServerSession> {
    if (!visitor) return signedOut
    const [csrf, session] = await Promise.all([
      visitor.csrfTokens(),
      sessions.open(visitor.key, (keeper) => keeper),
    ])
    return sessionOf(session, csrf[0]!)
  }

  const proxy = createProxy(options)
  const signIn = createSignInEndpoint({
    options,
    client,
    server,
    departures,
    visitors,
    guard,
    answers,
    emit,
  })
  const signOut = createSignOutEndpoint({
    options,
    sessions,
    cookies,
    answers,
    clock,
    serverOf,
    revoke,
  })
  const routes = createRoutes({
    options,
    guard,
    visitors,
    answers,
    emit,
    endpoints: {
      signIn,
      callback: createCallbackEndpoint({
        options,
        client,
        server,
        departures,
        visitors,
        sessions,
        cookies,
        guard,
        answers,
        discard: protocol.discardTokens,
        emit,
      }),
      session: createSessionEndpoint({ sessions, now: () => clock.now() }),
      signOut,
      refreshToken: createRefreshTokenEndpoint({ sessions, clock }),
      backChannelLogout: createBackChannelLogoutEndpoint({
        options,
        server,
        keys,
        sessions,
        store,
        clock,
        emit,
      }),
      proxy: (request, visitor) =>
        visitor
          ? sessions.open(visitor.key, ({ fetch }) => proxy.handle(request, fetch)!)
          : signIn.refuse(),
    },
  })

  return { on, close, routes, signIn, signOut, visitors, sessions, read, introspect }
}

const inMemory =
  'Sessions are in the memory of this process: a restart ends them, and other processes do not know them. Give the option sessions a store.'

const signedOut: ServerSession = Object.freeze({ status: 'signed-out' })

/** Mistakes of an app's functions are shown as an unhandled error is, and stop nothing. */
function reportError(error: unknown): void {
  void Promise.reject(error)
}
