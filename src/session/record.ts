import type { Claims } from '../protocol/token-set.ts'
import type { SignedOutReason } from './state.ts'

/**
 * A session as it is stored. `sid` is random per sign-in and `gen` counts its changes: whoever writes compares both
 * with what is stored, so that a late result cannot bring back a session that has ended or moved on.
 */
export interface SessionRecord {
  v: 1
  sid: string
  gen: number
  issuer: string
  clientId: string
  tokenEndpoint: string
  /** The session has ended, and why; there are no tokens then. */
  signedOut?: SignedOutReason
  pending?: Pending
  refreshToken?: string
  idToken?: string
  claims?: Claims
  scope: string
  /** By resource; all resources share the {@link defaultToken}. */
  access: Record<string, AccessToken>
}

export const defaultToken = 'default'

/** Times are milliseconds of the local clock. */
export interface AccessToken {
  token: string
  type: 'bearer'
  obtainedAt: number
  expiresAt?: number
}

/** What is known of refreshes that have not succeeded. */
export interface Pending {
  /** How often the refresh token was sent without anybody knowing what became of it. */
  unknown: number
  /** Failures in a row, for the back-off. */
  failures: number
  /** Not to be tried before, in milliseconds of the local clock. */
  notBefore: number
}

/** What a record must have been written for. The token endpoint is compared when it is known, before anything is sent. */
export interface Binding {
  issuer: string
  clientId: string
}

const longestText = 1_000_000
const reasons = [
  'signed-out',
  'expired',
  'ended-by-server',
  'refresh-response-lost',
  'identity-changed',
  'tab-copied',
]

export function serialiseRecord(record: SessionRecord): string {
  return JSON.stringify(record)
}

/** Reads a stored record; anything that is not exactly one of ours is `undefined`. Never throws. */
export function parseRecord(
  stored: unknown,
  { issuer, clientId }: Binding,
): SessionRecord | undefined {
  if (typeof stored !== 'string' || stored.length > longestText) return undefined
  try {
    const source = members(JSON.parse(stored))
    const string = (name: string): string => text(source.get(name))
    const optional = <T>(name: string, value: (name: string) => T): Record<string, T> =>
      source.has(name) ? { [name]: value(name) } : {}
    const record = {
      v: source.get('v'),
      sid: string('sid'),
      gen: time(source.get('gen')),
      issuer: string('issuer'),
      clientId: string('clientId'),
      tokenEndpoint: string('tokenEndpoint'),
      scope: string('scope'),
      access: Object.fromEntries(
        [...members(source.get('access'))].map(([name, value]) => [name, access(value)]),
      ),
      ...optional('signedOut', string),
      ...optional('refreshToken', string),
      ...optional('idToken', string),
      ...optional('claims', (name) => claims(source.get(name))),
      ...optional('pending', (name) => pending(source.get(name))),
    } as SessionRecord
    const known = record.signedOut === undefined || reasons.includes(record.signedOut)
    const bound = record.issuer === issuer && record.clientId === clientId
    return (record.v as number) === 1 && known && bound ? record : undefined
  } catch {
    return undefined
  }
}

function members(value: unknown): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError()
  return new Map(Object.entries(value))
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError()
  return value
}

function time(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeError()
  return value
}

function access(value: unknown): AccessToken {
  const source = members(value)
  return {
    token: text(source.get('token')),
    type: 'bearer',
    obtainedAt: time(source.get('obtainedAt')),
    ...(source.has('expiresAt') && { expiresAt: time(source.get('expiresAt')) }),
  }
}

function pending(value: unknown): Pending {
  const source = members(value)
  const [unknown, failures, notBefore] = ['unknown', 'failures', 'notBefore'].map((name) =>
    time(source.get(name)),
  )
  return { unknown: unknown!, failures: failures!, notBefore: notBefore! }
}

function claims(value: unknown): Claims {
  const source = members(value)
  text(source.get('sub'))
  return Object.fromEntries(source) as unknown as Claims
}
