import { isPkceClientError, PkceClientError } from '../../errors.ts'
import { verifyLogoutToken } from '../../protocol/logout-token.ts'
import { json } from '../answers.ts'
import { sha256 } from '../bytes.ts'
import type { Clock } from '../../clock.ts'
import type { KeySet } from '../../protocol/key-set.ts'
import type { ServerMetadata } from '../../protocol/server.ts'
import type { EmitServerEvent } from '../events.ts'
import type { ResolvedServerOptions } from '../options.ts'
import type { Sessions } from '../sessions.ts'
import type { SessionStore } from '../store/session-store.ts'

interface LogoutParts {
  options: Pick<ResolvedServerOptions, 'clientId' | 'basePath'>
  server: () => Promise<ServerMetadata>
  keys: KeySet
  sessions: Sessions
  store: SessionStore
  clock: Clock
  emit: EmitServerEvent
}

const longestBody = 65_536
/** Milliseconds for which a token could be played again: it is refused when it is older than five minutes. */
const replayable = 900_000

/** Ends the sessions that the authorization server says have ended (OpenID Connect Back-Channel Logout §2). */
export function createBackChannelLogoutEndpoint(parts: LogoutParts) {
  const { options, keys, sessions, store, clock, emit } = parts

  async function readToken(request: Request): Promise<string> {
    const length = Number(request.headers.get('content-length') ?? 0)
    const body = length > longestBody ? '' : (await request.text()).slice(0, longestBody)
    return new URLSearchParams(body).get('logout_token') ?? ''
  }

  async function logOut(request: Request): Promise<Response> {
    const { clientId } = options
    const token = await readToken(request)
    const server = await parts.server()
    const { jti, sid, sub } = await verifyLogoutToken(token, { server, clientId, keys, clock })
    const key = `jti|${await sha256(jti)}`
    if (!(await store.add(key, '1', { ttl: replayable }))) throw replayed()
    try {
      await sessions.endAll(sid === undefined ? { sub: sub! } : { sid })
    } catch (error) {
      // The server tries again, with the same token.
      await store.remove(key).catch(() => {})
      throw error
    }
    return new Response(null, { status: 200, headers: { 'cache-control': 'no-store' } })
  }

  return async (request: Request): Promise<Response> => {
    try {
      return await logOut(request)
    } catch (error) {
      if (!isPkceClientError(error) || error.code !== 'logout_token_invalid') throw error
      emit('request-refused', { error, path: `${options.basePath}/backchannel-logout` })
      return json({ error: 'invalid_request', error_description: error.message }, 400)
    }
  }
}

const replayed = () =>
  new PkceClientError('logout_token_invalid', 'The logout token was used before.')
