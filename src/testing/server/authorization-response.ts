import { useAll } from '../faults/board.ts'
import { callbackFaults } from '../faults/callbacks.ts'
import type { Context } from './context.ts'
import { redirect } from './http.ts'
import type { Problem, Reply } from './http.ts'
import type { AuthorizationRequest, BrowserSession, ReturnAddress } from './sessions.ts'

export function answerWithCode(
  context: Context,
  { request, session }: { request: AuthorizationRequest; session: BrowserSession },
): Reply {
  if (request.pushed?.used) {
    const problem = { error: 'invalid_request_uri', description: 'the request_uri was used before' }
    return answer(context, { ...request, problem })
  }
  const code = context.grants.issueCode({
    grant: {
      clientId: request.client.clientId,
      user: session.user,
      scope: request.scope,
      resources: request.resources,
      authorizationDetails: request.authorizationDetails,
      sid: session.sid,
      authTime: session.authTime,
      nonce: request.nonce,
      acr: session.acr,
      jkt: undefined,
      refreshableUntil: undefined,
      revoked: undefined,
    },
    redirectUri: request.redirectUri,
    challenge: request.challenge,
    jkt: request.jkt,
  })
  return answer(context, { ...request, code })
}

/** The authorization response, `iss` included in errors too (RFC 9207). */
export function answer(
  context: Context,
  response: ReturnAddress &
    Partial<Pick<AuthorizationRequest, 'pushed'>> &
    ({ code: string } | { problem: Problem }),
): Reply {
  if (response.pushed) response.pushed.used = true
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
