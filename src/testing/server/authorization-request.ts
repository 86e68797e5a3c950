import { readTargets } from './apis.ts'
import { readDetails } from './authorization-details.ts'
import type { AuthorizationDetail } from './authorization-details.ts'
import type { RegisteredClient } from './client-registration.ts'
import { findClient, isRegisteredUri, notRegistered, shorten } from './context.ts'
import type { Context } from './context.ts'
import { fromBase64url } from './encoding.ts'
import type { Parameters, Problem } from './http.ts'
import type { Acr, AuthorizationRequest, ReturnAddress } from './sessions.ts'

export const supportedAcr = ['pwd', 'mfa'] as const
export const knownPrompts = ['none', 'login', 'consent', 'select_account']

/** What is wrong with an authorization request, and who is to be told: nobody but the person without an address. */
export interface Refusal {
  problem: Problem
  address: ReturnAddress | undefined
}

/** Validates the parameters of an authorization request, wherever they came from. */
export function readRequest(
  context: Context,
  parameters: Parameters,
): AuthorizationRequest | Refusal {
  const client = findClient(context, parameters.get('client_id'))
  const redirectUri = parameters.get('redirect_uri')
  const details = readDetails(
    parameters.get('authorization_details'),
    context.settings.authorizationDetailsTypes,
  )
  const targets = readTargets(context, parameters)
  const problem =
    checkBasics(context, parameters) ??
    checkScope(client!, parameters) ??
    checkRest(parameters) ??
    ('error' in targets ? targets : checkDetails(details))
  if (problem) return { problem, address: returnAddress(context, parameters) }
  const maxAge = parameters.get('max_age')
  const acrValues = parameters.get('acr_values')?.split(' ') ?? []
  return {
    client: client!,
    redirectUri: redirectUri!,
    scope: scopeOf(parameters),
    state: parameters.get('state'),
    nonce: parameters.get('nonce'),
    challenge: parameters.get('code_challenge'),
    jkt: parameters.get('dpop_jkt'),
    resources: targets as string[],
    authorizationDetails: details as readonly AuthorizationDetail[],
    prompts: parameters.get('prompt')?.split(' ') ?? [],
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: parameters.get('login_hint'),
    idTokenHint: parameters.get('id_token_hint'),
    acr: acrValues.map(knownAcr).find((acr) => acr !== undefined) ?? 'pwd',
    pushed: undefined,
  }
}

const knownAcr = (value: string): Acr | undefined => supportedAcr.find((acr) => acr === value)

export function returnAddress(context: Context, parameters: Parameters): ReturnAddress | undefined {
  const client = findClient(context, parameters.get('client_id'))
  const redirectUri = parameters.get('redirect_uri')
  if (parameters.all('client_id').length > 1 || parameters.all('redirect_uri').length > 1) {
    return undefined
  }
  if (!client || !redirectUri || !isRegisteredUri(redirectUri, client.redirectUris)) {
    return undefined
  }
  return { redirectUri, state: parameters.get('state') }
}

export const invalid = (description: string): Problem => ({ error: 'invalid_request', description })

/** In this order: response type, client, redirect URI, challenge method, challenge. */
function checkBasics(context: Context, parameters: Parameters): Problem | undefined {
  const responseType = parameters.get('response_type')
  if (parameters.duplicate)
    return invalid(`the parameter ${nameable(parameters.duplicate)} was sent twice`)
  if (!responseType) return invalid('the response type is missing')
  if (responseType !== 'code') {
    return {
      error: 'unsupported_response_type',
      description: 'wrong response type, only code allowed',
    }
  }
  const client = findClient(context, parameters.get('client_id'))
  if (!client) return invalid(unknownClient(context, parameters.get('client_id')))
  const redirectUri = parameters.get('redirect_uri')
  if (!redirectUri || !isRegisteredUri(redirectUri, client.redirectUris)) {
    return invalid(notRegistered(`redirect URI ${redirectUri ?? '(none)'}`, client.redirectUris))
  }
  return context.faults.use('ignore-pkce') ? undefined : checkChallenge(parameters)
}

/** Only ever on the error page or in JSON, so it may say more than an `error_description` of a redirect. */
function unknownClient(context: Context, clientId = '(none)'): string {
  const known = context.settings.clients.map((client) => client.clientId)
  return `unknown client ${shorten(clientId)}; known are ${known.join(', ')}`
}

function checkChallenge(parameters: Parameters): Problem | undefined {
  const challenge = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method')
  if ((challenge ?? method) !== undefined && method !== 'S256') {
    return invalid('invalid code challenge method, only S256 allowed')
  }
  return challenge && isHash(challenge) ? undefined : invalid('invalid code challenge')
}

/** SHA-256 in base64url, or left out. */
function isHash(text: string | undefined): boolean {
  if (text === undefined) return true
  return text.length === 43 && fromBase64url(text)?.length === 32
}

function checkScope(client: RegisteredClient, parameters: Parameters): Problem | undefined {
  if (!client.grantTypes.includes('authorization_code')) {
    return { error: 'unauthorized_client', description: 'this client may not use the code flow' }
  }
  const scope = scopeOf(parameters)
  const strange = scope.find((entry) => !client.scopes.includes(entry))
  if (scope.length > 0 && strange === undefined) return undefined
  const description =
    strange === undefined
      ? 'the scope is missing'
      : `the scope ${nameable(strange)} is unknown or not for this client`
  return { error: 'invalid_scope', description }
}

/** What the server does not offer, and what has only a few right values. */
function checkRest(parameters: Parameters): Problem | undefined {
  const { get } = parameters
  const prompts = get('prompt')?.split(' ') ?? []
  if (get('request'))
    return { error: 'request_not_supported', description: 'request objects are not supported' }
  if (get('request_uri')) {
    return { error: 'request_uri_not_supported', description: 'request objects are not supported' }
  }
  if (get('registration')) {
    return {
      error: 'registration_not_supported',
      description: 'registration by request is not supported',
    }
  }
  if ((get('response_mode') ?? 'query') !== 'query')
    return invalid('the only response mode is query')
  if (prompts.some((prompt) => !knownPrompts.includes(prompt))) return invalid('unknown prompt')
  if (prompts.includes('none') && prompts.length > 1)
    return invalid('prompt none cannot be combined with others')
  if (!isHash(get('dpop_jkt'))) return invalid('dpop_jkt is not a SHA-256 thumbprint')
  if (!/^\d{1,9}$/.test(get('max_age') ?? '0')) return invalid('max_age is a number of seconds')
  return undefined
}

function checkDetails(details: readonly AuthorizationDetail[] | string): Problem | undefined {
  if (typeof details !== 'string') return undefined
  return { error: 'invalid_authorization_details', description: details }
}

function scopeOf(parameters: Parameters): string[] {
  return [...new Set(parameters.get('scope')?.split(' ').filter(Boolean))]
}

/** An error description takes no character that RFC 6749 §4.1.2.1 leaves out. */
function nameable(name: string): string {
  return /^[\w:./-]{1,40}$/.test(name) ? name : 'with a strange name'
}
