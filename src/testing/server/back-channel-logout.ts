import { useAll } from '../faults/board.ts'
import { logoutTokenFaults } from '../faults/logout-tokens.ts'
import { findClient, seconds } from './context.ts'
import type { Context } from './context.ts'
import { randomToken } from './encoding.ts'
import { seal } from './seal.ts'
import type { Draft } from './seal.ts'
import type { BrowserSession } from './sessions.ts'

/** A logout token on its way to an app. */
export interface LogoutDelivery {
  /** Whom it was for. */
  clientId: string
  /** The logout token. */
  token: string
  /** Of the answer; 0 when there was none. */
  status: number
}

/** Ends somebody's session at the server, and what it gave to apps, and tells them. */
export async function endBrowserSession(
  context: Context,
  session: BrowserSession,
): Promise<LogoutDelivery[]> {
  const { sessions, grants, settings } = context
  const apps = grants.clientsOf((grant) => grant.sid === session.sid)
  sessions.end(session)
  grants.revokeWhere((grant) => grant.sid === session.sid, 'signed-out')
  const deliveries = apps.map(async (clientId): Promise<LogoutDelivery[]> => {
    const uri = findClient(context, clientId)?.backChannelLogoutUri
    if (uri === undefined || !settings.deliver) return []
    const token = await issueLogoutToken(context, { clientId, session })
    return [{ clientId, token, status: await post(context, { uri, token }) }]
  })
  return (await Promise.all(deliveries)).flat()
}

/** Back-Channel Logout 1.0 §2.4 */
async function issueLogoutToken(
  context: Context,
  { clientId, session }: { clientId: string; session: BrowserSession },
): Promise<string> {
  const { keys, settings, place, faults } = context
  const key = await keys.current(settings.idTokenAlg)
  const iat = seconds(context.now())
  const draft: Draft = {
    header: { alg: settings.idTokenAlg, typ: 'logout+jwt', kid: key.kid },
    claims: {
      iss: place.issuer,
      sub: session.user.sub,
      aud: clientId,
      iat,
      exp: iat + 120,
      jti: randomToken(),
      sid: session.sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    seal: 'key',
  }
  useAll(faults, { table: logoutTokenFaults, subject: draft })
  return seal(context, { draft, key })
}

/** Back-Channel Logout 1.0 §2.5 */
async function post(
  { settings }: Context,
  { uri, token }: { uri: string; token: string },
): Promise<number> {
  const body = new URLSearchParams({ logout_token: token }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  try {
    const request = new Request(uri, { method: 'POST', headers, body, redirect: 'manual' })
    return (await settings.deliver!(request))?.status ?? 404
  } catch {
    return 0
  }
}
