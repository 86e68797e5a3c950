import { pick } from './stored.ts'
import type { TokenType } from '../api/scheme.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import type { Claims } from '../protocol/token-set.ts'
import type { Shape } from './stored.ts'

/** Why a session ended. `docs/getting-started.md` says what to tell the user for each reason. */
export type SignedOutReason =
  | 'signed-out'
  | 'expired'
  | 'ended-by-server'
  | 'refresh-response-lost'
  | 'identity-changed'
  | 'tab-copied'
  | 'newer-version'
  | 'key-lost'

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
  /**
   * The server's endpoints by name: signing out needs no discovery, and fetch gives them no access token even before the
   * next one. Version 0.1.0 has stored a list.
   */
  endpoints?: object
  /** The session has ended, and why; there are no tokens then. */
  signedOut?: SignedOutReason
  pending?: Pending | undefined
  refreshToken?: string | undefined
  idToken?: string | undefined
  claims?: Claims | undefined
  scope: string
  /** As the server granted them (RFC 9396 §7). */
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** What the session's own access token is asked for with now. Whatever was stored of it is replaced by the reader's. */
  first: string
  /** By what they were asked for with, as {@link tokenOf} reads it. */
  access: Record<string, AccessToken>
}

const defaultToken = 'default'

/** Under which name a token is kept: the parameters that it was asked for with, form-encoded. Without any it is the default one. */
export const nameOf = (ask: string): string => ask || defaultToken

/** Times are milliseconds of the local clock. */
export interface AccessToken {
  token: string
  type: Lowercase<TokenType>
  obtainedAt: number
  expiresAt?: number | undefined
  /** It came from a refresh that a 401 had caused, at this time. */
  after401?: number | undefined
}

/** The access token that was asked for with these parameters, or else the session's own, if there is one. */
export const tokenOf = (
  { access, first }: SessionRecord,
  ask: string = first,
): AccessToken | undefined => (Object.hasOwn(access, nameOf(ask)) ? access[nameOf(ask)] : undefined)

/** Whose session it is: the user's, or that of one sign-in where the server does not say who the user is. */
export const ownerOf = ({ claims, sid }: SessionRecord): string => claims?.sub ?? sid

/** When the access token expires, in milliseconds of the local clock; never, if the server did not say. One that is not there has expired. */
export function expiryOf(record: SessionRecord, ask?: string): number {
  const token = tokenOf(record, ask)
  return token ? (token.expiresAt ?? Infinity) : 0
}

/** Milliseconds before its expiry at which a token is refreshed, or a quarter of its life if that is less. */
const aheadAtMost = 60_000

/** When the access token is due for a refresh, in milliseconds of the local clock. */
export function dueAt(record: SessionRecord, ask?: string): number {
  const expiry = expiryOf(record, ask)
  const life = expiry - (tokenOf(record, ask)?.obtainedAt ?? expiry)
  return expiry - Math.min(aheadAtMost, life / 4)
}

/** Whether the session has a refresh token of its own. */
export const hasRefreshToken = (record: SessionRecord): boolean => record.refreshToken !== undefined

/** What is known of refreshes that have not succeeded. */
export interface Pending {
  /** How often the refresh token was sent without anybody knowing what became of it. */
  unknown: number
  /** Failures in a row, for the back-off. */
  failures: number
  /** Not to be tried before, in milliseconds of the local clock. */
  notBefore: number
  /** A tab is sending the refresh token, unless that tab is gone. */
  sending?: boolean
  /** How often in a row the server has refused, without saying that the refresh token is the reason, ... */
  refusals?: number | undefined
  /** ... and since when, in milliseconds of the local clock. */
  refusedSince?: number | undefined
  /** 1 when the server names another token endpoint than the one the session is from. */
  moved?: number | undefined
}

/** Whether the session cannot get a token now, and a new sign-in is the only way that a user has. */
export const needsSignIn = (record: SessionRecord, now: number): boolean =>
  now >= expiryOf(record) && Boolean(record.pending?.refusals || record.pending?.moved)

/** Whether both are one session at one generation, and `a` has not ended. */
export function isSame(a: SessionRecord | undefined, b: SessionRecord): boolean {
  return a?.sid === b.sid && a.gen === b.gen && !a.signedOut
}

/** Whether the session has another access token than `seen` has, of those that were asked for in this way. */
export function isMovedOn(
  record: SessionRecord,
  { seen, ask }: { seen: SessionRecord; ask: string },
): boolean {
  const [token, before] = [tokenOf(record, ask), tokenOf(seen, ask)]
  return (
    token !== undefined && (token.token !== before?.token || token.obtainedAt !== before.obtainedAt)
  )
}

/** Whether a newer version of this package has stored it, so that only a sign-in or a sign-out may replace it. */
export const isNewer = (record: SessionRecord | undefined): boolean =>
  record?.signedOut === 'newer-version'

/** What a record must have been written for. The token endpoint is compared when it is known, before anything is sent. */
interface Binding {
  issuer: string
  clientId: string
  first: string
  /** Of the tokens that can be used. */
  tokenType: TokenType
}

const longestText = 1_000_000
const recordShape: Shape = {
  v: 'number',
  sid: 'string',
  gen: 'number',
  issuer: 'string',
  clientId: 'string',
  tokenEndpoint: 'string',
  endpoints: 'object?',
  scope: 'string',
  access: 'object',
  signedOut: 'string?',
  refreshToken: 'string?',
  idToken: 'string?',
  claims: 'object?',
  authorizationDetails: 'object?',
  pending: 'object?',
}
const accessShape: Shape = {
  token: 'string',
  type: 'string',
  obtainedAt: 'number',
  expiresAt: 'number?',
  after401: 'number?',
}
const pendingShape: Shape = {
  unknown: 'number',
  failures: 'number',
  notBefore: 'number',
  refusals: 'number?',
  refusedSince: 'number?',
  moved: 'number?',
}

/**
 * Reads a stored record; anything that is not one of ours is `undefined`. Members that this version does not know stay. What
 * a newer version has stored reads as a session that has ended here. Never throws.
 */
export function parseRecord(stored: unknown, binding: Binding): SessionRecord | undefined {
  if (typeof stored !== 'string' || stored.length > longestText) return undefined
  try {
    const source: unknown = JSON.parse(stored)
    if ((pick(source, { v: 'number' }).v as number) > 1) return unreadable(source, binding)
    const record = keep(source, recordShape) as unknown as SessionRecord
    const { access, pending, claims, authorizationDetails, issuer, clientId } = record
    record.access = Object.fromEntries(
      Object.entries(access).map(([name, token]) => [name, readToken(token, binding)]),
    )
    record.first = binding.first
    if (pending) pick(pending, pendingShape)
    if (claims) pick(claims, { sub: 'string' })
    if (authorizationDetails && !Array.isArray(authorizationDetails)) return undefined
    const tokens = Object.values(record.access)
    // What is nested too deeply can be read and not written.
    JSON.stringify(record)
    const known = (record.v as number) === 1 && (record.signedOut ?? tokens[0])
    if (!known || issuer !== binding.issuer || clientId !== binding.clientId) return undefined
    return tokens.some(({ type }) => !typesFor(binding).includes(type))
      ? unreadable(source, binding)
      : record
  } catch {
    return undefined
  }
}

/** The client's own, and that of before the app used a capability for another. */
const typesFor = ({ tokenType }: Binding) => [tokenType.toLowerCase(), 'bearer']

/** A bearer token counts as expired where tokens are bound to a key: the refreshed one will be. */
function readToken(source: unknown, binding: Binding): AccessToken {
  const token = keep(source, accessShape) as unknown as AccessToken
  return token.type === typesFor(binding)[0] ? token : { ...token, expiresAt: 0 }
}

const keep = (source: unknown, shape: Shape) => ({ ...(source as object), ...pick(source, shape) })

/** What a newer version has stored: nobody is signed in here, and none of its tokens is used. */
function unreadable(source: unknown, binding: Binding): SessionRecord {
  const { sid, gen }: Partial<SessionRecord> = Object.assign(Object.create(null) as object, source)
  const known = {
    sid: typeof sid === 'string' ? sid : '',
    gen: Number.isSafeInteger(gen) ? gen! : 0,
  }
  return tombstone({ ...binding, ...known, tokenEndpoint: '' }, 'newer-version')
}

/** What stays of a session that has ended: enough to refuse late results, and nothing secret. */
export function tombstone(
  {
    sid,
    gen,
    issuer,
    clientId,
    tokenEndpoint,
  }: Omit<SessionRecord, 'v' | 'scope' | 'first' | 'access'>,
  signedOut: SignedOutReason,
): SessionRecord {
  return {
    v: 1,
    sid,
    gen: gen + 1,
    issuer,
    clientId,
    tokenEndpoint,
    signedOut,
    scope: '',
    first: '',
    access: {},
  }
}
