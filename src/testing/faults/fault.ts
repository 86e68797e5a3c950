import type { TokenRefusal } from './refusals.ts'

/** For how many answers a fault lasts. Default: until it is switched off. */
export interface Times {
  /** How many answers. */
  times?: number
}

/** Which token responses a fault hits. Default: those of sign-ins and of refreshes. */
export interface On extends Times {
  /** Default: both. */
  on?: 'sign-in' | 'refresh'
}

/** Which requests a transport fault hits. `on` is for the path `/token` only. */
export interface At extends On {
  /** As in `requestsTo`: relative to the issuer or the API, such as `/token` or `/orders`. */
  path: string
  /** In capitals. Default: every method but a CORS preflight. */
  method?: string
}

/** An answer whose body is spoiled. Path default: `/token`. */
export interface Spoiled extends On {
  /** As in {@link At}. */
  path?: string
}

/** Parameters or claims changed: `set` replaces, `remove` takes away. */
export interface Patch {
  /** New values by name. */
  set?: Record<string, unknown>
  /** Names. */
  remove?: readonly string[]
}

export const seals = [
  'key',
  'none',
  'broken',
  'other-key',
  'foreign-key',
  'public-key-as-secret',
  'encrypted',
] as const

/** How a JWT is sealed: well; unsigned; by a key or an algorithm that is not to be trusted; or encrypted, for nobody. */
export type Seal = (typeof seals)[number]

/** Every misbehaviour the server knows, and what can be said about it. */
export interface FaultOptions {
  // The connection. A request that is not processed changes nothing on the server.
  /** Answers with this instead of processing the request. */
  respond: At & { status?: number; body?: unknown; headers?: Record<string, string> }
  /** The connection breaks before the request is processed. */
  'network-error': At
  /** The request is processed, a refresh token rotated, and the answer lost. */
  'drop-response': At
  /** Never answers. The request is processed only when told so. */
  hang: At & { processed?: boolean }
  /** The answer comes late, by the server's clock. */
  'slow-headers': At & { milliseconds?: number }
  /** The body comes in pieces of ten bytes, each late by the server's clock. */
  'slow-body': At & { milliseconds?: number }
  /** The body never ends. */
  'infinite-body': At
  /** 503 or 429 with Retry-After, not processed. `retryAfter` is seconds or any text. */
  'try-later': At & { status?: 429 | 503; retryAfter?: number | string }
  /** A redirect to another origin in place of the answer, not processed. Path default: `/token`. */
  'redirect-token': Times & { path?: string; status?: 301 | 302 | 303 | 307 | 308; to?: string }
  /** No CORS headers: a browser hides the answer, and so does the server's own `fetch`. */
  'no-cors': Times & { path?: string }
  /** No Access-Control-Expose-Headers: `fetch` hides every header that is not safe-listed. */
  'no-expose-headers': Times & { path?: string }

  // The authorization response.
  'callback-iss-missing': Times
  'callback-iss-wrong': Times & { iss?: string }
  'callback-iss-empty': Times
  'callback-iss-duplicate': Times & { iss?: string }
  'callback-state-missing': Times
  'callback-state-wrong': Times & { state?: string }
  'callback-state-empty': Times
  'callback-state-duplicate': Times & { state?: string }
  'callback-code-missing': Times
  'callback-code-empty': Times
  'callback-code-wrong': Times & { code?: string }
  'callback-code-duplicate': Times & { code?: string }
  'callback-code-in-fragment': Times
  /** An error beside the code. */
  'callback-error-and-code': Times & { error?: string }
  /** An error in place of the code. */
  'callback-error': Times & { error?: string; description?: string; uri?: string }
  'callback-error-duplicate': Times
  'callback-access-token': Times
  'callback-id-token': Times
  /** Anything else: `append` adds a parameter even when it is there. */
  'callback-parameters': Times & Patch & { append?: readonly (readonly [string, string])[] }

  // The ID token.
  /** `alg` may be spelled otherwise, such as NoNe. */
  'id-token-alg-none': On & { alg?: string }
  /** HS256, keyed with the text of the public key. */
  'id-token-alg-hs256': On
  /** A good signature, by a published key, with another algorithm than usual. */
  'id-token-alg-other': On
  'id-token-bad-signature': On
  /** Signed by a stranger, whose key the header offers as jwk, jku and x5u. */
  'id-token-foreign-key': On
  'id-token-unknown-kid': On
  'id-token-no-kid': On
  'id-token-crit': On
  'id-token-typ': On & { typ?: string }
  'id-token-missing': On
  'id-token-garbage': On & { value?: unknown }
  'id-token-iss-missing': On
  'id-token-iss-wrong': On & { iss?: string }
  'id-token-aud-missing': On
  'id-token-aud-wrong': On & { aud?: unknown }
  /** The client and a stranger. */
  'id-token-aud-extra': On & { audience?: string; azp?: string }
  /** The client alone, in an array, which is right. */
  'id-token-aud-array': On
  'id-token-azp-wrong': On & { azp?: string }
  'id-token-exp-missing': On
  'id-token-exp-past': On & { seconds?: number }
  'id-token-iat-missing': On
  'id-token-iat-past': On & { seconds?: number }
  'id-token-iat-future': On & { seconds?: number }
  'id-token-nonce-missing': On
  'id-token-nonce-wrong': On & { nonce?: unknown }
  'id-token-nonce-empty': On
  'id-token-nonce-array': On
  'id-token-sub-missing': On
  'id-token-sub-empty': On
  'id-token-sub-number': On
  'id-token-sub-wrong': On & { sub?: string }
  'id-token-auth-time-missing': On
  'id-token-auth-time-old': On & { seconds?: number }
  'id-token-auth-time-future': On & { seconds?: number }
  'id-token-at-hash-wrong': On
  /** Any claim. */
  'id-token-claims': On & Patch

  // The token response.
  /** Refuses in the words of one server or another, without processing the request. Default: `400 invalid_grant`. */
  'token-refused': On & { as?: TokenRefusal }
  /** `value` left out takes `token_type` away. */
  'token-type': On & { value?: unknown }
  /** DPoP, bEARER and so on are spelled by `token-type`; this one swaps the case of what is there. */
  'token-type-inverted-case': On
  /** `value` left out takes `expires_in` away; `raw` is written into the JSON as it is, such as NaN. */
  'expires-in': On & { value?: unknown; raw?: string }
  'no-access-token': On
  /** A rotating server spends the old one all the same; `rotation: false` is the honest way to send none. */
  'no-refresh-token': On
  'granted-scope': On & { scope?: string }
  /** 200 with an `error` member beside nothing else. */
  'error-200': On & { error?: string }
  /** Members named __proto__ and constructor. */
  'proto-member': On
  /** `access_token` twice, the good one last unless told otherwise. */
  'duplicate-member': On & { goodOne?: 'first' | 'last' }
  'token-members': On & Patch

  // Bodies. The request is processed, then its answer spoiled.
  bom: Spoiled
  'html-200': Spoiled
  'html-502': Spoiled
  'empty-200': Spoiled
  'no-content': Spoiled
  'json-array': Spoiled
  'json-null': Spoiled
  'json-string': Spoiled
  'truncated-json': Spoiled
  'wrong-content-type': Spoiled & { contentType?: string }
  /** Good JSON with this many bytes of padding. Default: 5 MiB. */
  'huge-body': Spoiled & { bytes?: number }

  // Keys, metadata, time.
  /** New keys just before the next ID token is signed, the old ones gone. */
  'key-rotation': On
  'jwks-error': Times & { status?: number }
  /** Which keys the key set claims to have. */
  'jwks-keys': Times & { keys: readonly unknown[] }
  /** Seconds the server's clock is ahead; negative for behind. */
  'clock-offset': { seconds: number }
  /** Members of the metadata replaced; `undefined` takes one away. */
  metadata: Times & { patch: Record<string, unknown> }

  // A server or API that is careless.
  /** A downgraded server: takes requests without a challenge and any verifier. */
  'ignore-pkce': Times
  /** 401 whatever the token. `challenge` is the WWW-Authenticate header, several, or none at all. */
  'api-401': Times & { path?: string; challenge?: string | readonly string[] | false }
  'user-info-claims': Times & Patch
  /** A JWT, be it without the option `userInfoAlg`; sealed in a way that a client must refuse, or with other header members. */
  'user-info-jwt': Times & { seal?: Seal; header?: Record<string, unknown> }
  'end-session-state-missing': Times
  'end-session-state-wrong': Times & { state?: string }
}

/** The names {@link AuthServer.fault} takes; {@link FaultOptions} tells what each one does. */
export type FaultName = keyof FaultOptions

/** The options of a fault, which may be left out when none is required. */
export type FaultArguments<Name extends FaultName> =
  Partial<FaultOptions[Name]> extends FaultOptions[Name]
    ? [options?: FaultOptions[Name]]
    : [options: FaultOptions[Name]]

/** What is wrong with one request: where it went and, for token requests, in which step. */
export interface Circumstances {
  path?: string
  method?: string
  on?: 'sign-in' | 'refresh' | undefined
}

export interface FaultBoard {
  turnOn<Name extends FaultName>(name: Name, options: FaultOptions[Name]): () => void
  clear(): void
  /** The options of the first such fault that fits, used up by one, or `undefined`. */
  use<Name extends FaultName>(
    name: Name,
    circumstances?: Circumstances,
  ): FaultOptions[Name] | undefined
  /** The same without using it up. */
  see<Name extends FaultName>(
    name: Name,
    circumstances?: Circumstances,
  ): FaultOptions[Name] | undefined
}
