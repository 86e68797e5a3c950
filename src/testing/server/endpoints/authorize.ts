import { comparable } from '../authorization-details.ts'
import { invalid, readRequest, returnAddress } from '../authorization-request.ts'
import type { Refusal } from '../authorization-request.ts'
import { answer, answerWithCode } from '../authorization-response.ts'
import { endpoint, findClient, seconds } from '../context.ts'
import type { Context, Visit } from '../context.ts'
import { browserCookie, cookie, sessionCookie } from '../cookies.ts'
import { randomToken } from '../encoding.ts'
import { parametersOf, readCookie, withHeader } from '../http.ts'
import type { Outcome, Parameters, Reply } from '../http.ts'
import { consentPage, errorPage, loginPage, secondFactorPage } from '../pages.ts'
import type { User } from '../options.ts'
import { requestUriPrefix } from '../pushed-requests.ts'
import { interactionLifetime } from '../sessions.ts'
import type { AuthorizationRequest, BrowserSession, Interaction } from '../sessions.ts'

/** GET or POST /authorize: validate, then ask the person what needs asking, then answer by redirect. */
export async function authorize(visit: Visit): Promise<Outcome> {
  const { context } = visit
  const request = findRequest(context, parametersOf(visit.call))
  if ('problem' in request) {
    const { problem, address } = request
    return address ? answer(context, { ...address, problem }) : errorPage(problem.description)
  }
  const session = await hintedSession(visit, request)
  if (!request.prompts.includes('none')) return ask(visit, { request, session })
  if (context.faults.use('silent-hangs')) return 'silence'
  if (context.faults.use('silent-page')) return ask(visit, { request, session: undefined })
  return answerSilently(context, { request, session })
}

/** The request itself, or the one that was pushed before. */
function findRequest(context: Context, parameters: Parameters): AuthorizationRequest | Refusal {
  if (parameters.get('request_uri')?.startsWith(requestUriPrefix)) {
    return findPushed(context, parameters)
  }
  if (findClient(context, parameters.get('client_id'))?.requirePushedRequests) {
    const problem = invalid('this client must push its authorization requests')
    return { problem, address: returnAddress(context, parameters) }
  }
  return readRequest(context, parameters)
}

/** RFC 9126 §4: nothing but `client_id` and `request_uri` is looked at. */
function findPushed(context: Context, parameters: Parameters): AuthorizationRequest | Refusal {
  const [clientId, otherClient] = parameters.all('client_id')
  const [requestUri, otherUri] = parameters.all('request_uri')
  const pushed = context.pushedRequests.find(requestUri!)
  const refuse = (description: string, address?: AuthorizationRequest): Refusal => ({
    problem: { error: 'invalid_request_uri', description },
    address,
  })
  if (otherClient !== undefined || otherUri !== undefined) {
    return refuse('client_id or request_uri was sent twice')
  }
  if (pushed?.request.client.clientId !== clientId) {
    return refuse('the request_uri is unknown, or another client pushed it')
  }
  const { request, expiresAt } = pushed!
  if (context.now() >= expiresAt || context.faults.use('par-expired')) {
    return refuse('the request_uri has expired', request)
  }
  return request.pushed.used ? refuse('the request_uri was used before', request) : request
}

async function hintedSession(
  { context, call }: Visit,
  { idTokenHint }: AuthorizationRequest,
): Promise<BrowserSession | undefined> {
  const session = context.sessions.find(readCookie(call, sessionCookie(context)))
  if (idTokenHint === undefined) return session
  const hinted = (await context.keys.verify(idTokenHint))?.claims['sub']
  return session?.user.sub === hinted ? session : undefined
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
  if (needsSecondFactor({ request, session })) {
    const problem = { error: 'interaction_required', description: 'a second factor is needed' }
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
  return !context.sessions.consented(session.user, consentFor(request))
}

/** What a person agrees to: scopes, and exactly these authorization details. */
export function consentFor(request: AuthorizationRequest): {
  clientId: string
  scope: readonly string[]
} {
  const { client, scope, authorizationDetails } = request
  const details = authorizationDetails.map(comparable)
  return { clientId: client.clientId, scope: [...scope, ...details] }
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
  if (needsSecondFactor(interaction)) return showSecondFactor(context, interaction)
  if (needsConsent(context, interaction)) {
    return consentPage(interaction, {
      action: endpoint(context, '/consent'),
      issuer: context.place.issuer,
    })
  }
  interaction.answered = true
  return answerWithCode(context, { request, session })
}

/** Whether the user still has to show the second factor that the app asked for. */
export function needsSecondFactor({
  request,
  session,
}: Pick<Interaction, 'request' | 'session'>): boolean {
  return request.acr === 'mfa' && session?.acr === 'pwd'
}

export function showSecondFactor(
  context: Context,
  interaction: Interaction,
  problem?: string,
): Reply {
  const { issuer, listens } = context.place
  const code = codeOf(interaction.session!.user)
  return secondFactorPage(interaction, {
    action: endpoint(context, '/second_factor'),
    issuer,
    testCode: listens ? code : undefined,
    problem,
  })
}

export const codeOf = (user: User): string => user.oneTimeCode ?? '123456'

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
