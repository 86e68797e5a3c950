import { accessToken, refreshNow, userInfo } from '../compose/token-methods.ts'
import type { Credential, Fetch } from '../api/scheme.ts'
import type { WaitOptions } from '../auth-client.ts'
import type { AccessTokenOptions } from '../compose/token-methods.ts'
import type { UserInfo } from '../protocol/user-info.ts'
import type { SignedInSession, SignedOutSession } from '../session/state.ts'
import type { Keeper, Keepers } from './keepers.ts'

/** The session of one request, or of one account, as it was when it was read. */
export type ServerSession = SignedOutSession | SignedInServerSession

/** A user is signed in, and this is what can be done for them. */
export interface SignedInServerSession extends SignedInSession {
  /** Names the session, and is not secret: the key for what an app keeps beside it. New at each sign-in. */
  readonly id: string
  /** What unsafe requests of the app's own pages must bring, in the header `x-csrf-token` or the form field `csrf_token`. */
  readonly csrfToken: string
  /**
   * Fetches from a listed resource with the user's access token, which is refreshed when it is due, and once after a 401
   * (RFC 6750). Bound. Rejects with `resource_not_allowed`, `session_ended`, `sign_in_required`, `step_up_required`, a failure
   * of the refresh (`network`, `timeout`, `server_error`, `rate_limited`, `storage_unavailable`), and with what the request
   * itself rejects with.
   */
  readonly fetch: Fetch
  /** Resolves to an access token that is valid now, refreshed first if need be. Rejects as `fetch` does, and with `invalid_option`. */
  readonly getAccessToken: (options?: AccessTokenOptions) => Promise<string>
  /** Refreshes the tokens now (RFC 6749 §6). Resolves to the session afterwards. Rejects as `fetch` does. */
  readonly refresh: (options?: WaitOptions) => Promise<ServerSession>
  /** Asks the server about the user (OpenID Connect Core §5.3). Rejects as `fetch` does. */
  readonly getUserInfo: (options?: WaitOptions) => Promise<UserInfo>
}

interface SessionParts {
  keepers: Keepers
  requestUserInfo: (credential: Credential) => Promise<UserInfo | undefined>
}

/** Makes what an app gets of a session. It is a copy of the moment; its methods work on the session as it is then. */
export function createServerSessions({ keepers, requestUserInfo }: SessionParts) {
  function sessionOf(keeper: Keeper, csrfToken: string): ServerSession {
    const state = keeper.session.state()
    if (state.status !== 'signed-in') return state as SignedOutSession
    const { key } = keeper
    const use = <T>(work: (current: Keeper) => Promise<T>): Promise<T> =>
      keepers.use(key, work, keeper)
    return Object.freeze<SignedInServerSession>({
      ...state,
      id: keeper.session.latest()!.sid,
      csrfToken,
      fetch: (input, init) => use(({ fetch }) => fetch(input, init)),
      getAccessToken: async (options = {}) => use((current) => accessToken(current, options)),
      getUserInfo: async (options = {}) =>
        use(({ credentials }) => userInfo({ credentials, userInfo: requestUserInfo }, options)),
      refresh: async (options = {}) =>
        use(async (current) => {
          await refreshNow(current, options)
          return sessionOf(current, csrfToken)
        }),
    })
  }

  return { sessionOf }
}
