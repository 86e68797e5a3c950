import { expect } from 'vitest'
import { AccessTokenError, createTokenVerifier } from '../../src/server/index.ts'
import type { TokenVerifier, TokenVerifierOptions, VerifyOptions } from '../../src/server/index.ts'
import type { FakeClock } from '../../src/testing/index.ts'

type Json = Record<string, unknown>

export const issuerUrl = 'https://login.example.com'
export const apiAudience = 'https://api.example.com/'

const rs256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

/** One key of a server, and the name it is published under. */
export interface IssuerKey {
  kid: string
  pair: CryptoKeyPair
  jwk: JsonWebKey & { kid: string; use: string; alg: string }
}

export async function createKey(kid: string): Promise<IssuerKey> {
  const size = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
  const pair = await crypto.subtle.generateKey({ ...rs256, ...size }, true, ['sign', 'verify'])
  const { kty, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return { kid, pair, jwk: { kty: kty!, n: n!, e: e!, kid, use: 'sig', alg: 'RS256' } }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs with RS256, whatever the header says. */
export async function signJwt(
  { header, claims }: { header: Json; claims: object },
  { pair }: IssuerKey,
): Promise<string> {
  const input = `${encode(header)}.${encode(claims)}`
  const signature = await crypto.subtle.sign(rs256, pair.privateKey, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

/** Signs with HMAC and SHA-256, whatever the header says. */
export async function macJwt(
  { header, claims }: { header: Json; claims: object },
  secret: string | Uint8Array<ArrayBuffer>,
): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', Buffer.from(secret), algorithm, false, ['sign'])
  const input = `${encode(header)}.${encode(claims)}`
  const mac = await crypto.subtle.sign('HMAC', key, Buffer.from(input))
  return `${input}.${Buffer.from(mac).toString('base64url')}`
}

/** A server that signs what a test wants, however wrong it is. The reference server never does. */
export function createIssuer(clock: FakeClock, first: IssuerKey) {
  const asked: string[] = []
  const state = {
    keys: [first],
    /** Paths that answer otherwise than they should. */
    odd: new Map<string, () => Response | Promise<Response>>(),
    metadata: {
      issuer: issuerUrl,
      jwks_uri: `${issuerUrl}/jwks`,
      introspection_endpoint: `${issuerUrl}/introspect`,
    } as Json,
    /** What introspection says about a token, by the token. */
    opaque: new Map<string, Json>(),
  }
  const now = () => Math.floor(clock.now() / 1000)

  const answers: Record<string, (request: Request) => Response | Promise<Response>> = {
    '/.well-known/openid-configuration': () => Response.json(state.metadata),
    '/jwks': () => Response.json({ keys: state.keys.map(({ jwk }) => jwk) }),
    async '/introspect'(request) {
      const form = new URLSearchParams(await request.text())
      if (request.headers.get('authorization') !== `Basic ${btoa('orders%2Dapi:a%2Dsecret')}`)
        return Response.json({ error: 'invalid_client' }, { status: 401 })
      return Response.json(state.opaque.get(form.get('token')!) ?? { active: false })
    },
  }

  return {
    ...state,
    clock,
    /** The paths that were asked for, oldest first. */
    asked,
    askedFor: (path: string) => asked.filter((one) => one === path).length,
    fetch: (async (input: string, init?: RequestInit) => {
      const request = new Request(input, init)
      const path = new URL(request.url).pathname
      asked.push(path)
      const answer = state.odd.get(path) ?? answers[path]
      return answer ? answer(request) : new Response(null, { status: 404 })
    }) as typeof fetch,
    now,
    /** The claims of an access token as it should be. */
    claims: (odd: Json = {}): Json => ({
      iss: issuerUrl,
      sub: 'ada',
      aud: apiAudience,
      iat: now(),
      exp: now() + 900,
      scope: 'orders:read orders:write',
      ...odd,
    }),
    /** An access token as it should be, but for what is given. */
    token(odd: Json = {}, { header = {}, key = first }: { header?: Json; key?: IssuerKey } = {}) {
      const claims = this.claims(odd)
      return signJwt({ header: { alg: 'RS256', kid: key.kid, ...header }, claims }, key)
    },
  }
}

/** A request to the API with this token. */
export const withToken = (token: string, init: RequestInit = {}): Request =>
  new Request('https://api.example.com/orders', {
    headers: { authorization: `Bearer ${token}` },
    ...init,
  })

export type Issuer = ReturnType<typeof createIssuer>

/** A verifier of the usual API. */
export const verifierAt = (
  { fetch, clock }: Issuer,
  options: Partial<TokenVerifierOptions> = {},
): TokenVerifier =>
  createTokenVerifier({ issuer: issuerUrl, audience: apiAudience, clock, fetch, ...options })

/** What the verifier refuses the request with. */
export async function refusalOf(
  { verify }: TokenVerifier,
  request: Request | string,
  options?: VerifyOptions,
): Promise<AccessTokenError> {
  const sent = typeof request === 'string' ? withToken(request) : request
  const error = await verify(sent, options).then(
    (claims) => expect.fail(`accepted ${JSON.stringify(claims)}`),
    (caught: unknown) => caught,
  )
  expect(error).toBeInstanceOf(AccessTokenError)
  return error as AccessTokenError
}

/** Status and challenge of the answer. */
export const challengeOf = (error: AccessTokenError) => {
  const { status, headers } = error.challenge()
  return [status, headers.get('www-authenticate')]
}
