import { clockSkew, customFetch, jwksCache, validateApplicationLevelSignature } from 'oauth4webapi'
import { PkceClientError, inert } from '../errors.ts'
import { translateError } from './translate-error.ts'
import type { Client, JWKSCacheInput } from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { ServerMetadata } from './server.ts'
import type { Claims } from './token-set.ts'
import type { Transport } from './transport.ts'

const smallestSkew = 30
const largestSkew = 86_400
const distrust = 'The ID token cannot be trusted'

/**
 * Server and client as oauth4webapi wants them to judge one answer. Both take something from its ID token before that is
 * checked: the server its issuer, where Entra's template needs the token's own tenant, and the client its clock skew. Throws
 * `id_token_invalid` for tokens of another type, for others or from the far future, and for a tenant that is none; what
 * oauth4webapi would refuse without a word about what came is refused here.
 */
export function partiesFor(
  { server, clientId, clock }: { server: ServerMetadata; clientId: string; clock: Clock },
  { idToken, bounded }: { idToken: string | undefined; bounded: boolean },
): [ServerMetadata, Client] {
  const { typ, alg } = unverified(idToken, 0)
  const { iat, tid, aud, azp } = unverified(idToken, 1)
  // Of another type, such as at+jwt or logout+jwt, it is not an ID token (RFC 8725 §3.11).
  if (/\+jwt$/i.test(String(typ))) throw untrusted('it is of another type')
  if (typeof alg === 'string') checkAlgorithm(alg, server)
  if (aud !== undefined) checkAudience({ aud, azp }, clientId)
  const tenant = () => {
    if (!isTenant(tid)) throw untrusted('tid is not a tenant')
    return tid
  }
  return [
    idToken ? { ...server, issuer: server.issuer.replace('{tenantid}', tenant) } : server,
    { client_id: clientId, [clockSkew]: clock.systemOffset() + skewOf(iat, clock, bounded) },
  ]
}

const isTenant = (id: unknown): id is string => typeof id === 'string' && /^[\da-f-]{36}$/.test(id)

/** Whether Entra's template for many tenants, filled in with one, is this issuer. */
export function isTenantOf(template: string, issuer: string): boolean {
  const [before = '', after] = template.split('{tenantid}')
  const tenant = issuer.slice(before.length, before.length + 36)
  return after !== undefined && isTenant(tenant) && issuer === before + tenant + after
}

function checkAlgorithm(alg: string, server: ServerMetadata): void {
  const member = 'id_token_signing_alg_values_supported'
  const expected = server[member]!
  if (!expected.includes(alg))
    throw untrusted(
      `its signature is ${shown(alg)}, and ${member} in the server's metadata, or in the option metadata, has ${shown(expected)}`,
    )
}

/** Several audiences are no danger when this client is the authorized party (OpenID Connect Core §3.1.3.7). */
function checkAudience({ aud, azp }: Record<'aud' | 'azp', unknown>, clientId: string): void {
  const audiences = [aud].flat()
  const party = audiences.length > 1 ? azp : (azp ?? clientId)
  if (!audiences.includes(clientId) || party !== clientId)
    throw untrusted(
      `it is for aud ${shown(aud)} and ${azp === undefined ? 'no azp' : `azp ${shown(azp)}`}, and this client is ${shown(clientId)}`,
    )
}

/** What a token says, for a message: quoted and cut short. */
const shown = (value: unknown) => inert(JSON.stringify(value), 200)

/**
 * How many seconds the server's clock is ahead of this machine's, as `iat` tells. With bounds, a small difference is taken for
 * delay and a token from long ago for an old one, which is then judged without a skew; one from the far future is refused.
 */
export function skewOf(iat: unknown, clock: Clock, bounded: boolean): number {
  const skew = Number.isFinite(iat) ? (iat as number) - Math.floor(clock.now() / 1000) : 0
  if (!bounded) return skew
  if (skew > largestSkew) throw untrusted('it was issued in the future')
  return Math.abs(skew) < smallestSkew || skew < -largestSkew ? 0 : skew
}

/** The header (0) or payload (1) of a token, read before it is checked; empty when it is not a JWT. */
export function unverified(token: string | undefined, part: 0 | 1): Record<string, unknown> {
  try {
    return (JSON.parse(decode(token!.split('.')[part]!)) as Record<string, unknown> | null) ?? {}
  } catch {
    return {}
  }
}

/** Decodes base64url to a string with one character for each byte. */
function decode(text: string): string {
  return atob(text.replace(/-/g, '+').replace(/_/g, '/'))
}

/**
 * Checks that the access token is the one this ID token came with, if it says so: by half of the hash that the algorithm
 * of its signature names (OpenID Connect Core §3.1.3.8). Throws `id_token_invalid`.
 */
export async function checkAccessToken(
  { at_hash }: Claims,
  { accessToken, idToken }: { accessToken: string; idToken: string },
): Promise<void> {
  if (at_hash === undefined) return
  const alg = String(unverified(idToken, 0).alg)
  // Ed25519, also named EdDSA, goes with SHA-512; the other names end in the number.
  const name = `SHA-${alg.startsWith('Ed') ? 512 : alg.slice(-3)}`
  const hash = await crypto.subtle.digest(name, new TextEncoder().encode(accessToken))
  const half = String.fromCharCode(...new Uint8Array(hash, 0, hash.byteLength / 2))
  if (decode(at_hash as string) !== half) throw untrusted('at_hash is of another token')
}

/**
 * What OpenID Connect Core §3.1.3.7 asks beyond oauth4webapi's checks; throws `id_token_invalid`. With the claims of the
 * sign-in, a refreshed ID token is held to them (§12.2), and to no clock.
 */
export function checkClaims(claims: Claims, original?: Claims): void {
  const { sub, exp, iat, auth_time } = claims
  if (!/^[\x20-\x7e]{1,255}$/.test(sub)) throw untrusted('sub is empty or too long')
  if (exp <= iat) throw untrusted('it expires before it was issued')
  if (original) compareClaims(claims, original)
  else if (auth_time !== undefined && auth_time > iat + smallestSkew)
    throw untrusted('auth_time is in the future')
}

function compareClaims(claims: Claims, original: Claims): void {
  for (const name of ['nonce', 'auth_time'] as const) {
    const [now, before] = [claims[name], original[name]]
    if (now !== undefined && before !== undefined && now !== before)
      throw untrusted(`${name} has changed`)
  }
}

/**
 * Why a refreshed ID token is about another user, or from another server: read from the token before anything else is checked,
 * because one that is unusable for another reason as well must not pass for one that is merely unusable.
 */
export function otherIdentity(
  idToken: string | undefined,
  original: Claims,
): PkceClientError | undefined {
  const claims = unverified(idToken, 1)
  const changed = (['iss', 'sub'] as const).find((name) => {
    const value = claims[name]
    return typeof value === 'string' && value && value !== original[name]
  })
  return changed && untrusted(`${changed} has changed`)
}

export function translateIdTokenError(error: unknown): PkceClientError {
  return translateError(error, ['id_token_invalid', distrust])
}

function untrusted(why: string): PkceClientError {
  return new PkceClientError('id_token_invalid', `${distrust}: ${why}.`)
}

/** The server's keys, asked for beside the token request. When they cannot be had, `undefined`: `verifySignature` asks again. */
export async function fetchKeys(
  server: ServerMetadata,
  transport: Transport,
): Promise<JWKSCacheInput['jwks'] | undefined> {
  try {
    const response = await transport('jwks')[customFetch](server.jwks_uri!, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
    })
    return response.ok ? ((await response.json()) as JWKSCacheInput['jwks']) : undefined
  } catch {
    return undefined
  }
}

/**
 * Checks the signature of the ID token in an answer that oauth4webapi has processed. Keys that cannot be had are asked
 * for twice more: the code is spent, so giving up means a new sign-in.
 */
export async function verifySignature(
  { server, clock, transport }: { server: ServerMetadata; clock: Clock; transport: Transport },
  { response, keys }: { response: Response; keys: JWKSCacheInput['jwks'] | undefined },
): Promise<void> {
  // A copy of the metadata, or oauth4webapi would use the key cache it ties to the object. An age of 60 s makes it ask
  // once more when the token names a key that is not there: the keys may have been changed a moment ago.
  const uat = Math.floor(clock.now() / 1000 - clock.systemOffset()) - 60
  for (let attempt = 1; ; attempt++) {
    const options = { ...transport('jwks'), ...(keys && { [jwksCache]: { jwks: keys, uat } }) }
    try {
      return await validateApplicationLevelSignature({ ...server }, response, options)
    } catch (error) {
      const translated = translateIdTokenError(error)
      if (translated.code === 'id_token_invalid' || attempt === (keys ? 3 : 2)) throw translated
    }
  }
}
