import { flag, strings, text } from '../check-options.ts'
import { redirectUri } from '../options.ts'
import type { Rules } from '../check-options.ts'

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

export const signOutRules: Rules<SignOutOptions> = {
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
