import { fromBase64Url, fromUtf8, toBase64Url, toUtf8 } from './bytes.ts'

/** Texts that only this app can read and write, whoever keeps them. */
export interface Seal {
  /** `context` says what the text is for; it opens under the same context only. */
  seal(text: string, context: string): Promise<string>
  /** The text, or `undefined` unless it was sealed in this context with one of the secrets. */
  open(sealed: string, context: string): Promise<string | undefined>
  /** 43 base64url characters that only this app can make of the text. */
  mac(text: string): Promise<string>
  /** Like {@link Seal.mac}, with each of the secrets: what was made before a change still counts. */
  macs(text: string): Promise<string[]>
}

interface Keys {
  id: string
  encryption: CryptoKey
  authentication: CryptoKey
}

const ivBytes = 12
const idLength = 8
const longest = 1024 * 1024

/** Seals with the first secret and opens with all, so that secrets can be changed while sessions live on. */
export function createSeal(secrets: readonly string[]): Seal {
  let derived: Promise<Keys[]> | undefined
  const allKeys = (): Promise<Keys[]> => (derived ??= Promise.all(secrets.map(deriveKeys)))

  async function macs(text: string): Promise<string[]> {
    return Promise.all((await allKeys()).map((keys) => macWith(keys, text)))
  }

  return {
    async seal(text, context) {
      const [{ id, encryption }] = (await allKeys()) as [Keys]
      // Random IVs are safe for 2^32 seals with one secret (NIST SP 800-38D §8.3): 100 a second, day and night, for a year.
      const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
      const algorithm = { name: 'AES-GCM', iv, additionalData: toUtf8(context) }
      const encrypted = await crypto.subtle.encrypt(algorithm, encryption, toUtf8(text))
      const bytes = new Uint8Array(ivBytes + encrypted.byteLength)
      bytes.set(iv)
      bytes.set(new Uint8Array(encrypted), ivBytes)
      return id + toBase64Url(bytes)
    },

    async open(sealed, context) {
      if (sealed.length > longest) return undefined
      const keys = (await allKeys()).find(({ id }) => sealed.startsWith(id))
      const bytes = keys && fromBase64Url(sealed.slice(idLength))
      if (!bytes) return undefined
      const iv = bytes.subarray(0, ivBytes)
      const algorithm = { name: 'AES-GCM', iv, additionalData: toUtf8(context) }
      try {
        const encrypted = bytes.subarray(ivBytes)
        return fromUtf8(await crypto.subtle.decrypt(algorithm, keys.encryption, encrypted))
      } catch {
        return undefined
      }
    },

    macs,
    mac: async (text) => macWith((await allKeys())[0]!, text),
  }
}

async function macWith({ authentication }: Keys, text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.sign('HMAC', authentication, toUtf8(text))))
}

/** One key for each purpose (RFC 5869), and a name by which a sealed text says which secret it needs. */
async function deriveKeys(secret: string): Promise<Keys> {
  const { subtle } = crypto
  const from = await subtle.importKey('raw', toUtf8(secret), 'HKDF', false, [
    'deriveKey',
    'deriveBits',
  ])
  const hkdf = (purpose: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: toUtf8('pkce-client/server'),
    info: toUtf8(purpose),
  })
  const aes = { name: 'AES-GCM', length: 256 }
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 }
  const [id, encryption, authentication] = await Promise.all([
    subtle.deriveBits(hkdf('id'), from, idLength * 6),
    subtle.deriveKey(hkdf('encryption'), from, aes, false, ['encrypt', 'decrypt']),
    subtle.deriveKey(hkdf('authentication'), from, hmac, false, ['sign']),
  ])
  return { id: toBase64Url(new Uint8Array(id)), encryption, authentication }
}
