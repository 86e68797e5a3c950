import { isPkceClientError, PkceClientError } from '../errors.ts'
import { errorJson, errorPage, pageInBetween, redirectTo, statusOf, wantsHtml } from './pages.ts'
import type { ResolvedServerOptions } from './options.ts'

interface AnswersOptions {
  options: Pick<ResolvedServerOptions, 'cookie' | 'onError' | 'basePath'>
  reportError: (error: unknown) => void
}

export type Answers = ReturnType<typeof createAnswers>

/** What visitors get to see. */
export function createAnswers({ options, reportError }: AnswersOptions) {
  const { cookie, onError, basePath } = options

  async function plain(
    error: PkceClientError,
    { request, status }: { request: Request; status: number },
  ): Promise<Response> {
    if (onError) return onError(error, request)
    if (!wantsHtml(request)) return errorJson(error, status)
    return errorPage({ error, status, signInUrl: `${basePath}/login` })
  }

  return {
    /** On to a page of this app. A strict cookie is not sent there when another site has led here, unless a page of ours is in between. */
    onTo: (url: string): Response =>
      cookie.sameSite === 'strict' ? pageInBetween(url) : redirectTo(url),

    redirectTo,
    pageInBetween,

    /** Never rejects: what is not an error of ours is a mistake, of the app's functions or of this package. */
    async failure(caught: unknown, request: Request, given?: number): Promise<Response> {
      const isOurs = isPkceClientError(caught)
      if (!isOurs) reportError(caught)
      const error = isOurs ? caught : unexpected(caught)
      // `server_error` would blame the authorization server.
      const status = given ?? (isOurs ? statusOf(error) : 500)
      try {
        return await plain(error, { request, status })
      } catch (mistake) {
        reportError(mistake)
        return errorJson(error, status)
      }
    },
  }
}

const unexpected = (cause: unknown) =>
  new PkceClientError('server_error', 'Something went wrong in this app; its log says what.', {
    cause,
  })

export function json(body: object, status = 200): Response {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'x-content-type-options': 'nosniff', vary: 'Cookie' },
  })
}

/** The same answer, which sets these cookies as well. */
export function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
