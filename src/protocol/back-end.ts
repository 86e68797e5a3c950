import { customFetch } from 'oauth4webapi'
import { readObject } from './answer.ts'
import { refreshTokens } from './refresh.ts'
import type { OAuthClient } from './client-authentication.ts'
import type { GrantAnswer, RefreshableSession } from './token-set.ts'

interface BackEnd {
  url: string
  headers: () => Record<string, string>
}

/**
 * Asks a back end for an access token: it keeps the refresh token, and knows the user by a cookie. Its answer is that of a
 * token endpoint (RFC 6749 §5.1), or has it as `data`. A 401 means that the session is over.
 */
export function refreshAtBackEnd(
  at: Omit<OAuthClient, 'send'>,
  { session, backEnd }: { session: RefreshableSession; backEnd: BackEnd },
): Promise<GrantAnswer> {
  const send: OAuthClient['send'] = async (what, _, extra) => {
    const headers = { ...backEnd.headers(), ...fixedHeaders }
    const options = at.transport(what, { ...extra, credentials: 'include' })
    const body = JSON.stringify(Object.fromEntries(new URLSearchParams(session.ask)))
    const init = { method: 'POST', body, headers, redirect: 'manual' } as const
    return asTokenAnswer(await options[customFetch](backEnd.url, init))
  }
  const { tokenEndpoint } = session
  return refreshTokens(
    { ...at, send, server: { ...at.server, token_endpoint: tokenEndpoint } },
    session,
  )
}

/** A form of another site can send neither of these without asking first, so that the back end can tell it from the app. */
const fixedHeaders = { 'content-type': 'application/json', 'x-requested-with': 'pkce-client' }

async function asTokenAnswer(raw: Response): Promise<Response> {
  if (raw.status === 401) return answerOf({ error: 'invalid_grant' }, raw)
  const whole = raw.clone()
  const object = (await readObject(raw)) as { data?: unknown } | undefined
  if (!object) return whole
  const answer = { ...object, ...(object.data as object | undefined) }
  // It is the back end's to keep.
  return answerOf({ ...answer, refresh_token: undefined }, raw)
}

const answerOf = (body: object, { status, headers }: Response): Response =>
  new Response(JSON.stringify(body), { status, headers })
