export {
  clientCertificate,
  clientSecret,
  clientSecretPost,
  privateKeyJwt,
} from './client-authentication.ts'
export type {
  AddOptions,
  SessionIndex,
  SessionStore,
  StoreEvent,
  Swap,
} from './store/session-store.ts'
export type {
  ClientAuthentication,
  ClientAuthenticationMethod,
} from '../protocol/client-authentication.ts'
export type { ClientCertificateOptions, PrivateKeyJwtOptions } from './client-authentication.ts'
export type { PrivateKey } from './private-key.ts'
export { memorySessions } from './store/memory.ts'
export type { MemorySessionsOptions } from './store/memory.ts'
