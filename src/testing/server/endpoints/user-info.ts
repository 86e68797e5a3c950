import type { Visit } from '../context.ts'
import { json } from '../http.ts'
import type { Reply } from '../http.ts'
import { userClaims } from '../id-token.ts'
import { authorizeBearer } from '../bearer.ts'

/** GET and POST /userinfo (OIDC Core §5.3). */
export async function userInfo(visit: Visit): Promise<Reply> {
  const { context } = visit
  const token = await authorizeBearer(visit, { scope: 'openid' })
  if ('status' in token) return token
  const { user } = token.grant
  const claims: Record<string, unknown> = { sub: user.sub, ...userClaims(user, token.scope) }
  const fault = context.faults.use('user-info-claims')
  for (const name of fault?.remove ?? []) Reflect.deleteProperty(claims, name)
  return json({ ...claims, ...fault?.set })
}
