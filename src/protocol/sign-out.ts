import { processRevocationResponse, revocationRequest } from 'oauth4webapi'
import type { OAuthClient } from './client-authentication.ts'

/** How long signing out may wait for the server, in milliseconds. */
export const longestSignOut = 2000

/** Revokes one token (RFC 7009 §2); `keepalive` lets the request outlive the page. Nobody is told why it failed, if it did. */
export async function revokeToken(
  { server, clientId, clientAuthentication, transport }: OAuthClient,
  token: string,
): Promise<void> {
  await processRevocationResponse(
    await revocationRequest(
      server,
      { client_id: clientId },
      clientAuthentication,
      token,
      transport('revocation', { keepalive: true, timeout: longestSignOut }),
    ),
  )
}
