import { None, processRevocationResponse, revocationRequest } from 'oauth4webapi'
import { translateError } from './translate-error.ts'
import type { ServerMetadata } from './server.ts'
import type { Transport } from './transport.ts'

/** How long signing out may wait for the server, in milliseconds. */
export const patience = 2000

/** Revokes one token (RFC 7009 §2); `keepalive` lets the request outlive the page. Throws the errors of the request. */
export async function revokeToken(
  server: ServerMetadata,
  { clientId, token, transport }: { clientId: string; token: string; transport: Transport },
): Promise<void> {
  try {
    await processRevocationResponse(
      await revocationRequest(
        server,
        { client_id: clientId },
        None(),
        token,
        transport('revocation', { keepalive: true, timeout: patience }),
      ),
    )
  } catch (error) {
    throw translateError(error, ['server_error', 'The token was not revoked'])
  }
}

/** The end-session request as a URL (OpenID Connect RP-Initiated Logout §2); `undefined` when the server has no such endpoint. */
export function endSessionUrl(
  server: ServerMetadata,
  parameters: Record<string, string | undefined>,
): URL | undefined {
  if (server.end_session_endpoint === undefined) return undefined
  const url = new URL(server.end_session_endpoint)
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}
