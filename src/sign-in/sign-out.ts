import { withParameters } from '../protocol/authorization.ts'
import { longestSignOut } from '../protocol/sign-out.ts'
import { checkOption } from '../options.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { SignIn } from './sign-in.ts'
import type { Start } from './start.ts'
import type { Turns } from './turns.ts'

/** What {@link PkceClient.signOut} can be told. */
export interface SignOutOptions {
  /** Whether to leave the page to end the session at the authorization server as well; true when left out. */
  redirect?: boolean
  /** Whether to revoke the tokens (RFC 7009); true when left out. */
  revoke?: boolean
  /** Where the server sends the person afterwards, in place of the client's option of this name. */
  postSignOutRedirectUri?: string
}

interface SignOutParts {
  postSignOutRedirectUri: string | undefined
  clientId: string
  host: Host
  clock: Clock
  session: SessionKeeper
  signIn: SignIn
  server: () => Promise<ServerMetadata>
  /** Revokes one token. */
  revoke: (token: string) => Promise<void>
  start: Start
  turns: Turns
}

/** Ends the session here and in all tabs first, and then at the server. */
export function createSignOut(parts: SignOutParts) {
  const { clientId, host, clock, session, signIn, server, revoke, start, turns } = parts

  /** `end` refuses when another tab has just refreshed the session. The person still wants out, so the newer one is ended. */
  async function endHere(): Promise<SessionRecord | undefined> {
    for (;;) {
      const record = await session.reread()
      if (!record) await session.endNewer()
      if (!record || (await session.end(record, 'signed-out'))) return record
    }
  }

  async function revokeTokens({ refreshToken, access }: SessionRecord): Promise<void> {
    const accessTokens = Object.values(access).map(({ token }) => token)
    for (const token of [refreshToken, ...accessTokens]) if (token) await revoke(token)
  }

  /** Waits for the work as long as signing out may wait, and ignores its failure. */
  async function within(work: Promise<void>): Promise<void> {
    let cancel!: () => void
    const tooLong = new Promise<void>((resolve) => {
      cancel = clock.setTimeout(resolve, longestSignOut)
    })
    await Promise.race([tooLong, work.catch(() => {})])
    cancel()
  }

  async function signOut(options: SignOutOptions, uri: string | undefined): Promise<void> {
    // An answer in the address is used up, and then given up like every sign-in called before.
    start.start().catch(() => {})
    const abandoned = turns.abandonSignIns()
    await start.restored()
    await abandoned
    // No sign-in is about to finish any more; without this, nobody would hear that the session ends.
    session.markKnown()
    const record = await endHere()
    let metadata = undefined as ServerMetadata | undefined
    const tellServer = async () => {
      metadata = await server()
      if (record && options.revoke !== false) await revokeTokens(record)
    }
    await within(tellServer())
    const endpoint = metadata?.end_session_endpoint
    // Somebody may have signed in meanwhile, and the redirect would end that session at the server.
    if (!endpoint || options.redirect === false || !host.url() || session.current()) return
    const url = withParameters(endpoint, [
      ['id_token_hint', record?.idToken],
      ['client_id', clientId],
      ['post_logout_redirect_uri', uri],
      ['state', uri && (await signIn.rememberSignOut(uri))],
    ])
    turns.leave(url.href)
  }

  /**
   * A second click joins the first. On its own it would find the session gone, and leave the page without the ID token hint
   * and before the tokens are revoked.
   */
  return async (options: SignOutOptions): Promise<void> => {
    const uri = options.postSignOutRedirectUri ?? parts.postSignOutRedirectUri
    if (uri !== undefined) checkOption('postSignOutRedirectUri', uri)
    // Also on the second click: somebody may have asked for a sign-in in between.
    void turns.abandonSignIns()
    return turns.signOut(() => signOut(options, uri))
  }
}
