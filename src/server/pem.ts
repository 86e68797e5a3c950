/** The bytes of the first block with this label (RFC 7468), or `undefined`. Other blocks and text around it do not matter. */
export function pemBlock(text: string, label: string): Uint8Array<ArrayBuffer> | undefined {
  // Environment variables often hold the two characters \n where a line ends.
  const [, after] = text.replaceAll('\\n', '\n').split(`-----BEGIN ${label}-----`)
  const [base64, end] = after?.split(`-----END ${label}-----`) ?? []
  if (end === undefined) return undefined
  try {
    return bytesOf(atob(base64!))
  } catch {
    return undefined
  }
}

function bytesOf(binary: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
