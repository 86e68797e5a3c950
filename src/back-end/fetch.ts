import { discard, isCopyable, isOneShot, readInput, signalOf, spareOf } from '../api/fetch.ts'
import { addressOf } from '../api/resources.ts'
import { PkceClientError } from '../errors.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { ReadInput } from '../api/fetch.ts'
import type { Fetch } from '../api/scheme.ts'
import type { Emit } from '../events.ts'
import type { Session } from '../session/state.ts'
import type { KnownSession } from './session.ts'

interface BackEndFetchOptions {
  /** Paths of the app's own origin. */
  resources: readonly string[]
  origin: () => string
  baseUrl: () => string | undefined
  session: Pick<KnownSession, 'state' | 'csrf' | 'ask'>
  fetch: typeof globalThis.fetch
  emit: Emit
}

const tokenHeader = 'x-csrf-token'

/** A fetch as the user of the session: it proves that requests are the app's own, and notices when the session is over. */
export function createBackEndFetch(options: BackEndFetchOptions) {
  const { resources, origin, baseUrl, session, emit } = options
  /** The ending that `sign-in-required` was last emitted for: once for all calls. */
  let told: Session | undefined

  /** The request to send, with the URL that was checked. Another origin must never see the CSRF token. */
  function admit(input: ReadInput): ReadInput {
    const { href, host, pathname } = new URL(
      typeof input === 'string' ? input : input.url,
      baseUrl(),
    )
    if (resources.some((path) => covers(origin() + path, href)))
      return typeof input === 'string' ? href : input
    const why = `${host}${pathname.slice(0, 100)} is not a listed path of this origin; add it to resources, or call the API through the back end.`
    throw new PkceClientError('resource_not_allowed', why)
  }

  function send(request: ReadInput, init?: RequestInit, isAgain?: true): Promise<Response> {
    const { method = 'GET', headers } = { ...of(request), ...init }
    const token = session.csrf()
    // Old browsers say of no request where it comes from: then the back end wants the token with all of them.
    if (!token || (!isAgain && /^(?:GET|HEAD|OPTIONS)$/i.test(method)))
      return options.fetch(request, init)
    const own = new Headers(headers)
    own.set(tokenHeader, token)
    // A redirect would take the header along, to whatever origin it leads.
    return options.fetch(request, { ...init, headers: own, mode: 'same-origin' })
  }

  /** For a call that needs somebody who is signed in. */
  function required(now: Session, before: Session): PkceClientError {
    const error = notSignedIn(now, before)
    if (told !== now) emit('sign-in-required', { error })
    told = now
    return error
  }

  async function fetchAsUser(request: ReadInput, init?: RequestInit): Promise<Response> {
    if (init && !isCopyable(init)) return fetchAsUser(new Request(request, init))
    const ask = () => unlessAborted(session.ask(), signalOf(request, init))
    const before = session.state().status === 'unknown' ? await ask() : session.state()
    const spare = spareOf(request, init)
    const response = await send(request, init)
    if (!(await isRefusal(response))) return response
    const now = await ask()
    if (now.status !== 'signed-in') throw required(now, before)
    // What was asked for one user is not asked again for another.
    if (isOneShot(init?.body) || userOf(now) !== userOf(before)) return response
    discard(response)
    return send(spare, init, true)
  }

  return {
    fetch: (async (input, init) => fetchAsUser(admit(readInput(input)), init)) satisfies Fetch,
    /** The same, for our own routes. */
    fetchAsUser,
  }
}

const covers = (place: string, href: string): boolean =>
  `${addressOf(href)}/`.startsWith(place.replace(/\/?$/, '/'))

const of = (request: ReadInput): Partial<Request> =>
  typeof request === 'string' ? {} : { method: request.method, headers: request.headers }

/** The user, or something else where nobody is signed in. */
const userOf = (session: Session): unknown =>
  session.status === 'signed-in' ? session.claims?.sub : session

/** Whether the back end itself refuses the request, and not an API behind it. */
async function isRefusal(response: Response): Promise<boolean> {
  if (response.status !== 401 && response.status !== 403) return false
  const answer: unknown = await response
    .clone()
    .json()
    .catch(() => {})
  const { error } = { ...(answer as { error?: unknown } | undefined) }
  return /^(?:sign_in_required|session_ended|csrf_rejected)$/.test(String(error))
}

export function notSignedIn(now: Session, before: Session): PkceClientError {
  const reason = now.status === 'signed-out' && now.reason
  return reason && before.status === 'signed-in'
    ? new PkceClientError('session_ended', `The session is over (${reason}); sign in again.`, {
        sessionEnded: true,
      })
    : new PkceClientError('sign_in_required', 'Nobody is signed in; call signIn() first.', {
        sessionEnded: true,
      })
}
