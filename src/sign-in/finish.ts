import { CallbackError, PkceClientError } from '../errors.ts'
import { checkCallback } from '../protocol/callback.ts'
import { checkServer } from '../protocol/server.ts'
import { exchangeCode } from '../protocol/token.ts'
import { secureUrl } from '../api/resources.ts'
import { createCallbackUrls, signOutMode } from './callback-url.ts'
import { createHistoryMark } from './history-mark.ts'
import { safeReturnTo } from './return-to.ts'
import { signInCancelled } from './turns.ts'
import type { Emit } from '../events.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { TokenSet } from '../protocol/token-set.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { Session, SignedInSession } from '../session/state.ts'
import type { OwnCallback } from './callback-url.ts'
import type { Departures } from './departures.ts'
import type { Transaction, Transactions } from './transactions.ts'
import type { Attempt } from './turns.ts'

/** What {@link PkceClient.handleCallback} made of a URL. */
export type CallbackResult =
  | FinishedSignIn
  | {
      /** The page that began the sign-in has received the answer and finishes it. This window closes itself where it can. */
      kind: 'relayed'
      /** The session as it is. */
      session: Session
      /** The page that began the sign-in has it. */
      returnTo?: undefined
      /** The page that began the sign-in has it. */
      appState?: undefined
      /** The page that began the sign-in sends it. */
      resumed?: undefined
    }

/** A sign-in that is finished. */
export interface FinishedSignIn {
  /** `already-signed-in` when the answer was used before and its session, or a newer one, is alive; nothing was sent then. */
  kind: 'signed-in' | 'already-signed-in'
  /** The session afterwards. */
  session: SignedInSession
  /** Where the user wanted to go: an absolute URL of this origin, when `signIn` was told one. */
  returnTo?: string | undefined
  /** What `signIn` was given to keep. */
  appState?: unknown
  /**
   * With `resumeAfterSignIn()`: the request of the call that this sign-in was begun for. It was not sent; pass it to `fetch`
   * once, or leave it.
   */
  resumed?: Request | undefined
}

interface FinishOptions {
  issuer: string
  redirectUri: string
  host: Host
  navigators: readonly Navigator[]
  client: Omit<OAuthClient, 'server'>
  transactions: Transactions
  departures: Departures
  session: SessionKeeper
  server: () => Promise<ServerMetadata>
  /** Revokes one token at that server; its failure is ignored here. */
  revoke: (token: string, server: ServerMetadata) => Promise<void>
  /** The request that was kept under this id. */
  resumed: (id: string | undefined) => Request | undefined
  emit: Emit
}

/** Modes in which the page that began the sign-in waits for the answer. */
export const relayedModes = ['popup', 'iframe']

export type Finish = ReturnType<typeof createFinish>

/** The way back from the authorization server: from a URL to a session. */
export function createFinish(parts: FinishOptions) {
  const { issuer, redirectUri, host, navigators, client } = parts
  const { transactions, session, server, revoke, emit } = parts
  const callbackUrls = createCallbackUrls({
    redirectUri,
    host,
    transactions,
    departures: parts.departures,
    isSignedIn: () => session.current() !== undefined,
  })
  const historyMark = createHistoryMark(host)
  const handled = new Map<string | undefined, Promise<FinishedSignIn>>()

  const base = () => host.url() ?? redirectUri

  async function handle(url: URL, attempt: Attempt): Promise<FinishedSignIn | undefined> {
    const callback = await callbackUrls.read(url)
    return callback && use(callback, { url, attempt })
  }

  /** Handles the URL in the address bar, which is then cleaned. */
  async function handleShown(url: URL, attempt: Attempt): Promise<CallbackResult | undefined> {
    const callback = await callbackUrls.read(url)
    if (!callback) return resume(attempt)
    const { state, isAnswer, cleaned } = callback
    historyMark.set(cleaned, isAnswer ? state : undefined)
    if (!(await relay(url, callback))) return use(callback, { url, attempt })
    historyMark.remove(state!)
    session.markKnown()
    return { kind: 'relayed', session: session.state() }
  }

  async function use(
    { state, isAnswer, problem }: OwnCallback,
    { url, attempt }: { url: URL; attempt: Attempt },
  ): Promise<FinishedSignIn | undefined> {
    // Back from signing out: there is nothing to exchange, only the transaction to use up.
    if (!isAnswer) return transactions.take(state!, async () => undefined)
    return once(state, { problem, parameters: url.searchParams, attempt })
  }

  /** Hands an answer that came in a window or frame to the page that waits for it. One that left the page waits nowhere. */
  async function relay(url: URL, { state, isAnswer, mode }: OwnCallback): Promise<boolean> {
    if (!isAnswer || state === undefined || !(mode === undefined || relayedModes.includes(mode)))
      return false
    const answer = { url, state, host, clock: client.clock }
    const relays = navigators.map(async (navigator) => navigator.relay?.(answer))
    return (await Promise.all(relays)).includes(true)
  }

  /** The page was reloaded while an answer was being used: the answer is gone, but not what the user was doing. */
  async function resume(attempt: Attempt): Promise<FinishedSignIn | undefined> {
    const state = historyMark.get()
    if (typeof state !== 'string' || !callbackUrls.isOurs(state)) return undefined
    if (await transactions.find(state).catch(() => undefined)) return once(state, { attempt })
    historyMark.remove(state)
    return undefined
  }

  /** One answer is finished once; whoever asks again gets the same promise. */
  function once(state: string | undefined, answer: Answer): Promise<FinishedSignIn> {
    const finishing = (state && handled.get(state)) || finish(state, answer)
    if (state !== undefined) handled.set(state, finishing)
    return finishing
  }

  async function finish(
    state: string | undefined,
    { problem, parameters, attempt }: Answer,
  ): Promise<FinishedSignIn> {
    // Spelled out although undefined, so that neither is read from Object.prototype.
    let facts: ReturnFacts = { __proto__: null } as ReturnFacts
    const settle = async (found?: Transaction): Promise<FinishedSignIn> => {
      facts = { returnTo: safeReturnTo(found?.returnTo, base()), appState: found?.appState }
      if (problem) throw invalid(`This is not an answer to a sign-in of this app: ${problem}.`)
      if (!parameters || !found || found.taken)
        return {
          kind: 'already-signed-in',
          session: await alreadySignedIn(found, { isReload: !parameters }),
          ...facts,
        }
      attempt.signal.throwIfAborted()
      const session = await exchange(found, { state: state!, parameters, attempt })
      return { kind: 'signed-in', session, ...facts, resumed: parts.resumed(found.resume) }
    }
    try {
      return await (state ? transactions.take(state, settle) : settle())
    } catch (cause) {
      const known = cause instanceof PkceClientError
      const why = known ? cause : invalid('The answer cannot be used; see cause.', cause)
      const error = new CallbackError(why, facts)
      emit('sign-in-failed', { error })
      throw error
    } finally {
      if (state !== undefined) historyMark.remove(state)
    }
  }

  async function exchange(
    found: Transaction,
    { attempt, ...answer }: { state: string; parameters: URLSearchParams; attempt: Attempt },
  ): Promise<SignedInSession> {
    if (found.issuer !== issuer || found.clientId !== client.clientId || found.mode === signOutMode)
      throw invalid('This answer does not belong to a sign-in of this client.')
    const metadata = found.server
      ? checkServer(found.server, { issuer, secureUrl })
      : await server()
    const parameters = checkCallback(metadata, { clientId: client.clientId, ...answer })
    const since = session.latest()
    const tokens = await exchangeCode({ ...client, server: metadata }, { ...found, parameters })
    const { scope, ask = '' } = found
    const begin = () => session.begin(tokens, { server: metadata, scope, ask, since })
    const begun = attempt.signal.aborted ? undefined : await attempt.commit(begin)
    if (begun) return begun
    discard(tokens, metadata)
    attempt.signal.throwIfAborted()
    throw signInCancelled('The user signed out in another tab before this sign-in was finished.')
  }

  function discard({ refreshToken, accessToken }: TokenSet, at: ServerMetadata): void {
    for (const token of [refreshToken, accessToken]) if (token) revoke(token, at).catch(() => {})
  }

  async function alreadySignedIn(
    found: Transaction | undefined,
    { isReload }: { isReload: boolean },
  ): Promise<SignedInSession> {
    await session.reread()
    const state = session.state()
    if (state.status === 'signed-in') return state
    const why = isReload
      ? 'The page was reloaded while the sign-in was being finished'
      : 'This answer was used before'
    throw found
      ? new PkceClientError('transaction_consumed', `${why}; sign in again.`)
      : new PkceClientError(
          'transaction_not_found',
          'This answer is to a sign-in begun in another browser, or over an hour ago; sign in again.',
        )
  }

  return { handle, handleShown }
}

interface Answer {
  problem?: string | undefined
  /** Missing when the answer is gone. */
  parameters?: URLSearchParams
  attempt: Attempt
}

interface ReturnFacts {
  returnTo?: string | undefined
  appState?: unknown
}

export function invalid(why: string, cause?: unknown): PkceClientError {
  return new PkceClientError('callback_invalid', why, { cause })
}
