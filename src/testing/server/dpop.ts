import { seconds } from './context.ts'
import type { Context, Visit } from './context.ts'
import { base64url, sha256 } from './encoding.ts'
import { withHeader } from './http.ts'
import type { Call, Problem, Reply } from './http.ts'
import { decodeJwt, importPublic, verifyJwt } from './keys.ts'
import type { Jwt } from './keys.ts'
import type { SigningAlgorithm } from './options.ts'
import { parseUrl } from './url.ts'

export const proofAlgs: readonly SigningAlgorithm[] = ['ES256', 'RS256', 'PS256']

/** How far the `iat` of a proof without a nonce may be from the server's time. */
const window = 60

/** The thumbprint of the key that signed a request's proof. */
export interface Proof {
  jkt: string
}

const proofHeader = ({ headers }: Call): string | undefined =>
  Object.hasOwn(headers, 'dpop') ? headers['dpop'] : undefined

/** RFC 9449 §4.3: the proof of a request, none, or what is wrong with it. */
export async function readProof(
  visit: Visit,
  accessToken?: string,
): Promise<Proof | Problem | undefined> {
  const { context, call } = visit
  const text = proofHeader(call)
  if (text === undefined) return undefined
  const jwt = decodeJwt(text)
  if (!jwt) return invalid('the DPoP header is not exactly one JWT')
  const key = await signer(text, jwt)
  if (typeof key === 'string') return invalid(key)
  const complaint = checkClaims(jwt.claims, call)
  if (complaint !== undefined) return invalid(complaint)
  const jkt = await thumbprint(key)
  const ath = accessToken === undefined ? undefined : base64url(await sha256(accessToken))
  if (jwt.claims['ath'] !== ath) return invalid('ath is not the hash of the access token')
  if (!context.proofs.take(`${jkt} ${String(jwt.claims['jti'])}`)) {
    return invalid('the proof was used before')
  }
  return checkFreshness(visit, jwt.claims) ?? { jkt }
}

function invalid(description: string): Problem {
  return { error: 'invalid_dpop_proof', description }
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The public key in the header, if it signed the proof, or what is wrong. */
async function signer(text: string, { header }: Jwt): Promise<JsonWebKey | string> {
  if (header['typ'] !== 'dpop+jwt') return 'the type of the proof is not dpop+jwt'
  const alg = proofAlgs.find((known) => known === header['alg'])
  if (!alg) return `the algorithm of the proof is not one of ${proofAlgs.join(', ')}`
  const jwk = header['jwk']
  if (typeof jwk !== 'object' || jwk === null) return 'the proof has no jwk'
  if (privateMembers.some((name) => name in jwk)) return 'the jwk is not a public key alone'
  const key = await importPublic(jwk, alg)
  if (!key || !(await verifyJwt(text, { alg, key }))) return 'the signature of the proof is wrong'
  return jwk
}

function checkClaims(claims: Jwt['claims'], { method, url }: Call): string | undefined {
  const { jti, htm, htu, iat } = claims
  if (typeof jti !== 'string' || jti === '') return 'the proof has no jti'
  if (htm !== method) return 'htm is not the method of the request'
  const target = typeof htu === 'string' ? parseUrl(htu) : undefined
  if (target?.origin !== url.origin || target.pathname !== url.pathname) {
    return 'htu is not the URL of the request'
  }
  return typeof iat === 'number' ? undefined : 'the proof has no iat'
}

/** RFC 9449 §4.3, check 11: a nonce tells when the proof was made, else `iat` does. */
function checkFreshness({ context, call }: Visit, claims: Jwt['claims']): Problem | undefined {
  const of = nonceOwner(call)
  const again: Problem = { error: 'use_dpop_nonce', description: 'the proof needs the nonce sent' }
  if (context.faults.use('dpop-nonce-for-ever', { path: call.path })) return again
  const { nonce } = claims
  if (nonce !== undefined && context.dpopNonces.accepts(nonce, of)) return undefined
  if (demandsNonce(context, call)) return again
  if (nonce !== undefined) return invalid('nobody here gave this nonce')
  const age = seconds(context.now()) - (claims['iat'] as number)
  return Math.abs(age) <= window ? undefined : invalid('iat is too far from the time of the server')
}

const nonceOwner = ({ api }: Call): string => (api ? `api ${api.audience}` : 'server')

function demandsNonce({ settings, faults }: Context, { to, path }: Call): boolean {
  if (faults.see('dpop-nonce-for-ever', { path })) return true
  const { dpopNonce } = settings
  return typeof dpopNonce === 'boolean'
    ? dpopNonce
    : dpopNonce === (to === 'api' ? 'api' : 'server')
}

/** The nonce for the next proof, with every answer to a request that had one. */
export function withNonce({ context, call }: Visit, answer: Reply): Reply {
  if (proofHeader(call) === undefined || !demandsNonce(context, call)) return answer
  const of = nonceOwner(call)
  if (context.faults.use('dpop-nonce-rotates', { path: call.path })) context.dpopNonces.replace(of)
  return withHeader(answer, ['dpop-nonce', context.dpopNonces.current(of)])
}

/** RFC 7638 */
async function thumbprint({ kty, crv, x, y, e, n }: JsonWebKey): Promise<string> {
  const members = kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y }
  return base64url(await sha256(JSON.stringify(members)))
}
