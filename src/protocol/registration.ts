import {
  dynamicClientRegistrationRequest,
  processDynamicClientRegistrationResponse,
} from 'oauth4webapi'
import { PkceClientError } from '../errors.ts'
import { readAnswer, readObject, refuseError } from './answer.ts'
import { checkServer, discover } from './server.ts'
import { translateError } from './translate-error.ts'
import type { Client } from 'oauth4webapi'
import type { Transport } from './transport.ts'

interface RegistrationServer {
  issuer: string
  transport: Transport
  secureUrl: (value: unknown) => URL | undefined
}

/** Registers a client without a secret at the server (RFC 7591 §3). Resolves to its `client_id`. */
export async function requestRegistration(
  at: RegistrationServer,
  metadata: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { transport, issuer } = at
  const found = await discover(at, ['oauth2', 'oidc'])
  // No member that `checkServer` knows: a wrong one would keep people from signing in. It is read without a prototype, where
  // anybody could have put one.
  const published: Record<string, unknown> = { __proto__: null, ...found }
  const endpoint = published['registration_endpoint']
  const server = checkServer(found, at)
  if (!at.secureUrl(endpoint))
    throw byHand(
      'discovery_failed',
      `${issuer.slice(0, 200)} does not let apps register themselves`,
    )
  const response = await dynamicClientRegistrationRequest(
    { ...server, registration_endpoint: endpoint as string },
    metadata as Partial<Client>,
    transport('registration'),
  )
  const body = await readObject(response)
  refuseError(readAnswer(body), response)
  // Some servers answer 200, and what was registered is registered.
  const created = new Response(JSON.stringify(body ?? {}), { status: 201 })
  const client = await processDynamicClientRegistrationResponse(created).catch((error: unknown) => {
    throw translateError(error, ['server_error', unusable])
  })
  // It may have ignored that the client asked for none (RFC 7591 §3.2.1).
  if (client.client_secret)
    throw byHand(
      'server_error',
      'The server registered the app with a secret, which no app can keep',
    )
  return client.client_id
}

const unusable = 'The answer of the registration endpoint cannot be used'

const byHand = (code: 'discovery_failed' | 'server_error', why: string): PkceClientError =>
  new PkceClientError(code, `${why}; register it there by hand.`)
