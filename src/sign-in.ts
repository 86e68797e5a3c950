import { CallbackError, PkceClientError } from './errors.ts'
import {
  authorizationUrl,
  createCodeVerifier,
  createNonce,
  createState,
} from './protocol/authorization.ts'
import { checkCallback, readCallback } from './protocol/callback.ts'
import { checkServer } from './protocol/server.ts'
import { exchangeCode } from './protocol/token.ts'
import { secureUrl } from './resources.ts'
import { safeReturnTo } from './return-to.ts'
import { checkParams } from './sign-in-params.ts'
import type { Clock } from './clock.ts'
import type { Host } from './host/host.ts'
import type { ResolvedOptions } from './options.ts'
import type { ServerMetadata } from './protocol/server.ts'
import type { Callback } from './protocol/callback.ts'
import type { Transport } from './protocol/transport.ts'
import type { SessionKeeper } from './session/session.ts'
import type { SignedInSession } from './session/state.ts'
import type { Transaction, Transactions } from './session/transactions.ts'
import type { SignInParams } from './sign-in-params.ts'
import type { TransactionStore } from './storage/store.ts'

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

export interface SignInOptions {
  options: ResolvedOptions
  host: Host
  clock: Clock
  transport: Transport
  transactions: Transactions
  transactionStore: TransactionStore
  session: SessionKeeper
  server: () => Promise<ServerMetadata>
}

export type SignIn = ReturnType<typeof createSignIn>

/** The way to the authorization server and back. */
export function createSignIn(parts: SignInOptions) {
  const { options, host, clock, transactions, transactionStore, session, server } = parts
  const { issuer, clientId, key } = options
  const tag = shortHash(key)
  const handled = new Map<string | undefined, Promise<CallbackResult>>()

  function base(): string {
    return host.url() ?? options.redirectUri
  }

  async function prepare(params: SignInParams, mode: string): Promise<{ url: URL; state: string }> {
    const checked = checkParams(params, options)
    const { scope, redirectUri, parameters, resource, maxAge, appState } = checked
    if (!host.isSecureContext()) throw insecure(base())
    const metadata = await server()
    const state = newState()
    const [verifier, nonce] = [createCodeVerifier(), createNonce()]
    await transactions.put(state, {
      ...{
        mode,
        createdAt: clock.now(),
        issuer,
        clientId,
        redirectUri,
        scope,
        verifier,
        nonce,
        maxAge,
        resource,
        appState,
      },
      server: metadata,
      returnTo: safeReturnTo(params.returnTo, base()),
    })
    const url = await authorizationUrl(metadata, {
      clientId,
      redirectUri,
      scope,
      state,
      nonce,
      verifier,
      parameters,
    })
    return { url, state }
  }

  function newState(): string {
    return `${tag}.${createState()}`
  }

  function isOurs(state: string): boolean {
    return state.startsWith(`${tag}.`) && /^\w+\.[\w-]{43}$/.test(state)
  }

  async function signIn(params: SignInParams): Promise<SignedInSession> {
    const navigator = params.navigator ?? options.navigator!
    const gesture = host.hasUserGesture()
    const navigation = navigator.open(host)
    try {
      if (navigator.leavesPage) {
        if (transactionStore.volatile) throw forgetful()
        if (!gesture && (await transactions.isLooping(navigator.mode))) throw looping()
      }
      const { url } = await prepare(params, navigator.mode)
      params.signal?.throwIfAborted()
      const callback = await navigation.go(url, params.signal)
      const result = callback && (await handle(callback))
      if (!result)
        throw new PkceClientError('callback_invalid', 'The navigator came back without an answer.')
      return result.session
    } finally {
      navigation.close()
    }
  }

  /** `shown` when the URL is the one in the address bar, which is then cleaned. */
  async function handle(url: URL, shown = false): Promise<CallbackResult | undefined> {
    const callback = readCallback(url, isOurs)
    if (!callback) return undefined
    const { state, isAnswer } = callback
    const found =
      state === undefined ? undefined : await transactions.find(state).catch(() => undefined)
    const redirectUri = found?.redirectUri ?? options.redirectUri
    if (!isAt(url, redirectUri) || !(isAnswer || found?.mode === signOutMode)) return undefined
    if (shown) host.replaceUrl(cleaned(redirectUri, url))
    if (!isAnswer) return transactions.take(state!, async () => undefined)
    const finishing = handled.get(state) ?? finish(callback, url.searchParams)
    if (state !== undefined) handled.set(state, finishing)
    return finishing
  }

  async function finish(
    { state, problem }: Callback,
    parameters: URLSearchParams,
  ): Promise<CallbackResult> {
    let facts: ReturnFacts = {}
    const use = async (found?: Transaction): Promise<CallbackResult> => {
      facts = { returnTo: safeReturnTo(found?.returnTo, base()), appState: found?.appState }
      if (problem)
        throw new PkceClientError(
          'callback_invalid',
          `This is not an answer to a sign-in of this app: ${problem}.`,
        )
      if (found && !found.taken)
        return {
          kind: 'signed-in',
          session: await exchange(found, { state: state!, parameters }),
          ...facts,
        }
      return { kind: 'already-signed-in', session: await alreadySignedIn(found), ...facts }
    }
    try {
      return await (state === undefined ? use() : transactions.take(state, use))
    } catch (error) {
      throw new CallbackError(asError(error), facts)
    }
  }

  async function exchange(
    found: Transaction,
    answer: { state: string; parameters: URLSearchParams },
  ): Promise<SignedInSession> {
    if (found.issuer !== issuer || found.clientId !== clientId || found.mode === signOutMode) {
      throw new PkceClientError('callback_invalid', 'This answers no sign-in of this client.')
    }
    const metadata = found.server
      ? checkServer(found.server, { issuer, secureUrl })
      : await server()
    const parameters = checkCallback(metadata, { clientId, ...answer })
    const tokens = await exchangeCode(
      { ...parts, server: metadata, clientId },
      { ...found, parameters },
    )
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
          'This answer is to a sign-in begun in another browser, over an hour ago, or before storage was cleared; sign in again.',
        )
  }

  return {
    prepare,
    signIn,
    handle,

    /** A state for the end-session request by which its return is recognised; `undefined` when it could not be kept. */
    async rememberSignOut(redirectUri: string): Promise<string | undefined> {
      const state = newState()
      const blank = { scope: '', verifier: '', nonce: '' }
      const transaction = {
        mode: signOutMode,
        createdAt: clock.now(),
        issuer,
        clientId,
        redirectUri,
        ...blank,
      }
      return transactions.put(state, transaction).then(
        () => state,
        () => undefined,
      )
    },
  }
}

const signOutMode = 'sign-out'

interface ReturnFacts {
  returnTo?: string | undefined
  appState?: unknown
}

/** FNV-1a. Tells the clients of one origin apart; not a secret. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(36)
}

function isAt(url: URL, redirectUri: string): boolean {
  const { protocol, host, pathname } = new URL(redirectUri)
  return url.protocol === protocol && url.host === host && url.pathname === pathname
}

/** The redirect URI as it was registered, with the app's own fragment if that is not part of the answer. */
function cleaned(redirectUri: string, { hash }: URL): string {
  return /[#&](?:code|state|access_token|id_token|refresh_token)=/.test(hash)
    ? redirectUri
    : redirectUri + hash
}

function asError(error: unknown): PkceClientError {
  return error instanceof PkceClientError
    ? error
    : new PkceClientError('callback_invalid', 'The answer could not be used; see cause.', {
        cause: error,
      })
}

function insecure(url: string): PkceClientError {
  return new PkceClientError(
    'insecure_context',
    `${new URL(url).origin} is not a secure context; serve the app over https, or from localhost.`,
  )
}

function forgetful(): PkceClientError {
  return new PkceClientError(
    'storage_unavailable',
    'Nothing can be stored, so a redirect would forget the sign-in; allow site data, or pass a transactionStore.',
  )
}

function looping(): PkceClientError {
  return new PkceClientError(
    'redirect_loop',
    'Two sign-ins within a minute came to nothing; show the error and let a click start the next.',
  )
}
