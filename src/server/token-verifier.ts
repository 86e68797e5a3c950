import { createPlatformFetch } from '../api/global-fetch.ts'
import { secureUrl } from '../api/resources.ts'
import { checkValue } from '../check-options.ts'
import { once } from '../compose/once.ts'
import { isPkceClientError } from '../errors.ts'
import { scope } from '../options.ts'
import {
  checkIntrospection,
  refuseToken,
  scopesOf,
  verifyAccessToken,
} from '../protocol/access-token.ts'
import { introspectToken } from '../protocol/introspection.ts'
import { readJwt } from '../protocol/jwt.ts'
import { createKeySet, requestKeys } from '../protocol/key-set.ts'
import { discoverIssuer } from '../protocol/server.ts'
import { createTransport } from '../protocol/transport.ts'
import { AccessTokenError, invalidToken, notVerified } from './access-token-error.ts'
import { readBearerToken } from './bearer-token.ts'
import { toUtf8 } from './bytes.ts'
import { cacheIntrospection } from './introspection-cache.ts'
import { resolveVerifierOptions } from './token-verifier-options.ts'
import type { Rule } from '../check-options.ts'
import type { AccessTokenClaims } from '../protocol/access-token.ts'
import type { Jwt } from '../protocol/jwt.ts'
import type { TokenVerifierOptions } from './token-verifier-options.ts'

/** Options of {@link TokenVerifier.verify}. */
export interface VerifyOptions {
  /** The token must have all of these. */
  scopes?: readonly string[] | undefined
}

/** Verifies the access tokens of requests to an API. */
export interface TokenVerifier {
  /**
   * Resolves to what the token of the Authorization header says (RFC 6750 §2.1). Rejects with an {@link AccessTokenError}, whose
   * `challenge()` is the answer: `access_token_invalid`, `insufficient_scope`, or why the token could not be verified. Bound
   * once, so it can be passed on.
   */
  verify(request: Request, options?: VerifyOptions): Promise<AccessTokenClaims>
}

/** Milliseconds: somebody is waiting for the API. */
const timeout = 5000

/**
 * Verifies access tokens that a server issued for this API (RFC 6750, RFC 9068 §4, RFC 7662). Throws `invalid_option`. Nothing is
 * requested before the first token.
 */
export function createTokenVerifier(given: TokenVerifierOptions): TokenVerifier {
  const options = resolveVerifierOptions(given)
  const { issuer, secret, introspection, metadata, clock } = options
  const platformFetch = createPlatformFetch().current
  const fetch = () => options.fetch ?? platformFetch()
  const transport = createTransport({ fetch, clock, timeout, emit: () => {} })
  const needed = [introspection ? 'introspection_endpoint' : 'jwks_uri'] as const
  const server = once(() => discoverIssuer({ issuer, metadata, transport, secureUrl, needed }))
  const load = async () => requestKeys((await server()).jwks_uri!, transport)
  const keys = createKeySet({ load, clock })
  const mac = once(() => importSecret(secret!))

  const named = once(async () => {
    const { issuer: name, jwks_uri: jwksUri } = await server()
    return { rules: { ...options, issuer: name }, jwksUri }
  })
  const verifyByKeys = async (token: string, jwt: Jwt) => {
    const { rules, jwksUri } = await named()
    if (jwksUri === undefined)
      refuseToken('it is a JWT, and the jwks_uri of its issuer is not known')
    return verifyAccessToken(token, { jwt, rules, signatures: { keys, jwksUri } })
  }
  const verifyBySecret = async (token: string, jwt: Jwt) =>
    verifyAccessToken(token, { jwt, rules: options, signatures: { secret: await mac() } })
  const verifyJwt = secret === undefined ? verifyByKeys : verifyBySecret

  const askServer =
    introspection &&
    cacheIntrospection(async (token) => {
      const { clientId, clientAuthentication } = introspection
      const by = { clientId, clientAuthentication: clientAuthentication(clock), transport }
      return introspectToken({ ...by, server: await server() }, token)
    }, clock)
  const verifyOpaque = async (token: string) => {
    if (!askServer) refuseToken('it is not a JWT, and there is no option introspection')
    return checkIntrospection(await askServer(token), options)
  }

  return {
    async verify(request, { scopes } = {}) {
      if (scopes) checkValue('scopes', { value: scopes, rule: scopeList })
      try {
        const token = readBearerToken(request)
        const jwt = readJwt(token)
        const claims = await (jwt ? verifyJwt(token, jwt) : verifyOpaque(token))
        requireScopes(claims, scopes)
        return claims
      } catch (error) {
        throw asAccessTokenError(error)
      }
    },
  }
}

function importSecret(secret: string | Uint8Array): Promise<CryptoKey> {
  const bytes = typeof secret === 'string' ? toUtf8(secret) : new Uint8Array(secret)
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
}

const scopeList: Rule = [
  (value: unknown) => Array.isArray(value) && value.every((one) => scope[0](one as never)),
  'a list of scopes',
]

function requireScopes(claims: AccessTokenClaims, scopes: readonly string[] = []): void {
  const granted = scopesOf(claims)
  const missing = scopes.filter((one) => !granted.includes(one))
  if (missing.length === 0) return
  const why = `The access token lacks the scope ${missing.join(' ')}; the client must ask for it at the sign-in.`
  const parameters = { error: 'insufficient_scope', scope: scopes.join(' ') }
  throw new AccessTokenError('insufficient_scope', why, { status: 403, parameters })
}

function asAccessTokenError(error: unknown): unknown {
  if (error instanceof AccessTokenError || !isPkceClientError(error)) return error
  return error.code === 'access_token_invalid' ? invalidToken(error) : notVerified(error)
}
