import { bearer } from '../api/bearer.ts'
import { PkceClientError } from '../errors.ts'
import { openRequest } from '../protocol/authorization.ts'
import { readChallenges } from '../protocol/challenge.ts'
import { unprotected } from '../protocol/send.ts'
import { hasRefreshToken } from '../session/record.ts'
import type { AuthorizedFetch } from '../api/fetch.ts'
import type { Fetch, Scheme } from '../api/scheme.ts'
import type { Capability } from '../capabilities/capability.ts'
import type { Emit } from '../events.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Parameters } from '../protocol/authorization.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { Protect } from '../protocol/send.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { GrantAnswer } from '../protocol/token-set.ts'
import type { Transport } from '../protocol/transport.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { RequireSession } from '../sign-in/require-session.ts'
import type { SignIn } from '../sign-in/sign-in.ts'
import type { Start } from '../sign-in/start.ts'
import type { Ports } from './ports.ts'

/** What a capability may do in another way than the plain flow. Each hook has one owner. */
export interface Hooks {
  /** How an access token is put on a request. */
  scheme: Scheme
  /** Sends a request with which a token is asked for or used at the authorization server. */
  protect: Protect
  /** Further parameters of each authorization request. Rejects when the user must not be sent away. */
  parameters: (navigation: { leavesPage: boolean }) => Promise<Parameters>
  /** Makes a refresh possible, before it takes its turn. */
  ready: () => Promise<unknown>
  /** The URL for the browser, made of the authorization request. */
  push: (url: URL, at: OAuthClient) => Promise<URL>
  /** The fetch that the app gets. */
  wrap: (fetch: Fetch, client: WrappedClient) => Fetch
  /** Gives back the request that the sign-in was begun for, which was kept under this id, and forgets whatever was kept. */
  resumed: (id?: string) => Request | undefined
  /** Asks for another access token, with these parameters, form-encoded. */
  grant: (record: SessionRecord, ask: string) => Promise<GrantAnswer>
  /** Begins the session that there is elsewhere, where the page knows of none. */
  recover: (session: SessionKeeper) => Promise<unknown>
  /** Whether the session can get another access token without the user. */
  canRefresh: (record: SessionRecord) => boolean
}

/** The parts of a client that a layer around its fetch may call. */
export interface WrappedClient {
  session: SessionKeeper
  signIn: SignIn['signIn']
  start: Start['start']
  isTarget: AuthorizedFetch['isTarget']
  isSignedOutHere: RequireSession['isSignedOutHere']
}

/** What a capability is made with. */
export interface CapabilityParts {
  options: ResolvedOptions
  ports: Ports
  fetch: () => typeof globalThis.fetch
  transport: Transport
  server: () => Promise<ServerMetadata>
  /** It is made after the capabilities. */
  session: () => SessionKeeper
  emit: Emit
}

/** A capability, as this package sees it. */
export interface CapabilitySource {
  /** As an app writes it, such as `dpop()`; for errors. */
  name: string
  hooks: (parts: CapabilityParts) => Partial<Hooks>
}

/** The plain flow: bearer tokens, a request in the address bar. */
export const plainHooks = (grant: Hooks['grant']): Hooks => ({
  scheme: bearer(readChallenges),
  protect: unprotected,
  parameters: async () => [],
  ready: async () => {},
  push: openRequest,
  wrap: (fetch) => fetch,
  resumed: () => undefined,
  recover: async () => undefined,
  grant,
  canRefresh: hasRefreshToken,
})

/** The hooks of the capabilities over those of the plain flow; throws `invalid_option` where two take the same one. */
export function applyCapabilities(
  capabilities: readonly Capability[],
  { plain, parts }: { plain: Hooks; parts: CapabilityParts },
): Hooks {
  const hooks = { ...plain }
  const owners: Partial<Record<keyof Hooks, string>> = {}
  for (const { name, hooks: make } of capabilities as unknown as CapabilitySource[]) {
    const made = make(parts)
    for (const hook of Object.keys(made) as (keyof Hooks)[]) {
      const owner = owners[hook]
      if (owner) throw twoOfAKind(owner, name)
      owners[hook] = name
    }
    Object.assign(hooks, made)
  }
  return hooks
}

function twoOfAKind(one: string, other: string): PkceClientError {
  return new PkceClientError(
    'invalid_option',
    `use has both ${one} and ${other}, which do the same thing in two ways; leave one of them out.`,
  )
}
