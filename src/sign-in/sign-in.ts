import { copyOwn } from '../check-options.ts'
import { CallbackError, PkceClientError } from '../errors.ts'
import {
  authorizationUrl,
  createCodeVerifier,
  createNonce,
  createState,
} from '../protocol/authorization.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { signOutMode } from './callback-url.ts'
import { invalid, relayedModes } from './finish.ts'
import { watchPageReturn } from './page-return.ts'
import { checkParams } from './params.ts'
import { isLooping } from './loop-guard.ts'
import { safeReturnTo } from './return-to.ts'
import { cannotRemember } from './transactions.ts'
import { signInCancelled } from './turns.ts'
import { unreported } from './unreported.ts'
import type { Emit } from '../events.ts'
import type { Navigation, Navigator } from '../navigation/navigator.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Parameters } from '../protocol/authorization.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { SignedInSession } from '../session/state.ts'
import type { TransactionStore } from '../storage/store.ts'
import type { Finish } from './finish.ts'
import type { Departures } from './departures.ts'
import type { Page } from './page-return.ts'
import type { CheckedParams, SignInParams } from './params.ts'
import type { Transaction, Transactions } from './transactions.ts'
import type { Attempt, Turns } from './turns.ts'

interface SignInOptions {
  options: ResolvedOptions
  page: Page
  client: Omit<OAuthClient, 'server'>
  hooks: {
    /** Further parameters of each authorization request. */
    parameters: (navigation: { leavesPage: boolean }) => Promise<Parameters>
    /** The URL for the browser, made of the authorization request. */
    push: (url: URL, at: OAuthClient) => Promise<URL>
  }
  /** In place of one that a sign-in brings. */
  navigator: Navigator
  transactionStore: TransactionStore
  transactions: Transactions
  departures: Departures
  turns: Turns
  finish: Finish
  server: () => Promise<ServerMetadata>
  emit: Emit
}

/** Keeps what is to be resumed after the return, and resolves to the id under which it is kept, if it is. */
export type Keep = () => Promise<string | undefined>

/** The way to the authorization server that the callers of one moment share. */
interface Departure {
  request: SignInParams
  navigation: Navigation
  attempt: Attempt
  /** One of the callers was called by a click. */
  clicked: boolean
  keep: Keep | undefined
}

type Way = Pick<Departure, 'navigation' | 'keep'>

interface SharedDeparture extends Departure {
  work: Promise<SignedInSession>
  /** Callers that have not given up. One without a signal never does. */
  waiting: number
}

export type SignIn = ReturnType<typeof createSignIn>

/** The way to the authorization server. */
export function createSignIn(parts: SignInOptions) {
  const { options, page, client, hooks, transactions, departures, turns, finish, server, emit } =
    parts
  const { host, clock } = page
  const { issuer, clientId } = options
  /** The page can be left only once at a time. */
  let leaving: SharedDeparture | undefined

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

  async function prepare(
    { ask, parameters, scope, redirectUri, resource, maxAge, returnTo, appState }: CheckedParams,
    {
      mode,
      leavesPage,
      resume,
    }: Pick<Transaction, 'resume'> & Pick<Navigation, 'mode' | 'leavesPage'>,
  ): Promise<{ url: URL; state: string }> {
    if (!host.isSecureContext())
      throw new PkceClientError(
        'insecure_context',
        `${new URL(base()).origin} is not a secure context; serve the app over https, or from localhost.`,
      )
    const [metadata, added] = await Promise.all([server(), hooks.parameters({ leavesPage })])
    const [verifier, nonce] = [createCodeVerifier(), createNonce()]
    const request = { scope, redirectUri, verifier, nonce }
    const state = await remember({
      ...request,
      ask,
      resource,
      maxAge,
      appState,
      mode,
      resume,
      server: metadata,
      returnTo: safeReturnTo(returnTo, base()),
    })
    const url = await authorizationUrl(metadata, {
      ...request,
      clientId,
      state,
      parameters: [...parameters, ...added],
    })
    return { url: await hooks.push(url, { ...client, server: metadata }), state }
  }

  /** Emits `sign-in-failed`, unless whoever judged the answer has done so. */
  function report(error: unknown): never {
    if (error instanceof PkceClientError && !(error instanceof CallbackError))
      emit('sign-in-failed', { error })
    throw error
  }

  async function createUrl(params: SignInParams): Promise<{ url: URL; state: string }> {
    const prepared = await prepare(checkParams(params, options), {
      mode: 'manual',
      leavesPage: false,
    }).catch(report)
    emit('sign-in-started', { mode: 'manual' })
    return prepared
  }

  async function depart(departure: Departure): Promise<SignedInSession> {
    try {
      return await travel(departure).catch(report)
    } finally {
      departure.navigation.close()
      departure.attempt.over()
    }
  }

  /** What the caller asks for goes over what the navigation adds. */
  const requestOf = async ({ request, navigation }: Departure): Promise<CheckedParams> =>
    checkParams({ ...(await navigation.params), ...copyOwn(request) }, options)

  async function travel(departure: Departure): Promise<SignedInSession> {
    const { navigation, attempt, keep } = departure
    const { mode, leavesPage } = navigation
    const away = await turns.afterSignOut()
    if (away) {
      navigation.close()
      await away.back
      throw signInCancelled('The page was left to sign out.')
    }
    const request = await requestOf(departure)
    if (leavesPage || relayedModes.includes(mode)) checkOrigin(request)
    if (leavesPage) await checkLeaving(departure)
    const resume = leavesPage ? await keep?.() : undefined
    const prepared = await prepare(request, { mode, leavesPage, resume })
    const { signal } = attempt
    signal.throwIfAborted()
    if (leavesPage) departures.add(prepared.state)
    emit('sign-in-started', { mode })
    const going = navigation.go({ ...prepared, signal })
    const callback = await (leavesPage ? leavePage(going) : going)
    const result = callback && (await finish.handle(callback, attempt))
    if (result) return result.session
    throw invalid('The navigator came back without an answer.')
  }

  /** What is remembered here is not there on another origin, not even on 127.0.0.1 in place of localhost. */
  function checkOrigin({ redirectUri }: CheckedParams): void {
    const [here, there] = [new URL(base()), new URL(redirectUri)]
    if (
      here.origin === there.origin ||
      ![here, there].every(({ protocol }) => /^https?:$/.test(protocol))
    )
      return
    throw new PkceClientError(
      'invalid_option',
      `The page is on ${here.origin} and redirectUri on ${there.origin}, where the sign-in could not be finished; open the app on ${there.origin}, or register a redirectUri on ${here.origin}.`,
    )
  }

  async function checkLeaving(departure: Departure): Promise<void> {
    if (parts.transactionStore.volatile) throw cannotRemember()
    const looping = await isLooping({ clock, departures, transactions })
    // Asked last: a click may have joined meanwhile.
    if (looping && !departure.clicked)
      throw new PkceClientError(
        'redirect_loop',
        'Two sign-ins within a minute did not complete; show the error and let a click start the next.',
      )
  }

  async function leavePage<T>(going: Promise<T>): Promise<T> {
    const watch = watchPageReturn(page)
    const stayed = watch.happened.then(() => {
      throw signInCancelled('The page was to be left to sign in, and is still shown.')
    })
    try {
      return await Promise.race([going, stayed])
    } finally {
      watch.stop()
    }
  }

  function begin(request: SignInParams, { navigation, keep }: Way): SharedDeparture {
    const attempt = turns.beginSignIn()
    const departure = { request, navigation, attempt, clicked: host.hasUserGesture(), keep }
    const work = depart(departure).finally(() => {
      if (leaving?.attempt === attempt) leaving = undefined
    })
    return Object.assign(departure, { work: unreported(work), waiting: 0 })
  }

  /** The departure under way, or a new one. One that a sign-out has given up is nobody's any more. */
  function shared(request: SignInParams, way: Way): SharedDeparture {
    if (leaving && !leaving.attempt.signal.aborted) {
      way.navigation.close()
      leaving.clicked ||= host.hasUserGesture()
      return leaving
    }
    return (leaving = begin(request, way))
  }

  /** The departure goes on for as long as somebody waits for it. */
  function join(
    departure: SharedDeparture,
    signal: AbortSignal | undefined,
  ): Promise<SignedInSession> {
    departure.waiting += 1
    const work = unlessAborted(departure.work, signal)
    if (!signal) return work
    const leave = () => {
      departure.waiting -= 1
      if (departure.waiting === 0) departure.attempt.abort(signal.reason)
    }
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave)
    return unreported(work.finally(() => signal.removeEventListener('abort', leave)))
  }

  function open(navigator: Navigator): Navigation {
    try {
      return navigator.open(host, clock)
    } catch (error) {
      return report(error)
    }
  }

  return {
    createUrl,

    /**
     * Opens the navigator in the turn of the click. The same promise for all who depart by redirect at once. `keep` is
     * called before the page is left, for the caller that began it.
     */
    signIn(params: SignInParams, keep?: Keep): Promise<SignedInSession> {
      try {
        const { navigator = parts.navigator, signal } = checkParams(params, options)
        const navigation = open(navigator)
        const departure = (navigation.leavesPage ? shared : begin)(params, { navigation, keep })
        return join(departure, signal)
      } catch (error) {
        return Promise.reject(error)
      }
    },

    /** A state for the end-session request by which its return is recognised; `undefined` when it could not be kept. */
    rememberSignOut: (redirectUri: string): Promise<string | undefined> =>
      remember({ mode: signOutMode, redirectUri }).catch(() => undefined),
  }
}
