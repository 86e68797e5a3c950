import { OAuthServerError, isPkceClientError } from 'pkce-client'
import type { EventMap, EventName, Session } from 'pkce-client'

export function sentence(session: Session): string {
  switch (session.status) {
    case 'unknown':
      return 'Looking for a session…'
    case 'signed-out':
      return !session.reason || session.reason === 'signed-out'
        ? 'Signed out.'
        : `Signed out (${session.reason}).`
    case 'signed-in': {
      const name = session.claims?.['name']
      const who = `Signed in as ${typeof name === 'string' ? name : session.claims?.sub}.`
      if (session.stale) return `${who} The server cannot be reached at the moment.`
      if (session.expiresAt === undefined) return who
      return `${who} The access token lasts until ${new Date(session.expiresAt).toLocaleTimeString()}.`
    }
  }
}

export function describe(facts: EventMap[EventName]): string {
  if ('error' in facts) return `${facts.error.code}: ${facts.error.message}`
  if ('session' in facts) return sentence(facts.session)
  const { what, url, status, ms } = facts
  return `${what}: ${new URL(url).pathname} ${status ?? 'no answer'}, ${Math.round(ms)} ms`
}

/** Errors have a code, for apps to choose their own words by. The server's words are only shown. */
export function problem(error: Error): string {
  const serversWords =
    error.cause instanceof OAuthServerError && (error.cause.description ?? error.cause.error)
  const code = isPkceClientError(error) && error.code
  if (code === 'sign_in_required') return 'Nobody is signed in. Sign in first.'
  if (code === 'authorization_denied')
    return `You were not signed in: ${serversWords || 'no reason given'}.`
  return serversWords ? `${error.message} The server says: ${serversWords}.` : error.message
}
