import { isPkceClientError, PkceClientError } from '../../errors.ts'
import { checkCallback, readCallback } from '../../protocol/callback.ts'
import { exchangeCode } from '../../protocol/token.ts'
import { safeReturnTo } from '../../sign-in/return-to.ts'
import { withCookies } from '../answers.ts'
import { randomToken } from '../bytes.ts'
import { throwFailure } from '../sessions.ts'
import { sessionKeyOf } from '../visitor.ts'
import type { OAuthClient } from '../../protocol/client-authentication.ts'
import type { ServerMetadata } from '../../protocol/server.ts'
import type { TokenSet } from '../../protocol/token-set.ts'
import type { Answers } from '../answers.ts'
import type { Cookies } from '../cookies.ts'
import type { Arrival, Departure, Departures } from '../departures.ts'
import type { EmitServerEvent } from '../events.ts'
import type { Guard } from '../guard.ts'
import type { Keeper } from '../keepers.ts'
import type { ResolvedServerOptions } from '../options.ts'
import type { Sessions } from '../sessions.ts'
import type { Visitor, Visitors } from '../visitor.ts'

interface CallbackParts {
  options: ResolvedServerOptions
  client: Omit<OAuthClient, 'server'>
  server: () => Promise<ServerMetadata>
  departures: Departures
  visitors: Visitors
  sessions: Sessions
  cookies: Cookies
  guard: Guard
  answers: Answers
  /** Revokes tokens that nobody will use. Never rejects. */
  discard: (tokens: TokenSet, server: ServerMetadata) => Promise<void>
  emit: EmitServerEvent
}

interface Beginning {
  departure: Departure
  parameters: URLSearchParams
  /** The session's key was made for it. */
  isNew: boolean
}

/** The way back from the authorization server: from an answer to a session and its cookie. */
export function createCallbackEndpoint(parts: CallbackParts) {
  const { options, client, departures, visitors, sessions, cookies, guard, answers, emit } = parts
  const { origin } = options
  const home = `${origin}/`

  async function isSignedIn(visitor: Visitor | undefined): Promise<boolean> {
    if (!visitor) return false
    return sessions.open(visitor.key, ({ session }) => session.current() !== undefined)
  }

  /** An answer to no sign-in that this browser is known to have begun, or whose sign-in is over. */
  async function withoutDeparture(
    request: Request,
    { url, visitor, error }: { url: string; visitor: Visitor | undefined; error: PkceClientError },
  ): Promise<Response> {
    // Safari may have withheld the cookie on the way here. Loaded by a page of ours, the same URL gets it.
    if (error.code === 'transaction_not_found' && guard.isCrossSite(request))
      return answers.pageInBetween(url)
    // A reload, or the Back button.
    if (await isSignedIn(visitor)) return answers.onTo(home)
    throw error
  }

  async function tokensFor(
    departure: Departure,
    parameters: URLSearchParams,
  ): Promise<{ tokens: TokenSet; server: ServerMetadata }> {
    const { clientId, redirectUri, accept } = options
    const server = await parts.server()
    const checked = checkCallback(server, { clientId, state: departure.state, parameters })
    const exchange = { ...departure, redirectUri, parameters: checked }
    const tokens = await exchangeCode({ ...client, server }, exchange)
    if (!accept || (tokens.claims && (await accept(tokens.claims)))) return { tokens, server }
    void parts.discard(tokens, server)
    throw new PkceClientError(
      'authorization_denied',
      'You are signed in at the server, but this account may not use this app.',
    )
  }

  async function begin(key: string, { departure, parameters, isNew }: Beginning): Promise<void> {
    const { tokens, server } = await tokensFor(departure, parameters)
    const { scope, ask } = departure
    const work = async (keeper: Keeper) => {
      const since = keeper.session.latest()
      await keeper.session.begin(tokens, { server, scope, ask, since })
      try {
        throwFailure(keeper)
      } catch (error) {
        void parts.discard(tokens, server)
        throw error
      }
      const { sid: id, claims } = keeper.session.latest()!
      emit('signed-in', { id, subject: claims?.sub })
    }
    await sessions.open(key, work, { isNew })
  }

  async function arrive(
    departure: Departure,
    { parameters, visitor }: { parameters: URLSearchParams; visitor: Visitor | undefined },
  ): Promise<Arrival> {
    const { under } = departure
    const returnTo = safeReturnTo(departure.returnTo, origin) ?? home
    // Another person's session may have taken its place meanwhile, or somebody has planted one.
    if (options.owner ? visitor?.key !== under : visitor && under && visitor.key !== under)
      throw new PkceClientError(
        'callback_invalid',
        'This sign-in was begun under another session; sign in again.',
      )
    if (options.owner) {
      await begin(under!, { departure, parameters, isNew: false })
      return { returnTo }
    }
    const cookie = randomToken()
    await begin(await sessionKeyOf(cookie), { departure, parameters, isNew: true })
    // The one before has ended, whether or not its cookie came along.
    for (const key of new Set([under, visitor?.key]))
      if (key) await sessions.end(key, 'signed-out').catch(() => {})
    return { cookie, returnTo }
  }

  async function finish(
    request: Request,
    { url, state }: { url: URL; state: string },
  ): Promise<Response> {
    const visitor = await visitors.of(request)
    const departure = await departures.find(request, state)
    if (!departure) return withoutDeparture(request, { url: url.href, visitor, error: notFound() })
    try {
      const parameters = url.searchParams
      const arrival = await departures.finish(state, () =>
        arrive(departure, { parameters, visitor }),
      )
      const { cookie, returnTo } = arrival
      return withCookies(answers.onTo(returnTo), cookie ? [cookies.setSession(cookie)] : [])
    } catch (caught) {
      if (!isPkceClientError(caught)) throw caught
      if (caught.code === 'transaction_consumed')
        return await withoutDeparture(request, { url: url.href, visitor, error: caught })
      throw caught
    }
  }

  return async (request: Request, url: URL): Promise<Response> => {
    const answer = readCallback(url, () => true)
    let response: Response
    try {
      if (!answer) throw invalid('it has no state')
      if (!answer.isAnswer) throw invalid('it has neither a code nor an error')
      if (answer.problem) throw invalid(answer.problem)
      response = await finish(request, { url, state: answer.state })
    } catch (caught) {
      if (isPkceClientError(caught)) emit('sign-in-failed', { error: caught })
      response = await answers.failure(caught, request)
      // Then the answer is not used up, and loading the page again may help.
      if (isPkceClientError(caught) && caught.code === 'storage_unavailable') return response
    }
    // Also when it failed: no sign-in is finished twice. The page in between loads the same URL again, and needs no cookie.
    return answer ? withCookies(response, [await departures.clear(answer.state)]) : response
  }
}

const notFound = () =>
  new PkceClientError(
    'transaction_not_found',
    'This answer is to a sign-in begun in another browser, or over an hour ago; sign in again.',
  )

const invalid = (problem: string) =>
  new PkceClientError(
    'callback_invalid',
    `This is not an answer to a sign-in of this app: ${problem}.`,
  )
