import { validateAuthResponse } from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { translateError } from './translate-error.ts'
import type { ServerMetadata } from './server.ts'

/** What a URL means to one client. */
export type Callback =
  | { kind: 'none' }
  | { kind: 'invalid'; state: string | undefined; problem: string }
  | { kind: 'answer'; state: string; parameters: URLSearchParams }

const answerParameters = ['state', 'code', 'iss', 'error', 'error_description', 'error_uri']

/** Reads a URL as an authorization response (RFC 6749 §4.1.2), without believing it yet. */
export function readCallback(url: URL, isOurs: (state: string) => boolean): Callback {
  const query = url.searchParams
  const fragment = new URLSearchParams(url.hash.slice(1))
  const states = [...query.getAll('state'), ...fragment.getAll('state')].filter(Boolean)
  if (states.length > 0 && !states.some(isOurs)) return { kind: 'none' }
  const state = states.find(isOurs)
  const invalid = (problem: string): Callback => ({ kind: 'invalid', state, problem })
  for (const name of ['access_token', 'id_token', 'refresh_token']) {
    if (query.has(name) || fragment.has(name)) return invalid('it carries a token')
  }
  if (fragment.has('code')) return invalid('the code is in the fragment')
  if (state === undefined) return query.has('error') ? invalid('it has no state') : { kind: 'none' }
  if (!query.has('code') && !query.has('error')) return { kind: 'none' }
  for (const name of answerParameters) {
    if (query.getAll(name).length > 1) return invalid(`${name} appears more than once`)
  }
  if (!query.get('error') && !query.get('code')) return invalid('code is empty')
  return { kind: 'answer', state, parameters: query }
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
  if (
    iss === null ? server.authorization_response_iss_parameter_supported : iss !== server.issuer
  ) {
    throw new PkceClientError(
      'issuer_mismatch',
      `The answer is not from ${server.issuer}: its iss parameter is ${iss === null ? 'missing' : 'another'}.`,
    )
  }
  try {
    return validateAuthResponse(server, { client_id: clientId }, parameters, state)
  } catch (error) {
    throw translateError(error, ['callback_invalid', 'The answer cannot be used'])
  }
}
