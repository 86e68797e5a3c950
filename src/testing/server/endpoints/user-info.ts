import type { FaultOptions, Seal } from '../../faults/fault.ts'
import { authorizeAccess } from '../access.ts'
import type { Context, Visit } from '../context.ts'
import { json, reply } from '../http.ts'
import type { Reply } from '../http.ts'
import { userClaims } from '../id-token.ts'
import { seal } from '../seal.ts'

/** GET and POST /userinfo (OIDC Core §5.3). */
export async function userInfo(visit: Visit): Promise<Reply> {
  const { context } = visit
  const token = await authorizeAccess(visit, { scope: 'openid' })
  if ('status' in token) return token
  const { user, clientId } = token.grant
  const claims = { sub: user.sub, ...userClaims(user, token.scope) }
  const jwtFault = context.faults.use('user-info-jwt')
  if (!jwtFault && !context.settings.userInfoAlg) return json(withFault(context, claims))
  const signed = withFault(context, { iss: context.place.issuer, aud: clientId, ...claims })
  return signedAnswer(context, { claims: signed, fault: jwtFault ?? {} })
}

function withFault(context: Context, claims: Record<string, unknown>): Record<string, unknown> {
  const fault = context.faults.use('user-info-claims')
  for (const name of fault?.remove ?? []) Reflect.deleteProperty(claims, name)
  return { ...claims, ...fault?.set }
}

/** OIDC Core §5.3.2: signed, with issuer and audience among the claims. */
async function signedAnswer(
  context: Context,
  answer: { claims: Record<string, unknown>; fault: FaultOptions['user-info-jwt'] },
): Promise<Reply> {
  const key = await context.keys.current(
    context.settings.userInfoAlg ?? context.settings.idTokenAlg,
  )
  const { seal: how = 'key', header } = answer.fault
  const claimed: Partial<Record<Seal, string>> = { none: 'none', 'public-key-as-secret': 'HS256' }
  const unsigned = { alg: claimed[how] ?? key.alg, kid: key.kid, ...header }
  const body = await seal(context, {
    draft: { header: unsigned, claims: answer.claims, seal: how },
    key,
  })
  return reply(200, {
    headers: [
      ['content-type', 'application/jwt'],
      ['cache-control', 'no-store'],
    ],
    body,
  })
}
