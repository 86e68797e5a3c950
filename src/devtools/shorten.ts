import type { StepValue, ValueKind, ValuePlace } from './steps.ts'

/** What names of parameters and members stand for, when they are values that can be followed. */
const kinds: Readonly<Record<string, ValueKind>> = {
  code_verifier: 'pkce',
  code_challenge: 'pkce',
  state: 'state',
  nonce: 'nonce',
  code: 'code',
  access_token: 'access',
  refresh_token: 'refresh',
  id_token: 'id',
  id_token_hint: 'id',
}

/** Names whose whole values may be kept: nothing can be opened with them. Whatever is not listed is shortened. */
const open = new Set(
  [
    'response_type response_mode client_id redirect_uri scope code_challenge code_challenge_method prompt display',
    'acr_values max_age ui_locales resource audience authorization_details dpop_jkt claims login_hint domain_hint organization',
    'grant_type token_type token_type_hint expires_in refresh_expires_in iss error error_description error_uri',
    'post_logout_redirect_uri client_name application_type token_endpoint_auth_method grant_types response_types redirect_uris',
    'sub aud exp iat nbf azp auth_time acr amr sid typ alg kid ver tid htm htu ath at_hash c_hash s_hash name given_name family_name',
    'nickname preferred_username email email_verified picture locale zoneinfo updated_at profile website phone_number',
    'retry-after content-type www-authenticate realm status reason message expiresIn stale kind data keys returnTo',
    'issuer authorization_endpoint token_endpoint jwks_uri userinfo_endpoint revocation_endpoint end_session_endpoint',
    'pushed_authorization_request_endpoint introspection_endpoint registration_endpoint authorization_servers resource_name',
  ].flatMap((line) => line.split(' ')),
)

const longest = 300

/** A few characters of a value that nobody may have. */
export function shorten(value: string): string {
  return value.length < 20 ? '…' : `${value.slice(0, 3)}…${value.slice(-2)}`
}

/** 32 bits by FNV-1a: enough to see which values are equal, and too little to say anything about a random one. */
export function fingerprint(value: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < value.length; index++)
    hash = Math.imul(hash ^ value.charCodeAt(index), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** Words of others, without anything that may be a token: a run of 20 characters or more that has a digit. */
export function withoutTokens(text: string): string {
  return text.slice(0, longest).replace(/[\w~+/=.-]{20,}/g, (run) =>
    run
      .split('/')
      .map((part) => (part.length < 20 || !/\d/.test(part) ? part : shorten(part)))
      .join('/'),
  )
}

/** The header and the payload of a JWT, without the signature; `undefined` when it is none. */
export function readJwt(
  token: string,
): { header: Record<string, unknown>; payload: Record<string, unknown> } | undefined {
  const [header, payload, ...rest] = token.split('.')
  if (rest.length !== 1 || header === undefined || payload === undefined) return undefined
  try {
    return { header: decode(header), payload: decode(payload) }
  } catch {
    return undefined
  }
}

function decode(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(new TextDecoder().decode(fromBase64Url(part)))
  if (typeof value !== 'object' || value === null) throw new TypeError('This is no JSON object.')
  return { ...value }
}

/** Throws when it is none. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** A value as it may be kept. */
export function toValue(name: string, value: unknown, place: ValuePlace): StepValue {
  const text =
    typeof value === 'string' ? value : ((JSON.stringify(value) as string | undefined) ?? '')
  const kind = kinds[name]
  const shown = open.has(name) ? openText(name, text) : shortText(text)
  return {
    name: name.slice(0, 100),
    text: shown,
    place,
    ...(kind && { kind }),
    ...((kind ?? !open.has(name)) && text && { fingerprint: fingerprint(text) }),
  }
}

/** The words of a server may have tokens in them; a challenge, an address or a scope is what it is. */
function openText(name: string, text: string): string {
  return name.startsWith('error') || name === 'message' || name === 'www-authenticate'
    ? withoutTokens(text)
    : text.slice(0, longest)
}

function shortText(text: string): string {
  const jwt = readJwt(text)
  if (!jwt) return shorten(text)
  const part = (value: Record<string, unknown>) =>
    JSON.stringify(Object.fromEntries(Object.entries(value).map(shortClaim)))
  return `${part(jwt.header)} ${part(jwt.payload)} (signature left out)`
}

function shortClaim([name, value]: [string, unknown]): [string, unknown] {
  if (open.has(name) || typeof value === 'number' || typeof value === 'boolean')
    return [name, typeof value === 'string' ? value.slice(0, longest) : value]
  // The public key of a DPoP proof.
  if (name === 'jwk') return [name, '…']
  return [name, shorten(typeof value === 'string' ? value : JSON.stringify(value))]
}
