/** What a value is for, in one or two sentences, and where it is specified. */
export type Row = readonly [text: string, rfc?: string]

/** What servers and APIs publish about themselves. */
export const metadata: Readonly<Record<string, Row>> = {
  issuer: ['The server’s name. Must be exactly the one that was asked for.', 'RFC 8414 §3.3'],
  authorization_endpoint: ['Where the browser goes to sign in.', 'RFC 8414 §2'],
  token_endpoint: ['Where codes and refresh tokens are exchanged.', 'RFC 8414 §2'],
  jwks_uri: ['Where the server publishes its public keys.', 'RFC 8414 §2'],
  userinfo_endpoint: ['Where claims about the user can be read.', 'OIDC Discovery §3'],
  end_session_endpoint: ['Where the browser goes to sign out.', 'OIDC RP-Initiated Logout §2.1'],
  revocation_endpoint: ['Where tokens are revoked.', 'RFC 8414 §2'],
  introspection_endpoint: ['Where an API asks whether a token is good.', 'RFC 8414 §2'],
  registration_endpoint: ['Where apps register themselves.', 'RFC 8414 §2'],
  pushed_authorization_request_endpoint: [
    'Where requests are pushed to, before the browser goes to sign in.',
    'RFC 9126 §5',
  ],
  device_authorization_endpoint: [
    'Where a device without a browser asks for a code to show.',
    'RFC 8628 §4',
  ],
  backchannel_authentication_endpoint: [
    'Where an app asks for a sign-in on the user’s phone.',
    'OIDC CIBA §4',
  ],
  check_session_iframe: [
    'A page that tells in a frame whether the session has changed.',
    'OIDC Session Management §3.3',
  ],
  mtls_endpoint_aliases: [
    'The same endpoints, for clients that have a certificate.',
    'RFC 8705 §5',
  ],
  service_documentation: ['A page for developers.', 'RFC 8414 §2'],
  op_policy_uri: ['The server’s rules for the data of users.', 'RFC 8414 §2'],
  op_tos_uri: ['The server’s terms of service.', 'RFC 8414 §2'],
  signed_metadata: ['The same metadata as a signed JWT.', 'RFC 8414 §2.1'],
  scopes_supported: ['The scopes there are.', 'RFC 8414 §2'],
  response_types_supported: ['What can be asked for in an authorization request.', 'RFC 8414 §2'],
  response_modes_supported: ['How answers can come back to the app.', 'RFC 8414 §2'],
  grant_types_supported: ['What tokens can be asked for with.', 'RFC 8414 §2'],
  prompt_values_supported: [
    'The values of prompt that the server knows.',
    'OIDC Initiating User Registration §3',
  ],
  acr_values_supported: ['How strongly the server can authenticate users.', 'OIDC Discovery §3'],
  subject_types_supported: [
    'Whether sub is the same for all apps, or different for each.',
    'OIDC Discovery §3',
  ],
  claims_supported: ['The claims there are.', 'OIDC Discovery §3'],
  claim_types_supported: ['How claims can be sent.', 'OIDC Discovery §3'],
  claims_parameter_supported: ['Whether single claims can be asked for.', 'OIDC Discovery §3'],
  display_values_supported: ['The values of display that the server knows.', 'OIDC Discovery §3'],
  ui_locales_supported: ['The languages of the server’s pages.', 'RFC 8414 §2'],
  claims_locales_supported: ['The languages of claims.', 'OIDC Discovery §3'],
  code_challenge_methods_supported: [
    'How PKCE hashes can be made. S256 must be among them.',
    'RFC 8414 §2',
  ],
  authorization_response_iss_parameter_supported: [
    'The server says in each answer who it is.',
    'RFC 9207 §3',
  ],
  authorization_details_types_supported: [
    'The types of authorization_details there are.',
    'RFC 9396 §10',
  ],
  require_pushed_authorization_requests: ['The server takes pushed requests only.', 'RFC 9126 §5'],
  request_parameter_supported: ['Whether the request can be a signed JWT.', 'OIDC Discovery §3'],
  request_uri_parameter_supported: [
    'Whether the request can be at an address.',
    'OIDC Discovery §3',
  ],
  require_request_uri_registration: [
    'Whether addresses of requests must be registered.',
    'OIDC Discovery §3',
  ],
  id_token_signing_alg_values_supported: [
    'The algorithms that ID tokens are signed with.',
    'OIDC Discovery §3',
  ],
  userinfo_signing_alg_values_supported: [
    'The algorithms that claims about the user are signed with.',
    'OIDC Discovery §3',
  ],
  authorization_signing_alg_values_supported: [
    'The algorithms that answers in addresses are signed with.',
    'JARM §4',
  ],
  dpop_signing_alg_values_supported: [
    'The algorithms that a DPoP proof may be signed with.',
    'RFC 9449 §5.1',
  ],
  token_endpoint_auth_methods_supported: [
    'How apps can authenticate; “none” for apps in browsers.',
    'RFC 8414 §2',
  ],
  token_endpoint_auth_signing_alg_values_supported: [
    'The algorithms that apps may sign with when they authenticate.',
    'RFC 8414 §2',
  ],
  revocation_endpoint_auth_methods_supported: [
    'How apps can authenticate when they revoke tokens.',
    'RFC 8414 §2',
  ],
  revocation_endpoint_auth_signing_alg_values_supported: [
    'The algorithms that apps may sign with when they revoke tokens.',
    'RFC 8414 §2',
  ],
  introspection_endpoint_auth_methods_supported: [
    'How APIs can authenticate when they ask about tokens.',
    'RFC 8414 §2',
  ],
  introspection_endpoint_auth_signing_alg_values_supported: [
    'The algorithms that APIs may sign with when they ask about tokens.',
    'RFC 8414 §2',
  ],
  tls_client_certificate_bound_access_tokens: [
    'Tokens can be bound to a certificate.',
    'RFC 8705 §3.3',
  ],
  frontchannel_logout_supported: [
    'The server can tell other apps of a sign-out, in frames.',
    'OIDC Front-Channel Logout §3',
  ],
  frontchannel_logout_session_supported: [
    'It says which session has ended.',
    'OIDC Front-Channel Logout §3',
  ],
  backchannel_logout_supported: [
    'The server can tell back ends of a sign-out.',
    'OIDC Back-Channel Logout §2.1',
  ],
  backchannel_logout_session_supported: [
    'It says which session has ended.',
    'OIDC Back-Channel Logout §2.1',
  ],
  client_id_metadata_document_supported: [
    'A client ID may be the address of a document about the app.',
    'Client ID Metadata Document §5',
  ],
  protected_resources: ['The APIs that the server gives tokens for.', 'RFC 9728 §4'],
  authorization_servers: ['The servers whose tokens the API accepts.', 'RFC 9728 §2'],
  bearer_methods_supported: ['How the API takes tokens.', 'RFC 9728 §2'],
  dpop_bound_access_tokens_required: [
    'The API takes tokens with a DPoP proof only.',
    'RFC 9728 §2',
  ],
  resource_name: ['The name of the API, for people.', 'RFC 9728 §2'],
  resource_documentation: ['A page for developers about the API.', 'RFC 9728 §2'],
}

/** What an app registers of itself. */
export const registration: Readonly<Record<string, Row>> = {
  client_name: ['The name of the app, for the consent page.', 'RFC 7591 §2'],
  redirect_uris: ['Where answers may go. Nothing else is accepted later.', 'RFC 7591 §2'],
  registration_access_token: ['Opens this registration, to change or delete it.', 'RFC 7592 §3'],
  registration_client_uri: ['Where this registration can be changed.', 'RFC 7592 §3'],
  client_id_issued_at: ['When the app was registered, in seconds since 1970.', 'RFC 7591 §3.2.1'],
  client_secret_expires_at: [
    'When the secret expires, in seconds since 1970; 0 is never.',
    'RFC 7591 §3.2.1',
  ],
  grant_types: ['What the app may ask for tokens with.', 'RFC 7591 §2'],
  response_types: ['What the app may ask for in an authorization request.', 'RFC 7591 §2'],
  token_endpoint_auth_method: [
    'How the app authenticates; “none” for an app in a browser, which has no secret.',
    'RFC 7591 §2',
  ],
  application_type: ['Whether the app runs on the web or is installed.', 'OIDC Registration §2'],
  client_uri: ['The home page of the app.', 'RFC 7591 §2'],
  logo_uri: ['The logo of the app.', 'RFC 7591 §2'],
  policy_uri: ['The privacy policy of the app.', 'RFC 7591 §2'],
  tos_uri: ['The terms of service of the app.', 'RFC 7591 §2'],
  contacts: ['Who to write to about the app.', 'RFC 7591 §2'],
  software_id: ['Which software the app is.', 'RFC 7591 §2'],
  software_version: ['Which version of its software the app is.', 'RFC 7591 §2'],
  post_logout_redirect_uris: [
    'Where the browser may go after signing out.',
    'OIDC RP-Initiated Logout §3.1',
  ],
  dpop_bound_access_tokens: ['The app always sends DPoP proofs.', 'RFC 9449 §5.2'],
}

const claim = 'OIDC Core §5.1'

/** What a server tells about a user. */
export const profile: Readonly<Record<string, Row>> = {
  name: ['The full name.', claim],
  given_name: ['The given names.', claim],
  family_name: ['The family names.', claim],
  middle_name: ['The middle names.', claim],
  nickname: ['A casual name.', claim],
  preferred_username: [
    'The name the user likes to be known by. It can change, and is not unique.',
    claim,
  ],
  profile: ['The user’s profile page.', claim],
  picture: ['A picture of the user.', claim],
  website: ['The user’s website.', claim],
  email: ['The e-mail address. It can change; identify the user by sub.', claim],
  email_verified: ['Whether the server has verified the e-mail address.', claim],
  gender: ['The gender.', claim],
  birthdate: ['The date of birth.', claim],
  zoneinfo: ['The time zone.', claim],
  locale: ['The language.', claim],
  phone_number: ['The phone number.', claim],
  phone_number_verified: ['Whether the server has verified the phone number.', claim],
  address: ['The postal address.', claim],
  updated_at: ['When these claims last changed, in seconds since 1970.', claim],
}
