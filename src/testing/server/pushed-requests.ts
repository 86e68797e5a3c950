import { randomToken } from './encoding.ts'
import type { Settings } from './options.ts'
import type { AuthorizationRequest } from './sessions.ts'

/** RFC 9126 §2.2 */
export const requestUriPrefix = 'urn:ietf:params:oauth:request_uri:'

export interface PushedRequest {
  request: AuthorizationRequest & { pushed: { used: boolean } }
  expiresAt: number
}

export interface PushedRequests {
  /** Keeps a request for one use. */
  push(request: AuthorizationRequest): { requestUri: string; expiresIn: number }
  find(requestUri: string): PushedRequest | undefined
}

export function createPushedRequests(settings: Settings, now: () => number): PushedRequests {
  const pushed = new Map<string, PushedRequest>()
  return {
    push(request) {
      const requestUri = requestUriPrefix + randomToken()
      const expiresIn = settings.requestUriLifetime
      const expiresAt = now() + expiresIn * 1000
      pushed.set(requestUri, { request: { ...request, pushed: { used: false } }, expiresAt })
      return { requestUri, expiresIn }
    },
    find: (requestUri) => pushed.get(requestUri),
  }
}
