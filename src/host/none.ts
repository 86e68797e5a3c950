import { PkceClientError } from '../errors.ts'
import type { Host } from './host.ts'

/** Makes the host of an environment without a page: Node, Deno, workers. */
export function noHost(): Host {
  return {
    url: () => undefined,
    baseUrl: () => (globalThis.location as Location | undefined)?.href,
    replaceUrl() {
      // There is no address to show.
    },
    navigate(url) {
      throw new PkceClientError(
        'invalid_option',
        `This environment has no page to send to ${new URL(url).origin}; use createAuthorizationUrl() and handleCallback(url), or pass the option navigator.`,
      )
    },
    onWake: () => () => undefined,
    whenShown: () => Promise.resolve(),
    hasUserGesture: () => false,
    isSecureContext,
  }
}

export function isSecureContext(): boolean {
  const { isSecureContext: secure, crypto } = globalThis as Partial<typeof globalThis>
  return secure !== false && typeof crypto?.subtle === 'object'
}
