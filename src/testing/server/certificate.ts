/** What an X.509 certificate (RFC 5280 §4.1) tells a server. */
export interface Certificate {
  der: Uint8Array<ArrayBuffer>
  /** Its SubjectPublicKeyInfo. */
  spki: Uint8Array<ArrayBuffer>
}

/** Reads the first certificate of a PEM text; `undefined` when there is none. */
export function readCertificate(pem: string): Certificate | undefined {
  const text = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/.exec(pem)?.[1]
  try {
    const der = Uint8Array.from(atob(text ?? ''), (character) => character.charCodeAt(0))
    const [toBeSigned] = partsOf(der, valueOf(der, 0))
    const fields = partsOf(der, valueOf(der, toBeSigned!.start))
    // The version stands before the others only if it is not the first one.
    const at = der[fields[0]!.start] === 0xa0 ? 6 : 5
    const { start, end } = fields[at]!
    return { der, spki: der.slice(start, end) }
  } catch {
    return undefined
  }
}

interface Span {
  start: number
  end: number
}

/** Where the value of the element at this place is (DER, X.690 §8.1). */
function valueOf(der: Uint8Array, at: number): Span {
  const first = der[at + 1]!
  const size = first < 0x80 ? 0 : first & 0x7f
  const length =
    size === 0 ? first : der.slice(at + 2, at + 2 + size).reduce((sum, byte) => sum * 256 + byte, 0)
  const start = at + 2 + size
  if (!(start + length <= der.length)) throw new RangeError('The element ends after the text.')
  return { start, end: start + length }
}

function partsOf(der: Uint8Array, { start, end }: Span): Span[] {
  const parts: Span[] = []
  for (let at = start; at < end; at = parts.at(-1)!.end) {
    parts.push({ start: at, end: valueOf(der, at).end })
  }
  return parts
}
