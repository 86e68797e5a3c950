import type { PkceClientError } from './errors.ts'
import type { Session, SignedInSession, SignedOutSession } from './session/state.ts'

/** What {@link PkceClient.on} can listen to, and what each listener receives. Nothing in it is secret. */
export interface EventMap {
  /** The session is another object than before, in this tab or because of another one. */
  'session-changed': { session: Session }
  /** A user, or another user, signed in, here or in another tab, or a stored session was found. */
  'signed-in': { session: SignedInSession }
  /** The session ended; `session.reason` says why. */
  'signed-out': { session: SignedOutSession }
  /**
   * This tab refreshed the access token. With `idTokenError`, the answer had an ID token that cannot be used: it was left out, and the
   * claims of the sign-in stay.
   */
  'token-refreshed': { session: SignedInSession; idTokenError?: PkceClientError }
  /**
   * A refresh failed. `error` tells whether it is tried again and whether the session is over. Also when an API answered 401 and
   * there is no refresh token: `sign_in_required`, once for each access token, and the session goes on.
   */
  'refresh-failed': { error: PkceClientError }
  /** A sign-in begins. `mode` is how the user gets to the server, such as `redirect`; `manual` for `createAuthorizationUrl()`. */
  'sign-in-started': { mode: string }
  /** A sign-in did not complete: the user could not be sent away, came back without an answer, or the answer was refused. */
  'sign-in-failed': { error: PkceClientError }
  /** A call needed a token, and nobody is signed in or only a new sign-in will help: once for all calls. */
  'sign-in-required': { error: PkceClientError }
  /** The store fails or does not answer; until it works again, the session is kept in the memory of this page. */
  'storage-failed': { error: PkceClientError }
  /** A request to the authorization server is over. `status` is missing when no answer came; `ms` is milliseconds. */
  request: { what: RequestPurpose; url: string; status?: number; ms: number }
}

/**
 * What a request was for. `resource-metadata` and `registration` are of {@link discoverResource} and {@link registerClient},
 * which have no client that could emit the event.
 */
export type RequestPurpose =
  | 'discovery'
  | 'resource-metadata'
  | 'registration'
  | 'jwks'
  | 'par'
  | 'token'
  | 'refresh'
  | 'revocation'
  | 'introspection'
  | 'userinfo'

/** The names {@link PkceClient.on} takes. */
export type EventName = keyof EventMap
export type Emit = <Name extends EventName>(event: Name, facts: EventMap[Name]) => void

/** `report` hears of what a listener throws: the other listeners and our own work go on. */
export function createEmitter<Events extends object = EventMap>(report: (error: unknown) => void) {
  const listeners = new Map<keyof Events, Set<(facts: never) => void>>()
  let closed = false
  const emit = <Name extends keyof Events>(event: Name, facts: Events[Name]): void => {
    for (const listener of [...(listeners.get(event) ?? [])]) {
      // Also when one of them closes the client.
      if (closed) return
      try {
        listener(facts as never)
      } catch (error) {
        report(error)
      }
    }
  }
  return {
    emit,
    on<Name extends keyof Events>(event: Name, listener: (facts: Events[Name]) => void) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set.add(listener))
      return () => void set.delete(listener)
    },
    close(): void {
      closed = true
    },
  }
}
