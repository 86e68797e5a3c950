import { pushRequest } from '../protocol/pushed-request.ts'
import { defineCapability } from './define-capability.ts'
import type { Capability } from './capability.ts'

/**
 * Makes the capability that sends authorization requests to the server before the user leaves (RFC 9126): the address bar
 * shows a reference only, which can be used once, within seconds or minutes. `signIn()` and `createAuthorizationUrl()` then also
 * reject with `invalid_option` (the server has no such endpoint), `server_error`, `rate_limited`, `network` and `timeout`.
 */
export const pushedRequests = (): Capability =>
  defineCapability({ name: 'pushedRequests()', hooks: () => ({ push: pushRequest }) })
