import { carriers, stateOf } from './log.ts'
import { safely } from './observed.ts'
import { fingerprint, fromBase64Url, readJwt } from './shorten.ts'
import type { SentRequest } from './requests.ts'
import type { Check, Message, Step } from './steps.ts'

// Computed here again, from what was on the wire and before anything is shortened, with no code of the client: a client that
// leaves a check out is found by this.

const encode = (bytes: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

async function sha256(text: string): Promise<string> {
  return encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

const valueOf = (step: Message | undefined, name: string) =>
  step?.values.find((value) => value.name === name)

/** The authorization request that a state belongs to: the page's, or the one that was pushed. */
export function requestOf(steps: readonly Step[], state: string | undefined): Message | undefined {
  if (state === undefined) return undefined
  return steps.find(
    (step): step is Message =>
      step.type === 'message' &&
      (step.purpose === 'authorize' || step.purpose === 'pushed-request') &&
      valueOf(step, 'code_challenge') !== undefined &&
      stateOf(step) === state,
  )
}

/** What can be said of the address that the user came back to. */
export function checkCallback(
  steps: readonly Step[],
  url: URL,
  { issuer }: { issuer?: string | undefined },
): Check[] {
  const state = url.searchParams.get('state') ?? ''
  const before = carriers(steps, 'state', state)
  const iss = url.searchParams.get('iss')
  const isFirst = !before.some(({ purpose }) => purpose === 'callback')
  return [
    {
      text: 'state is one of a sign-in that began here',
      holds: before.some(({ purpose }) => purpose === 'authorize' || purpose === 'pushed-request'),
    },
    { text: 'state was not used before', holds: isFirst },
    ...(iss !== null && issuer !== undefined
      ? [{ text: 'iss is the issuer that was asked', holds: iss === issuer }]
      : []),
  ]
}

/** What can be said of a token request for a code. */
export async function checkCode(steps: readonly Step[], { form }: SentRequest): Promise<Check[]> {
  const [callback] = carriers(steps, 'code', form.get('code') ?? '')
    .filter(({ purpose }) => purpose === 'callback')
    .slice(-1)
  const request = requestOf(steps, callback && stateOf(callback))
  const challenge = valueOf(request, 'code_challenge')?.text
  if (challenge === undefined) return []
  const verifier = form.get('code_verifier')
  const iss = callback?.checks.find(({ text }) => text.startsWith('iss'))
  return [
    {
      text: 'SHA-256(code_verifier) is the code_challenge of the authorization request',
      holds: verifier !== null && (await sha256(verifier)) === challenge,
    },
    {
      text: 'redirect_uri is the same as in the authorization request',
      holds: form.get('redirect_uri') === valueOf(request, 'redirect_uri')?.text,
    },
    ...(iss
      ? [{ text: 'the answer that brought the code named the right issuer', holds: iss.holds }]
      : []),
  ]
}

export interface Expected {
  issuer: string | undefined
  clientId: string | undefined
}

/** What can be said of an ID token by its claims. `nonce` is the fingerprint of the one that was sent. */
export async function checkClaims(
  idToken: string,
  { issuer, clientId, nonce, accessToken }: Expected & { nonce?: string; accessToken?: string },
): Promise<Check[]> {
  const { header, payload } = { ...readJwt(idToken) }
  if (!payload) return [{ text: 'the ID token is a JWT', holds: false }]
  const { iss, aud, exp, iat, sub, at_hash: hash } = payload
  const checks: Check[] = [
    {
      text: 'iss is the issuer that was asked',
      holds: isIssuer(iss, { issuer, tenant: payload['tid'] }),
    },
    { text: 'aud has the client_id', holds: [aud].flat().includes(clientId) },
    { text: 'sub is a string', holds: typeof sub === 'string' && sub !== '' },
    {
      text: 'exp is after iat',
      holds: typeof exp === 'number' && typeof iat === 'number' && exp > iat,
    },
  ]
  if (nonce !== undefined)
    checks.push({
      text: 'nonce is the one of the authorization request',
      holds: typeof payload['nonce'] === 'string' && fingerprint(payload['nonce']) === nonce,
    })
  if (
    typeof hash === 'string' &&
    accessToken !== undefined &&
    String(header?.['alg']).endsWith('256')
  )
    checks.push({
      text: 'at_hash fits the access token',
      holds: (await halfOf(accessToken)) === hash,
    })
  return checks
}

/** Microsoft Entra for many tenants puts the tenant in the place of its template. */
function isIssuer(
  iss: unknown,
  { issuer, tenant }: { issuer: string | undefined; tenant: unknown },
): boolean {
  if (issuer === undefined || iss === issuer) return true
  const forAll = /^(https:\/\/[^/]+)\/(?:common|organizations|consumers)\/v2\.0$/.exec(issuer)
  return forAll !== null && typeof tenant === 'string' && iss === `${forAll[1]}/${tenant}/v2.0`
}

async function halfOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return encode(digest.slice(0, 16))
}

const algorithms: Readonly<
  Record<string, EcKeyImportParams & RsaHashedImportParams & RsaPssParams>
> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', namedCurve: '', saltLength: 0 },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384', namedCurve: '', saltLength: 0 },
  RS512: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512', namedCurve: '', saltLength: 0 },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', namedCurve: '', saltLength: 32 },
  ES256: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256', saltLength: 0 },
  ES384: { name: 'ECDSA', hash: 'SHA-384', namedCurve: 'P-384', saltLength: 0 },
  EdDSA: { name: 'Ed25519', hash: '', namedCurve: '', saltLength: 0 },
  Ed25519: { name: 'Ed25519', hash: '', namedCurve: '', saltLength: 0 },
}

/** Whether the signature of a JWT is by one of the keys; nothing where this page cannot tell. */
export async function checkSignature(
  token: string,
  keys: readonly JsonWebKey[],
): Promise<Check | undefined> {
  const { header } = { ...readJwt(token) }
  const { alg, kid } = { ...header } as { alg?: string; kid?: string }
  const algorithm = algorithms[alg ?? '']
  const text = `signature: ${alg ?? 'no algorithm'}${kid === undefined ? '' : `, key ${kid.slice(0, 40)}`}`
  if (!algorithm) return { text, holds: false }
  const named = keys.filter((key) => (key as { kid?: string }).kid === kid)
  if (named.length === 0)
    return { text: `${text}, which the server has not published`, holds: false }
  const results = await Promise.all(named.map((key) => verify(token, { key, algorithm })))
  if (results.includes(true)) return { text, holds: true }
  return results.includes(false) ? { text, holds: false } : undefined
}

async function verify(
  token: string,
  { key, algorithm }: { key: JsonWebKey; algorithm: (typeof algorithms)[string] & {} },
): Promise<boolean | undefined> {
  const at = token.lastIndexOf('.')
  const signature = safely(() => fromBase64Url(token.slice(at + 1)))
  if (!signature) return false
  const { kty, n, e, crv, x, y } = key
  try {
    const { subtle } = crypto
    const plain = JSON.parse(JSON.stringify({ kty, n, e, crv, x, y })) as JsonWebKey
    const imported = await subtle.importKey('jwk', plain, algorithm, false, ['verify'])
    return await subtle.verify(
      algorithm,
      imported,
      signature,
      new TextEncoder().encode(token.slice(0, at)),
    )
  } catch {
    // The platform does not know the algorithm, or the key cannot be read.
    return undefined
  }
}

/** What can be said of a DPoP proof (RFC 9449 §4.3). */
export async function checkProof({ method, url, headers }: SentRequest): Promise<Check[]> {
  const proof = headers.get('dpop') ?? ''
  const { header, payload } = { ...readJwt(proof) }
  if (!header || !payload) return []
  const token = (headers.get('authorization') ?? '').split(' ')[1]
  const signature = await checkSignature(proof, [
    { ...(header['jwk'] as JsonWebKey), kid: header['kid'] } as JsonWebKey,
  ])
  return [
    {
      text: 'the DPoP proof is for this method and address',
      holds: payload['htm'] === method && payload['htu'] === `${url.origin}${url.pathname}`,
    },
    ...(token !== undefined
      ? [
          {
            text: 'the DPoP proof is for this access token',
            holds: payload['ath'] === (await sha256(token)),
          },
        ]
      : []),
    ...(signature
      ? [{ text: `the DPoP proof: ${signature.text}, by its own key`, holds: signature.holds }]
      : []),
  ]
}
