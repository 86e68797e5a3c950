import { parseUrl, secureUrl } from '../api/resources.ts'
import { checkOptions, checkValue } from '../check-options.ts'
import { PkceClientError, inert } from '../errors.ts'
import { readChallenges } from '../protocol/challenge.ts'
import { requestResourceMetadata } from '../protocol/resource-metadata.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { createRequests, withRequestRules } from './requests.ts'
import type { Rule, Rules } from '../check-options.ts'
import type { RequestOptions } from './requests.ts'

/** What {@link discoverResource} needs to know. */
export interface DiscoverResourceOptions extends RequestOptions {
  /**
   * The authorization servers you trust, each exactly as it calls itself. An API that names another one is refused: anybody
   * can write a sign-in page into the metadata of an API.
   */
  issuers: readonly string[]
  /**
   * The API's 401 or 403, if it came to that. The scope in it goes over that of the metadata, and so does the address of the
   * metadata if it is on the origin of the API. Only its header is read.
   */
  challenge?: Response | undefined
}

/** What {@link discoverResource} found, named as the options of a client are. */
export interface DiscoveredResource {
  /** The first authorization server of the API that is one of `issuers`, spelled as it is there. */
  issuer: string
  /** What the API calls itself: the URL to list in `resources`, and the `resource` of RFC 8707. */
  resource: string
  /** Scopes separated by spaces; missing when the API names none. */
  scope?: string
}

const secure: Rule = [secureUrl, 'an absolute https URL without a fragment (http on loopback only)']

const rules: Rules<DiscoverResourceOptions> = /* @__PURE__ */ withRequestRules({
  issuers: [
    (value: unknown) =>
      Array.isArray(value) && value.length && value.every((one) => secureUrl(one)),
    'a list of https URLs, each an issuer you trust',
  ],
  challenge: [
    (value?: Partial<Response> | null) => typeof value?.headers?.get === 'function',
    'the Response of the API',
  ],
})

/**
 * Asks an API which authorization server its tokens come from, and what to ask for there (RFC 9728): for APIs whose server
 * is not known beforehand, such as those of MCP. Rejects with `discovery_failed` (no metadata, or those of another resource),
 * `issuer_mismatch` (a server that is none of `issuers`), `invalid_option`, a failure of the request (`network`, `timeout`,
 * `server_error`, `rate_limited`), and the reason of an aborted `signal`.
 * @param url - exactly what the API calls itself
 */
export async function discoverResource(
  url: string | URL,
  given: DiscoverResourceOptions,
): Promise<DiscoveredResource> {
  const options = checkOptions(given, rules)
  checkValue('issuers', { value: options.issuers, rule: rules.issuers })
  const resource = url.toString()
  checkValue('url', { value: resource, rule: secure })
  return unlessAborted(discover(resource, options), options.signal)
}

async function discover(
  resource: string,
  { issuers, challenge, ...requests }: DiscoverResourceOptions,
): Promise<DiscoveredResource> {
  const challenges = challenge ? await readChallenges(challenge) : []
  const parameters = challenges.map(({ parameters }) => parameters)
  const { origin } = new URL(resource)
  const metadata = await requestResourceMetadata({
    resource,
    // Of another origin, it could make this client ask hosts that only this machine reaches (RFC 9728 §7.7).
    metadataUrl: parameters
      .map(({ resource_metadata: address }) => address)
      .find((address) => secureUrl(address) && parseUrl(address!)!.origin === origin),
    transport: createRequests(requests),
  })
  const wanted = parameters.find(({ scope }) => scope)?.scope?.split(' ')
  const scope = stringsIn(wanted ?? metadata['scopes_supported'])
    .filter((one) => /^[!#-[\]-~]+$/.test(one))
    .join(' ')
  const named = stringsIn(metadata['authorization_servers'])
  const [issuer] = named.flatMap((name) => issuers.filter((one) => isSame(one, name)))
  if (issuer !== undefined) return { issuer, resource, ...(scope && { scope }) }
  throw new PkceClientError(
    'issuer_mismatch',
    `${resource.slice(0, 200)} takes tokens of ${inert(JSON.stringify(named), 200)}, and issuers has none of them; add one if you trust it.`,
  )
}

/** Google's APIs, for one, put a slash behind an issuer that has none. It counts as the app wrote it. */
function isSame(issuer: string, named: string): boolean {
  return issuer.replace(/\/$/, '') === named.replace(/\/$/, '')
}

function stringsIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
}
