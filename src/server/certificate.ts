import { parseUrl } from '../api/resources.ts'
import { toBase64Url } from './bytes.ts'
import { pemBlock } from './pem.ts'
import { refused } from './private-key.ts'
import type { AuthenticatingServer } from '../protocol/client-authentication.ts'

export interface Certificate {
  /** Digest of the whole certificate, base64url-encoded (RFC 7515 §4.1.7, §4.1.8). */
  thumbprint(hash: 'SHA-1' | 'SHA-256'): Promise<string>
  /** Throws `invalid_option` unless this is the certificate of the private key. */
  checkKey(privateKey: CryptoKey): Promise<void>
}

/** Reads a certificate with an RSA key. Throws `invalid_option`. */
export function readCertificate(pem: unknown): Certificate {
  const der = typeof pem === 'string' ? pemBlock(pem, 'CERTIFICATE') : undefined
  if (!der)
    throw refused('certificate', 'have a PEM block that begins with "-----BEGIN CERTIFICATE-----"')
  const publicKey = rsaPublicKey(der)
  return {
    thumbprint: async (hash) => toBase64Url(new Uint8Array(await crypto.subtle.digest(hash, der))),
    async checkKey(privateKey) {
      if (!(await isPair(privateKey, publicKey)))
        throw refused('privateKey', 'be the key of certificate; it is another one')
    },
  }
}

/** SEQUENCE { OBJECT IDENTIFIER rsaEncryption, .. }: in a certificate only its key's algorithm is written so. */
const rsaEncryption = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]

/** The SubjectPublicKeyInfo (RFC 5280 §4.1): a SEQUENCE with a length of two bytes, which begins with the algorithm. */
function rsaPublicKey(der: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = der.findIndex((_, at) => rsaEncryption.every((byte, i) => der[at + i] === byte)) - 4
  if (der[start] !== 0x30 || der[start + 1] !== 0x82)
    throw refused('certificate', 'have an RSA key')
  const length = der[start + 2]! * 256 + der[start + 3]!
  return der.slice(start, start + 4 + length)
}

async function isPair(privateKey: CryptoKey, publicKey: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const { subtle } = crypto
  const { name, hash } = privateKey.algorithm as RsaHashedKeyAlgorithm
  const [algorithm, probe] = [{ name, saltLength: 32 }, new Uint8Array(1)]
  try {
    const key = await subtle.importKey('spki', publicKey, { name, hash }, false, ['verify'])
    return await subtle.verify(
      algorithm,
      key,
      await subtle.sign(algorithm, privateKey, probe),
      probe,
    )
  } catch {
    return false
  }
}

/** Worldwide, the national clouds, and tenants for customers. */
const entraHosts =
  /^(?:login\.(?:(microsoftonline\.(?:com|us))|partner\.(microsoftonline\.cn))|[a-z\d-]+\.(ciamlogin\.com))$/

/**
 * Microsoft Entra wants its token endpoint in `aud`. Everywhere else it is the issuer, because metadata that name
 * somebody else's token endpoint would get an assertion that is good there. Throws `invalid_option` where Entra's metadata do.
 */
export function entraAudience({ issuer, token_endpoint = '' }: AuthenticatingServer): string {
  const [, ...domains] = entraHosts.exec(new URL(issuer).host) ?? []
  const domain = domains.find(Boolean)
  if (domain === undefined) return issuer
  if (parseUrl(token_endpoint)?.host.endsWith(`.${domain}`)) return token_endpoint
  throw refused(
    'metadata',
    `have a token_endpoint on ${domain}, as issuer is; it is ${token_endpoint.slice(0, 200) || 'missing'}`,
  )
}
