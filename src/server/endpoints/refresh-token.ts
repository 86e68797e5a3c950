import { isPkceClientError } from '../../errors.ts'
import { json } from '../answers.ts'
import type { Clock } from '../../clock.ts'
import type { Keeper } from '../keepers.ts'
import type { Sessions } from '../sessions.ts'
import type { Visitor } from '../visitor.ts'
import { expiryOf } from '../../session/record.ts'

/** Seconds. Whoever asks needs another token than the one it has; one of the last ten seconds is. */
const alwaysAnother = 1e9

interface RefreshParts {
  sessions: Sessions
  clock: Clock
}

/** Gives scripts of the app an access token that is valid now (RFC 10017 §6.2). The refresh token never leaves the store. */
export function createRefreshTokenEndpoint({ sessions, clock }: RefreshParts) {
  async function freshToken({ credentials, session }: Keeper): Promise<Response> {
    const { token } = await credentials.obtain({ minValidity: alwaysAnother })
    const record = session.current()
    const expiry = record ? expiryOf(record) : Infinity
    const seconds = Math.max(0, Math.floor((expiry - clock.now()) / 1000))
    const expires = Number.isFinite(seconds) ? { expires_in: seconds } : {}
    const data = { access_token: token, token_type: 'Bearer', ...expires }
    return json({ status: 'success', code: 200, data })
  }

  return async (visitor: Visitor | undefined): Promise<Response> => {
    if (!visitor) return refused('Refresh token missing.')
    try {
      return await sessions.open(visitor.key, freshToken)
    } catch (error) {
      const isOver =
        isPkceClientError(error) && (error.sessionEnded || error.code === 'sign_in_required')
      if (isOver) return refused('Invalid refresh token.')
      throw error
    }
  }
}

const refused = (message: string): Response => json({ status: 'error', code: 401, message }, 401)
