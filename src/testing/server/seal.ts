import type { Seal } from '../faults/fault.ts'
import type { Context } from './context.ts'
import { base64url, utf8 } from './encoding.ts'
import { exportPublic, hmacJwt, keyMaterial, signJwt, signingInput } from './keys.ts'
import type { Jwt, SigningKey } from './keys.ts'
import type { SigningAlgorithm } from './options.ts'

/** A token about to be sealed. */
export interface Draft extends Jwt {
  seal: Seal
}

/** Turns a draft into a token, well or as a fault wants it. */
export async function seal(
  { keys }: Pick<Context, 'keys'>,
  { draft, key }: { draft: Draft; key: SigningKey },
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
      const other = await keys.publish(alg)
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
    case 'encrypted':
      return encryptForNobody()
  }
}

function breakSignature(token: string): string {
  const at = token.lastIndexOf('.') + 1
  const signature = token.slice(at)
  return token.slice(0, at) + (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
}

/** The form of a JWE (RFC 7516 §3.1); the content is random, as it is to everybody who lacks the key. */
function encryptForNobody(): string {
  const header = base64url(utf8(JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })))
  return [header, ...[256, 12, 300, 16].map(randomBytes)].join('.')
}

function randomBytes(length: number): string {
  return base64url(globalThis.crypto.getRandomValues(new Uint8Array(length)))
}
