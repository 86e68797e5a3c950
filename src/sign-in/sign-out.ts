import { PkceClientError } from '../errors.ts'
import { checkOptions } from '../check-options.ts'
import { endSessionUrl, revokeInTime } from './end-session.ts'
import { signOutRules } from './sign-out-options.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { ResolvedOptions } from '../options.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { SignIn } from './sign-in.ts'
import type { SignOutOptions } from './sign-out-options.ts'
import type { Start } from './start.ts'
import type { Turns } from './turns.ts'

interface SignOutParts {
  options: ResolvedOptions
  host: Host
  clock: Clock
  session: SessionKeeper
  signIn: SignIn
  /** The server as the session knows it, else as it is discovered. */
  serverOf: (record: SessionRecord | undefined) => Promise<ServerMetadata>
  /** Revokes one token at that server. */
  revoke: (token: string, server: ServerMetadata) => Promise<void>
  start: Start
  turns: Turns
}

/** Ends the session here and in all tabs first, and then at the server. */
export function createSignOut(parts: SignOutParts) {
  const { options, host, clock, session, signIn, serverOf, revoke, start, turns } = parts
  const { clientId, metadata } = options

  /** `end` refuses when another tab has just refreshed the session. The user still wants out, so the newer one is ended. */
  async function endHere(): Promise<SessionRecord | undefined> {
    for (;;) {
      const record = await session.reread()
      if (!record) await session.endNewer()
      if (!record || (await session.end(record, 'signed-out'))) return record
    }
  }

  async function signOut(choices: SignOutOptions): Promise<void> {
    // An answer in the address is used up, and then given up like every sign-in called before.
    start.start().catch(() => {})
    const abandoned = turns.abandonSignIns()
    await start.restored()
    await abandoned
    // No sign-in is about to finish any more; without this, nobody would hear that the session ends.
    session.markKnown()
    const record = await endHere()
    const leaves = choices.redirect !== false && !!host.url()
    if (!record && !leaves) return
    const at = await serverOf(record).catch((error: unknown) => {
      if (leaves) throw notAtServer(error)
    })
    if (!at) return
    if (record && choices.revoke !== false)
      await revokeInTime(record, { clock, revoke: (token) => revoke(token, at) })
    const endpoint = metadata.end_session_endpoint ?? at.end_session_endpoint
    // Somebody may have signed in meanwhile, and the redirect would end that session at the server.
    if (!endpoint || !leaves || session.current()) return
    turns.leave(await wayOut(endpoint, { choices, record }))
  }

  async function wayOut(
    endpoint: string,
    { choices, record }: { choices: SignOutOptions; record: SessionRecord | undefined },
  ): Promise<string> {
    const uri = choices.postSignOutRedirectUri ?? options.postSignOutRedirectUri
    const state = uri && (await signIn.rememberSignOut(uri))
    return endSessionUrl(endpoint, { choices, clientId, uri, idToken: record?.idToken, state })
  }

  /**
   * A second click joins the first. On its own it would find the session gone, and leave the page without the ID token hint
   * and before the tokens are revoked.
   */
  return async (given: SignOutOptions): Promise<void> => {
    const choices = checkOptions(given, signOutRules)
    // Also on the second click: somebody may have asked for a sign-in in between.
    void turns.abandonSignIns()
    return turns.signOut(() => signOut(choices))
  }
}

function notAtServer(cause: unknown): unknown {
  if (!(cause instanceof PkceClientError)) return cause
  const { code, retryable, message } = cause
  const why = `The user is signed out here, but not at the server. ${message}`
  return new PkceClientError(code, why, { retryable, cause })
}
