import { checkOptions } from '../../check-options.ts'
import { endSessionUrl, revokeInTime } from '../../sign-in/end-session.ts'
import { signOutRules } from '../../sign-in/sign-out-options.ts'
import { json, withCookies } from '../answers.ts'
import { wantsHtml } from '../pages.ts'
import type { Clock } from '../../clock.ts'
import type { ServerMetadata } from '../../protocol/server.ts'
import type { SessionRecord } from '../../session/record.ts'
import type { SignOutOptions } from '../../sign-in/sign-out-options.ts'
import type { Answers } from '../answers.ts'
import type { Cookies } from '../cookies.ts'
import type { ResolvedServerOptions } from '../options.ts'
import type { Sessions } from '../sessions.ts'
import type { Visitor } from '../visitor.ts'

interface SignOutParts {
  options: ResolvedServerOptions
  sessions: Sessions
  cookies: Cookies
  answers: Answers
  clock: Clock
  /** The server as the session knows it, else as it is discovered. */
  serverOf: (record: SessionRecord | undefined) => Promise<ServerMetadata>
  revoke: (token: string, server: ServerMetadata) => Promise<void>
}

/** Ends the session here first, and then at the authorization server. */
export function createSignOutEndpoint(parts: SignOutParts) {
  const { options, sessions, cookies, answers, clock, serverOf, revoke } = parts
  const { clientId, metadata } = options

  async function wayOut(
    record: SessionRecord | undefined,
    choices: SignOutOptions,
  ): Promise<string> {
    const uri = choices.postSignOutRedirectUri ?? options.postSignOutRedirectUri
    if (!record) return uri
    // The user is signed out here in any case.
    const at = await serverOf(record).catch(() => undefined)
    if (at && choices.revoke !== false)
      await revokeInTime(record, { clock, revoke: (token) => revoke(token, at) })
    const endpoint = metadata.end_session_endpoint ?? at?.end_session_endpoint
    if (!endpoint || choices.redirect === false) return uri
    return endSessionUrl(endpoint, { choices, clientId, uri, idToken: record.idToken })
  }

  return async (
    request: Request,
    { visitor, ...given }: { visitor: Visitor | undefined } & SignOutOptions,
  ): Promise<Response> => {
    const choices = checkOptions(given, signOutRules)
    const record = visitor && (await sessions.end(visitor.key, 'signed-out'))
    const location = await wayOut(record, choices)
    const response = wantsHtml(request) ? answers.redirectTo(location) : json({ location })
    return withCookies(response, options.owner ? [] : [cookies.clearSession()])
  }
}
