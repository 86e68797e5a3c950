export const clientId = 'my-spa'
export const redirectUri = 'https://app.example.com/callback'
export const scope = 'openid profile offline_access'

const issuer = 'https://login.example.com'

/** Known beforehand, so that nothing is asked of the network. */
export const server = {
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  userinfo_endpoint: `${issuer}/userinfo`,
  revocation_endpoint: `${issuer}/revoke`,
  end_session_endpoint: `${issuer}/end_session`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
  id_token_signing_alg_values_supported: ['RS256'],
  authorization_response_iss_parameter_supported: true,
}
