// What the examples say. An app chooses its own words: sessions and errors tell it what happened by `reason` and `code`.
import { OAuthServerError, isPkceClientError } from 'pkce-client'
import type { EventMap, EventName, Session, SignedOutReason } from 'pkce-client'

export const eventNames: EventName[] = [
  'session-changed',
  'signed-in',
  'signed-out',
  'token-refreshed',
  'refresh-failed',
  'sign-in-started',
  'sign-in-failed',
  'sign-in-required',
  'storage-failed',
  'request',
]

/** Who is signed in, or why nobody is. */
export function describeSession(session: Session): string {
  if (session.status === 'unknown') return 'Looking for a session…'
  if (session.status === 'signed-out')
    return `Signed out${whySignedOut[session.reason ?? 'signed-out']}.`
  const { claims, stale, expiresAt } = session
  const who = `Signed in as ${claims?.name ?? claims?.sub}.`
  if (stale) return `${who} The server cannot be reached at the moment.`
  if (expiresAt === undefined) return who
  return `${who} The access token expires at ${new Date(expiresAt).toLocaleTimeString()}.`
}

const whySignedOut: Record<SignedOutReason, string> = {
  'signed-out': '',
  expired: ': the access token expired, and there is no refresh token',
  'ended-by-server': ': the server ended the session',
  'refresh-response-lost': ': the connection failed while the tokens were refreshed',
  'identity-changed': ': the server answered for another user',
  'tab-copied': ': this tab is a copy, and the original has the session',
  'newer-version': ': a newer version of this app has stored the session',
  'key-lost': ': the browser has lost the key of its tokens',
}

/** An event in one line. */
export function describeEvent(facts: EventMap[EventName]): string {
  if ('error' in facts) return `${facts.error.code}: ${facts.error.message}`
  if ('session' in facts) return describeSession(facts.session)
  if ('mode' in facts) return facts.mode
  const { what, url, status, ms } = facts
  return `${what}: ${new URL(url).pathname} ${status ?? 'no answer'}, ${Math.round(ms)} ms`
}

/** What to tell the user about an error. The server's own text is shown and never acted on. */
export function describeError(error: Error): string {
  const serverText =
    error.cause instanceof OAuthServerError && (error.cause.description ?? error.cause.error)
  const code = isPkceClientError(error) && error.code
  if (code === 'sign_in_required') return 'Nobody is signed in. Sign in first.'
  if (code === 'step_up_required') return 'This needs another sign-in. Click "Sign in" again.'
  if (code === 'sign_in_cancelled') return 'You are back from the sign-in page.'
  if (code === 'popup_closed') return 'You closed the window before signing in.'
  if (code === 'popup_blocked')
    return 'The browser did not open a window. Allow windows for this page, or sign in without one.'
  if (code === 'login_required' || code === 'iframe_blocked')
    return 'Please sign in with the button.'
  if (code === 'authorization_denied')
    return `You were not signed in: ${serverText || 'no reason given'}.`
  return serverText ? `${error.message} The server says: ${serverText}.` : error.message
}

/** What an API's answer means. */
export async function describeResponse(response: Response): Promise<string> {
  if (response.ok)
    return `The API answered ${response.status}:\n${JSON.stringify(await response.json(), null, 2)}`
  if (response.status !== 401) return `The API answered ${response.status}.`
  return 'The API answered 401, and the client did not refresh the token: it had refreshed it after a 401 less than ten seconds before. Call the API again in a moment.'
}

/** What the buttons under "Make trouble" did to the reference server. */
export const troubles = {
  expire:
    'The server has forgotten the access token. Call the API: the client refreshes the token and calls again.',
  refuse:
    'The API will refuse the next call with 401. Call it: the client refreshes the token and calls again.',
  revoke:
    'The server has ended the session. The app does not know yet: call the API, and it finds out.',
}
