import { checkOptions, signal, url } from '../check-options.ts'
import { PkceClientError } from '../errors.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { Credentials } from '../api/credentials.ts'
import type { Credential } from '../api/scheme.ts'
import type { WaitOptions } from '../auth-client.ts'
import type { Rules } from '../check-options.ts'
import type { UserInfo } from '../protocol/user-info.ts'

/** What `getAccessToken()` can be told. */
export interface AccessTokenOptions extends WaitOptions {
  /** A URL the token is for; it must be listed, as for `fetch`. `wss:` counts as `https:`. */
  for?: string | URL | undefined
  /** Seconds the token must still be valid for. Where tokens do not live that long, one refreshed within the last ten seconds will do. */
  minValidity?: number | undefined
}

const waitRules: Rules<WaitOptions> = { signal }

const accessTokenRules: Rules<AccessTokenOptions> = {
  signal,
  for: url,
  minValidity: [
    (value: number) => Number.isFinite(value) && value >= 0,
    'a number of seconds, not negative',
  ],
}

/** What can be done with the tokens of one session. */
export interface TokenSource {
  credentials: Credentials
  /** What the token for a URL is asked for with. Throws `resource_not_allowed`. */
  askFor: (target: string | URL) => string
  /** The user's claims at the server; `undefined` when it does not accept the token. */
  userInfo: (credential: Credential) => Promise<UserInfo | undefined>
}

export async function accessToken(
  { credentials, askFor }: Omit<TokenSource, 'userInfo'>,
  given: AccessTokenOptions,
): Promise<string> {
  const { for: target, signal, minValidity } = checkOptions(given, accessTokenRules)
  const ask = () => (target === undefined ? undefined : askFor(target))
  const { token } = await credentials.obtain({ ask: ask(), signal, minValidity })
  // The server's endpoints may have become known only now.
  ask()
  return token
}

export function refreshNow(
  { credentials }: Pick<TokenSource, 'credentials'>,
  options: WaitOptions,
): Promise<void> {
  return credentials.refresh(checkOptions(options, waitRules).signal)
}

export async function userInfo(
  { credentials, userInfo: request }: Omit<TokenSource, 'askFor'>,
  options: WaitOptions,
): Promise<UserInfo> {
  const { signal } = checkOptions(options, waitRules)
  const ask = (credential: Credential) => unlessAborted(request(credential), signal)
  const credential = await credentials.obtain({ signal })
  let found = await ask(credential)
  if (!found) {
    const another = await credentials.renew(credential, { signal, invalidToken: true })
    found = another && (await ask(another))
  }
  if (found) return found
  throw new PkceClientError(
    'server_error',
    'The userinfo endpoint does not accept the access token.',
  )
}
