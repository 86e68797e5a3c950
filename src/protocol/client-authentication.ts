import {
  ClientSecretBasic,
  ClientSecretPost,
  None,
  PrivateKeyJwt,
  clockSkew,
  modifyAssertion,
} from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { TokenType } from '../api/scheme.ts'
import type { Send } from './send.ts'
import type { ServerMetadata } from './server.ts'
import type { Transport } from './transport.ts'

/** What a client must know of its server to authenticate there. */
// A type, because oauth4webapi's has an index signature, which an interface does not fit.
export type AuthenticatingServer = {
  /** Its issuer identifier. */
  readonly issuer: string
  /** Where tokens come from. */
  readonly token_endpoint?: string
}

/** Adds to a request what proves who the client is (RFC 6749 §2.3). */
export type ClientAuthentication = (
  ...request: [
    server: AuthenticatingServer,
    client: { readonly client_id: string },
    body: URLSearchParams,
    headers: Headers,
  ]
) => void | Promise<void>

/** How a client authenticates at its server, once it is known what time it is there. */
export type ClientAuthenticationMethod = (clock: Clock) => ClientAuthentication

/** A client without a secret, as every client is that runs at its users' (RFC 6749 §2.1): it sends its `client_id` only. */
export const publicClient = (): ClientAuthentication => None()

/** HTTP Basic, with id and secret form-encoded first (RFC 6749 §2.3.1). */
export const secretInHeader =
  (secret: string): ClientAuthenticationMethod =>
  () =>
    ClientSecretBasic(secret)

/** `client_secret` in the body, for servers that do not read the header (RFC 6749 §2.3.1). */
export const secretInBody =
  (secret: string): ClientAuthenticationMethod =>
  () =>
    ClientSecretPost(secret)

/** What signs assertions, and how they differ from the usual. */
export interface AssertionSigner {
  key: CryptoKey
  /** Further members of the header, such as `kid`. */
  header: Readonly<Record<string, string>>
  /** Whom the assertions are for; the issuer when left out. */
  audience?: (server: AuthenticatingServer) => string
}

/** A JWT signed by the client, good for one request within a minute (RFC 7523 §2.2). */
export const signedAssertion =
  (signer: () => Promise<AssertionSigner>): ClientAuthenticationMethod =>
  (clock) =>
  async (server, client, ...request) => {
    const { key, header, audience } = await signer()
    const authenticate = PrivateKeyJwt(key, {
      [modifyAssertion](ownHeader, claims) {
        Object.assign(ownHeader, header)
        if (audience) claims['aud'] = audience(server)
      },
    })
    // oauth4webapi counts whole seconds of the system's clock, and times in a JWT are to be whole as well.
    const now = clock.now() / 1000
    const skew = Math.floor(now) - Math.floor(now - clock.systemOffset())
    await authenticate(server, { ...client, [clockSkew]: skew }, ...request)
  }

/** A client at its server, and how it reaches it. */
export interface OAuthClient {
  server: ServerMetadata
  clientId: string
  clientAuthentication: ClientAuthentication
  transport: Transport
  /** Sends what asks for a token or uses one, with a proof where there is one. */
  send: Send
  /** The type its tokens must have. */
  tokenType: TokenType
  clock: Clock
}
