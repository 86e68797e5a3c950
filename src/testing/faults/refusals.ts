/** Status and what the body holds: an OAuth error, nothing, a page, or JSON without an `error`. */
export const tokenRefusals = [
  // RFC 6749 §5.2; with 403 at Auth0.
  '400 invalid_grant',
  '401 invalid_grant',
  '403 invalid_grant',
  // OpenID Connect Core §3.1.2.6: the server wants to see the user again.
  '400 interaction_required',
  '400 login_required',
  '400 consent_required',
  // Entra: a member `suberror` says that the user must consent, or needs a second factor, for one API.
  '400 invalid_grant suberror',
  // RFC 8707 §2
  '400 invalid_target',
  // UAA, Spring. The challenge is the header WWW-Authenticate.
  '400 invalid_token',
  '401 invalid_token',
  '401 invalid_token challenge',
  '400 invalid_refresh_token',
  '401 invalid_refresh_token',
  // LemonLDAP::NG
  '400 invalid_request',
  '401 invalid_request',
  // glewlwyd
  '400 empty',
  '401 empty',
  // Words that no specification has.
  '400 token_expired',
  '401 token_expired',
  '403 token_expired',
  '400 json',
  '401 json',
  // Proxies and firewalls.
  '400 html',
  '401 html',
  '403 html',
  '403 json',
  '403 empty',
  // A wrong deployment.
  '400 invalid_client',
  '401 invalid_client',
  '401 invalid_client challenge',
  '400 unauthorized_client',
  '400 invalid_scope',
  '400 unsupported_grant_type',
  '404 html',
  '404 json',
  '404 empty',
] as const

/** How a server refuses at the token endpoint, such as `401 invalid_token`. */
export type TokenRefusal = (typeof tokenRefusals)[number]
