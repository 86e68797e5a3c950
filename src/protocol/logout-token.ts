import { checkJwt, isTime, readJwt, refuse, verifySignature } from './jwt.ts'
import type { Clock } from '../clock.ts'
import type { Jwt, JwtRules } from './jwt.ts'
import type { KeySet } from './key-set.ts'
import type { ServerMetadata } from './server.ts'

/** Whose sessions the server wants to end. */
export interface LogoutToken {
  /** Unique to this token: it must count once only. */
  jti: string
  /** Seconds since 1970, up to which the token could be played again. */
  exp: number
  sid?: string | undefined
  sub?: string | undefined
}

const refusal: JwtRules['refusal'] = ['logout_token_invalid', 'The logout token cannot be used']
const event = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds. */
const longestAge = 300

/**
 * Checks a logout token (OpenID Connect Back-Channel Logout §2.6), all but that its `jti` is new. Throws `logout_token_invalid`, and the
 * errors of the request when the server's keys cannot be had.
 */
export async function verifyLogoutToken(
  token: string,
  {
    server,
    clientId,
    keys,
    clock,
  }: { server: ServerMetadata; clientId: string; keys: KeySet; clock: Clock },
): Promise<LogoutToken> {
  const jwt = readJwt(token) ?? refuse(refusal, 'it is not a JWT')
  const { claims } = jwt
  const rules: JwtRules = {
    issuer: server.issuer,
    audience: [clientId],
    algorithms: server.id_token_signing_alg_values_supported ?? ['RS256'],
    clock,
    refusal,
  }
  checkType(jwt)
  checkJwt(jwt, rules)
  const logout = readClaims(jwt, clock)
  await verifySignature(token, { rules, claims, keys, jwksUri: server.jwks_uri! })
  return logout
}

function checkType({ header: { typ } }: Jwt): void {
  if (
    typ !== undefined &&
    !(typeof typ === 'string' && /^(?:application\/)?(?:logout\+)?jwt$/i.test(typ))
  )
    refuse(refusal, 'its typ is not logout+jwt')
}

function readClaims({ claims }: Jwt, clock: Clock): LogoutToken {
  const { iat, jti, exp, sid, sub, nonce, events } = claims
  if (!isTime(iat) || Math.abs(clock.now() / 1000 - iat) > longestAge)
    refuse(refusal, 'its iat is not within five minutes of now')
  const { [event]: logout } = Object(events) as Record<string, unknown>
  if (typeof logout !== 'object' || logout === null)
    refuse(refusal, `its events do not name ${event}`)
  if (nonce !== undefined) refuse(refusal, 'it has a nonce, as ID tokens have')
  if (typeof jti !== 'string' || !jti) refuse(refusal, 'it has no jti')
  const [session, user] = [textOf(sid), textOf(sub)]
  if (session === undefined && user === undefined) refuse(refusal, 'it has neither sid nor sub')
  return { jti, exp: exp as number, sid: session, sub: user }
}

const textOf = (value: unknown) => (typeof value === 'string' && value ? value : undefined)
