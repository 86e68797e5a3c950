export type { AddOptions, SessionIndex, SessionStore, Swap } from './store/session-store.ts'
export { clientSecret, clientSecretPost } from './client-authentication.ts'
export type {
  ClientAuthentication,
  ClientAuthenticationMethod,
} from '../protocol/client-authentication.ts'
