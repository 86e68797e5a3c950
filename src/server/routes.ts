import { isPkceClientError, PkceClientError } from '../errors.ts'
import { csrfTokenOf } from './guard.ts'
import type { SignOutOptions } from '../sign-in/sign-out-options.ts'
import type { Answers } from './answers.ts'
import type { SignInEndpoint } from './endpoints/sign-in.ts'
import type { EmitServerEvent } from './events.ts'
import type { Guard } from './guard.ts'
import type { ResolvedServerOptions } from './options.ts'
import type { Visitor, Visitors } from './visitor.ts'

type Answer = Promise<Response> | Response

interface RoutesParts {
  options: ResolvedServerOptions
  guard: Guard
  visitors: Visitors
  answers: Answers
  emit: EmitServerEvent
  endpoints: {
    signIn: SignInEndpoint
    callback: (request: Request, url: URL) => Answer
    session: (visitor: Visitor | undefined, options: { passive: boolean }) => Answer
    signOut: (request: Request, how: { visitor: Visitor | undefined } & SignOutOptions) => Answer
    refreshToken: (visitor: Visitor | undefined) => Answer
    backChannelLogout: (request: Request) => Answer
    proxy: (request: Request, visitor: Visitor | undefined) => Answer
  }
}

export type Routes = ReturnType<typeof createRoutes>

type Route = (request: Request, url: URL) => Answer

/** Which endpoint answers a request, and what it must prove first. */
export function createRoutes({ options, guard, visitors, answers, emit, endpoints }: RoutesParts) {
  const { origin, basePath, refreshEndpoint } = options
  const callbackPath = new URL(options.redirectUri).pathname

  /** The address as the app knows itself, whatever a Host header says. */
  function urlOf(request: Request): URL {
    const { pathname, search } = new URL(request.url)
    const url = new URL(origin)
    url.pathname = pathname
    url.search = search
    return url
  }

  /** Throws `csrf_rejected`, unless the request is the app's own. */
  async function check(request: Request, visitor: Visitor | undefined): Promise<void> {
    const expected = visitor ? await visitor.csrfTokens() : []
    const error = guard.check(request, { expected, given: await csrfTokenOf(request) })
    // Without a session there is nothing to protect, but the request must still come from here.
    if (error && (visitor || !guard.isOwn(request))) throw error
  }

  const guarded =
    (endpoint: (request: Request, visitor: Visitor | undefined) => Answer): Route =>
    async (request) => {
      const visitor = await visitors.of(request)
      await check(request, visitor)
      return endpoint(request, visitor)
    }

  const session: Route = async (request, { searchParams }) => {
    if (guard.isCrossSite(request)) throw crossSite(origin)
    const visitor = await visitors.of(request)
    return endpoints.session(visitor, { passive: searchParams.has('passive') })
  }

  const routes = new Map<string, Route>([
    [
      `GET ${basePath}/login`,
      async (request, { searchParams }) => {
        const { signIn, readParams } = endpoints.signIn
        try {
          return await signIn(request, readParams(request, searchParams))
        } catch (error) {
          // The query is wrong, and not the app.
          if (!isPkceClientError(error) || error.code !== 'invalid_option') throw error
          return answers.failure(error, request, 400)
        }
      },
    ],
    [`GET ${callbackPath}`, (request, url) => endpoints.callback(request, url)],
    [`GET ${basePath}/session`, session],
    [
      `POST ${basePath}/logout`,
      guarded((request, visitor) => endpoints.signOut(request, { visitor })),
    ],
    [`POST ${basePath}/backchannel-logout`, (request) => endpoints.backChannelLogout(request)],
  ])
  if (refreshEndpoint)
    routes.set(
      `POST ${basePath}/refresh_token`,
      guarded((_, visitor) => endpoints.refreshToken(visitor)),
    )
  const paths = [...new Set([...routes.keys()].map((route) => route.split(' ')[1]!))]

  /** Methods that the path takes, if it is one of ours. */
  function methodsOf(pathname: string): string[] {
    return ['GET', 'POST'].filter((method) => routes.has(`${method} ${pathname}`))
  }

  function find(request: Request, url: URL): (() => Answer) | undefined {
    const route = routes.get(`${request.method} ${url.pathname}`)
    if (route) return () => route(request, url)
    if (paths.includes(url.pathname)) return () => notAllowed(methodsOf(url.pathname))
    if (!options.targets.some(({ prefix }) => url.pathname.startsWith(prefix))) return undefined
    return async () => {
      const visitor = await visitors.of(request)
      await check(request, visitor)
      return endpoints.proxy(request, visitor)
    }
  }

  /** Every failure is an answer. */
  async function answered(request: Request, work: () => Answer): Promise<Response> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof PkceClientError && error.code === 'csrf_rejected')
        emit('request-refused', { error, path: urlOf(request).pathname })
      return answers.failure(error, request)
    }
  }

  return {
    answered,
    check,
    urlOf,

    async handle(request: Request): Promise<Response | undefined> {
      const answer = find(request, urlOf(request))
      return answer && answered(request, answer)
    },

    /** What an app's own route needs before it answers. */
    async protect(request: Request): Promise<Response | undefined> {
      const visitor = await visitors.of(request)
      const isSafe = /^(?:GET|HEAD|OPTIONS)$/.test(request.method)
      if (!isSafe) await check(request, visitor)
      const isLink = isSafe && guard.isNavigation(request) && guard.isCrossSite(request)
      const isWithheld = !visitor && !options.owner && options.cookie.sameSite === 'strict'
      return isLink && isWithheld ? answers.pageInBetween(urlOf(request).href) : undefined
    },
  }
}

const notAllowed = (methods: string[]): Response =>
  new Response(null, {
    status: 405,
    headers: { allow: methods.join(', '), 'cache-control': 'no-store' },
  })

const crossSite = (origin: string) =>
  new PkceClientError(
    'csrf_rejected',
    `Another site asked for the session; only pages of ${origin} may.`,
  )
