import { validateAuthResponse } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { isTenantOf } from './id-token.ts'
import { translateError } from './translate-error.ts'
import type { ServerMetadata } from './server.ts'

/** A URL that carries a state of one client. */
export interface Callback {
  state: string
  /** It is an answer to a sign-in, or claims to be. */
  isAnswer: boolean
  /** Why nothing in it can be used. */
  problem?: string | undefined
}

const tokens = ['access_token', 'id_token', 'refresh_token']
const once = ['state', 'code', 'iss', 'error', 'error_description', 'error_uri']
/** What no app has in its own addresses. */
const answerParameters = /* @__PURE__ */ once.concat(tokens, [
  'token_type',
  'expires_in',
  'session_state',
  'response',
])
/** What Google and Entra add to their answers; an app may have registered it in its redirect URI. */
const addedParameters = ['scope', 'authuser', 'hd', 'prompt', 'client_info']

/** Errors registered for authorization responses: RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2, RFC 9396 §5. */
const registeredErrors = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'interaction_required',
  'login_required',
  'account_selection_required',
  'consent_required',
  'invalid_request_uri',
  'invalid_request_object',
  'request_not_supported',
  'request_uri_not_supported',
  'registration_not_supported',
  'unmet_authentication_requirements',
  'invalid_target',
  'invalid_authorization_details',
]

const fragmentOf = ({ hash }: URL) => new URLSearchParams(hash.slice(1))

/** Reads a URL as an authorization response (RFC 6749 §4.1.2), without believing it yet; `undefined` when it has no state of ours. */
export function readCallback(url: URL, isOurs: (state: string) => boolean): Callback | undefined {
  const [query, fragment] = [url.searchParams, fragmentOf(url)]
  const state = [...query.getAll('state'), ...fragment.getAll('state')].find(isOurs)
  if (state === undefined) return undefined
  const isAnswer = query.has('code') || query.has('error')
  let problem: string | undefined
  if (tokens.some((name) => query.get(name) || fragment.get(name))) problem = 'it carries a token'
  else if (fragment.get('code')) problem = 'the code is in the fragment'
  else if (once.some((name) => query.getAll(name).length > 1)) problem = 'a parameter appears twice'
  else if (isAnswer && !query.get('code') && !query.get('error')) problem = 'the code is empty'
  return { state, isAnswer: isAnswer || problem !== undefined, problem }
}

/** The error of a URL that says one and has no state at all, as some servers answer; only a registered one counts. */
export function readStatelessError(url: URL): string | undefined {
  const [query, fragment] = [url.searchParams, fragmentOf(url)]
  if (query.has('state') || fragment.has('state')) return undefined
  return registeredErrors.find((error) => error === query.get('error'))
}

/** The URL without the parameters of the answer. The path and what others have put there stay exactly as they are. */
export function withoutAnswer(
  { origin, pathname, search, hash }: URL,
  redirectUri: string,
): string {
  const own = new URL(redirectUri).searchParams
  const isOthers = (name: string) =>
    !answerParameters.includes(name) && (!addedParameters.includes(name) || own.has(name))
  const fragment = /[#&](?:code|state|access_token|id_token|refresh_token)=/.test(hash)
    ? filterParameters(hash, isOthers)
    : hash
  return origin + pathname + filterParameters(search, isOthers) + fragment
}

function filterParameters(part: string, isKept: (name: string) => boolean): string {
  const kept = part
    .slice(1)
    .split('&')
    .filter((pair) => pair && isKept(nameOf(pair)))
  return kept.length > 0 ? part.charAt(0) + kept.join('&') : ''
}

function nameOf(pair: string): string {
  const name = pair.split('=', 1)[0]!
  return name.includes('%') ? (new URLSearchParams(name).keys().next().value ?? '') : name
}

/**
 * Checks an authorization response against the server and state it must be from (RFC 9207 §2.4), before anything in it
 * counts, an error included. Throws `issuer_mismatch`, `authorization_denied` or `callback_invalid`.
 */
export function checkCallback(
  server: ServerMetadata,
  { clientId, state, parameters }: { clientId: string; state: string; parameters: URLSearchParams },
): URLSearchParams {
  const iss = parameters.get('iss')
  // Which tenant it is, only the ID token will tell; the exchange compares the two.
  const issuer = iss !== null && isTenantOf(server.issuer, iss) ? iss : server.issuer
  if (iss === null ? server.authorization_response_iss_parameter_supported : iss !== issuer) {
    throw new PkceClientError(
      'issuer_mismatch',
      `The answer is not from ${server.issuer}: its iss parameter is ${iss === null ? 'missing' : 'another'}.`,
    )
  }
  try {
    return validateAuthResponse({ ...server, issuer }, { client_id: clientId }, parameters, state)
  } catch (error) {
    throw translateError(error, ['callback_invalid', 'The answer cannot be used'])
  }
}
