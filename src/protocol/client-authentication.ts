import { None } from 'oauth4webapi'
import type { ClientAuth } from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { TokenType } from '../api/scheme.ts'
import type { Send } from './send.ts'
import type { ServerMetadata } from './server.ts'
import type { Transport } from './transport.ts'

/** How a client proves who it is at the token and revocation endpoints (RFC 6749 §2.3). */
export type ClientAuthentication = ClientAuth

/** A client without a secret, as every client is that runs at its users' (RFC 6749 §2.1): it sends its `client_id` only. */
export const publicClient = (): ClientAuthentication => None()

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
