import { createCredentials } from '../api/credentials.ts'
import { createAuthorizedFetch } from '../api/fetch.ts'
import { createState } from '../protocol/authorization.ts'
import { refreshTokens } from '../protocol/refresh.ts'
import { hasRefreshToken } from '../session/record.ts'
import { createRefresher } from '../session/refresh.ts'
import { createSession } from '../session/session.ts'
import { createSessionRecords } from './session-records.ts'
import { shareRuns } from './share-runs.ts'
import type { Endpoints } from '../api/endpoints.ts'
import type { Resources } from '../api/resources.ts'
import type { Scheme } from '../api/scheme.ts'
import type { Clock } from '../clock.ts'
import type { Emit, EventMap } from '../events.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { EmitServerEvent } from './events.ts'
import type { Hold, Keeper } from './keepers.ts'
import type { LeaseLock } from './lease-lock.ts'
import type { ResolvedServerOptions } from './options.ts'
import type { Seal } from './seal.ts'
import type { SessionStore } from './store/session-store.ts'

interface KeeperParts {
  options: ResolvedServerOptions
  client: Omit<OAuthClient, 'server'>
  scheme: Scheme
  server: (() => Promise<ServerMetadata>) & { forget: () => void }
  resources: Resources
  endpoints: Endpoints
  fetch: () => typeof globalThis.fetch
  store: SessionStore
  seal: Seal
  lease: LeaseLock
  clock: Clock
  namesOf: (record: SessionRecord) => Promise<string[]>
  discard: (token: string, record: SessionRecord) => Promise<void>
  emit: EmitServerEvent
}

/** What the browser needs to tell its tabs, and a back end does not: it reads the store for each request. */
const nobodyToTell = { open: () => ({ post: () => {}, close: () => {} }) }
const noMarks = { get: () => undefined, set: () => {}, remove: () => {}, keys: () => [] }
const noOrder = { get: async () => undefined, set: async () => {} }

/** Makes what works with one session: the session's rules of the browser, over a store that compares and swaps. */
export function makeKeeper(parts: KeeperParts, key: string, hold: Hold): Keeper {
  const { options, client, server, clock, scheme, store, seal, namesOf } = parts
  const { issuer, clientId, timeout, asks, origin } = options
  const isAccount = key.startsWith('account|')
  const records = createSessionRecords({
    key,
    store,
    seal,
    clock,
    idleTimeout: isAccount ? Infinity : options.idleTimeout,
    lifetime: isAccount ? Infinity : options.lifetime,
    // That a user signs out at the server does not take the tokens from a job that works for them at night.
    namesOf: isAccount ? async () => [] : namesOf,
  })
  const emit = toServerEvents(parts.emit, () => session.latest())
  const created = createSession({
    key,
    issuer,
    clientId,
    first: asks[0],
    tokenType: scheme.type,
    store: records,
    marks: noMarks,
    orderedMarks: noOrder,
    // The store compares.
    exclusive: ({ task }) => task(() => false),
    channel: nobodyToTell,
    clock,
    timeout,
    emit,
    newId: createState,
  })
  // Each request reads the session again. Apart from each other, they would find it changed by one another, and read on.
  const reread = shareRuns(created.restore)
  const session: SessionKeeper = { ...created, restore: reread, reread }
  // Whether anybody is signed in is in the store: nobody is about to arrive with an answer.
  session.markKnown()
  const refresher = createRefresher({
    key,
    store: records,
    session,
    exclusive: ({ name, task }) =>
      hold(() => parts.lease.run(name, task, { patience: 2 * timeout })),
    // A refresh is tried again when a request needs it, not in between.
    clock: { ...withoutTimers, now: () => clock.now(), random: () => clock.random() },
    timeout,
    canRefresh: hasRefreshToken,
    prepare: server,
    grant: async (record, ask) => {
      const answer = await refreshTokens({ ...client, server: await server() }, { ...record, ask })
      if (answer.kind === 'moved') server.forget()
      return answer
    },
    discard: parts.discard,
    emit,
  })
  const credentials = createCredentials({
    asks,
    session,
    refresher,
    clock,
    scheme,
    canRefresh: hasRefreshToken,
    emit,
    started: session.reread,
  })
  const { fetch, askFor } = createAuthorizedFetch({
    resources: parts.resources,
    endpoints: parts.endpoints,
    baseUrl: () => origin,
    fetch: parts.fetch,
    scheme,
    credentials,
  })
  return { key, records, session, credentials, fetch, askFor }
}

const withoutTimers = { setTimeout: () => () => {}, systemOffset: () => 0 }

/** The events of one session, as those of a back end with many. That a session is read again for each request is none. */
function toServerEvents(emit: EmitServerEvent, latest: () => SessionRecord | undefined): Emit {
  return (event, facts) => {
    const id = latest()?.sid ?? ''
    if (event === 'token-refreshed') {
      const { idTokenError } = facts as EventMap['token-refreshed']
      emit(event, { id, ...(idTokenError && { idTokenError }) })
    } else if (event === 'refresh-failed')
      emit(event, { id, error: (facts as EventMap['refresh-failed']).error })
    else if (event === 'signed-out') {
      const { session } = facts as EventMap['signed-out']
      if (session.reason) emit(event, { id, reason: session.reason })
    }
  }
}
