import { seconds } from './context.ts'
import type { Context } from './context.ts'
import { utf8 } from './encoding.ts'
import { useAll } from '../faults/board.ts'
import type { Grant } from './grants.ts'
import { idTokenFaults } from '../faults/id-tokens.ts'
import type { IdTokenDraft } from '../faults/id-tokens.ts'
import { exportPublic, hmacJwt, keyMaterial, signJwt, signingInput } from './keys.ts'
import type { SigningKey } from './keys.ts'
import type { SigningAlgorithm, User } from './options.ts'

interface IdTokenIssue {
  grant: Grant
  on: 'sign-in' | 'refresh'
  accessTokenHash: string
}

/** OIDC Core §2 and, on refresh, §12.2: same iss, sub, aud and auth_time, new iat, no nonce. */
export async function issueIdToken(context: Context, issue: IdTokenIssue): Promise<string> {
  const { grant, on } = issue
  const { idTokenAlg, idTokenLifetime } = context.settings
  if (context.faults.use('key-rotation', { on })) context.keys.rotate({ publishRetired: false })
  const key = await context.keys.current(idTokenAlg)
  const iat = seconds(context.now())
  const draft: IdTokenDraft = {
    header: { alg: idTokenAlg, typ: 'JWT', kid: key.kid },
    claims: {
      iss: context.place.issuer,
      sub: grant.user.sub,
      aud: grant.clientId,
      exp: iat + idTokenLifetime,
      iat,
      auth_time: grant.authTime,
      acr: grant.acr,
      amr: ['pwd'],
      sid: grant.sid,
      at_hash: issue.accessTokenHash,
      ...(on === 'sign-in' && grant.nonce !== undefined && { nonce: grant.nonce }),
      ...userClaims(grant.user, grant.scope),
    },
    seal: 'key',
  }
  useAll(context.faults, { table: idTokenFaults, subject: draft, circumstances: { on } })
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

async function seal(
  context: Context,
  { draft, key }: { draft: IdTokenDraft; key: SigningKey },
): Promise<string> {
  switch (draft.seal) {
    case 'key':
      return signJwt(draft, key)
    case 'none':
      return `${signingInput(draft)}.`
    case 'broken':
      return breakSignature(await signJwt(draft, key))
    case 'other-key': {
      const alg: SigningAlgorithm = key.alg === 'ES256' ? 'RS256' : 'ES256'
      const other = await context.keys.publish(alg)
      return signJwt({ ...draft, header: { ...draft.header, alg, kid: other.kid } }, other)
    }
    case 'public-key-as-secret': {
      const spki = await globalThis.crypto.subtle.exportKey('spki', key.pair.publicKey)
      const body = btoa(String.fromCharCode(...new Uint8Array(spki))).replace(/.{64}/g, '$&\n')
      const pem = `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`
      return hmacJwt(draft, utf8(pem))
    }
    case 'foreign-key': {
      const pair = await keyMaterial(key.alg, 'foreign')
      const jwk = await exportPublic(pair)
      const urls = { jku: 'https://attacker.example/jwks', x5u: 'https://attacker.example/x5u' }
      const header = { ...draft.header, jwk, ...urls }
      return signJwt({ ...draft, header }, { alg: key.alg, pair })
    }
  }
}

function breakSignature(token: string): string {
  const at = token.lastIndexOf('.') + 1
  const signature = token.slice(at)
  return token.slice(0, at) + (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
}
