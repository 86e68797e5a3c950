import { secureUrl } from '../api/resources.ts'
import { checkOptions, checkValue, object, text } from '../check-options.ts'
import { issuer as issuerRule, redirectUri } from '../options.ts'
import { requestRegistration } from '../protocol/registration.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { createRequests, withRequestRules } from './requests.ts'
import type { Rules } from '../check-options.ts'
import type { RequestOptions } from './requests.ts'

/** What {@link registerClient} tells the server about the app. */
export interface RegisterClientOptions extends RequestOptions {
  /** Where the server may send users back to: each as the option `redirectUri` of a client. */
  redirectUris: readonly string[]
  /** The name of the app that the server shows to users. */
  clientName?: string | undefined
  /** Further members of the request, such as `client_uri` (RFC 7591 §2). */
  metadata?: Readonly<Record<string, unknown>> | undefined
}

const rules: Rules<RegisterClientOptions> = /* @__PURE__ */ withRequestRules({
  redirectUris: [
    (value: unknown) =>
      Array.isArray(value) && value.length && value.every(redirectUri[0] as never),
    'a list of redirect URIs, each as the option redirectUri',
  ],
  clientName: text,
  metadata: object,
})

/**
 * Registers the app at a server that has never heard of it, as a client without a secret (RFC 7591). Resolves to its client ID,
 * which is another one each time: keep it. Where the server takes a URL as client ID, use that instead. Rejects with `invalid_option`, `discovery_failed` (also when the server does not let apps
 * register themselves), `issuer_mismatch`, `server_error` (it refused, or its answer cannot be used), another failure of the
 * request (`network`, `timeout`, `rate_limited`), and the reason of an aborted `signal`.
 * @param issuer - as the option `issuer` of a client
 */
export async function registerClient(
  issuer: string,
  given: RegisterClientOptions,
): Promise<{ clientId: string }> {
  const { redirectUris, clientName, metadata, signal, ...requests } = checkOptions(given, rules)
  checkValue('issuer', { value: issuer, rule: issuerRule })
  checkValue('redirectUris', { value: redirectUris, rule: rules.redirectUris })
  const clientId = requestRegistration(
    { issuer, transport: createRequests(requests), secureUrl },
    {
      // OpenID Connect Registration §2: a server may refuse other redirect URIs of web apps.
      application_type: redirectUris.every((uri) => uri.startsWith('https:')) ? 'web' : 'native',
      ...metadata,
      client_name: clientName,
      redirect_uris: redirectUris,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
  )
  return { clientId: await unlessAborted(clientId, signal) }
}
