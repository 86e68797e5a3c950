import {
  AuthorizationResponseError,
  clockSkew,
  customFetch,
  jwksCache,
  skipStateCheck,
  validateJwtAccessToken,
  validateJwtAuthResponse,
} from 'oauth4webapi'
import { PkceClientError, inert } from '../errors.ts'
import { translateError } from './translate-error.ts'
import type { AuthorizationServer, Client, JWKSCacheOptions } from 'oauth4webapi'
import type { ErrorCode } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { KeySet } from './key-set.ts'

export interface Jwt {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

/** Whom a JWT must be from and for, and how it must be signed. */
export interface JwtRules {
  issuer: string
  audience: readonly [string, ...string[]]
  /** By their names in JWTs; never `none`. */
  algorithms: readonly string[]
  clock: Clock
  /** What errors are called: their code, and the beginning of each sentence. */
  refusal: readonly [ErrorCode, string]
}

/** How many seconds clocks may differ. */
export const tolerance = 30

/** Throws with the reason. */
export function refuse([code, what]: JwtRules['refusal'], why: string): never {
  throw new PkceClientError(code, `${what}: ${why}.`)
}

/** What a token says, for a message: quoted and cut short. */
export const quoted = (value: unknown) =>
  inert(value === undefined ? 'missing' : JSON.stringify(value), 200)

/** The parts of a JWT before anything in it is checked, or `undefined` when it is none. */
export function readJwt(token: string): Jwt | undefined {
  const [header, claims, signature, ...more] = token.split('.')
  if (signature === undefined || more.length > 0) return undefined
  try {
    return { header: readPart(header!), claims: readPart(claims!) }
  } catch {
    return undefined
  }
}

function readPart(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(decodeText(part))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError()
  return value as Record<string, unknown>
}

const decodeBinary = (base64url: string) => atob(base64url.replace(/-/g, '+').replace(/_/g, '/'))

function decodeText(base64url: string): string {
  const binary = decodeBinary(base64url)
  // Most tokens are plain ASCII, and the way over bytes takes longer than all the rest.
  return /^[\0-\x7f]*$/.test(binary) ? binary : new TextDecoder().decode(bytesOf(binary))
}

function bytesOf(binary: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/**
 * What everything signed must fulfil (RFC 7519 §7.2), said in words that help. Nothing counts before the signature is checked.
 */
export function checkJwt({ header, claims }: Jwt, rules: JwtRules): void {
  const { issuer, audience, algorithms, clock, refusal } = rules
  const { alg, crit } = header
  const { iss, aud, exp, nbf } = claims
  const now = clock.now() / 1000
  if (!algorithms.includes(alg as string))
    refuse(refusal, `its algorithm is ${quoted(alg)}, and it may be ${algorithms.join(', ')}`)
  if (crit !== undefined) refuse(refusal, 'its header has crit, and no extension is known')
  if (iss !== issuer) refuse(refusal, `its iss is ${quoted(iss)}, and not ${quoted(issuer)}`)
  if (![aud].flat().some((one) => audience.includes(one as string)))
    refuse(refusal, `its aud is ${quoted(aud)}, and not ${audience.map(quoted).join(' or ')}`)
  if (!isTime(exp)) refuse(refusal, 'it has no exp')
  if (exp <= now - tolerance) refuse(refusal, 'it has expired')
  if (nbf !== undefined && !(isTime(nbf) && nbf <= now + tolerance))
    refuse(refusal, 'it is not valid yet')
}

export const isTime = (value: unknown): value is number => Number.isFinite(value)

interface SignatureOptions {
  rules: JwtRules
  /** As read from the token. */
  claims: Jwt['claims']
  keys: KeySet
  jwksUri: string
  /** It must be an access token as RFC 9068 §2 has them. */
  isProfiled?: boolean
}

/**
 * Checks the signature by the server's keys, and with it once more what {@link checkJwt} checks. oauth4webapi exports no verifier for
 * JWTs in general; a signed authorization response (JARM §2.4) must fulfil what every JWT must, and nothing else.
 */
export async function verifySignature(
  token: string,
  { rules, claims, keys, jwksUri, isProfiled }: SignatureOptions,
): Promise<void> {
  const { issuer, audience, algorithms, clock, refusal } = rules
  const offset = clock.systemOffset()
  const named = audience.find((one) => [claims['aud']].flat().includes(one))!
  const verify = isProfiled ? verifyProfiled : verifyPlain
  try {
    await keys.use<unknown>((jwks) =>
      verify(token, {
        server: {
          issuer,
          jwks_uri: jwksUri,
          authorization_signing_alg_values_supported: algorithms as string[],
        },
        client: { client_id: named, [clockSkew]: offset },
        options: {
          [jwksCache]: { jwks, uat: Math.floor(clock.now() / 1000 - offset) },
          [customFetch]: noRequest,
        },
      }),
    )
  } catch (error) {
    // A claim named `error` makes it look like an authorization response that is one.
    if (error instanceof AuthorizationResponseError) refuse(refusal, 'it has a claim named error')
    throw translateError(error, refusal)
  }
}

interface Parties {
  server: AuthorizationServer
  client: Client
  options: JWKSCacheOptions & { [customFetch]: () => Promise<never> }
}

const verifyPlain = (token: string, { server, client, options }: Parties) =>
  validateJwtAuthResponse(
    server,
    client,
    new URLSearchParams({ response: token }),
    skipStateCheck,
    options,
  )

const verifyProfiled = (token: string, { server, client, options }: Parties) =>
  validateJwtAccessToken(
    server,
    new Request(server.issuer, { headers: { authorization: `Bearer ${token}` } }),
    client.client_id,
    {
      ...options,
      [clockSkew]: client[clockSkew]!,
      signingAlgorithms: server.authorization_signing_alg_values_supported as string[],
    },
  )

/** Keys come from the key set only. */
const noRequest = () => Promise.reject(new Error('unexpected request'))

/** Checks an HS256 signature (RFC 7518 §3.2), which oauth4webapi does not. */
export async function verifyMac(token: string, key: CryptoKey): Promise<boolean> {
  const end = token.lastIndexOf('.')
  const signed = new TextEncoder().encode(token.slice(0, end))
  return crypto.subtle.verify('HMAC', key, bytesOf(decodeBinary(token.slice(end + 1))), signed)
}
