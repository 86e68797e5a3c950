import { isTenantOf } from './id-token.ts'
import { checkJwt, isTime, quoted, refuse, tolerance, verifyMac, verifySignature } from './jwt.ts'
import type { Introspection } from './introspection.ts'
import type { Jwt, JwtRules } from './jwt.ts'
import type { KeySet } from './key-set.ts'

/** What an access token says, once it is verified (RFC 9068 §2.2, RFC 7662 §2.2). Which claims there are is the server's choice. */
export interface AccessTokenClaims {
  /** The server that issued it. */
  readonly iss?: string
  /** Whom it is about: the user, or the client where there is none. */
  readonly sub?: string
  /** The APIs it is for. */
  readonly aud?: string | string[]
  /** When it expires, in seconds since 1970. */
  readonly exp?: number
  /** When it was issued, in seconds since 1970. */
  readonly iat?: number
  /** The client it was issued to. */
  readonly client_id?: string
  /** Claims that this server adds. */
  readonly [claim: string]: unknown
}

export const refusal: JwtRules['refusal'] = [
  'access_token_invalid',
  'The access token is not valid',
]

export function refuseToken(why: string): never {
  refuse(refusal, why)
}

/** What access tokens must be like. */
export interface AccessTokenRules extends JwtRules {
  /** Whether it must be one as RFC 9068 has them. */
  isProfiled: boolean
}

/** How signatures are checked: by the server's keys, or by a secret shared with it. */
export type Signatures = { keys: KeySet; jwksUri: string } | { secret: CryptoKey }

/** Checks a JWT as an access token (RFC 9068 §4). Throws `access_token_invalid`, and the errors of a request for keys. */
export async function verifyAccessToken(
  token: string,
  { jwt, rules, signatures }: { jwt: Jwt; rules: AccessTokenRules; signatures: Signatures },
): Promise<AccessTokenClaims> {
  const { claims } = jwt
  const own = forTenant(jwt, rules)
  checkKind(jwt)
  checkVersion(claims, own.issuer)
  checkJwt(jwt, own)
  refuseBound(claims)
  if ('secret' in signatures) {
    if (!(await verifyMac(token, signatures.secret))) refuseToken('its signature is wrong')
  } else {
    const { keys, jwksUri } = signatures
    const { isProfiled } = rules
    await verifySignature(token, { rules: own, claims, keys, jwksUri, isProfiled })
  }
  return claims
}

/** Where the server's metadata are Microsoft Entra's for many tenants, each token names its own. */
function forTenant({ claims: { iss } }: Jwt, rules: AccessTokenRules): AccessTokenRules {
  const { issuer } = rules
  if (!issuer.includes('{tenantid}')) return rules
  if (typeof iss === 'string' && isTenantOf(issuer, iss)) return { ...rules, issuer: iss }
  return refuseToken(`its iss is ${quoted(iss)}, which is no tenant of ${issuer}`)
}

/** RFC 8725 §3.11, §3.12: other tokens of the same server have the same signature and may have the same audience. */
function checkKind({ header: { typ }, claims }: Jwt): void {
  if (
    typ !== undefined &&
    !(typeof typ === 'string' && /^(?:application\/)?(?:at\+)?jwt$/i.test(typ))
  )
    refuseToken(`its typ is ${quoted(typ)}, which is another kind of token`)
  // Keycloak says what it is in a claim, Cognito in another one.
  const isIdToken =
    claims['nonce'] !== undefined ||
    claims['at_hash'] !== undefined ||
    claims['typ'] === 'ID' ||
    claims['token_use'] === 'id'
  if (isIdToken) refuseToken('it is an ID token, which is for the client only')
}

function checkVersion({ iss }: Jwt['claims'], issuer: string): void {
  if (issuer.includes('microsoftonline') && String(iss).startsWith('https://sts.windows.net/'))
    refuseToken(
      "it is of version 1; set requestedAccessTokenVersion to 2 in the manifest of the API's registration",
    )
}

/** Whoever presents a token that is bound to a key must prove to have it (RFC 9449, RFC 8705), which is not checked here. */
function refuseBound({ cnf }: Readonly<Record<string, unknown>>): void {
  if (cnf !== undefined) refuseToken('it is bound to a key (cnf), and was sent as a bearer token')
}

/** What the server says about an opaque token, judged as a JWT would be. Throws `access_token_invalid`. */
export function checkIntrospection(
  answer: Introspection,
  { issuer, audience, clock }: Pick<AccessTokenRules, 'issuer' | 'audience' | 'clock'>,
): AccessTokenClaims {
  const { iss, aud, exp, nbf, token_type: type } = answer
  const now = clock.now() / 1000
  if (!answer.active) refuseToken('the server says that it is not active')
  if (iss !== undefined && iss !== issuer) refuseToken(`its iss is ${quoted(iss)}`)
  if (aud !== undefined && ![aud].flat().some((one) => audience.includes(one as string)))
    refuseToken(`its aud is ${quoted(aud)}, and not ${audience.map(quoted).join(' or ')}`)
  if (exp !== undefined && !(isTime(exp) && exp > now - tolerance)) refuseToken('it has expired')
  if (nbf !== undefined && !(isTime(nbf) && nbf <= now + tolerance))
    refuseToken('it is not valid yet')
  // Some servers tell about refresh tokens as well.
  if (type !== undefined && !(typeof type === 'string' && /^(?:bearer|access_token)$/i.test(type)))
    refuseToken(`its token_type is ${quoted(type)}`)
  if (answer['token_use'] === 'refresh_token') refuseToken('it is a refresh token')
  refuseBound(answer)
  return answer
}

/** Scopes of a token: `scope` (RFC 9068 §2.2.3), or `scp`, as Microsoft Entra and Okta write it. */
export function scopesOf({ scope, scp }: AccessTokenClaims): string[] {
  return [scope, scp].flat().flatMap((one) => (typeof one === 'string' ? one.split(' ') : []))
}
