import { CallbackError, PkceClientError } from '../errors.ts'
import {
  authorizationUrl,
  createCodeVerifier,
  createNonce,
  createState,
} from '../protocol/authorization.ts'
import { checkCallback } from '../protocol/callback.ts'
import { checkServer } from '../protocol/server.ts'
import { exchangeCode } from '../protocol/token.ts'
import { secureUrl } from '../api/resources.ts'
import { createCallbackUrls, signOutMode } from './callback-url.ts'
import { safeReturnTo } from './return-to.ts'
import { cannotRemember } from './transactions.ts'
import { checkParams } from './params.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { ResolvedOptions } from '../options.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { Callback } from '../protocol/callback.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { SignedInSession } from '../session/state.ts'
import type { Transaction, Transactions } from './transactions.ts'
import type { SignInParams } from './params.ts'
import type { TransactionStore } from '../storage/store.ts'

/** What {@link PkceClient.handleCallback} made of a URL. */
export interface CallbackResult {
  /** `already-signed-in` when the answer was used before and its session, or a newer one, is alive; nothing was sent then. */
  kind: 'signed-in' | 'already-signed-in'
  /** The session afterwards. */
  session: SignedInSession
  /** Where the person wanted to go: an absolute URL of this origin, when `signIn` was told one. */
  returnTo?: string | undefined
  /** What `signIn` was given to keep. */
  appState?: unknown
}

interface SignInOptions {
  options: ResolvedOptions
  host: Host
  clock: Clock
  navigator: Navigator
  client: Omit<OAuthClient, 'server'>
  transactionStore: TransactionStore
  transactions: Transactions
  session: SessionKeeper
  server: () => Promise<ServerMetadata>
}

export type SignIn = ReturnType<typeof createSignIn>

/** The way to the authorization server and back. */
export function createSignIn(parts: SignInOptions) {
  const { options, host, clock, client, transactions, session, server } = parts
  const { issuer, clientId } = options
  const callbackUrls = createCallbackUrls({ redirectUri: options.redirectUri, transactions })
  const handled = new Map<string | undefined, Promise<CallbackResult>>()

  const base = () => host.url() ?? options.redirectUri

  /** Remembers what the answer must fit, under a new `state`. */
  async function remember(
    facts: Pick<Transaction, 'mode' | 'redirectUri'> & Partial<Transaction>,
  ): Promise<string> {
    const state = `${transactions.tag}.${createState()}`
    const blank = { scope: '', verifier: '', nonce: '', createdAt: clock.now(), issuer, clientId }
    await transactions.put(state, { ...blank, ...facts })
    return state
  }

  async function prepare(params: SignInParams, mode: string): Promise<{ url: URL; state: string }> {
    const { parameters, returnTo, ...asked } = checkParams(params, options)
    if (!host.isSecureContext())
      throw new PkceClientError(
        'insecure_context',
        `${new URL(base()).origin} is not a secure context; serve the app over https, or from localhost.`,
      )
    const metadata = await server()
    const request = { ...asked, verifier: createCodeVerifier(), nonce: createNonce() }
    const state = await remember({
      ...request,
      mode,
      server: metadata,
      returnTo: safeReturnTo(returnTo, base()),
    })
    const url = await authorizationUrl(metadata, { ...request, clientId, state, parameters })
    return { url, state }
  }

  async function signIn(params: SignInParams): Promise<SignedInSession> {
    const navigator = params.navigator ?? parts.navigator
    const gesture = host.hasUserGesture()
    const navigation = navigator.open(host)
    try {
      if (navigator.leavesPage) {
        if (parts.transactionStore.volatile) throw cannotRemember()
        if (!gesture && (await transactions.isLooping(navigator.mode)))
          throw new PkceClientError(
            'redirect_loop',
            'Two sign-ins within a minute came to nothing; show the error and let a click start the next.',
          )
      }
      const { url } = await prepare(params, navigator.mode)
      params.signal?.throwIfAborted()
      const callback = await navigation.go(url, params.signal)
      const result = callback && (await handle(callback))
      if (result) return result.session
      throw invalid('The navigator came back without an answer.')
    } finally {
      navigation.close()
    }
  }

  /** `shown` when the URL is the one in the address bar, which is then cleaned. */
  async function handle(url: URL, shown = false): Promise<CallbackResult | undefined> {
    const callback = await callbackUrls.read(url)
    if (!callback) return undefined
    const { state, isAnswer } = callback
    if (shown) host.replaceUrl(callback.cleaned)
    // Back from signing out: there is nothing to exchange, only the transaction to use up.
    if (!isAnswer) return transactions.take(state!, async () => undefined)
    const finishing = handled.get(state) ?? finish(callback, url.searchParams)
    if (state !== undefined) handled.set(state, finishing)
    return finishing
  }

  async function finish(
    { state, problem }: Callback,
    parameters: URLSearchParams,
  ): Promise<CallbackResult> {
    // Spelled out although undefined, so that neither is read from Object.prototype.
    let facts: ReturnFacts = { __proto__: null } as ReturnFacts
    const use = async (found?: Transaction): Promise<CallbackResult> => {
      facts = { returnTo: safeReturnTo(found?.returnTo, base()), appState: found?.appState }
      if (problem) throw invalid(`This is not an answer to a sign-in of this app: ${problem}.`)
      return found && !found.taken
        ? {
            kind: 'signed-in',
            session: await exchange(found, { state: state!, parameters }),
            ...facts,
          }
        : { kind: 'already-signed-in', session: await alreadySignedIn(found), ...facts }
    }
    try {
      return await (state ? transactions.take(state, use) : use())
    } catch (error) {
      const known = error instanceof PkceClientError
      const why = known ? error : invalid('The answer cannot be used; see cause.', error)
      throw new CallbackError(why, facts)
    }
  }

  async function exchange(
    found: Transaction,
    answer: { state: string; parameters: URLSearchParams },
  ): Promise<SignedInSession> {
    if (found.issuer !== issuer || found.clientId !== clientId || found.mode === signOutMode)
      throw invalid('This answers no sign-in of this client.')
    const metadata = found.server
      ? checkServer(found.server, { issuer, secureUrl })
      : await server()
    const parameters = checkCallback(metadata, { clientId, ...answer })
    const tokens = await exchangeCode({ ...client, server: metadata }, { ...found, parameters })
    return session.begin(tokens, { server: metadata, scope: found.scope })
  }

  async function alreadySignedIn(found: Transaction | undefined): Promise<SignedInSession> {
    await session.reread()
    const state = session.state()
    if (state.status === 'signed-in') return state
    throw found
      ? new PkceClientError('transaction_consumed', 'This answer was used before; sign in again.')
      : new PkceClientError(
          'transaction_not_found',
          'This answer is to a sign-in begun in another browser, or over an hour ago; sign in again.',
        )
  }

  return {
    prepare,
    signIn,
    handle,

    /** A state for the end-session request by which its return is recognised; `undefined` when it could not be kept. */
    rememberSignOut: (redirectUri: string): Promise<string | undefined> =>
      remember({ mode: signOutMode, redirectUri }).catch(() => undefined),
  }
}

interface ReturnFacts {
  returnTo?: string | undefined
  appState?: unknown
}

function invalid(why: string, cause?: unknown): PkceClientError {
  return new PkceClientError('callback_invalid', why, { cause })
}
