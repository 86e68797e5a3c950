import { secureUrl } from '../api/resources.ts'
import { callable, checkOptions, checkValue, text } from '../check-options.ts'
import { publicClient } from '../protocol/client-authentication.ts'
import { refreshAtBackEnd } from '../protocol/back-end.ts'
import { defineCapability } from './define-capability.ts'
import type { Rules } from '../check-options.ts'
import type { CapabilityParts } from '../compose/hooks.ts'
import type { GrantAnswer, RefreshableSession } from '../protocol/token-set.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { Capability } from './capability.ts'

/** Options of {@link backEndRefresh}. */
export interface BackEndRefreshOptions {
  /** Where the back end gives out access tokens: an https URL, or a path of the origin of `redirectUri`. */
  url: string
  /** Headers of each request, such as one against forged requests (CSRF). */
  headers?: (() => Record<string, string>) | undefined
}

const rules: Rules<BackEndRefreshOptions> = { url: text, headers: callable }

/**
 * Makes the capability that gets new access tokens from a back end of yours, which keeps the refresh token and knows the user
 * by a cookie. With `memoryStore()`, `start()` asks it as well, so that a page which is reloaded stays signed in and no token
 * is stored anywhere. Throws `invalid_option`.
 */
export function backEndRefresh(given: BackEndRefreshOptions): Capability {
  const { headers = () => ({}), ...options } = checkOptions(given, rules)
  checkValue('url', { value: options.url, rule: text })
  return defineCapability({
    name: 'backEndRefresh()',
    hooks(parts) {
      const isUrl = (value: string) => secureUrl(value, parts.options.redirectUri)
      const rule = [isUrl, "an https URL or a path of your app's origin"] as const
      checkValue('url', { value: options.url, rule })
      const url = isUrl(options.url)!.href
      const grant = (session: RefreshableSession) => refresh(parts, { session, url, headers })
      return {
        grant: (session, ask) => grant({ ...session, ask }),
        canRefresh: () => true,
        recover: (keeper) => recover(parts, keeper, grant),
      }
    },
  })
}

async function refresh(
  { options, ports, transport, server }: CapabilityParts,
  {
    session,
    ...backEnd
  }: { session: RefreshableSession; url: string; headers: () => Record<string, string> },
): Promise<GrantAnswer> {
  const { clientId, key } = options
  const { clock, lock } = ports
  const at = {
    clientId,
    transport,
    clock,
    clientAuthentication: publicClient(),
    tokenType: 'Bearer' as const,
    server: await server(),
  }
  // All tabs share the cookie, whatever their stores: a back end that rotates its refresh token sees two at once as theft.
  return lock.request(`${key}|back-end`, {}, () => refreshAtBackEnd(at, { session, backEnd }))
}

/** A session of the user whom the back end knows, where the page keeps none itself. */
async function recover(
  { options, ports, server, emit }: CapabilityParts,
  keeper: SessionKeeper,
  grant: (session: RefreshableSession) => Promise<GrantAnswer>,
): Promise<void> {
  if (!ports.store.volatile || keeper.latest()) return
  const {
    scope,
    asks: [ask],
  } = options
  const at = await server()
  const answer = await grant({ tokenEndpoint: at.token_endpoint, ask })
  if (answer.kind === 'granted')
    await keeper.begin(answer.tokens, { server: at, scope, ask, since: undefined })
  else if (answer.kind !== 'refused') emit('refresh-failed', { error: answer.error })
}
