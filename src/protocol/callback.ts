import { validateAuthResponse } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { isTenantOf } from './id-token.ts'
import { translateError } from './translate-error.ts'
import type { ServerMetadata } from './server.ts'

/** A URL that concerns one client. */
export interface Callback {
  state?: string | undefined
  /** It is an answer to a sign-in, or claims to be. */
  isAnswer: boolean
  /** Why nothing in it can be used. */
  problem?: string | undefined
}

/** Reads a URL as an authorization response (RFC 6749 §4.1.2), without believing it yet; `undefined` when it is none of ours. */
export function readCallback(
  { searchParams: query, hash }: URL,
  isOurs: (state: string) => boolean,
): Callback | undefined {
  const fragment = new URLSearchParams(hash.slice(1))
  const states = [query, fragment].flatMap((part) => part.getAll('state')).filter(Boolean)
  const state = states.find(isOurs)
  if (!state && states.length > 0) return undefined
  const tokens = ['access_token', 'id_token', 'refresh_token']
  const once = ['state', 'code', 'iss', 'error', 'error_description', 'error_uri']
  const isAnswer = query.has('code') || query.has('error')
  let problem: string | undefined
  if (tokens.some((name) => query.get(name) || fragment.get(name))) problem = 'it carries a token'
  else if (fragment.get('code')) problem = 'the code is in the fragment'
  else if (!state) problem = query.has('error') ? 'it has no state' : undefined
  else if (once.some((name) => query.getAll(name).length > 1)) problem = 'a parameter appears twice'
  else if (isAnswer && !query.get('code') && !query.get('error')) problem = 'the code is empty'
  return state || problem
    ? { state, isAnswer: isAnswer || problem !== undefined, problem }
    : undefined
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
