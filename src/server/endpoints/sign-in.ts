import { PkceClientError } from '../../errors.ts'
import {
  authorizationUrl,
  createCodeVerifier,
  createNonce,
  createState,
} from '../../protocol/authorization.ts'
import { pushRequest } from '../../protocol/pushed-request.ts'
import { checkParams } from '../../sign-in/params.ts'
import { safeReturnTo } from '../../sign-in/return-to.ts'
import { json, withCookies } from '../answers.ts'
import type { OAuthClient } from '../../protocol/client-authentication.ts'
import type { ServerMetadata } from '../../protocol/server.ts'
import type { SignInParams } from '../../sign-in/params.ts'
import type { Answers } from '../answers.ts'
import type { Departures } from '../departures.ts'
import type { EmitServerEvent } from '../events.ts'
import type { Guard } from '../guard.ts'
import type { ResolvedServerOptions } from '../options.ts'
import type { Visitors } from '../visitor.ts'

/** What one sign-in at a back end may ask for beyond the client's options. */
export type ServerSignInParams = Omit<
  SignInParams,
  'redirectUri' | 'navigator' | 'signal' | 'appState'
>

interface SignInParts {
  options: ResolvedServerOptions
  client: Omit<OAuthClient, 'server'>
  server: () => Promise<ServerMetadata>
  departures: Departures
  visitors: Visitors
  guard: Guard
  answers: Answers
  emit: EmitServerEvent
}

/** Query parameters of the route, and what they are called in code. */
const names = {
  prompt: 'prompt',
  login_hint: 'loginHint',
  acr_values: 'acrValues',
  max_age: 'maxAge',
  scope: 'scope',
  ui_locales: 'uiLocales',
} as const

export type SignInEndpoint = ReturnType<typeof createSignInEndpoint>

/** The way to the authorization server. */
export function createSignInEndpoint(parts: SignInParts) {
  const { options, client, departures, visitors, guard, answers, emit } = parts
  const { origin, basePath, clientId } = options
  const loginPath = `${basePath}/login`

  async function redirect(request: Request, given: ServerSignInParams): Promise<Response> {
    const { redirectUri } = options
    const { scope, ask, parameters, resource, maxAge, ...params } = checkParams(given, options)
    const visitor = await visitors.of(request)
    if (options.owner && !visitor) throw nobody()
    const server = await parts.server()
    const secrets = { state: createState(), nonce: createNonce(), verifier: createCodeVerifier() }
    const facts = { clientId, redirectUri, scope, parameters }
    const plain = await authorizationUrl(server, { ...facts, ...secrets })
    const url = server.require_pushed_authorization_requests
      ? await pushRequest(plain, { ...client, server })
      : plain
    const returnTo = safeReturnTo(params.returnTo, origin) ?? `${origin}/`
    const cookies = await departures.begin(request, {
      ...secrets,
      scope,
      ask,
      resource,
      maxAge,
      returnTo,
      createdAt: client.clock.now(),
      under: visitor?.key,
    })
    emit('sign-in-started', { returnTo })
    return withCookies(answers.redirectTo(url.href), cookies)
  }

  function refuse(): Response {
    const message = 'Nobody is signed in; go to location to sign in.'
    return json({ error: 'sign_in_required', message, location: loginPath }, 401)
  }

  return {
    /**
     * Sends the user to the server. Only a navigation can go there: a script is told that it must, so that no image or prefetch
     * fills the browser with sign-ins.
     */
    signIn(request: Request, params: ServerSignInParams): Promise<Response> | Response {
      if (guard.isNavigation(request)) return redirect(request, params)
      return refuse()
    },

    refuse,

    /** What the route is asked for. From another site it can only be to sign in, and where to go then. */
    readParams(request: Request, query: URLSearchParams): ServerSignInParams {
      const params: Record<string, unknown> = { returnTo: query.get('returnTo') ?? undefined }
      if (guard.isCrossSite(request)) return params
      for (const [name, member] of Object.entries(names)) {
        const value = query.get(name)
        if (value) params[member] = member === 'maxAge' ? Number(value) : value
      }
      return params
    },
  }
}

const nobody = () =>
  new PkceClientError(
    'sign_in_required',
    'The option owner knows nobody for this request; sign in to the app first.',
  )
