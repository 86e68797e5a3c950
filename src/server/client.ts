import { composeServer } from './compose.ts'
import { resolveServerOptions } from './options.ts'
import type { Introspection } from '../protocol/introspection.ts'
import type { SignOutOptions } from '../sign-in/sign-out-options.ts'
import type { ServerSignInParams } from './endpoints/sign-in.ts'
import type { ServerEventMap, ServerEventName } from './events.ts'
import type { ServerClientOptions } from './options.ts'
import type { ServerSession } from './server-session.ts'
import type { ServerEngine } from './compose.ts'
import type { SessionsOf } from './sessions.ts'

/**
 * Signs users in to an app whose tokens live on its back end; the browser holds one cookie that means nothing elsewhere
 * (RFC 10017 §6.1, RFC 6749 §4.1, RFC 7636, OpenID Connect Core §3.1).
 */
export class ServerClient {
  /**
   * Answers what comes in below `basePath` (sign in, callback, session, sign out, and what else the options turn on) and
   * below the prefixes of `proxy`; resolves to `undefined` for everything else. Bound. Never rejects: a failure is an answer.
   */
  readonly handle: (request: Request) => Promise<Response | undefined>

  readonly #engine: ServerEngine
  /** One session object for each request, however often it is asked for. */
  readonly #sessions = new WeakMap<Request, Promise<ServerSession>>()

  /** Checks the options and does nothing else. Throws `invalid_option`, naming the option and what would be right. */
  constructor(options: ServerClientOptions) {
    this.#engine = composeServer(resolveServerOptions(options))
    this.handle = this.#engine.routes.handle
  }

  /**
   * Reads whose request it is, once; the same promise for the same Request. Resolves to the session, also when nobody is signed
   * in. Rejects with `storage_unavailable`, and with what `owner` throws.
   */
  session(request: Request): Promise<ServerSession> {
    const known = this.#sessions.get(request)
    if (known) return known
    const { visitors, read } = this.#engine
    const session = visitors.of(request).then(read)
    this.#sessions.set(request, session)
    return session
  }

  /**
   * Sends the user to sign in (RFC 6749 §4.1.1). Resolves to a redirect to the authorization server, or to a 401 in JSON when a
   * script asked and no user can be sent anywhere; never rejects. `returnTo` is the page that was asked for when left out.
   */
  signIn(request: Request, params: ServerSignInParams = {}): Promise<Response> {
    const { routes, signIn } = this.#engine
    const { pathname, search } = routes.urlOf(request)
    const returnTo = request.method === 'GET' ? pathname + search : undefined
    return routes.answered(request, () => signIn.signIn(request, { returnTo, ...params }))
  }

  /**
   * Signs the user out, for a route of the app's own: here first, then at the server (RFC 7009, RP-Initiated Logout §2).
   * Resolves to a redirect, or to `{ location }` for a script; to a 403 when the request is not the app's own. Never rejects.
   */
  signOut(request: Request, options: SignOutOptions = {}): Promise<Response> {
    const { routes, signOut, visitors } = this.#engine
    return routes.answered(request, async () => {
      const visitor = await visitors.of(request)
      await routes.check(request, visitor)
      return signOut(request, { ...options, visitor })
    })
  }

  /**
   * Guards a route of the app's own. Resolves to the answer to give in its place, or to `undefined`: to a 403 when an unsafe
   * request is not the app's own or lacks `csrfToken`, and to a page in between when a link of another site withheld the
   * session cookie. Never rejects.
   */
  protect(request: Request): Promise<Response | undefined> {
    const { routes } = this.#engine
    return routes.protect(request).catch((error: unknown) =>
      routes.answered(request, () => {
        throw error
      }),
    )
  }

  /** Resolves to the session of an account, without a request; see the option `owner`. Rejects with `storage_unavailable`. */
  async of(owner: string): Promise<ServerSession> {
    const { visitors, read } = this.#engine
    return read(await visitors.ofOwner(owner))
  }

  /** Ends all sessions of a person or of one sign-in at the server. Resolves to how many; rejects with `storage_unavailable`. */
  endSessions(of: SessionsOf): Promise<number> {
    return this.#engine.sessions.endAll(of)
  }

  /**
   * Asks the server about a token, as this client (RFC 7662). Resolves to what it says; only `active: true` makes a token good.
   * Rejects with `server_error` when the server has no such endpoint, and with a failure of the request.
   */
  introspect(token: string): Promise<Introspection> {
    return this.#engine.introspect(token)
  }

  /** Listens to an event, for logs and alarms; returns a function that stops it. Nothing in an event is secret. */
  on<Name extends ServerEventName>(
    event: Name,
    listener: (facts: ServerEventMap[Name]) => void,
  ): () => void {
    return this.#engine.on(event, listener)
  }

  /** Removes all listeners. */
  close(): void {
    this.#engine.close()
  }
}
