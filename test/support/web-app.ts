import { clientSecret, memorySessions, ServerClient } from '../../src/server/index.ts'
import type {
  ServerClientOptions,
  ServerEventMap,
  ServerEventName,
  SessionStore,
} from '../../src/server/index.ts'
import { createAuthServer, createFakeClock, createVisitor } from '../../src/testing/index.ts'
import type { AuthServerOptions, Visitor } from '../../src/testing/index.ts'

export const origin = 'https://app.example.com'
export const usersMe = 'https://api.example.com/users/me'
const secret = 'the secret of the client'

const eventNames: ServerEventName[] = [
  ...(['sign-in-started', 'signed-in', 'sign-in-failed', 'signed-out'] as const),
  ...(['token-refreshed', 'refresh-failed', 'request-refused'] as const),
  ...(['sessions-in-memory', 'storage-failed', 'storage-recovered'] as const),
]

/** An event of a back end, as a log has it. */
export type Logged = { [Name in ServerEventName]: [Name, ServerEventMap[Name]] }[ServerEventName]

interface Situation {
  options?: Partial<ServerClientOptions>
  server?: Partial<AuthServerOptions>
}

/** A web app with a front page, its server, its users' browsers, and what it logs. */
export function createWebApp({ options = {}, server: of = {} }: Situation = {}) {
  const clock = createFakeClock()
  const server = createAuthServer({
    clock,
    clients: [
      {
        clientId: 'my-web-app',
        clientSecret: secret,
        kind: 'internal',
        redirectUris: [`${origin}/auth/callback`],
        postLogoutRedirectUris: [`${origin}/`],
      },
    ],
    ...of,
  })
  const log: Logged[] = []
  const store = memorySessions({ clock })
  /** Another machine of the app, which shares the store. */
  function startMachine(other: Partial<ServerClientOptions> = {}) {
    const auth = new ServerClient({
      issuer: server.issuer,
      clientId: 'my-web-app',
      clientAuthentication: clientSecret(secret),
      baseUrl: origin,
      secret: 'a secret of this app that nobody guesses',
      scope: 'openid profile offline_access',
      resources: [server.api.url],
      sessions: store,
      clock,
      fetch: server.fetch,
      ...options,
      ...other,
    })
    for (const name of eventNames)
      auth.on(name, (facts) => void log.push([name, facts] as unknown as Logged))
    return auth
  }
  const auth = startMachine()

  async function handle(request: Request): Promise<Response> {
    const answer = await auth.handle(request)
    if (answer) return answer
    const refused = await auth.protect(request)
    if (refused) return refused
    const session = await auth.session(request)
    if (new URL(request.url).pathname === '/me')
      return session.status === 'signed-in' ? session.fetch(usersMe) : auth.signIn(request)
    const text = session.status === 'signed-in' ? 'Hello' : 'Please sign in'
    return new Response(`<p>${text}</p>`, { headers: { 'content-type': 'text/html' } })
  }

  return {
    auth,
    clock,
    server,
    store,
    log,
    handle,
    startMachine,
    visit: (): Visitor => createVisitor(handle, { origin, server, clock }),
  }
}

/** What a script of the page learns of the session. */
export interface SessionAnswer {
  status: string
  reason?: string
  claims?: { sub: string; name?: string }
  scope?: string
  expiresIn?: number
  stale?: boolean
  csrf?: string
}

export async function askSession(visitor: Visitor, query = ''): Promise<SessionAnswer> {
  return (await (await visitor.fetch(`/auth/session${query}`)).json()) as SessionAnswer
}

/** A script of the page sends something that changes something. */
export async function post(visitor: Visitor, path: string): Promise<Response> {
  const { csrf = '' } = await askSession(visitor)
  return visitor.fetch(path, { method: 'POST', headers: { 'x-csrf-token': csrf } })
}

/** A request with the visitor's cookies, as a route of the app sees it. */
export const requestOf = (visitor: Visitor, path = '/'): Request =>
  new Request(origin + path, {
    headers: { cookie: visitor.jar.header(new URL(origin + path)) ?? '' },
  })

/** A store that can be switched off. */
export function breakable(store: SessionStore) {
  const state = { fails: false }
  const ask = <T>(work: () => Promise<T>): Promise<T> =>
    state.fails ? Promise.reject(new Error('ECONNREFUSED redis:6379')) : work()
  const broken: SessionStore = {
    get: (key) => ask(() => store.get(key)),
    add: (key, value, options) => ask(() => store.add(key, value, options)),
    swap: (key, change) => ask(() => store.swap(key, change)),
    touch: (key, ttl) => ask(() => store.touch(key, ttl)),
    remove: (key, seen) => ask(() => store.remove(key, seen)),
    find: (index) => ask(() => store.find(index)),
  }
  return { store: broken, state }
}
