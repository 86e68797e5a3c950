import { metadata, profile, registration } from './explain-metadata.ts'
import type { Row } from './explain-metadata.ts'

/** What goes to the authorization server, in addresses and forms. */
const requests: Record<string, Row> = {
  response_type: ['What is asked for: a code, never a token in an address.', 'RFC 6749 §3.1.1'],
  response_mode: [
    'How the answer comes back. Left out, it is in the query.',
    'OAuth Multiple Response Types §2.1',
  ],
  client_id: ['Which app asks. It is public, not a secret.', 'RFC 6749 §2.2'],
  client_secret: [
    'The password of an app on a server. An app in a browser has none.',
    'RFC 6749 §2.3.1',
  ],
  client_assertion: [
    'A signed statement by which an app on a server authenticates.',
    'RFC 7523 §2.2',
  ],
  client_assertion_type: ['The kind of statement: a signed JWT.', 'RFC 7523 §2.2'],
  redirect_uri: ['Where the answer goes. Must be exactly the registered one.', 'RFC 9700 §2.1'],
  scope: [
    'What the app may do, as a list of words. The server may grant less than was asked for.',
    'RFC 6749 §3.3',
  ],
  state: [
    'Ties the answer to this sign-in. Made here, kept here, compared here: a callback nobody asked for is refused.',
    'RFC 6749 §10.12',
  ],
  nonce: [
    'Comes back inside the signed ID token, so an old token cannot be slipped in.',
    'OIDC Core §3.1.2.1',
  ],
  code_challenge: [
    'SHA-256 of a secret that has not left the page yet. Whoever brings the code must show the secret.',
    'RFC 7636 §4.2',
  ],
  code_challenge_method: ['How the hash was made. “plain” is never used.', 'RFC 7636 §4.3'],
  code_verifier: [
    'The secret itself, 43 random characters. A stolen code is worthless without it. It works for one code only.',
    'RFC 7636 §4.5',
  ],
  code: [
    'Buys tokens once, within a minute or so, for this client and this redirect URI only.',
    'RFC 6749 §4.1.2',
  ],
  request_uri: [
    'Stands for a request that was pushed to the server before, so that the address shows nothing of it.',
    'RFC 9126 §2.2',
  ],
  request: ['The whole request as a signed JWT.', 'RFC 9101 §4'],
  resource: ['The API that the access token is for. The token works nowhere else.', 'RFC 8707 §2'],
  audience: ['The API that the access token is for, as some servers call it.'],
  authorization_details: [
    'What exactly is asked for or granted, as JSON, where a scope is too coarse.',
    'RFC 9396 §2',
  ],
  prompt: [
    'Whether the server may or must show a page: “none” shows none, “login” asks for the password again.',
    'OIDC Core §3.1.2.1',
  ],
  acr_values: [
    'How strongly the user should be authenticated, the best first.',
    'OIDC Core §3.1.2.1',
  ],
  max_age: ['How many seconds ago the user may have authenticated at most.', 'OIDC Core §3.1.2.1'],
  login_hint: ['Who is probably signing in, to fill in the form.', 'OIDC Core §3.1.2.1'],
  ui_locales: ['The languages of the server’s pages, the best first.', 'OIDC Core §3.1.2.1'],
  claims: ['Single claims that are asked for, as JSON.', 'OIDC Core §5.5'],
  display: ['How the server’s page should be shown.', 'OIDC Core §3.1.2.1'],
  dpop_jkt: [
    'The thumbprint of the DPoP key: the code works only together with this key.',
    'RFC 9449 §10',
  ],
  grant_type: [
    'What tokens are asked for with: a code after sign-in, a refresh token later.',
    'RFC 6749 §4.1.3',
  ],
  token: ['The token that is to be revoked or asked about.', 'RFC 7009 §2.1'],
  token_type_hint: [
    'Which kind of token it is, so that the server finds it faster.',
    'RFC 7009 §2.1',
  ],
  id_token_hint: [
    'Which session is to end: the ID token of the sign-in, even if it has expired.',
    'OIDC RP-Initiated Logout §2',
  ],
  post_logout_redirect_uri: [
    'Where the browser goes after signing out. Must be registered.',
    'OIDC RP-Initiated Logout §2',
  ],
  logout_hint: ['Who signs out, if there is no ID token to say so.', 'OIDC RP-Initiated Logout §2'],
  logout_token: [
    'Says, signed by the server, whose session ended elsewhere.',
    'OIDC Back-Channel Logout §2.4',
  ],
  domain_hint: ['Which company the user is from, so that the right sign-in page is shown.'],
  organization: ['Which organization the user signs in to.'],
  returnTo: ['Where the user goes after signing in. Of this app only.'],
  username: ['Whom the form is filled in for, or whom the token stands for.', 'RFC 7662 §2.2'],
  password: [
    'The password of the user. An app that asks for it learns it; use a redirect instead.',
    'RFC 9700 §2.4',
  ],
  subject_token: ['The token that is exchanged for another.', 'RFC 8693 §2.1'],
  subject_token_type: ['The kind of token that is exchanged.', 'RFC 8693 §2.1'],
}

/** What comes back, from the authorization server or an API. */
const answers: Record<string, Row> = {
  access_token: [
    'What your API accepts. Your code never sees it; auth.fetch puts it on listed resources only.',
    'RFC 6750 §2.1',
  ],
  refresh_token: [
    'Buys the next access token. Works once, where the server rotates: each renewal brings a new one.',
    'RFC 9700 §4.14',
  ],
  id_token: [
    'Says who signed in, signed by the server. For your app, never for the API.',
    'OIDC Core §2',
  ],
  token_type: [
    'How the access token is sent: Bearer, or DPoP together with a proof.',
    'RFC 6749 §7.1',
  ],
  expires_in: [
    'Seconds that the token is good for. Counted from before the request left, so a wrong clock does not matter.',
    'RFC 6749 §5.1',
  ],
  refresh_token_expires_in: ['Seconds that the refresh token is good for.'],
  refresh_expires_in: ['Seconds that the refresh token is good for.'],
  session_state: [
    'A name for the state of the user’s session at the server.',
    'OIDC Session Management §2',
  ],
  iss: [
    'Who answers. Compared, so that one server cannot pass on the answer of another.',
    'RFC 9207 §2',
  ],
  error: ['Why not, as a word that code can compare.', 'RFC 6749 §5.2'],
  error_description: [
    'Why not, in the words of the server; for developers, and never shown to users.',
    'RFC 6749 §5.2',
  ],
  error_uri: ['A page about this error.', 'RFC 6749 §5.2'],
  suberror: ['More about the error, from some servers.'],
  active: ['Whether the token is good.', 'RFC 7662 §2.2'],
  data: ['The tokens, where a back end wraps its answer.'],
  status: ['Whether somebody is signed in, as the back end says.'],
  reason: ['Why nobody is signed in any more.'],
  expiresIn: ['Seconds until the access token that the back end keeps expires.'],
  csrf: ['What requests that change something must carry, so that no other site can send them.'],
  stale: ['Renewing fails at the moment; the user is still signed in.'],
  message: ['What went wrong, for developers.'],
}

/** HTTP headers, in lower case, and the members of a WWW-Authenticate header. */
const headers: Record<string, Row> = {
  authorization: [
    'How the request shows that it may: the scheme, then the token. Sent to listed resources only.',
    'RFC 6750 §2.1',
  ],
  dpop: [
    'A proof for this one request, signed by a key that cannot be taken out of this browser.',
    'RFC 9449 §4',
  ],
  'dpop-nonce': [
    'A number from the server for the next proof, so that proofs cannot be made in advance.',
    'RFC 9449 §8',
  ],
  'www-authenticate': [
    'What the API wants: which scheme, and why this token is refused.',
    'RFC 9110 §11.6.1',
  ],
  scheme: ['How the token is sent: Bearer, or DPoP together with a proof.', 'RFC 9110 §11.1'],
  realm: ['A name for the part of the API that is protected.', 'RFC 9110 §11.5'],
  algs: ['The algorithms that a DPoP proof may be signed with.', 'RFC 9449 §7.1'],
  resource_metadata: [
    'Where the API describes itself, and which authorization server it trusts.',
    'RFC 9728 §5.1',
  ],
  'retry-after': [
    'How long to wait before asking again. The SDK waits as asked.',
    'RFC 9110 §10.2.3',
  ],
  location: ['Where the browser goes next.', 'RFC 9110 §10.2.2'],
  'content-type': ['What kind of text the body is.', 'RFC 9110 §8.3'],
  'cache-control': [
    'Whether anybody on the way may keep the answer. Tokens: nobody.',
    'RFC 9111 §5.2',
  ],
  accept: ['What kinds of answer are understood.', 'RFC 9110 §12.5.1'],
  date: [
    'The time by the server’s clock, by which a wrong clock here is noticed.',
    'RFC 9110 §6.6.1',
  ],
  'x-requested-with': [
    'A form on another site cannot send this header, so the back end knows that the app itself asks.',
  ],
}

/** Claims of ID tokens, access tokens and proofs. */
const claims: Record<string, Row> = {
  iss: ['Who signed. Must be the server that was asked.', 'OIDC Core §2'],
  sub: ['Who signed in: the user’s lasting, unique name at this server.', 'OIDC Core §2'],
  aud: ['For whom. An ID token for another app is refused.', 'OIDC Core §2'],
  azp: ['Which app asked for the token, if there are several audiences.', 'OIDC Core §2'],
  exp: ['Until when it is good, in seconds since 1970.', 'OIDC Core §2'],
  iat: ['When it was made, in seconds since 1970.', 'OIDC Core §2'],
  nbf: ['From when on it is good, in seconds since 1970.', 'RFC 7519 §4.1.5'],
  'exp − iat': ['Lifetime.', 'OIDC Core §2'],
  auth_time: [
    'When the user last authenticated, in seconds since 1970. Compared with max_age.',
    'OIDC Core §2',
  ],
  amr: ['How the user authenticated: pwd for a password, otp for a one-time code.', 'RFC 8176 §2'],
  acr: ['How strong the authentication was. Compared with acr_values.', 'OIDC Core §2'],
  at_hash: [
    'Half of the access token’s SHA-256: the two tokens belong together.',
    'OIDC Core §3.1.3.6',
  ],
  c_hash: ['Half of the code’s SHA-256.', 'OIDC Core §3.3.2.11'],
  s_hash: ['Half of the state’s SHA-256.', 'FAPI 1.0 Part 2 §5.1'],
  sid: ['A name for the user’s session at the server.', 'OIDC Back-Channel Logout §2.1'],
  events: ['What happened: the user’s session ended.', 'OIDC Back-Channel Logout §2.4'],
  tid: ['The user’s organization at Microsoft Entra.'],
  ver: ['The version of the token’s format.'],
  gty: ['How the token was asked for.'],
  cnf: ['The key that the token is bound to: without it, the token is worthless.', 'RFC 7800 §3.1'],
  jkt: ['The thumbprint of the DPoP key that the token is bound to.', 'RFC 9449 §6.1'],
  htm: ['The method of the one request that this proof is good for.', 'RFC 9449 §4.2'],
  htu: ['The address of the one request that this proof is good for.', 'RFC 9449 §4.2'],
  jti: ['A name for this token or proof, so that it is not accepted twice.', 'RFC 7519 §4.1.7'],
  ath: ['SHA-256 of the access token: the proof is for this token only.', 'RFC 9449 §4.2'],
  jwk: [
    'The public key that the proof is signed with. The private key stays in the browser.',
    'RFC 9449 §4.2',
  ],
  alg: ['The algorithm of the signature. “none” is never accepted.', 'RFC 7515 §4.1.1'],
  typ: ['What kind of JWT it is, so that one kind is not taken for another.', 'RFC 7515 §4.1.9'],
  kid: ['Which of the server’s keys signed.', 'RFC 7515 §4.1.4'],
  kty: ['The kind of key.', 'RFC 7517 §4.1'],
  crv: ['The curve of the key.', 'RFC 7518 §6.2.1'],
  x: ['A coordinate of the public key.', 'RFC 7518 §6.2.1'],
  y: ['A coordinate of the public key.', 'RFC 7518 §6.2.1'],
  use: ['What the key is for: signatures.', 'RFC 7517 §4.2'],
  keys: ['The public keys of the server.', 'RFC 7517 §5'],
}

/** By name; what means something else in one place is under `place:name`. */
/** What the routes of `ServerClient` say, and what they are asked. */
const backEnd: Record<string, Row> = {
  status: ['Whether a user is signed in, as the back end knows it.'],
  reason: ['Why the session ended.'],
  expiresIn: ['In how many seconds the access token expires, which the back end keeps.'],
  stale: ['Whether the back end cannot refresh the tokens at the moment.'],
  csrf: [
    'What requests that change something must carry, so that no other site can send them. It goes with the cookie and is of no use without it.',
  ],
  returnTo: ['Which page of the app the user comes back to.'],
  message: ['What went wrong, in one sentence.'],
  data: ['The answer itself.'],
}

export const names: Readonly<Record<string, Row>> = {
  ...metadata,
  ...registration,
  ...profile,
  ...claims,
  ...backEnd,
  ...headers,
  ...answers,
  ...requests,
  // In an answer in an address it is who answers, in a token who signed.
  'claim:iss': claims['iss']!,
  'body:scope': ['What the app may do now. Missing, it is what was asked for.', 'RFC 6749 §5.1'],
  'claim:scope': ['What the token allows.', 'RFC 9068 §2.2.3'],
  'claim:client_id': ['Which app the token was given to.', 'RFC 9068 §2.2'],
  'body:claims': ['What the ID token says about the user.', 'OIDC Core §2'],
  'header:error': [
    'Why the API refuses the request, as a word that code can compare.',
    'RFC 6750 §3',
  ],
  'header:error_description': [
    'Why the API refuses, in its own words; for developers.',
    'RFC 6750 §3',
  ],
  'header:scope': ['What the token must allow for this request.', 'RFC 6750 §3'],
  'header:acr_values': [
    'How strongly the user must be authenticated for this request.',
    'RFC 9470 §3',
  ],
  'header:max_age': [
    'How many seconds ago the user may have authenticated at most, for this request.',
    'RFC 9470 §3',
  ],
  'body:request_uri': [
    'The server’s name for the pushed request. Good once, and for a short time.',
    'RFC 9126 §2.2',
  ],
}
