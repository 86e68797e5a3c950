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
  /** Only those for this API, by the audience of its tokens. Default: every API. */
  api?: string
}

/** Which requests a transport fault hits. `on` and `api` are for the path `/token` only. */
export interface At extends On {
  /** As in `requestsTo`: relative to the issuer or the API, such as `/token` or `/orders`. */
  path: string
  /** In capitals. Default: every method but a CORS preflight. */
  method?: string
}

/** Whose answer has its body changed. Default path: `/token`. */
export interface Spoiled extends On {
  /** As in {@link At}. */
  path?: string
}

/** Changes parameters or claims: `set` replaces, `remove` removes. */
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

/** How a JWT is signed: correctly (`key`), not at all, with a key or an algorithm that must not be trusted; or encrypted with a key that nobody has. */
export type Seal = (typeof seals)[number]

/** Every fault of the server, and its options. */
export interface FaultOptions {
  // The connection. A request that is not processed changes nothing on the server.
  /** Answers with this instead of processing the request. */
  respond: At & { status?: number; body?: unknown; headers?: Record<string, string> }
  /** The connection breaks before the request is processed. */
  'network-error': At
  /** The request is processed, a refresh token rotated, and the answer lost. */
  'drop-response': At
  /** Never answers. The request is processed only with `processed: true`. */
  hang: At & { processed?: boolean }
  /** The answer comes late, by the server's clock. */
  'slow-headers': At & { milliseconds?: number }
  /** The body comes in pieces of ten bytes, each late by the server's clock. */
  'slow-body': At & { milliseconds?: number }
  /** The body never ends. */
  'infinite-body': At
  /** 503 or 429 with Retry-After, not processed. `retryAfter` is seconds or any text. */
  'try-later': At & { status?: 429 | 503; retryAfter?: number | string }
  /** Answers with a redirect instead of processing the request, by default to another origin. Default path: `/token`. */
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
  /** An error instead of the code. */
  'callback-error': Times & { error?: string; description?: string; uri?: string }
  'callback-error-duplicate': Times
  'callback-access-token': Times
  'callback-id-token': Times
  /** Anything else: `append` adds a parameter even when it is there. */
  'callback-parameters': Times & Patch & { append?: readonly (readonly [string, string])[] }

  // The pages, in a popup or a hidden frame.
  /** The pages do not send Cross-Origin-Opener-Policy, so a popup keeps its opener. */
  'no-coop': Times & { path?: string }
  /** `prompt=none` is answered by the login page, which no frame may show. */
  'silent-page': Times
  /** `prompt=none` is never answered. */
  'silent-hangs': Times

  // Pushed authorization requests (RFC 9126).
  /** The request is accepted, but has expired when the user's browser arrives with its `request_uri`. */
  'par-expired': Times
  /** Answers 200 where 201 is required. */
  'par-200': Times
  /** Refuses without processing the request. Default: `400 invalid_request`. `retryAfter` is seconds or any text. */
  'par-status': Times & { status?: number; error?: string; retryAfter?: number | string }

  // The ID token.
  /** `alg` can be spelled differently, such as NoNe. */
  'id-token-alg-none': On & { alg?: string }
  /** HS256, with the public key (PEM) as the secret. */
  'id-token-alg-hs256': On
  /** A correct signature by a published key, with another algorithm than the metadata say. */
  'id-token-alg-other': On
  'id-token-bad-signature': On
  /** Signed with an unknown key, which the header offers as jwk, jku and x5u. */
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
  /** This client and another audience; `azp` is this client unless given. */
  'id-token-aud-extra': On & { audience?: string; azp?: string }
  /** This client alone, in an array. That is allowed. */
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
  /** Changes any claim. */
  'id-token-claims': On & Patch

  // Logout tokens (Back-Channel Logout 1.0 §2.4).
  'logout-token-alg-none': Times
  /** A correct signature by a published key, with another algorithm than the metadata say. */
  'logout-token-alg-other': Times
  'logout-token-bad-signature': Times
  'logout-token-typ': Times & { typ?: string }
  'logout-token-iss-wrong': Times & { iss?: string }
  'logout-token-aud-wrong': Times & { aud?: unknown }
  'logout-token-events-missing': Times
  'logout-token-events-wrong': Times & { events?: unknown }
  /** A nonce, as ID tokens have. */
  'logout-token-nonce': Times & { nonce?: unknown }
  /** Changes any claim, such as `{ remove: ['sid'] }`. */
  'logout-token-claims': Times & Patch

  // Introspection (RFC 7662).
  /** Changes members, such as `{ set: { active: 'true' } }`. */
  'introspection-members': Times & Patch
  /** Changes claims of access tokens that are JWTs. */
  'access-token-claims': On & Patch

  // DPoP (RFC 9449).
  /** Demands another nonce whatever the proof has. */
  'dpop-nonce-for-ever': Times & { path?: string }
  /** Each answer brings a new nonce, and no other one is accepted any more. */
  'dpop-nonce-rotates': Times & { path?: string }
  /** Access-Control-Expose-Headers lacks DPoP-Nonce, so `fetch` hides the nonce. */
  'dpop-nonce-hidden': Times & { path?: string }
  /** The proof is ignored: the access token is bound to no key, and its type is Bearer. */
  'dpop-bearer-answer': On

  // The token response.
  /** Refuses as real servers do, without processing the request. Default: `400 invalid_grant`. */
  'token-refused': On & { as?: TokenRefusal }
  /** Without `value`, `token_type` is missing. */
  'token-type': On & { value?: unknown }
  /** Swaps upper and lower case: bEARER. */
  'token-type-inverted-case': On
  /** Without `value`, `expires_in` is missing; `raw` is written into the JSON as it is, such as NaN. */
  'expires-in': On & { value?: unknown; raw?: string }
  'no-access-token': On
  /** A server with rotation no longer accepts the old one either; a server that sends none on purpose has the option `rotation: false`. */
  'no-refresh-token': On
  /** A member `resource` that names another API. */
  'other-resource': On & { resource?: string }
  'granted-scope': On & { scope?: string }
  /** Status 200 with nothing but an `error` member. */
  'error-200': On & { error?: string }
  /** Members named __proto__ and constructor. */
  'proto-member': On
  /** `access_token` twice, the correct one last unless `goodOne` is `'first'`. */
  'duplicate-member': On & { goodOne?: 'first' | 'last' }
  'token-members': On & Patch

  // Bodies. The request is processed, then its answer is changed.
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
  /** Valid JSON with this many bytes of padding. Default: 5 MiB. */
  'huge-body': Spoiled & { bytes?: number }

  // Keys, metadata, time.
  /** New keys just before the next ID token is signed; the old ones are no longer published. */
  'key-rotation': On
  'jwks-error': Times & { status?: number }
  /** The keys in the key set. */
  'jwks-keys': Times & { keys: readonly unknown[] }
  /** Seconds the server's clock is ahead; negative for behind. */
  'clock-offset': { seconds: number }
  /** Replaces members of the metadata; `undefined` removes one. */
  metadata: Times & { patch: Record<string, unknown> }
  /** Replaces members of an API's metadata (RFC 9728); `undefined` removes one. */
  'resource-metadata': Times & { patch: Record<string, unknown> }

  // A server or API that is careless.
  /** Accepts requests without a challenge, and any verifier. */
  'ignore-pkce': Times
  /** 401 for every token. `challenge` is the WWW-Authenticate header, several of them, or false for none. */
  'api-401': Times & { path?: string; challenge?: string | readonly string[] | false }
  /** The API asks for a stronger sign-in (RFC 9470) whatever the token has; with `scope`, for more scope. Default: `acrValues: 'mfa'`. */
  'insufficient-for-ever': Times & {
    path?: string
    acrValues?: string
    maxAge?: number
    scope?: string
  }
  /** Access-Control-Expose-Headers lacks WWW-Authenticate, so `fetch` hides the challenge. */
  'challenge-hidden': Times & { path?: string }
  'user-info-claims': Times & Patch
  /** Answers with a JWT, also without the option `userInfoAlg`. `seal` says how it is signed, `header` replaces members of its header. */
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

/** What faults are matched with: where a request went and, for token requests, at which step. */
export interface Circumstances {
  path?: string
  method?: string
  on?: 'sign-in' | 'refresh' | undefined
  api?: string | undefined
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
