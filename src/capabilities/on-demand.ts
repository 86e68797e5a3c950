import { discard, isCopyable, isOneShot, readInput, signalOf, spareOf } from '../api/fetch.ts'
import { callable, checkOptions } from '../check-options.ts'
import { PkceClientError, isPkceClientError } from '../errors.ts'
import { readChallenges } from '../protocol/challenge.ts'
import { needsSignIn, ownerOf } from '../session/record.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { defineCapability } from './define-capability.ts'
import { includesAll, readStepUp, union } from './step-up.ts'
import type { ReadInput } from '../api/fetch.ts'
import type { Fetch } from '../api/scheme.ts'
import type { Rules } from '../check-options.ts'
import type { CapabilityParts, WrappedClient } from '../compose/hooks.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SignInParams } from '../sign-in/params.ts'
import type { Awaitable } from '../storage/store.ts'
import type { Capability } from './capability.ts'
import type { StepUpError } from './step-up.ts'

/** Options of {@link signInOnDemand}. */
export interface SignInOnDemandOptions {
  /**
   * Is called before the user is sent to sign in, once for all calls that fail for one reason. It resolves to what `signIn()`
   * is to be called with, usually `params`; with `false` nobody signs in, and each call has the outcome it would have had.
   * What it throws is what the calls reject with. `error` is a {@link StepUpError} when an API asks for a stronger sign-in
   * or for more scope.
   */
  ask?:
    ((params: SignInParams, error: PkceClientError) => Awaitable<SignInParams | false>) | undefined
}

const rules: Rules<SignInOnDemandOptions> = { ask: callable }

/**
 * Makes the capability with which a call that needs a sign-in starts one, and is sent afterwards: for lack of a session, and
 * when an API asks for a stronger sign-in (RFC 9470 §4) or for more scope (RFC 6750 §3.1). With a navigator that keeps the
 * page, `fetch` resolves to the answer; with a redirect its promise stays pending, and the page comes back to its address.
 * Calls that fail for one reason share one sign-in, and each is sent once more at most. Such a call rejects with
 * `session_ended` when somebody else signs in, and with what {@link PkceClient.signIn} rejects with. Throws `invalid_option`.
 */
export function signInOnDemand(given: SignInOnDemandOptions = {}): Capability {
  const { ask } = checkOptions(given, rules)
  return defineCapability({
    name: 'signInOnDemand()',
    hooks: (parts) => ({
      wrap: (plain, client) => createOnDemandFetch(plain, { ...parts, client, ask }),
    }),
  })
}

/** A call to an API, and whose it is. */
export interface OwnedCall {
  /** Not sent yet. */
  request: ReadInput
  init: RequestInit | undefined
  signal: AbortSignal | undefined
  /** The session that the call was made in. */
  session: SessionRecord | undefined
  /** The user that the page has worked for; `undefined` when it has known none, or that one has signed out. */
  owner: string | undefined
}

interface OnDemandParts extends Pick<CapabilityParts, 'options' | 'ports'> {
  client: WrappedClient
  ask?: SignInOnDemandOptions['ask']
  /** Keeps the call for the page that the user comes back to. */
  keep?: (call: OwnedCall) => Promise<string | undefined>
  /** Forgets it again. */
  forget?: () => unknown
}

/** A fetch that signs the user in when a call needs it, and sends the call afterwards. */
export function createOnDemandFetch(plain: Fetch, parts: OnDemandParts): Fetch {
  const { session, start, isTarget } = parts.client
  const { isMet, signIn } = createSharedSignIn(parts)
  const { clock } = parts.ports
  let lastOwner: string | undefined
  session.onAdopted((record) => {
    if (record) lastOwner = ownerOf(record)
    // After a sign-out the page works for nobody: whoever signs in next may make its calls.
    else if (hasSignedOut()) lastOwner = undefined
  })

  const hasSignedOut = () => session.latest()?.signedOut === 'signed-out'

  function demandOfError(error: unknown): PkceClientError | undefined {
    const record = session.current()
    const isStuck = record && needsSignIn(record, clock.now())
    return isPkceClientError(error) && (error.sessionEnded || isStuck) ? error : undefined
  }

  async function demandOfAnswer(
    answer: Response,
    { init, session: before }: OwnedCall,
  ): Promise<PkceClientError | undefined> {
    if (!/^40[13]$/.test(`${answer.status}`) || isOneShot(init?.body)) return undefined
    if (answer.redirected && !isTarget(answer.url)) return undefined
    const stepUp = readStepUp(await readChallenges(answer))
    if (stepUp) return isGranted(stepUp, before) ? undefined : stepUp
    return answer.status === 401 && before && !session.current() ? endedBy401() : undefined
  }

  async function isSignedIn(demand: PkceClientError, call: OwnedCall): Promise<boolean> {
    if (!isMet(demand, call)) {
      const isUnwanted = (call.session && hasSignedOut()) || parts.client.isSignedOutHere()
      if (isUnwanted || !(await unlessAborted(signIn(demand, call), call.signal))) return false
    }
    const record = session.current()
    if (record && (call.owner === undefined || ownerOf(record) === call.owner)) return true
    throw notTheSameUser()
  }

  async function send(call: OwnedCall, request: ReadInput): Promise<Response> {
    const answer = plain(request, call.init)
    const demand = await answer.then((response) => demandOfAnswer(response, call), demandOfError)
    if (!demand || !(await isSignedIn(demand, call))) return answer
    await answer.then(discard, () => {})
    return plain(call.request, call.init)
  }

  const fetchOnDemand: Fetch = async (input, init) => {
    const request = readInput(input)
    if (init && !isCopyable(init)) return fetchOnDemand(new Request(request, init))
    if (!isTarget(request, init)) return plain(request, init)
    const signal = signalOf(request, init)
    if (session.state().status === 'unknown')
      await unlessAborted(
        start().catch(() => {}),
        signal,
      )
    const record = session.current()
    const owner = record ? ownerOf(record) : lastOwner
    const call = { request: spareOf(request, init), init, signal, session: record, owner }
    return send(call, request)
  }
  return fetchOnDemand
}

/** One sign-in for all calls that fail for one reason. For two reasons, one after the other: two windows would disturb each other. */
function createSharedSignIn({ client, ports, options, ask, keep, forget }: OnDemandParts) {
  const { session } = client
  const asking = new Map<string, Promise<boolean>>()
  /** By reason, the session that came of the last sign-in. */
  const cameOf = new Map<string, string | undefined>()
  let turn: Promise<unknown> = Promise.resolve()

  /** Whether somebody has signed in since the call was made, and for its reason. */
  function isMet(demand: PkceClientError, call: OwnedCall): boolean {
    const sid = session.current()?.sid
    if (sid === undefined || sid === call.session?.sid) return false
    return demand.code !== 'step_up_required' || cameOf.get(reasonOf(demand)) === sid
  }

  async function begin(demand: PkceClientError, call: OwnedCall): Promise<boolean> {
    const { acrValues, maxAge, scope } = demand as Partial<StepUpError>
    // What a server leaves out of the scope it granted, such as offline_access, was asked for all the same.
    const wanted = scope && union(options.scope, session.current()?.scope, scope)
    const params = { returnTo: ports.host.url(), acrValues, maxAge, scope: wanted }
    const request = ask ? await ask(params, demand) : params
    if (!request) return false
    try {
      await client.signIn(request, keep && (() => keep(call)))
    } catch (error) {
      forget?.()
      throw error
    }
    cameOf.set(reasonOf(demand), session.current()?.sid)
    return true
  }

  return {
    isMet,

    /** Resolves to whether the user is signed in afterwards, which the app may not have wanted. */
    signIn(demand: PkceClientError, call: OwnedCall): Promise<boolean> {
      const reason = reasonOf(demand)
      const under = asking.get(reason)
      if (under) return under
      // Not begun before it is marked as begun: Firefox runs other tasks inside window.open.
      const work = turn
        .then(() => isMet(demand, call) || begin(demand, call))
        .finally(() => asking.delete(reason))
      asking.set(reason, work)
      turn = work.catch(() => {})
      return work
    },
  }
}

function reasonOf(demand: PkceClientError): string {
  const { acrValues, maxAge, scope } = demand as Partial<StepUpError>
  return String([acrValues, maxAge, scope])
}

/** The API asks for nothing but scopes that the session had: another sign-in would not help. */
const isGranted = (
  { acrValues, maxAge, scope }: StepUpError,
  session: SessionRecord | undefined,
): boolean =>
  session !== undefined &&
  acrValues === undefined &&
  maxAge === undefined &&
  includesAll(session.scope, scope!)

const endedBy401 = () =>
  new PkceClientError(
    'session_ended',
    'An API refused the access token, which cannot be refreshed; sign in again.',
    { sessionEnded: true },
  )

const notTheSameUser = () =>
  new PkceClientError(
    'session_ended',
    'The call was not sent, because it belongs to another session, and the server does not say that the same user has signed in again.',
    { sessionEnded: true },
  )
