import type { Scheme } from './scheme.ts'

/** Bearer tokens (RFC 6750 §2.1): the token goes into the Authorization header as it is. */
export function bearer(readChallenges: Scheme['readChallenges']): Scheme {
  return {
    type: 'Bearer',
    authorize: (token) => `Bearer ${token}`,
    send: (fetch, { request, init, headers, credential }) =>
      fetch(request, withAuthorization(init, headers, credential.header)),
    readChallenges,
  }
}

function withAuthorization(
  init: RequestInit | undefined,
  given: HeadersInit = {},
  authorization: string,
): RequestInit {
  const headers = isPlain(given) ? { authorization, ...given } : new Headers(given)
  if (headers instanceof Headers) headers.set('authorization', authorization)
  // On the hot path: assigning is several times as fast as a spread with another member behind it.
  return Object.assign({}, init, { headers })
}

/** Headers as a plain object, not a list or a `Headers`. */
export function isPlain(headers: HeadersInit): headers is Record<string, string> {
  return !(Symbol.iterator in headers)
}
