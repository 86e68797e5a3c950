import { readCertificate } from './certificate.ts'
import { endpoint, seconds } from './context.ts'
import { base64url } from './encoding.ts'
import type { Visit } from './context.ts'
import type { RegisteredClient } from './client-registration.ts'
import { decodeJwt, importPublic, importSpki, verifyJwt } from './keys.ts'
import type { Jwt } from './keys.ts'
import type { SigningAlgorithm } from './options.ts'

/** How a client may sign its assertions. */
export const assertionAlgs: readonly SigningAlgorithm[] = ['ES256', 'RS256', 'PS256']

/** Seconds for which an assertion may be good. */
const longestLife = 300

/** RFC 7523 §3, with the audience of its revision (rfc7523bis): what is wrong with an assertion of the client, if anything. */
export async function checkAssertion(
  { context }: Visit,
  { client, assertion }: { client: RegisteredClient; assertion: string },
): Promise<string | undefined> {
  const jwt = decodeJwt(assertion)
  const alg = assertionAlgs.find((known) => known === jwt?.header['alg'])
  if (!jwt || !alg) return `the assertion is no JWT signed with ${assertionAlgs.join(', ')}`
  const key = await keyOf(client, { alg, header: jwt.header })
  if (!key || !(await verifyJwt(assertion, { alg, key }))) {
    return 'the signature of the assertion is wrong'
  }
  const now = seconds(context.now())
  const { issuer } = context.place
  // Microsoft Entra wants its token endpoint there.
  const audiences =
    client.certificate === undefined ? [issuer] : [issuer, endpoint(context, '/token')]
  const complaint = checkClaims(jwt.claims, { client, now, audiences })
  if (complaint !== undefined) return complaint
  const id = `${client.clientId} ${String(jwt.claims['jti'])}`
  return context.proofs.take(`assertion ${id}`) ? undefined : 'the assertion was used before'
}

/** The header of an assertion that is signed with a certificate, and its digest, by the algorithm. */
const thumbprints: Partial<Record<SigningAlgorithm, { header: string; hash: string }>> = {
  PS256: { header: 'x5t#S256', hash: 'SHA-256' },
  RS256: { header: 'x5t', hash: 'SHA-1' },
}

async function keyOf(
  client: RegisteredClient,
  { alg, header }: { alg: SigningAlgorithm; header: Jwt['header'] },
): Promise<CryptoKey | undefined> {
  if (client.certificate === undefined) return importPublic(client.publicKey as JsonWebKey, alg)
  const { der, spki } = readCertificate(client.certificate)!
  const named = thumbprints[alg]
  if (!named) return undefined
  const digest = base64url(await globalThis.crypto.subtle.digest(named.hash, der))
  return header[named.header] === digest ? importSpki(spki, alg) : undefined
}

function checkClaims(
  { iss, sub, aud, exp, jti }: Jwt['claims'],
  { client, now, audiences }: { client: RegisteredClient; now: number; audiences: unknown[] },
): string | undefined {
  if (iss !== client.clientId || sub !== client.clientId) return 'iss and sub are not the client_id'
  // Not a list, and no endpoint: a server in between could pass it on to another one.
  if (!audiences.includes(aud)) return 'aud is not the issuer, as a string'
  if (typeof exp !== 'number' || exp <= now || exp > now + longestLife) {
    return `exp is missing, over, or more than ${longestLife} seconds away`
  }
  return typeof jti === 'string' && jti !== '' ? undefined : 'the assertion has no jti'
}
