import { bearer } from '../api/bearer.ts'
import { createEndpoints } from '../api/endpoints.ts'
import { secureUrl } from '../api/resources.ts'
import { knownServer } from '../compose/known-server.ts'
import { once } from '../compose/once.ts'
import { readChallenges } from '../protocol/challenge.ts'
import { publicClient } from '../protocol/client-authentication.ts'
import { introspectToken } from '../protocol/introspection.ts'
import { createKeySet, requestKeys } from '../protocol/key-set.ts'
import { createSend, unprotected } from '../protocol/send.ts'
import { discoverServer } from '../protocol/server.ts'
import { revokeToken } from '../protocol/sign-out.ts'
import { createTransport } from '../protocol/transport.ts'
import { requestUserInfo } from '../protocol/user-info.ts'
import type { Credential } from '../api/scheme.ts'
import type { Clock } from '../clock.ts'
import type { OAuthClient } from '../protocol/client-authentication.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { TokenSet } from '../protocol/token-set.ts'
import type { SessionRecord } from '../session/record.ts'
import type { EmitServerEvent } from './events.ts'
import type { ResolvedServerOptions } from './options.ts'

/** Milliseconds after which the server's metadata are read again: processes live for months. */
const metadataLife = 3_600_000

/** What talks to the authorization server: one for all sessions, and nothing of a person is in it. */
export function composeProtocol(
  options: ResolvedServerOptions,
  { clock, emit }: { clock: Clock; emit: EmitServerEvent },
) {
  const { issuer, clientId, scope, metadata, timeout } = options
  const fetch = () => options.fetch ?? globalThis.fetch
  const transport = createTransport({ fetch, clock, timeout, emit })
  const endpoints = createEndpoints(issuer)
  endpoints.add({ ...metadata })
  const server = fresh(
    once(async () => {
      const found = await discoverServer({ issuer, scope, metadata, transport, secureUrl })
      endpoints.complete(found)
      return found
    }),
    () => clock.now(),
  )
  const authenticate = options.clientAuthentication ?? publicClient
  const scheme = bearer(readChallenges)
  const client: Omit<OAuthClient, 'server'> = {
    clientId,
    clientAuthentication: authenticate(clock),
    transport,
    send: createSend(transport, unprotected),
    tokenType: scheme.type,
    clock,
  }
  const revoke = (token: string, at: ServerMetadata) =>
    revokeToken({ ...client, server: at }, token)
  const serverOf = knownServer(issuer, server)

  const keys = createKeySet({
    load: async () => requestKeys((await server()).jwks_uri!, transport),
    clock,
  })

  const introspect = async (token: string) =>
    introspectToken({ ...client, server: await server() }, token)

  const discardTokens = async (tokens: Partial<TokenSet>, at: ServerMetadata): Promise<void> => {
    for (const token of [tokens.refreshToken, tokens.accessToken])
      if (token) await revoke(token, at).catch(() => {})
  }

  return {
    fetch,
    endpoints,
    server,
    scheme,
    client,
    revoke,
    serverOf,
    keys,
    introspect,
    /** Revokes tokens that nobody will use. Never rejects. */
    discardTokens,
    /** Revokes a token of this session that will not be used. Never rejects. */
    discardToken: (token: string, record: SessionRecord): Promise<void> =>
      serverOf(record)
        .then((at) => discardTokens({ refreshToken: token }, at))
        .catch(() => {}),
    userInfo: async (credential: Credential) =>
      requestUserInfo({ ...client, server: await server() }, credential),
  }
}

/** Finds something again when it is old. */
function fresh<T>(find: (() => Promise<T>) & { forget: () => void }, now: () => number) {
  let since: number | undefined
  const get = (): Promise<T> => {
    since ??= now()
    if (Math.abs(now() - since) > metadataLife) {
      find.forget()
      since = now()
    }
    return find()
  }
  return Object.assign(get, { forget: find.forget })
}
