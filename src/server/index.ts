export type { AddOptions, SessionIndex, SessionStore, Swap } from './store/session-store.ts'
export {
  clientCertificate,
  clientSecret,
  clientSecretPost,
  privateKeyJwt,
} from './client-authentication.ts'
export type {
  ClientAuthentication,
  ClientAuthenticationMethod,
} from '../protocol/client-authentication.ts'
export type { ClientCertificateOptions, PrivateKeyJwtOptions } from './client-authentication.ts'
export type { PrivateKey } from './private-key.ts'
