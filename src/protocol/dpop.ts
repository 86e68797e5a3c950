import {
  DPoP,
  allowInsecureRequests,
  customFetch,
  generateKeyPair,
  modifyAssertion,
  protectedResourceRequest,
} from 'oauth4webapi'
import { OAuthServerError } from '../errors.ts'
import { readObject } from './answer.ts'
import { readChallenges } from './challenge.ts'
import { discard } from './transport.ts'
import type { DPoPHandle } from 'oauth4webapi'
import type { Clock } from '../clock.ts'
import type { Answer } from './answer.ts'

/**
 * A key with the nonces of those it is shown to. Authorization server and APIs may share an origin, and each has nonces of its
 * own (RFC 9449 §8, §9).
 */
export interface DpopKey {
  forServer: DPoPHandle
  forApis: DPoPHandle
}

/** A new key pair, whose private key cannot be exported. */
export const createKeyPair = (): Promise<CryptoKeyPair> => generateKeyPair('ES256')

export function dpopKey(pair: CryptoKeyPair, clock: Clock): DpopKey {
  const handle = () =>
    DPoP({}, pair, {
      [modifyAssertion]: (_, payload) => {
        payload['iat'] = Math.floor(clock.now() / 1000)
      },
    })
  return { forServer: handle(), forApis: handle() }
}

/** The headers of a request with a token that is bound to a key (RFC 9449 §7.1). */
export interface DpopHeaders {
  /** `DPoP`, a space, and the token. */
  authorization: string
  /** The proof, which is good for one request. */
  dpop: string
}

/** The request that a proof is for. */
export interface DpopRequest {
  /** Absolute. */
  url: string | URL
  /** `'GET'` when left out. */
  method?: string | undefined
  /** The access token. */
  token: string
}

/** Makes the headers of a request to an API. The answer of `perform` may bring the nonce for the next one. */
export async function prove(
  { forApis }: DpopKey,
  { url, method = 'GET', token }: DpopRequest,
  perform: (headers: DpopHeaders) => Promise<Response> | undefined,
): Promise<void> {
  await protectedResourceRequest(token, method, new URL(url), undefined, null, {
    DPoP: forApis,
    [allowInsecureRequests]: true,
    async [customFetch](_, { headers }) {
      const response = await perform(headers as unknown as DpopHeaders)
      const nonce = response?.headers.get('dpop-nonce')
      // The answer itself may be of another realm, and its challenges are read elsewhere, with a limit.
      return new Response(null, nonce ? { headers: { 'dpop-nonce': nonce } } : {})
    },
  })
}

const word = 'use_dpop_nonce'

/**
 * Sends with a proof, and once more when a nonce is asked for (RFC 9449 §8, §9): an API asks in a challenge, the
 * authorization server may do so in the body.
 */
export async function withNonce(
  send: (isAgain: boolean) => Promise<Response>,
  { from, inBody }: { from: string; inBody?: boolean },
): Promise<Response> {
  const asksForNonce = async (response: Response) =>
    !response.ok &&
    ((await readChallenges(response)).some(({ parameters: { error } }) => error === word) ||
      (inBody && ((await readObject(response.clone())) as Answer | undefined)?.error === word))
  const first = await send(false)
  if (!(await asksForNonce(first))) return first
  if (first.headers.has('dpop-nonce')) {
    discard(first)
    const second = await send(true)
    if (!(await asksForNonce(second))) return second
  }
  throw new OAuthServerError(
    'server_error',
    `${from} refuses every DPoP nonce, or does not let this page read it; it must send Access-Control-Expose-Headers: DPoP-Nonce.`,
    { error: word, status: 400 },
  )
}
