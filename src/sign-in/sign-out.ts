import { PkceClientError } from '../errors.ts'
import { withParameters } from '../protocol/authorization.ts'
import { longestSignOut } from '../protocol/sign-out.ts'
import { checkOptions, flag, strings, text } from '../check-options.ts'
import { redirectUri } from '../options.ts'
import type { Rules } from '../check-options.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { ResolvedOptions } from '../options.ts'
import type { ServerMetadata } from '../protocol/server.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionKeeper } from '../session/session.ts'
import type { SignIn } from './sign-in.ts'
import type { Start } from './start.ts'
import type { Turns } from './turns.ts'

/** What {@link PkceClient.signOut} can be told. */
export interface SignOutOptions {
  /** Whether to leave the page to end the session at the authorization server as well; true when left out. */
  redirect?: boolean | undefined
  /** Whether to revoke the tokens (RFC 7009); true when left out. */
  revoke?: boolean | undefined
  /** Where the server sends the user afterwards, in place of the client's option of this name. */
  postSignOutRedirectUri?: string | undefined
  /** Whether the ID token goes along as `id_token_hint`; true when left out. It never does where the URL would exceed 2,000 characters. */
  idTokenHint?: boolean | undefined
  /** Who is signing out, for a server that asks (`logout_hint`). */
  logoutHint?: string | undefined
  /** Languages for the pages of the server, in order of preference, separated by spaces. */
  uiLocales?: string | undefined
  /** Further parameters of the end-session request. The client's own ones throw `invalid_option`. */
  extraParams?: Readonly<Record<string, string>> | undefined
}

const rules: Rules<SignOutOptions> = {
  redirect: flag,
  revoke: flag,
  postSignOutRedirectUri: redirectUri,
  idTokenHint: flag,
  logoutHint: text,
  uiLocales: text,
  extraParams: /* @__PURE__ */ strings(
    (name) => /^(?:id_token_hint|client_id|post_logout_redirect_uri|state)$/.test(name),
    'state, client_id',
  ),
}

/** Servers and proxies refuse longer ones, and the session at the server would live on. */
const longestUrl = 2000

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

  async function revokeTokens(
    { refreshToken, access }: SessionRecord,
    at: ServerMetadata,
  ): Promise<void> {
    const accessTokens = Object.values(access).map(({ token }) => token)
    for (const token of [refreshToken, ...accessTokens]) if (token) await revoke(token, at)
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
    if (record && choices.revoke !== false) await within(revokeTokens(record, at))
    const endpoint = metadata.end_session_endpoint ?? at.end_session_endpoint
    // Somebody may have signed in meanwhile, and the redirect would end that session at the server.
    if (!endpoint || !leaves || session.current()) return
    turns.leave(await endSessionUrl(endpoint, { choices, record }))
  }

  async function endSessionUrl(
    endpoint: string,
    { choices, record }: { choices: SignOutOptions; record: SessionRecord | undefined },
  ): Promise<string> {
    const uri = choices.postSignOutRedirectUri ?? options.postSignOutRedirectUri
    const hint = choices.idTokenHint === false ? undefined : record?.idToken
    const url = withParameters(endpoint, [
      ...Object.entries(choices.extraParams ?? {}),
      ['id_token_hint', hint],
      ['client_id', clientId],
      ['post_logout_redirect_uri', uri],
      ['logout_hint', choices.logoutHint],
      ['ui_locales', choices.uiLocales],
      ['state', uri && (await signIn.rememberSignOut(uri))],
    ])
    if (url.href.length > longestUrl) url.searchParams.delete('id_token_hint')
    return url.href
  }

  /**
   * A second click joins the first. On its own it would find the session gone, and leave the page without the ID token hint
   * and before the tokens are revoked.
   */
  return async (given: SignOutOptions): Promise<void> => {
    const choices = checkOptions(given, rules)
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
