import type { AuthorizationDetail } from './authorization-details.ts'
import { randomToken } from './encoding.ts'
import type { Settings, User } from './options.ts'
import type { Acr } from './sessions.ts'

/** Why a grant was revoked. */
export type RevocationReason =
  | 'refresh-token-reused'
  | 'code-replayed'
  | 'wrong-code-verifier'
  | 'revoked-by-client'
  | 'signed-out'
  | 'revoked-by-server'

/** What one sign-in gave one client. All its tokens live and die with it. */
export interface Grant {
  clientId: string
  user: User
  scope: readonly string[]
  resources: readonly string[]
  authorizationDetails: readonly AuthorizationDetail[]
  /** The browser session it came from; none for the password grant. */
  sid: string | undefined
  /** Seconds. */
  authTime: number
  nonce: string | undefined
  acr: Acr
  /** The thumbprint of the key that the refresh tokens of a public client are bound to. */
  jkt: string | undefined
  /** Milliseconds; set with the first refresh token, never moved by a later one. */
  refreshableUntil: number | undefined
  revoked: RevocationReason | undefined
}

/** An entry of the list of the revoked. */
export interface RevokedGrant {
  /** Whose tokens stopped working. */
  clientId: string
  /** Who had signed in. */
  username: string
  /** Why they stopped. */
  reason: RevocationReason
  /** Milliseconds. */
  at: number
}

export interface Code {
  grant: Grant
  redirectUri: string
  /** None only under the fault `ignore-pkce`. */
  challenge: string | undefined
  /** The thumbprint of the only key that may exchange it, if the request named one. */
  jkt: string | undefined
  expiresAt: number
  used: boolean
}

export interface RefreshToken {
  value: string
  grant: Grant
  usedAt: number | undefined
}

export interface AccessToken {
  /** The token itself when opaque, else its `jti`. */
  id: string
  grant: Grant
  scope: readonly string[]
  audience: string
  /** The thumbprint of the key it is bound to. */
  jkt: string | undefined
  expiresAt: number
}

export interface Grants {
  issueCode(code: Pick<Code, 'grant' | 'redirectUri' | 'challenge' | 'jkt'>): string
  findCode(value: string): Code | undefined
  issueRefreshToken(grant: Grant): RefreshToken
  findRefreshToken(value: string): RefreshToken | undefined
  /** Spends a refresh token, or says why it cannot be: a reuse ends the whole grant. */
  spend(token: RefreshToken): 'spent' | 'expired' | 'revoked' | 'reused'
  registerAccessToken(token: AccessToken): void
  findAccessToken(id: string): AccessToken | undefined
  isLive(token: AccessToken): boolean
  endAccessToken(token: AccessToken): void
  expireAccessTokens(): void
  revoke(grant: Grant, reason: RevocationReason): void
  revokeWhere(applies: (grant: Grant) => boolean, reason: RevocationReason): void
  /** The clients that got something by such a grant. */
  clientsOf(applies: (grant: Grant) => boolean): string[]
  readonly revoked: RevokedGrant[]
}

export function createGrants(settings: Settings, now: () => number): Grants {
  const codes = new Map<string, Code>()
  const refreshTokens = new Map<string, RefreshToken>()
  const accessTokens = new Map<string, AccessToken>()
  const revoked: RevokedGrant[] = []

  const revoke = (grant: Grant, reason: RevocationReason): void => {
    if (grant.revoked) return
    grant.revoked = reason
    const { clientId, user } = grant
    revoked.push({ clientId, username: user.username, reason, at: now() })
  }

  const all = (): Set<Grant> =>
    new Set(
      [...codes.values(), ...refreshTokens.values(), ...accessTokens.values()].map(
        (holder) => holder.grant,
      ),
    )

  /** Whether a token that was issued later in the same grant has been used. */
  const isSucceeded = (token: RefreshToken): boolean => {
    const all = [...refreshTokens.values()]
    return all
      .slice(all.indexOf(token) + 1)
      .some(({ grant, usedAt }) => grant === token.grant && usedAt !== undefined)
  }

  return {
    revoked,
    revoke,
    issueCode(code) {
      const value = randomToken()
      const expiresAt = now() + settings.codeLifetime * 1000
      codes.set(value, { ...code, expiresAt, used: false })
      return value
    },
    findCode: (value) => codes.get(value),
    issueRefreshToken(grant) {
      grant.refreshableUntil ??= now() + settings.refreshTokenLifetime * 1000
      const token = { value: randomToken(), grant, usedAt: undefined }
      refreshTokens.set(token.value, token)
      return token
    },
    findRefreshToken: (value) => refreshTokens.get(value),
    spend(token) {
      if (token.grant.revoked) return 'revoked'
      if (now() >= (token.grant.refreshableUntil ?? 0)) return 'expired'
      if (!settings.rotation) return 'spent'
      const grace = settings.reuseGraceSeconds * 1000
      const isSpent =
        settings.rotation === 'until-used'
          ? isSucceeded(token)
          : token.usedAt !== undefined && now() >= token.usedAt + grace
      if (isSpent) {
        revoke(token.grant, 'refresh-token-reused')
        return 'reused'
      }
      token.usedAt ??= now()
      return 'spent'
    },
    registerAccessToken: (token) => void accessTokens.set(token.id, token),
    findAccessToken: (id) => accessTokens.get(id),
    isLive: (token) => !token.grant.revoked && now() < token.expiresAt,
    endAccessToken(token) {
      token.expiresAt = -Infinity
    },
    expireAccessTokens() {
      for (const token of accessTokens.values()) token.expiresAt = -Infinity
    },
    revokeWhere(applies, reason) {
      for (const grant of all()) if (applies(grant)) revoke(grant, reason)
    },
    clientsOf(applies) {
      const clients = [...all()].filter(applies).map(({ clientId }) => clientId)
      return [...new Set(clients)]
    },
  }
}
