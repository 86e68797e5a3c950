import { systemClock } from '../clock.ts'
import { createEmitter } from '../events.ts'
import { createAuthorizedFetch } from '../api/fetch.ts'
import { createGlobalFetch } from '../api/global-fetch.ts'
import { pageHost } from '../host/page.ts'
import { redirect } from '../navigation/redirect.ts'
import { ownMembers, resolveOptions } from '../options.ts'
import { createState } from '../protocol/authorization.ts'
import { judgeChallenge } from '../protocol/challenge.ts'
import { discoverServer } from '../protocol/server.ts'
import { revokeToken } from '../protocol/sign-out.ts'
import { refreshTokens } from '../protocol/token.ts'
import { createTransport } from '../protocol/transport.ts'
import { createResources, secureUrl } from '../api/resources.ts'
import { createRefresher } from '../session/refresh.ts'
import { createSession } from '../session/session.ts'
import { createTransactions } from '../sign-in/transactions.ts'
import { createSignIn } from '../sign-in/sign-in.ts'
import { pageStore } from '../storage/web-storage.ts'
import { broadcastChannel } from '../tabs/broadcast-channel.ts'
import { webLocks } from '../tabs/web-locks.ts'
import { createTokens } from '../api/credentials.ts'
import type { Fetch, Scheme } from '../api/fetch.ts'
import type { PkceClientOptions } from '../options.ts'

const bearer: Scheme = { authorize: (token) => `Bearer ${token}`, onChallenge: judgeChallenge }

export type Parts = ReturnType<typeof compose>

/** The composition root: every part is made here and handed what it needs. Making the default ports reads no global. */
export function compose(given: PkceClientOptions, started: () => Promise<unknown>) {
  const emitter = createEmitter()
  const options = ownMembers({
    clock: systemClock(),
    host: pageHost(),
    lock: webLocks(),
    channel: broadcastChannel(),
    store: pageStore(),
    transactionStore: pageStore(),
    navigator: redirect(),
    ...resolveOptions(given),
    emit: emitter.emit,
  })
  const fetch = (): Fetch => options.fetch ?? globalFetch.platform()
  const transport = createTransport({ ...options, fetch })
  const endpoints = createEndpoints()
  const server = once(async () => {
    const found = await discoverServer({ ...options, transport, secureUrl })
    endpoints.add(found)
    return found
  })
  const revoke = async (token: string) =>
    revokeToken(await server(), { ...options, token, transport })
  const session = createSession({
    ...options,
    newId: createState,
    onAdopted(record) {
      tokens.adopted(record)
      refresher.watch(record)
      endpoints.add({ ...record?.endpoints })
    },
  })
  const refresher = createRefresher({
    ...options,
    session,
    prepare: server,
    grant: async (known) => refreshTokens({ ...options, transport, server: await server() }, known),
    // A failure may be ignored: nobody will use the token, and it expires by itself.
    discard: (token) => revoke(token).catch(() => {}),
  })
  const tokens = createTokens({ ...options, session, refresher, scheme: bearer, started })
  const api = createAuthorizedFetch({
    ...tokens,
    fetch,
    scheme: bearer,
    isOAuthEndpoint: endpoints.has,
    resources: createResources(options.resourceList),
    baseUrl: () => options.host.baseUrl(),
  })
  const globalFetch = createGlobalFetch(api)
  const parts = ownMembers({
    ...options,
    emitter,
    transport,
    server,
    revoke,
    session,
    refresher,
    tokens,
    transactions: createTransactions(options),
    api,
    globalFetch,
  })
  return Object.assign(parts, { signIn: createSignIn(parts) })
}

/** Where the OAuth endpoints are, as far as it is known yet: addresses that never get an access token from fetch. */
function createEndpoints() {
  const known = new Set<string>()
  // As servers read paths: "/t%6Fken" is "/token". decodeURIComponent would throw at what is not UTF-8.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- old, but here to stay (ECMA-262 B.2.1), and fast
  const plainly: (path: string) => string = unescape
  return {
    add(among: object): void {
      for (const value of Object.values(among)) {
        const url = secureUrl(value)
        if (url) known.add(plainly(url.pathname)).add(plainly(url.origin + url.pathname))
      }
    },
    // On the hot path of fetch: nearly always the path alone settles it, without a new string for the whole address.
    has: (url: URL): boolean =>
      known.has(plainly(url.pathname)) && known.has(plainly(url.origin + url.pathname)),
  }
}

/** Finds something once for all callers. A failure is forgotten, so that the next call tries again. */
function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  return () =>
    (found ??= find().catch((error: unknown) => {
      found = undefined
      throw error
    }))
}
