import { callbackFaults } from '../../faults/callbacks.ts'
import {
  endpoint,
  findClient,
  isRegisteredUri,
  notRegistered,
  seconds,
  shorten,
} from '../context.ts'
import type { Context, Visit } from '../context.ts'
import { fromBase64url, randomToken } from '../encoding.ts'
import { useAll } from '../../faults/board.ts'
import { parametersOf, readCookie, redirect, withHeader } from '../http.ts'
import type { Parameters, Problem, Reply } from '../http.ts'
import type { RegisteredClient } from '../options.ts'
import { consentPage, errorPage, loginPage } from '../pages.ts'
import { interactionLifetime } from '../sessions.ts'
import type { AuthorizationRequest, BrowserSession, Interaction } from '../sessions.ts'
import { browserCookie, cookie, sessionCookie } from '../cookies.ts'

const supportedAcr = ['pwd', 'mfa']
const knownPrompts = ['none', 'login', 'consent', 'select_account']

/** Who is to be told about a problem, when client and redirect URI can be trusted. */
interface ReturnAddress {
  redirectUri: string
  state: string | undefined
}

/** GET or POST /authorize: validate, then ask the person what needs asking, then answer by redirect. */
export async function authorize(visit: Visit): Promise<Reply> {
  const { context, call } = visit
  const parameters = parametersOf(call)
  const address = returnAddress(context, parameters)
  const request = validate(context, parameters)
  if ('error' in request) {
    return address
      ? answer(context, { ...address, problem: request })
      : errorPage(request.description)
  }
  const session = context.sessions.find(readCookie(call, sessionCookie(context)))
  const hinted = await hintedSubject(context, parameters)
  if (request.prompts.includes('none')) {
    return answerSilently(context, { request, session: sameSubject(session, hinted) })
  }
  return ask(visit, { request, session: sameSubject(session, hinted) })
}

function returnAddress(context: Context, parameters: Parameters): ReturnAddress | undefined {
  const client = findClient(context, parameters.get('client_id'))
  const redirectUri = parameters.get('redirect_uri')
  if (parameters.duplicate === 'client_id' || parameters.duplicate === 'redirect_uri')
    return undefined
  if (!client || !redirectUri || !isRegisteredUri(redirectUri, client.redirectUris))
    return undefined
  return { redirectUri, state: parameters.get('state') }
}

function validate(context: Context, parameters: Parameters): AuthorizationRequest | Problem {
  const client = findClient(context, parameters.get('client_id'))
  const redirectUri = parameters.get('redirect_uri')
  const problem =
    checkBasics(context, parameters) ??
    checkScope(client!, parameters) ??
    checkRest(context, parameters)
  if (problem) return problem
  const maxAge = parameters.get('max_age')
  const acrValues = parameters.get('acr_values')?.split(' ') ?? []
  return {
    client: client!,
    redirectUri: redirectUri!,
    scope: scopeOf(parameters),
    state: parameters.get('state'),
    nonce: parameters.get('nonce'),
    challenge: parameters.get('code_challenge'),
    resources: parameters.all('resource'),
    prompts: parameters.get('prompt')?.split(' ') ?? [],
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    loginHint: parameters.get('login_hint'),
    acr: acrValues.find((value) => supportedAcr.includes(value)) ?? supportedAcr[0]!,
  }
}

const invalid = (description: string): Problem => ({ error: 'invalid_request', description })

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

/** Only ever on the error page, so it may say more than an `error_description`. */
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
  const hash = challenge?.length === 43 ? fromBase64url(challenge) : undefined
  return hash?.length === 32 ? undefined : invalid('invalid code challenge')
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
function checkRest(context: Context, parameters: Parameters): Problem | undefined {
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
  if (get('authorization_details')) {
    return {
      error: 'invalid_authorization_details',
      description: 'authorization details are not supported',
    }
  }
  if ((get('response_mode') ?? 'query') !== 'query')
    return invalid('the only response mode is query')
  if (prompts.some((prompt) => !knownPrompts.includes(prompt))) return invalid('unknown prompt')
  if (prompts.includes('none') && prompts.length > 1)
    return invalid('prompt none cannot be combined with others')
  if (!/^\d{1,9}$/.test(get('max_age') ?? '0')) return invalid('max_age is a number of seconds')
  if (!parameters.all('resource').every((resource) => isKnownResource(context, resource))) {
    return { error: 'invalid_target', description: 'unknown resource' }
  }
  return undefined
}

export function isKnownResource(context: Context, resource: string): boolean {
  return [context.place.apiUrl, ...context.settings.resources].includes(resource)
}

function scopeOf(parameters: Parameters): string[] {
  return [...new Set(parameters.get('scope')?.split(' ').filter(Boolean))]
}

/** An error description takes no character that RFC 6749 §4.1.2.1 leaves out. */
function nameable(name: string): string {
  return /^[\w:./-]{1,40}$/.test(name) ? name : 'with a strange name'
}

async function hintedSubject(context: Context, parameters: Parameters): Promise<unknown> {
  const hint = parameters.get('id_token_hint')
  if (hint === undefined) return undefined
  return (await context.keys.verify(hint))?.claims['sub'] ?? ''
}

function sameSubject(
  session: BrowserSession | undefined,
  hinted: unknown,
): BrowserSession | undefined {
  return hinted === undefined || session?.user.sub === hinted ? session : undefined
}

/** prompt=none: an answer without any page. */
function answerSilently(
  context: Context,
  { request, session }: { request: AuthorizationRequest; session: BrowserSession | undefined },
): Reply {
  if (!session || isTooOld(context, { request, session })) {
    const problem = { error: 'login_required', description: 'the user is not signed in' }
    return answer(context, { ...request, problem })
  }
  if (mustConsent(context, { request, session })) {
    const problem = { error: 'consent_required', description: 'the user has not consented yet' }
    return answer(context, { ...request, problem })
  }
  return answerWithCode(context, { request, session })
}

function isTooOld(
  context: Context,
  { request, session }: { request: AuthorizationRequest; session: BrowserSession },
): boolean {
  if (request.maxAge === undefined) return false
  return request.maxAge === 0 || seconds(context.now()) - session.authTime > request.maxAge
}

export function needsConsent(context: Context, { request, session }: Interaction): boolean {
  return session !== undefined && mustConsent(context, { request, session })
}

function mustConsent(
  context: Context,
  { request, session }: { request: AuthorizationRequest; session: BrowserSession },
): boolean {
  if (request.prompts.includes('consent')) return true
  if (request.client.kind === 'internal') return false
  const { scope, client } = request
  return !context.sessions.consented(session.user, { clientId: client.clientId, scope })
}

function ask(
  { context, call }: Visit,
  { request, session }: { request: AuthorizationRequest; session: BrowserSession | undefined },
): Reply {
  const mustSignIn =
    !session ||
    request.prompts.includes('login') ||
    request.prompts.includes('select_account') ||
    isTooOld(context, { request, session })
  const known = readCookie(call, browserCookie(context))
  const interaction: Interaction = {
    id: randomToken(),
    csrf: randomToken(),
    browser: known ?? randomToken(),
    request,
    session: mustSignIn ? undefined : session,
    expiresAt: context.now() + interactionLifetime,
    answered: false,
  }
  const next = nextStep(context, interaction)
  const browser = cookie(context, { name: browserCookie(context), value: interaction.browser })
  return known === undefined ? withHeader(next, browser) : next
}

/** The page an interaction needs next, or the answer to the app. */
export function nextStep(context: Context, interaction: Interaction): Reply {
  const { request, session } = interaction
  context.sessions.interactions.set(interaction.id, interaction)
  if (!session) return showLogin(context, interaction)
  if (needsConsent(context, interaction)) {
    return consentPage(interaction, {
      action: endpoint(context, '/consent'),
      issuer: context.place.issuer,
    })
  }
  interaction.answered = true
  return answerWithCode(context, { request, session })
}

const namedOnPage = 5

export function showLogin(
  context: Context,
  interaction: Interaction,
  failure: { problem?: string; username?: string } = {},
): Reply {
  const { issuer, listens } = context.place
  const testUsers = listens ? context.settings.users.slice(0, namedOnPage) : []
  return loginPage(interaction, {
    action: endpoint(context, '/login'),
    issuer,
    testUsers,
    ...failure,
  })
}

export function answerWithCode(
  context: Context,
  { request, session }: { request: AuthorizationRequest; session: BrowserSession },
): Reply {
  const code = context.grants.issueCode({
    grant: {
      clientId: request.client.clientId,
      user: session.user,
      scope: request.scope,
      resources: request.resources,
      sid: session.sid,
      authTime: session.authTime,
      nonce: request.nonce,
      acr: request.acr,
      refreshableUntil: undefined,
      revoked: undefined,
    },
    redirectUri: request.redirectUri,
    challenge: request.challenge,
  })
  return answer(context, { ...request, code })
}

/** The authorization response, `iss` included in errors too (RFC 9207). */
export function answer(
  context: Context,
  response: ReturnAddress & ({ code: string } | { problem: Problem }),
): Reply {
  const callback = new URL(response.redirectUri)
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined) callback.searchParams.append(name, value)
  }
  if ('code' in response) put('code', response.code)
  else {
    put('error', response.problem.error)
    put('error_description', response.problem.description)
  }
  put('state', response.state)
  put('iss', context.place.issuer)
  useAll(context.faults, { table: callbackFaults, subject: callback })
  return redirect(callback.href)
}
