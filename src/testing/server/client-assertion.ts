import { seconds } from './context.ts'
import type { Visit } from './context.ts'
import type { RegisteredClient } from './client-registration.ts'
import { decodeJwt, importPublic, verifyJwt } from './keys.ts'
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
  const key = await importPublic(client.publicKey as JsonWebKey, alg)
  if (!key || !(await verifyJwt(assertion, { alg, key }))) {
    return 'the signature of the assertion is wrong'
  }
  const now = seconds(context.now())
  const complaint = checkClaims(jwt.claims, { client, now, issuer: context.place.issuer })
  if (complaint !== undefined) return complaint
  const id = `${client.clientId} ${String(jwt.claims['jti'])}`
  return context.proofs.take(`assertion ${id}`) ? undefined : 'the assertion was used before'
}

function checkClaims(
  { iss, sub, aud, exp, jti }: Jwt['claims'],
  { client, now, issuer }: { client: RegisteredClient; now: number; issuer: string },
): string | undefined {
  if (iss !== client.clientId || sub !== client.clientId) return 'iss and sub are not the client_id'
  // Not a list, and no endpoint: a server in between could pass it on to another one.
  if (aud !== issuer) return 'aud is not the issuer, as a string'
  if (typeof exp !== 'number' || exp <= now || exp > now + longestLife) {
    return `exp is missing, over, or more than ${longestLife} seconds away`
  }
  return typeof jti === 'string' && jti !== '' ? undefined : 'the assertion has no jti'
}
