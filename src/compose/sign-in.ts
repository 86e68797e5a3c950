import { createFinish } from '../sign-in/finish.ts'
import { createDepartures } from '../sign-in/departures.ts'
import { createRequireSession } from '../sign-in/require-session.ts'
import { createSignIn } from '../sign-in/sign-in.ts'
import { createSignOut } from '../sign-in/sign-out.ts'
import { remindOfStart } from '../sign-in/start-reminder.ts'
import { createStart } from '../sign-in/start.ts'
import { createTransactions } from '../sign-in/transactions.ts'
import { createTurns } from '../sign-in/turns.ts'
import type { Emit, EventMap } from '../events.ts'
import type { ResolvedOptions } from '../options.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { Exclusive } from '../session/exclusive.ts'
import type { SessionRecord } from '../session/record.ts'
import type { Refresher } from '../session/refresh.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { Hooks } from './hooks.ts'
import type { Ports } from './ports.ts'

interface SignInParts {
  options: ResolvedOptions
  ports: Ports
  client: Omit<OAuthClient, 'server'>
  hooks: Pick<Hooks, 'parameters' | 'push' | 'resumed' | 'recover'>
  server: () => Promise<ServerMetadata>
  /** The server as the session knows it, else as it is discovered. */
  serverOf: (record: SessionRecord | undefined) => Promise<ServerMetadata>
  /** Revokes one token at that server. */
  revoke: (token: string, server: ServerMetadata) => Promise<void>
  session: SessionKeeper
  refresher: Refresher
  exclusive: Exclusive
  emit: Emit
  onSessionChanged: (listener: (facts: EventMap['session-changed']) => void) => void
}

/** The parts that lead to the authorization server and back. */
export function composeSignIn(parts: SignInParts) {
  const { options, client, hooks, server, serverOf, revoke, session, refresher, emit } = parts
  const { issuer, redirectUri, key, timeout } = options
  const { clock, host, transactionStore, navigators } = parts.ports
  const page = { host, clock, timeout }

  const departures = createDepartures({ key, host, clock })
  const transactions = createTransactions({
    key,
    transactionStore,
    exclusive: parts.exclusive,
    clock,
    isBegunHere: departures.includes,
  })
  const turns = createTurns(page)
  const finish = createFinish({
    issuer,
    redirectUri,
    host,
    navigators,
    client,
    transactions,
    departures,
    session,
    server,
    revoke,
    resumed: hooks.resumed,
    emit,
  })
  const signIn = createSignIn({
    options,
    page,
    client,
    hooks,
    navigator: navigators[0],
    transactionStore,
    transactions,
    departures,
    turns,
    finish,
    server,
    emit,
  })
  const start = createStart({
    redirectUri,
    host,
    finish,
    turns,
    session,
    refresher,
    resumed: hooks.resumed,
    recover: hooks.recover,
  })
  const stopReminder = remindOfStart({ host, clock, tag: transactions.tag, begun: start.begun })
  const signOut = createSignOut({
    options,
    host,
    clock,
    session,
    signIn,
    serverOf,
    revoke,
    start,
    turns,
  })
  const guard = createRequireSession({
    options,
    host,
    session,
    refresher,
    start,
    turns,
    signIn,
    onSessionChanged: parts.onSessionChanged,
  })

  return {
    signIn,
    start,
    signOut,
    requireSession: guard.requireSession,
    isSignedOutHere: guard.isSignedOutHere,

    close(): void {
      stopReminder()
      start.close()
      turns.close()
      guard.close()
    },
  }
}
