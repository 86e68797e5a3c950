import { randomToken } from './encoding.ts'
import type { AuthorizationDetail } from './authorization-details.ts'
import type { Problem } from './http.ts'
import type { RegisteredClient } from './client-registration.ts'
import type { User } from './options.ts'

/** A person signed in to the authorization server itself, in one browser. */
export interface BrowserSession {
  /** The cookie's value. */
  secret: string
  /** What tokens say about it: the `sid` claim. */
  sid: string
  user: User
  /** Seconds. */
  authTime: number
  acr: Acr
}

/** With a password alone, or with a second factor as well. */
export type Acr = 'pwd' | 'mfa'

/** Where an answer goes, when client and redirect URI can be trusted. */
export interface ReturnAddress {
  redirectUri: string
  state: string | undefined
}

/** A valid authorization request. */
export interface AuthorizationRequest extends ReturnAddress {
  client: RegisteredClient
  scope: readonly string[]
  nonce: string | undefined
  challenge: string | undefined
  /** The thumbprint of the key that the tokens must be bound to (RFC 9449 §10). */
  jkt: string | undefined
  resources: readonly string[]
  authorizationDetails: readonly AuthorizationDetail[]
  prompts: readonly string[]
  maxAge: number | undefined
  loginHint: string | undefined
  idTokenHint: string | undefined
  /** How the user must sign in. */
  acr: Acr
  /** Whether it was answered: a request that was pushed can be used once. None for the others. */
  pushed: { used: boolean } | undefined
}

/** An authorization request that waits for the person: to sign in, then to consent. */
export interface Interaction {
  id: string
  csrf: string
  /** The browser it was opened in. */
  browser: string
  request: AuthorizationRequest
  /** Who signed in for it, once someone did. */
  session: BrowserSession | undefined
  expiresAt: number
  /** It has led back to the app, with a code or an error. */
  answered: boolean
}

export interface SignOut {
  id: string
  csrf: string
  browser: string
  session: BrowserSession
  returnTo: string | undefined
}

export interface Sessions {
  begin(user: User, authTime: number): BrowserSession
  find(secret: string | undefined): BrowserSession | undefined
  bySid(sid: unknown): BrowserSession | undefined
  bySub(sub: string): BrowserSession[]
  end(session: BrowserSession): void
  endAll(user?: User): void
  readonly interactions: Map<string, Interaction>
  readonly signOuts: Map<string, SignOut>
  consented(user: User, ask: { clientId: string; scope: readonly string[] }): boolean
  consent(user: User, ask: { clientId: string; scope: readonly string[] }): void
}

export const interactionLifetime = 10 * 60_000

export const staleForm: Problem = {
  error: 'invalid_request',
  description: 'this form is too old, was used already, or was opened in another browser',
}

export function createSessions(): Sessions {
  const sessions = new Map<string, BrowserSession>()
  const consents = new Map<string, Set<string>>()
  const consentKey = (user: User, clientId: string): string => JSON.stringify([user.sub, clientId])
  return {
    interactions: new Map(),
    signOuts: new Map(),
    begin(user, authTime) {
      const session: BrowserSession = {
        secret: randomToken(),
        sid: randomToken(),
        user,
        authTime,
        acr: 'pwd',
      }
      sessions.set(session.secret, session)
      return session
    },
    find: (secret) => (secret === undefined ? undefined : sessions.get(secret)),
    bySid: (sid) => [...sessions.values()].find((session) => session.sid === sid),
    bySub: (sub) => [...sessions.values()].filter(({ user }) => user.sub === sub),
    end(session) {
      sessions.delete(session.secret)
    },
    endAll(user) {
      for (const session of sessions.values()) {
        if (!user || session.user.sub === user.sub) sessions.delete(session.secret)
      }
    },
    consented(user, { clientId, scope }) {
      const given = consents.get(consentKey(user, clientId))
      return given !== undefined && scope.every((entry) => given.has(entry))
    },
    consent(user, { clientId, scope }) {
      const key = consentKey(user, clientId)
      consents.set(key, new Set([...(consents.get(key) ?? []), ...scope]))
    },
  }
}
