export { PkceClient } from './client.ts'
export type { AccessTokenOptions, SignOutOptions, StartResult, WaitOptions } from './client.ts'
export type { PkceClientOptions } from './options.ts'
export type { CallbackResult } from './sign-in/sign-in.ts'
export type { SignInParams } from './sign-in/params.ts'

export { unknownSession } from './session/state.ts'
export type {
  Session,
  SignedInSession,
  SignedOutReason,
  SignedOutSession,
  UnknownSession,
} from './session/state.ts'
export type { Claims } from './protocol/token-set.ts'
export type { AddressClaim, StandardClaims } from './protocol/standard-claims.ts'
export type { UserInfo } from './protocol/user-info.ts'
export type { Fetch } from './api/fetch.ts'
export type { ServerMetadata } from './protocol/server.ts'
export type { EventMap, EventName, RequestPurpose } from './events.ts'

export { CallbackError, OAuthServerError, PkceClientError, isPkceClientError } from './errors.ts'
export type { ErrorCode, ErrorFacts } from './errors.ts'

export { createCodeChallenge, createCodeVerifier, createState } from './protocol/authorization.ts'

export { memoryStore } from './storage/memory.ts'
export { webStorageStore } from './storage/web-storage.ts'
export { indexedDbStore } from './storage/indexed-db.ts'
export type { IndexedDbStoreOptions } from './storage/indexed-db.ts'
export type { StorageLike, WebStorageStoreOptions } from './storage/web-storage.ts'
export type { Awaitable, Store, TransactionStore } from './storage/store.ts'

export { redirect } from './navigation/redirect.ts'
export type { RedirectOptions } from './navigation/redirect.ts'
export type { Navigation, Navigator } from './navigation/navigator.ts'

export type { Clock } from './clock.ts'
export type { Host } from './host/host.ts'
export type { Lock, LockOptions } from './tabs/lock.ts'
export type { Channel, ChannelConnection } from './tabs/channel.ts'
