import { base64url, fromBase64url, jsonObject, randomToken, utf8 } from './encoding.ts'
import type { SigningAlgorithm } from './options.ts'

export interface Jwt {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

export interface SigningKey {
  alg: SigningAlgorithm
  kid: string
  pair: CryptoKeyPair
}

export interface KeyRing {
  /** The key that signs now. */
  current(alg: SigningAlgorithm): Promise<SigningKey>
  /** A key of another algorithm, published from now on. */
  publish(alg: SigningAlgorithm): Promise<SigningKey>
  /** Public keys only. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }>
  /** New keys sign from now on. The retired ones stay published unless told otherwise. */
  rotate(options?: { publishRetired?: boolean }): void
  /** The token's content, when one of our keys signed it, be it retired. */
  verify(token: string): Promise<Jwt | undefined>
}

const generation = {
  RS256: rsa('RSASSA-PKCS1-v1_5'),
  PS256: rsa('RSA-PSS'),
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
}

const signing = {
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
}

function rsa(name: string): RsaHashedKeyGenParams {
  return { name, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
}

// A 2048-bit RSA key takes a tenth of a second or more. Servers share the key material, so that a
// suite with hundreds of servers pays once; the key ids are each server's own.
const material = new Map<string, Promise<CryptoKeyPair>>()

export function keyMaterial(
  alg: SigningAlgorithm,
  slot: number | 'foreign',
): Promise<CryptoKeyPair> {
  const name = `${alg} ${slot}`
  const known = material.get(name)
  if (known) return known
  const made = globalThis.crypto.subtle.generateKey(generation[alg], true, ['sign', 'verify'])
  material.set(name, made)
  return made
}

export function createKeyRing(published: readonly SigningAlgorithm[]): KeyRing {
  const algs = [...new Set(published)]
  let slot = 0
  let current = new Map<SigningAlgorithm, Promise<SigningKey>>()
  const retired: { key: Promise<SigningKey>; published: boolean }[] = []

  const signer = (alg: SigningAlgorithm): Promise<SigningKey> => {
    const known = current.get(alg)
    if (known) return known
    const kid = randomToken().slice(0, 16)
    const made = keyMaterial(alg, slot).then((pair) => ({ alg, kid, pair }))
    current.set(alg, made)
    return made
  }

  return {
    current: signer,
    publish(alg) {
      if (!algs.includes(alg)) algs.push(alg)
      return signer(alg)
    },
    async jwks() {
      const old = retired.filter((entry) => entry.published).map((entry) => entry.key)
      const keys = await Promise.all([...algs.map(signer), ...old])
      return { keys: await Promise.all(keys.map(publicJwk)) }
    },
    rotate({ publishRetired = true } = {}) {
      if (!publishRetired) for (const entry of retired) entry.published = false
      // A key that was never asked for is retired too: it may be in a key set fetched since.
      for (const alg of algs) retired.push({ key: signer(alg), published: publishRetired })
      current = new Map()
      slot += 1
    },
    async verify(token) {
      const jwt = decodeJwt(token)
      if (!jwt) return undefined
      const keys = await Promise.all([...current.values(), ...retired.map((entry) => entry.key)])
      const key = keys.find((entry) => entry.kid === jwt.header['kid'])
      if (!key) return undefined
      const isOurs = await verifyJwt(token, { alg: key.alg, key: key.pair.publicKey })
      return isOurs ? jwt : undefined
    },
  }
}

/** Whether this key signed a token that is well formed. */
export function verifyJwt(
  token: string,
  { alg, key }: { alg: SigningAlgorithm; key: CryptoKey },
): Promise<boolean> {
  const [header, payload, signature] = token.split('.') as [string, string, string]
  return globalThis.crypto.subtle.verify(
    signing[alg],
    key,
    fromBase64url(signature)!,
    utf8(`${header}.${payload}`),
  )
}

/** The key of a JWK, or `undefined` when it is none for this algorithm. */
export function importPublic(
  { kty, n, e, crv, x, y }: JsonWebKey,
  alg: SigningAlgorithm,
): Promise<CryptoKey | undefined> {
  const jwk = kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }
  return globalThis.crypto.subtle
    .importKey('jwk', jwk as JsonWebKey, generation[alg], false, ['verify'])
    .catch(() => undefined)
}

/** The key of a SubjectPublicKeyInfo, or `undefined` when it is none for this algorithm. */
export function importSpki(
  spki: Uint8Array<ArrayBuffer>,
  alg: SigningAlgorithm,
): Promise<CryptoKey | undefined> {
  return globalThis.crypto.subtle
    .importKey('spki', spki, generation[alg], false, ['verify'])
    .catch(() => undefined)
}

async function publicJwk(key: SigningKey): Promise<Record<string, unknown>> {
  const jwk = await exportPublic(key.pair)
  return { ...jwk, kid: key.kid, alg: key.alg, use: 'sig' }
}

/** Named members only, so that nothing private can come along. */
export async function exportPublic(pair: CryptoKeyPair): Promise<Record<string, unknown>> {
  const { kty, n, e, crv, x, y } = await globalThis.crypto.subtle.exportKey('jwk', pair.publicKey)
  return kty === 'RSA' ? { kty, n, e } : { kty, crv, x, y }
}

export async function signJwt(
  jwt: Jwt,
  key: { alg: SigningAlgorithm; pair: CryptoKeyPair },
): Promise<string> {
  const input = signingInput(jwt)
  const signature = await globalThis.crypto.subtle.sign(
    signing[key.alg],
    key.pair.privateKey,
    utf8(input),
  )
  return `${input}.${base64url(signature)}`
}

export async function hmacJwt(jwt: Jwt, secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const input = signingInput(jwt)
  const signature = await globalThis.crypto.subtle.sign('HMAC', await hmac(secret), utf8(input))
  return `${input}.${base64url(signature)}`
}

/** The content of a token signed with HS256 and this secret. */
export async function verifyHmacJwt(
  token: string,
  secret: Uint8Array<ArrayBuffer>,
): Promise<Jwt | undefined> {
  const jwt = decodeJwt(token)
  if (jwt?.header['alg'] !== 'HS256') return undefined
  const [header, payload, signature] = token.split('.') as [string, string, string]
  const good = await globalThis.crypto.subtle.verify(
    'HMAC',
    await hmac(secret),
    fromBase64url(signature)!,
    utf8(`${header}.${payload}`),
  )
  return good ? jwt : undefined
}

function hmac(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  return globalThis.crypto.subtle.importKey('raw', secret, algorithm, false, ['sign', 'verify'])
}

export function signingInput(jwt: Jwt): string {
  const part = (value: unknown): string => base64url(utf8(JSON.stringify(value)))
  return `${part(jwt.header)}.${part(jwt.claims)}`
}

export function decodeJwt(token: string): Jwt | undefined {
  const parts = token.split('.').map(fromBase64url)
  if (parts.length !== 3 || parts.includes(undefined)) return undefined
  const [header, claims] = parts
    .slice(0, 2)
    .map((bytes) => jsonObject(new TextDecoder().decode(bytes)))
  return header && claims ? { header, claims } : undefined
}
