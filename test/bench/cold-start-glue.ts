import * as oauth from 'oauth4webapi'
import { clientId, redirectUri, scope, server } from './cold-start-server.ts'

/** The same by hand. All that the rest of the flow takes is in the file too, since an app would need it. */
export const theRest = [
  oauth.discoveryRequest,
  oauth.processDiscoveryResponse,
  oauth.validateAuthResponse,
  oauth.authorizationCodeGrantRequest,
  oauth.processAuthorizationCodeResponse,
  oauth.validateApplicationLevelSignature,
  oauth.refreshTokenGrantRequest,
  oauth.processRefreshTokenResponse,
  oauth.protectedResourceRequest,
  oauth.userInfoRequest,
  oauth.processUserInfoResponse,
  oauth.revocationRequest,
  oauth.processRevocationResponse,
]

const verifier = oauth.generateRandomCodeVerifier()
const url = new URL(server.authorization_endpoint)
url.search = new URLSearchParams({
  response_type: 'code',
  client_id: clientId,
  redirect_uri: redirectUri,
  scope,
  state: oauth.generateRandomState(),
  nonce: oauth.generateRandomNonce(),
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}).toString()
if (!url.searchParams.has('code_challenge')) throw new Error(`This is no authorization URL: ${url}`)
