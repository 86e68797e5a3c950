const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const alphabet = encoder.encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const values = new Int8Array(128).fill(-1)
alphabet.forEach((code, value) => (values[code] = value))

export const toUtf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

export const fromUtf8 = (bytes: BufferSource): string => decoder.decode(bytes)

// Both by hand: btoa and atob work on strings, and the copies in and out take longer than all the rest.

export function toBase64Url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  let end = 0
  for (let at = 0; at < bytes.length; at += 3) {
    const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    // What lies beyond the end is not stored.
    codes[end++] = alphabet[bits >> 18]!
    codes[end++] = alphabet[(bits >> 12) & 63]!
    codes[end++] = alphabet[(bits >> 6) & 63]!
    codes[end++] = alphabet[bits & 63]!
  }
  return decoder.decode(codes)
}

/** The bytes, or `undefined` for a string that {@link toBase64Url} does not write. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 === 1) return undefined
  const bytes = new Uint8Array((text.length * 3) >> 2)
  const valueAt = (at: number): number =>
    at < text.length ? (values[text.charCodeAt(at)] ?? -1) : 0
  let end = 0
  let bits = 0
  for (let at = 0; at < text.length; at += 4) {
    bits = (valueAt(at) << 18) | (valueAt(at + 1) << 12) | (valueAt(at + 2) << 6) | valueAt(at + 3)
    if (bits < 0) return undefined
    bytes[end++] = bits >> 16
    bytes[end++] = bits >> 8
    bytes[end++] = bits
  }
  // What is left over must be zero, so that each value has one text only.
  const unused = [0, 0, 0xffff, 0xff][text.length % 4]!
  return bits & unused ? undefined : bytes
}

/** 256 bits nobody can guess, as 43 base64url characters. */
export function randomToken(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
}

/** SHA-256 of the text in UTF-8, as 43 base64url characters. */
export async function sha256(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', toUtf8(text))))
}

/** SHA-512 of the text, as two halves that say nothing of each other, each of 43 base64url characters. */
export async function sha512Halves(text: string): Promise<[string, string]> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-512', toUtf8(text)))
  return [toBase64Url(bytes.subarray(0, 32)), toBase64Url(bytes.subarray(32))]
}

/** Takes the same time wherever two texts of the same length differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}
