import { seconds } from './context.ts'
import type { Context } from './context.ts'
import { useAll } from '../faults/board.ts'
import type { Grant } from './grants.ts'
import { idTokenFaults } from '../faults/id-tokens.ts'
import type { User } from './options.ts'
import { seal } from './seal.ts'
import type { Draft } from './seal.ts'

interface IdTokenIssue {
  grant: Grant
  on: 'sign-in' | 'refresh'
  /** The audience of the access token beside it. */
  api: string
  accessTokenHash: string
}

/** OIDC Core §2 and, on refresh, §12.2: same iss, sub, aud and auth_time, new iat, no nonce. */
export async function issueIdToken(context: Context, issue: IdTokenIssue): Promise<string> {
  const { grant, on, api } = issue
  const { idTokenAlg, idTokenLifetime } = context.settings
  if (context.faults.use('key-rotation', { on, api }))
    context.keys.rotate({ publishRetired: false })
  const key = await context.keys.current(idTokenAlg)
  const iat = seconds(context.now())
  const draft: Draft = {
    header: { alg: idTokenAlg, typ: 'JWT', kid: key.kid },
    claims: {
      iss: context.place.issuer,
      sub: grant.user.sub,
      aud: grant.clientId,
      exp: iat + idTokenLifetime,
      iat,
      auth_time: grant.authTime,
      acr: grant.acr,
      amr: grant.acr === 'mfa' ? ['pwd', 'otp', 'mfa'] : ['pwd'],
      sid: grant.sid,
      at_hash: issue.accessTokenHash,
      ...(on === 'sign-in' && grant.nonce !== undefined && { nonce: grant.nonce }),
      ...userClaims(grant.user, grant.scope),
    },
    seal: 'key',
  }
  useAll(context.faults, { table: idTokenFaults, subject: draft, circumstances: { on, api } })
  return seal(context, { draft, key })
}

/** What the scopes say about the person. */
export function userClaims(user: User, scope: readonly string[]): Record<string, unknown> {
  const { name, username, email } = user
  return {
    ...(scope.includes('profile') && { name, preferred_username: username }),
    ...(scope.includes('email') && email !== undefined && { email, email_verified: true }),
  }
}
