import {
  authorizationCodeGrantRequest,
  getValidatedIdTokenClaims,
  processAuthorizationCodeResponse,
  skipAuthTimeCheck,
} from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import {
  asResponse,
  otherResource,
  readAnswer,
  readObject,
  tokenSet,
  translateAnswerError,
} from './answer.ts'
import {
  checkAccessToken,
  checkClaims,
  fetchKeys,
  partiesFor,
  verifySignature,
} from './id-token.ts'
import { asksForIdToken } from './server.ts'
import type { Answer } from './answer.ts'
import type { OAuthClient } from './client-authentication.ts'
import type { Claims, TokenSet } from './token-set.ts'

interface CodeExchange {
  /** As {@link checkCallback} returned them. */
  parameters: URLSearchParams
  redirectUri: string
  verifier: string
  nonce: string
  scope: string
  maxAge?: number | undefined
  /** What the access token is asked for with: parameters, form-encoded. */
  ask?: string | undefined
  /** What it is for, where that does not say so. */
  resource?: readonly string[] | undefined
}

/** The same request is sent once more where no answer came at all: the server has probably not seen the code. */
async function requestTokens(
  { server, clientId, clientAuthentication, send }: OAuthClient,
  { parameters, redirectUri, verifier, ask, resource }: CodeExchange,
): Promise<{ body: Answer; response: Response }> {
  const additionalParameters = new URLSearchParams(ask)
  if (!additionalParameters.has('resource'))
    for (const one of [resource ?? []].flat()) additionalParameters.append('resource', one)
  const raw = await send(
    'token',
    (options) =>
      authorizationCodeGrantRequest(
        server,
        { client_id: clientId },
        clientAuthentication,
        parameters,
        redirectUri,
        verifier,
        { ...options, additionalParameters },
      ),
    { resend: true },
  )
  const body = readAnswer(await readObject(raw))
  const error = otherResource(body, additionalParameters)
  if (error) throw error
  return { body, response: asResponse(body, raw) }
}

/** A code works once: after a second failure of the network nothing is left to try but a new sign-in. */
function notAgain(error: unknown): unknown {
  if (!(error instanceof PkceClientError && error.code === 'network')) return error
  return new PkceClientError(
    'network',
    `${error.message} The code of this sign-in is spent: sign in again.`,
    {
      cause: error.cause,
    },
  )
}

/**
 * Exchanges the code (RFC 6749 §4.1.3, RFC 7636 §4.5) and validates everything before it counts, the ID token's
 * signature included. Throws `token_response_invalid`, `id_token_invalid` and the errors of the request.
 */
export async function exchangeCode(at: OAuthClient, exchange: CodeExchange): Promise<TokenSet> {
  const { server, transport, tokenType, clock } = at
  const openid = asksForIdToken(exchange.scope)
  const keys = openid && server.jwks_uri ? fetchKeys(server, transport) : undefined
  const requestedAt = clock.now()
  const { body, response } = await requestTokens(at, exchange).catch((error: unknown) => {
    throw notAgain(error)
  })
  const { id_token: idToken, access_token: accessToken } = body
  try {
    const [issuer, client] = partiesFor(at, { idToken, bounded: true })
    const result = await processAuthorizationCodeResponse(
      issuer,
      client,
      response,
      openid || idToken
        ? { expectedNonce: exchange.nonce, maxAge: exchange.maxAge ?? skipAuthTimeCheck }
        : {},
    )
    const claims = getValidatedIdTokenClaims(result) as Claims | undefined
    if (claims) {
      const named = exchange.parameters.get('iss')
      if (named !== null && named !== claims.iss) throw otherTenant(claims.iss)
      checkClaims(claims)
      await verifySignature(at, { response, keys: await keys })
      await checkAccessToken(claims, { accessToken: accessToken!, idToken: idToken! })
    }
    return tokenSet(body, { tokenType, claims, requestedAt })
  } catch (error) {
    throw translateAnswerError(error, { body, tokenType })
  }
}

function otherTenant(issuer: string): PkceClientError {
  return new PkceClientError(
    'issuer_mismatch',
    `The ID token is from ${issuer}, and the iss parameter of the answer is another.`,
  )
}
