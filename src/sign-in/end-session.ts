import { withParameters } from '../protocol/authorization.ts'
import { longestSignOut } from '../protocol/sign-out.ts'
import type { Clock } from '../clock.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SignOutOptions } from './sign-out-options.ts'

/** Servers and proxies refuse longer ones, and the session at the server would live on. */
const longestUrl = 2000

interface EndSession {
  choices: SignOutOptions
  clientId: string
  /** Where the server sends the user afterwards. */
  uri: string | undefined
  idToken: string | undefined
  state?: string | undefined
}

/** The end-session request as a URL (RP-Initiated Logout §2). */
export function endSessionUrl(
  endpoint: string,
  { choices, clientId, uri, idToken, state }: EndSession,
): string {
  const url = withParameters(endpoint, [
    ...Object.entries(choices.extraParams ?? {}),
    ['id_token_hint', choices.idTokenHint === false ? undefined : idToken],
    ['client_id', clientId],
    ['post_logout_redirect_uri', uri],
    ['logout_hint', choices.logoutHint],
    ['ui_locales', choices.uiLocales],
    ['state', state],
  ])
  if (url.href.length > longestUrl) url.searchParams.delete('id_token_hint')
  return url.href
}

interface Revocation {
  clock: Clock
  revoke: (token: string) => Promise<void>
}

/** Revokes all tokens of a session, for as long as signing out may wait; a failure is ignored. */
export async function revokeInTime(
  { refreshToken, access }: SessionRecord,
  { clock, revoke }: Revocation,
): Promise<void> {
  const accessTokens = Object.values(access).map(({ token }) => token)
  const revokeAll = async () => {
    for (const token of [refreshToken, ...accessTokens]) if (token) await revoke(token)
  }
  let cancel!: () => void
  const tooLong = new Promise<void>((resolve) => {
    cancel = clock.setTimeout(resolve, longestSignOut)
  })
  await Promise.race([tooLong, revokeAll().catch(() => {})])
  cancel()
}
