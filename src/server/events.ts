import type { RequestPurpose } from '../events.ts'
import type { PkceClientError } from '../errors.ts'
import type { SignedOutReason } from '../session/record.ts'

/** What {@link ServerClient.on} can listen to, and what each listener receives. Nothing in it is secret. */
export interface ServerEventMap {
  /** A user is sent to the authorization server. */
  'sign-in-started': { readonly returnTo: string }
  /** A user signed in. `id` is the session's, `subject` the `sub` of the ID token, where there is one. */
  'signed-in': { readonly id: string; readonly subject?: string | undefined }
  /** A sign-in did not complete. */
  'sign-in-failed': { readonly error: PkceClientError }
  /** A session ended, or this process noticed that it has ended elsewhere. */
  'signed-out': { readonly id: string; readonly reason: SignedOutReason }
  /** A session has new tokens. */
  'token-refreshed': {
    readonly id: string
    /** Why the ID token that came along was left out. */
    readonly idTokenError?: PkceClientError
  }
  /** A refresh failed; `error` says whether it is tried again and whether the session is over. */
  'refresh-failed': { readonly id: string; readonly error: PkceClientError }
  /** A request was refused, because it may not come from a page of this app, or a logout token was. */
  'request-refused': { readonly error: PkceClientError; readonly path: string }
  /** The option `sessions` was left out: sessions are in the memory of this process, and gone with it. */
  'sessions-in-memory': { readonly message: string }
  /** The store fails. Told once, until it works again. */
  'storage-failed': { readonly error: PkceClientError }
  /** The store works again. */
  'storage-recovered': { readonly message: string }
  /** A request to the authorization server is over. `status` is missing when no answer came; `ms` is milliseconds. */
  request: {
    readonly what: RequestPurpose
    readonly url: string
    readonly status?: number
    readonly ms: number
  }
}

/** The names {@link ServerClient.on} takes. */
export type ServerEventName = keyof ServerEventMap

export type EmitServerEvent = <Name extends ServerEventName>(
  event: Name,
  facts: ServerEventMap[Name],
) => void
