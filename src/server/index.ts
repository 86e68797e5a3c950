export { ServerClient } from './client.ts'
export type { ServerClientOptions } from './options.ts'
export type { ServerSession, SignedInServerSession } from './server-session.ts'
export type { ServerSignInParams } from './endpoints/sign-in.ts'
export type { ServerEventMap, ServerEventName } from './events.ts'
export type { SessionsOf } from './sessions.ts'
export type { Introspection } from '../protocol/introspection.ts'

export {
  clientCertificate,
  clientSecret,
  clientSecretPost,
  privateKeyJwt,
} from './client-authentication.ts'
export type { ClientCertificateOptions, PrivateKeyJwtOptions } from './client-authentication.ts'
export type {
  AuthenticatingServer,
  ClientAuthentication,
  ClientAuthenticationMethod,
} from '../protocol/client-authentication.ts'
export type { PrivateKey } from './private-key.ts'

export { memorySessions } from './store/memory.ts'
export type { MemorySessionsOptions } from './store/memory.ts'
export { redisSessions } from './store/redis.ts'
export type { RedisCommand, RedisSessionsOptions } from './store/redis.ts'
export { schema, sqlSessions } from './store/sql.ts'
export type { SqlDialect, SqlQuery, SqlSessionsOptions } from './store/sql.ts'
export type {
  AddOptions,
  SessionIndex,
  SessionStore,
  StoreEvent,
  Swap,
} from './store/session-store.ts'

export { toNodeHandler, toRequest } from './node.ts'
export type { NodeHandler, NodeOptions, NodeRequest, NodeResponse } from './node.ts'

export { AccessTokenError } from './access-token-error.ts'
export { createTokenVerifier } from './token-verifier.ts'
export type { TokenVerifier, VerifyOptions } from './token-verifier.ts'
export type { TokenVerifierOptions, VerifierIntrospection } from './token-verifier-options.ts'
export type { AccessTokenClaims } from '../protocol/access-token.ts'
export { withFallback } from './store/with-fallback.ts'
export type { FallbackOptions } from './store/with-fallback.ts'
