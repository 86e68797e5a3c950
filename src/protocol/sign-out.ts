import { None, processRevocationResponse, revocationRequest } from 'oauth4webapi'
import type { ServerMetadata } from './server.ts'
import type { Transport } from './transport.ts'

/** How long signing out may wait for the server, in milliseconds. */
export const longestSignOut = 2000

/** Revokes one token (RFC 7009 §2); `keepalive` lets the request outlive the page. Nobody is told why it failed, if it did. */
export async function revokeToken(
  server: ServerMetadata,
  { clientId, token, transport }: { clientId: string; token: string; transport: Transport },
): Promise<void> {
  await processRevocationResponse(
    await revocationRequest(
      server,
      { client_id: clientId },
      None(),
      token,
      transport('revocation', { keepalive: true, timeout: longestSignOut }),
    ),
  )
}
