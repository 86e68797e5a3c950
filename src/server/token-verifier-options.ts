import { callable, checkOptions, checkValue, object, text } from '../check-options.ts'
import { systemClock } from '../clock.ts'
import { issuer } from '../options.ts'
import { refusal } from '../protocol/access-token.ts'
import { toUtf8 } from './bytes.ts'
import { refused } from './private-key.ts'
import type { Rule, Rules } from '../check-options.ts'
import type { Clock } from '../clock.ts'
import type { AccessTokenRules } from '../protocol/access-token.ts'
import type { ClientAuthenticationMethod } from '../protocol/client-authentication.ts'
import type { ServerMetadata } from '../protocol/server.ts'

/** Options of {@link createTokenVerifier}. */
export interface TokenVerifierOptions {
  /**
   * The authorization server's issuer identifier, exactly as the tokens have it. Microsoft Entra for many tenants is the exception: its
   * address with `organizations` or `common`.
   */
  issuer: string
  /** The name of this API at the server: `aud` of its tokens. One of a list is enough. */
  audience: string | readonly string[]
  /** How tokens may be signed, such as `['RS256']`. Every asymmetric algorithm when left out, or HS256 alone with `secret`. */
  algorithms?: readonly string[] | undefined
  /** The secret shared with a server that signs with HS256: at least 32 bytes. No keys are asked for then. */
  secret?: string | Uint8Array | undefined
  /** Asks the server about tokens that are no JWTs (RFC 7662), as this client. */
  introspection?: VerifierIntrospection | undefined
  /** `'rfc9068'` accepts only JWTs that have the type and all the claims that RFC 9068 wants; most servers issue others. */
  profile?: 'rfc9068' | undefined
  /** `jwks_uri` or `introspection_endpoint` of the server, which make discovery unnecessary. */
  metadata?:
    { readonly [Name in keyof ServerMetadata]?: ServerMetadata[Name] | undefined } | undefined
  /** Time, for tests. */
  clock?: Clock | undefined
  /** Used for every request; the `globalThis.fetch` of the moment when left out. */
  fetch?: typeof globalThis.fetch | undefined
}

/** How a verifier authenticates at the introspection endpoint. */
export interface VerifierIntrospection {
  /** The `client_id` this API is registered under. */
  clientId: string
  /** How it authenticates, such as `clientSecret(..)`. */
  clientAuthentication: ClientAuthenticationMethod
}

export type ResolvedVerifierOptions = AccessTokenRules &
  Pick<TokenVerifierOptions, 'secret' | 'introspection' | 'metadata' | 'fetch'>

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const asymmetric = [...rsa, 'ES256', 'ES384', 'ES512', 'Ed25519', 'EdDSA']
const symmetric = ['HS256']

const listOf =
  (isRight: (one: unknown) => unknown) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.every(isRight)
const isText = (value: unknown) => typeof value === 'string' && value !== ''
const algorithmList = (known: readonly string[]): Rule => [
  listOf((one) => known.includes(one as string)),
  `a list of ${known.join(', ')}`,
]
/** Judged by itself: its value is in no message. */
const unjudged: Rule = [() => true, '']

const rules: Rules<TokenVerifierOptions> = {
  issuer,
  audience: [
    (value: unknown) => isText(value) || listOf(isText)(value),
    'a non-empty string, or a list of them',
  ],
  algorithms: algorithmList([...asymmetric, ...symmetric]),
  secret: unjudged,
  introspection: object,
  profile: [(value) => value === 'rfc9068', "'rfc9068'"],
  metadata: object,
  clock: object,
  fetch: callable,
}
const introspectionRules: Rules<VerifierIntrospection> = {
  clientId: text,
  clientAuthentication: callable,
}

/** Throws `invalid_option` for what is missing, unknown or wrong. */
export function resolveVerifierOptions(given: TokenVerifierOptions): ResolvedVerifierOptions {
  const options = checkOptions<TokenVerifierOptions, TokenVerifierOptions>(given, rules)
  const { secret, profile, introspection, clock = systemClock() } = options
  for (const name of ['issuer', 'audience'] as const)
    checkValue(name, { value: options[name], rule: rules[name] })
  if (secret !== undefined) checkSecret(secret)
  const known = secret === undefined ? asymmetric : symmetric
  const { algorithms = known } = options
  // Both kinds at once would let anybody sign with the public key as if it were a secret.
  checkValue('algorithms', { value: algorithms, rule: algorithmList(known) })
  if (profile && secret !== undefined)
    throw refused('profile', 'be left out where there is a secret: RFC 9068 is about keys')
  if (introspection) checkIntrospection(introspection)
  return {
    ...options,
    clock,
    algorithms,
    audience: [options.audience].flat() as [string, ...string[]],
    isProfiled: profile !== undefined,
    refusal,
  }
}

/** RFC 7518 §3.2: shorter than the hash, a secret can be guessed from any token. */
function checkSecret(secret: unknown): void {
  const isKind = typeof secret === 'string' || secret instanceof Uint8Array
  if (!isKind || (typeof secret === 'string' ? toUtf8(secret) : secret).length < 32)
    throw refused('secret', 'be a string or bytes, at least 32 bytes long')
}

function checkIntrospection(introspection: VerifierIntrospection): void {
  const options = checkOptions<VerifierIntrospection, VerifierIntrospection>(
    introspection,
    introspectionRules,
  )
  for (const [name, rule] of Object.entries(introspectionRules))
    checkValue(`introspection.${name}`, {
      value: options[name as keyof VerifierIntrospection],
      rule,
    })
}
