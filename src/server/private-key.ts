import { PkceClientError } from '../errors.ts'
import { pemBlock } from './pem.ts'

/** A private key: PEM text (PKCS #8), a JWK, or a CryptoKey that may sign. */
// Not named, because the types of Node have no JsonWebKey and no CryptoKey.
export type PrivateKey = string | object

const imports = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  Ed25519: { name: 'Ed25519' },
}

/** How a key can sign, by its name in a JWT (RFC 7518 §3.1, RFC 9864). */
export type KeyAlgorithm = keyof typeof imports

/** Which key it must be: the option that has it, and how it may sign, the usual first. */
interface Wanted {
  option: string
  algorithms: readonly KeyAlgorithm[]
}

const smallestModulus = 2048

/** Throws `invalid_option` for what is no private key. The key is imported when it is first needed, and once. */
export function readPrivateKey(key: unknown, wanted: Wanted): () => Promise<CryptoKey> {
  const source = key instanceof CryptoKey ? checkCryptoKey(key, wanted) : readSource(key, wanted)
  let imported: Promise<CryptoKey> | undefined
  return () => (imported ??= importKey(source, wanted))
}

function checkCryptoKey(key: CryptoKey, { option, algorithms }: Wanted): CryptoKey {
  const names = algorithms.map((algorithm) => imports[algorithm].name)
  if (key.type !== 'private' || !key.usages.includes('sign'))
    throw refused(option, 'be a private key with the usage "sign"')
  if (!names.includes(key.algorithm.name))
    throw refused(option, `sign with ${algorithms.join(', ')}; it is for ${key.algorithm.name}`)
  return key
}

type Source = CryptoKey | JsonWebKey | Uint8Array<ArrayBuffer>

function readSource(key: unknown, { option }: Wanted): Source {
  if (typeof key === 'string') return readPem(key, option)
  if (typeof (key as JsonWebKey | null | undefined)?.d === 'string') return key as JsonWebKey
  throw refused(
    option,
    'be a private key as PEM text (PKCS #8), as a JWK with d, or as a CryptoKey',
  )
}

function readPem(text: string, option: string): Uint8Array<ArrayBuffer> {
  const der = pemBlock(text, 'PRIVATE KEY')
  if (der) return der
  // Before OpenSSL 3 the format of RSA keys was PKCS #1, and an encrypted one of that kind says so in a line of its own.
  if (/ENCRYPTED/.test(text))
    throw refused(
      option,
      'not be encrypted; "openssl pkcs8 -topk8 -nocrypt -in key.pem" decrypts it',
    )
  if (/-----BEGIN (?:RSA|EC) PRIVATE KEY-----/.test(text))
    throw refused(
      option,
      'be in the format PKCS #8; "openssl pkcs8 -topk8 -nocrypt -in key.pem" converts it',
    )
  throw refused(option, 'have a PEM block that begins with "-----BEGIN PRIVATE KEY-----"')
}

async function importKey(source: Source, { option, algorithms }: Wanted): Promise<CryptoKey> {
  const key = source instanceof CryptoKey ? source : await importFirst(source, algorithms)
  if (!key) throw refused(option, `be a private key for ${algorithms.join(', ')}`)
  const { modulusLength = smallestModulus } = key.algorithm as Partial<RsaKeyAlgorithm>
  if (modulusLength < smallestModulus)
    throw refused(option, `have at least ${smallestModulus} bits; it has ${modulusLength}`)
  return key
}

/** A PEM text names no algorithm, and a JWK need not: the key is of the first kind that it can be imported as. */
async function importFirst(
  source: Exclude<Source, CryptoKey>,
  algorithms: readonly KeyAlgorithm[],
): Promise<CryptoKey | undefined> {
  const { alg } = source as JsonWebKey
  // Node imports a JWK as whatever it is asked to.
  const named = alg === undefined ? algorithms : algorithms.filter((one) => one === nameOf(alg))
  for (const algorithm of named) {
    const key = await importAs(source, algorithm).catch(() => undefined)
    if (key) return key
  }
  return undefined
}

/** Two names of the same (RFC 9864 §2.2). */
const nameOf = (alg: string): string => (alg === 'EdDSA' ? 'Ed25519' : alg)

function importAs(source: Exclude<Source, CryptoKey>, algorithm: KeyAlgorithm): Promise<CryptoKey> {
  const { subtle } = crypto
  if (source instanceof Uint8Array)
    return subtle.importKey('pkcs8', source, imports[algorithm], false, ['sign'])
  // What servers hand out often has uses that fit verifying only.
  const { key_ops, use, ext, alg, ...jwk } = source
  return subtle.importKey('jwk', jwk, imports[algorithm], false, ['sign'])
}

/** The value is in no message. */
export function refused(option: string, must: string): PkceClientError {
  return new PkceClientError('invalid_option', `${option} must ${must}.`)
}
