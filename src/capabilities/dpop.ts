import { isOneShot, spareOf } from '../api/fetch.ts'
import { PkceClientError } from '../errors.ts'
import { readChallenges } from '../protocol/challenge.ts'
import { prove, withNonce } from '../protocol/dpop.ts'
import { createKeys } from './dpop-keys.ts'
import { defineCapability } from './define-capability.ts'
import type { ApiCall, Credential, Fetch } from '../api/scheme.ts'
import type { CapabilityParts, Hooks } from '../compose/hooks.ts'
import type { DpopHeaders, DpopKey, DpopRequest } from '../protocol/dpop.ts'
import type { Capability } from './capability.ts'

/** {@link dpop}, for the option `use` of one client. */
export interface DpopCapability extends Capability {
  /**
   * Makes the headers of one request, for HTTP clients other than {@link PkceClient.fetch} (RFC 9449 §7.1); each needs new
   * ones. The token is from {@link PkceClient.getAccessToken}. Rejects with `session_ended` or `storage_unavailable`,
   * and with `invalid_option` before a client has it.
   */
  headers(request: DpopRequest): Promise<DpopHeaders>
}

/**
 * Makes the capability that binds tokens to a key of this browser (RFC 9449): whoever copies a token cannot use it. The key is
 * in IndexedDB, and cannot be exported. Calls reject with `server_error` where a server asks for nonces that it does not
 * accept or show, and with `resource_not_allowed` where an API redirects; `signIn()` with `storage_unavailable` where no key can be kept.
 */
export function dpop(): DpopCapability {
  let keys: ReturnType<typeof createKeys> | undefined
  return Object.assign(
    defineCapability({
      name: 'dpop()',
      hooks: (parts) => hooksWith((keys = createKeys(parts)), parts),
    }),
    {
      async headers(request: DpopRequest): Promise<DpopHeaders> {
        if (!keys)
          throw new PkceClientError(
            'invalid_option',
            'No client has this dpop() in its option use.',
          )
        let made!: DpopHeaders
        await prove(await keys.get(), request, ({ authorization, dpop }) => {
          made = { authorization, dpop }
          return undefined
        })
        return made
      },
    },
  )
}

function hooksWith(
  keys: ReturnType<typeof createKeys>,
  { options: { issuer }, emit }: CapabilityParts,
): Partial<Hooks> {
  let told: unknown

  /** An API was called, and the key is gone: for each call there is one error, and one event for all. */
  function tell(error: PkceClientError): never {
    if (error.sessionEnded && error !== told) emit('sign-in-required', { error })
    throw (told = error)
  }

  return {
    scheme: {
      type: 'DPoP',
      authorize: (token) => `DPoP ${token}`,
      send: async (fetch, call) => sendProven(await keys.get().catch(tell), fetch, call),
      readChallenges,
    },
    async protect(call, options) {
      const { forServer: DPoP } = await keys.get()
      return withNonce(() => call({ ...options, DPoP }), { from: issuer, inBody: true })
    },
    parameters: async ({ leavesPage }) => {
      const { forServer } = await keys.begin(leavesPage)
      return [['dpop_jkt', await forServer.calculateThumbprint()]]
    },
    ready: keys.get,
  }
}

/** Sends the request of the caller, with two headers of ours. */
async function sendProven(
  key: DpopKey,
  fetch: Fetch,
  { request, init, headers, credential: { token } }: ApiCall & { credential: Credential },
): Promise<Response> {
  const given = typeof request === 'string' ? undefined : request
  const url = given?.url ?? (request as string)
  const method = init?.method ?? given?.method
  const spare = spareOf(request, init)
  // A proof is for one URL, so redirects are followed only if the caller says so; every Request says `follow`.
  const redirect = init?.redirect ?? (given?.redirect === 'follow' ? undefined : given?.redirect)
  const send = async (isAgain: boolean): Promise<Response> => {
    let response!: Response
    await prove(key, { url, method, token }, async (proof) => {
      const sent = new Headers(headers)
      sent.set('authorization', proof.authorization)
      sent.set('dpop', proof.dpop)
      const options = { ...init, headers: sent, redirect: redirect ?? 'manual' }
      return (response = await fetch(isAgain ? spare : request, options))
    })
    if (!redirect && isRedirect(response)) throw redirected(url)
    return response
  }
  return isOneShot(init?.body) ? send(false) : withNonce(send, { from: new URL(url).origin })
}

const isRedirect = ({ type, status }: Response) =>
  type === 'opaqueredirect' || [301, 302, 303, 307, 308].includes(status)

function redirected(from: string): PkceClientError {
  const { origin, pathname } = new URL(from)
  return new PkceClientError(
    'resource_not_allowed',
    `${origin}${pathname.slice(0, 100)} redirects, and a DPoP proof is for one URL; call the other URL, or pass redirect: 'follow'.`,
  )
}
