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
import { isSecureUrl } from './resources.ts'
import { safeReturnTo } from './return-to.ts'
import { checkParams } from './sign-in-params.ts'
import type { Clock } from './clock.ts'
import type { Host } from './host/host.ts'
import type { ResolvedOptions } from './options.ts'
import type { ServerMetadata } from './protocol/server.ts'
import type { Transport } from './protocol/transport.ts'
import type { SessionKeeper } from './session/session.ts'
import type { SignedInSession } from './session/state.ts'
import type { Tombstone, Transaction, Transactions } from './session/transactions.ts'
import type { SignInParams } from './sign-in-params.ts'
import type { TransactionStore } from './storage/store.ts'

/** What {@link PkceClient.handleCallback} made of a URL. */
export interface CallbackResult {
  kind: 'signed-in' | 'already-signed-in'
  session: SignedInSession
  returnTo?: string
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
  const handled = new Map<string, Promise<CallbackResult>>()

  function base(): string {
    return host.url() ?? options.redirectUri
  }

  async function prepare(params: SignInParams, mode: string): Promise<{ url: URL; state: string }> {
    const { maxAge, appState } = params
    const { scope, redirectUri, parameters, resource } = checkParams(params, options)
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
      returnTo: safeReturnTo(params.returnTo, host.baseUrl() ?? base()),
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
    const state = callback.kind === 'none' ? ownState(url) : callback.state
    if (callback.kind === 'none' && state === undefined) return undefined
    const known = state === undefined ? undefined : handled.get(state)
    if (known) return known
    const redirectUri = await registered(state)
    if (!isAt(url, redirectUri)) return undefined
    const clean = () => {
      if (shown) host.replaceUrl(cleaned(redirectUri, url))
    }
    if (callback.kind === 'none') {
      await returnFromSignOut(state!, clean)
      return undefined
    }
    const finishing =
      callback.kind === 'invalid'
        ? refuse(callback, clean)
        : transactions
            .take(callback.state, (found) => finish(found, { ...callback, clean }))
            .catch(async (error: unknown) => {
              clean()
              throw asCallbackError(error, {})
            })
    if (state !== undefined) handled.set(state, finishing)
    return finishing
  }

  function ownState(url: URL): string | undefined {
    return url.searchParams.getAll('state').find(isOurs)
  }

  async function registered(state: string | undefined): Promise<string> {
    const found =
      state === undefined ? undefined : await transactions.find(state).catch(() => undefined)
    return found?.redirectUri ?? options.redirectUri
  }

  async function returnFromSignOut(state: string, clean: () => void): Promise<void> {
    const found = await transactions.find(state).catch(() => undefined)
    if (found?.mode !== signOutMode) return
    clean()
    await transactions.take(state, async () => {}).catch(() => {})
  }

  async function refuse(
    { state, problem }: { state: string | undefined; problem: string },
    clean: () => void,
  ): Promise<never> {
    clean()
    const refusal = async (found: Transaction | Tombstone | undefined): Promise<never> => {
      throw asCallbackError(
        new PkceClientError(
          'callback_invalid',
          `This is not an answer to a sign-in of this app: ${problem}.`,
        ),
        returnFacts(found),
      )
    }
    return state === undefined ? refusal(undefined) : transactions.take(state, refusal)
  }

  async function finish(
    found: Transaction | Tombstone | undefined,
    { state, parameters, clean }: { state: string; parameters: URLSearchParams; clean: () => void },
  ): Promise<CallbackResult> {
    clean()
    if (!found || 'taken' in found) return alreadySignedIn(found)
    try {
      const { redirectUri, scope, verifier, nonce, maxAge, resource } = found
      if (found.issuer !== issuer || found.clientId !== clientId) {
        throw new PkceClientError('callback_invalid', 'The sign-in was begun by another client.')
      }
      const metadata = found.server
        ? checkServer(found.server, { issuer, isSecureUrl })
        : await server()
      const checked = checkCallback(metadata, { clientId, state, parameters })
      const exchange = {
        parameters: checked,
        redirectUri,
        scope,
        verifier,
        nonce,
        maxAge,
        resource,
      }
      const tokens = await exchangeCode({ ...parts, server: metadata, clientId }, exchange)
      const signedIn = await session.begin(tokens, {
        tokenEndpoint: metadata.token_endpoint,
        scope,
      })
      await transactions.finish(state, found)
      return { kind: 'signed-in', session: signedIn, ...returnFacts(found) }
    } catch (error) {
      throw asCallbackError(error, returnFacts(found))
    }
  }

  async function alreadySignedIn(found: Tombstone | undefined): Promise<CallbackResult> {
    await session.reread()
    const state = session.state()
    if (state.status === 'signed-in')
      return { kind: 'already-signed-in', session: state, ...returnFacts(found) }
    throw found
      ? asCallbackError(
          new PkceClientError(
            'transaction_consumed',
            'This answer was used before; sign in again.',
          ),
          returnFacts(found),
        )
      : asCallbackError(
          new PkceClientError(
            'transaction_not_found',
            'The sign-in this answer belongs to is not known here: it was begun in another browser, took over an hour, or storage was cleared; sign in again.',
          ),
          {},
        )
  }

  function returnFacts(found: Transaction | Tombstone | undefined): ReturnFacts {
    const returnTo = safeReturnTo(found?.returnTo, base())
    return {
      ...(returnTo !== undefined && { returnTo }),
      ...(found?.appState !== undefined && { appState: found.appState }),
    }
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
  returnTo?: string
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

function asCallbackError(error: unknown, facts: ReturnFacts): PkceClientError {
  if (error instanceof CallbackError) return error
  const { code, message, retryable, sessionEnded } =
    error instanceof PkceClientError
      ? error
      : new PkceClientError(
          'callback_invalid',
          'The answer to the sign-in could not be used; see cause.',
        )
  return new CallbackError(code, message, { retryable, sessionEnded, cause: error, ...facts })
}

function insecure(url: string): PkceClientError {
  return new PkceClientError(
    'insecure_context',
    `${new URL(url).origin} is not a secure context, so the browser withholds cryptography; serve the app over https (or from localhost).`,
  )
}

function forgetful(): PkceClientError {
  return new PkceClientError(
    'storage_unavailable',
    'A redirect would forget the sign-in, because nothing can be stored; allow site data, or pass a transactionStore that survives leaving the page.',
  )
}

function looping(): PkceClientError {
  return new PkceClientError(
    'redirect_loop',
    'The person was sent to sign in twice within a minute without success; show what went wrong and let a click start the next try.',
  )
}
