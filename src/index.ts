export { PkceClient } from './client.ts'
export type { AccessTokenOptions } from './compose/token-methods.ts'
export { backEndSession } from './back-end-session.ts'
export type { BackEndSessionOptions } from './back-end-session.ts'
export type { AuthClient, AuthClientSignInParams, WaitOptions } from './auth-client.ts'
export type { PkceClientOptions, ResourceEntry } from './options.ts'
export type { CallbackResult, FinishedSignIn } from './sign-in/finish.ts'
export type { SignOutOptions } from './sign-in/sign-out-options.ts'
export type { StartResult } from './sign-in/start.ts'
export type { SignInParams } from './sign-in/params.ts'

export { unknownSession } from './session/state.ts'
export type { Session, SignedInSession, SignedOutSession, UnknownSession } from './session/state.ts'
export type { SignedOutReason } from './session/record.ts'
export type { Claims } from './protocol/token-set.ts'
export type { AddressClaim, StandardClaims } from './protocol/standard-claims.ts'
export type { UserInfo } from './protocol/user-info.ts'
export type { Challenge, Fetch } from './api/scheme.ts'
export type { ServerMetadata } from './protocol/server.ts'
export type { EventMap, EventName, RequestPurpose } from './events.ts'
export { logEvents } from './log-events.ts'

export { CallbackError, OAuthServerError, PkceClientError, isPkceClientError } from './errors.ts'
export type { ErrorCode, ErrorFacts } from './errors.ts'

export { createCodeChallenge, createCodeVerifier, createState } from './protocol/authorization.ts'

export { readChallenges } from './protocol/challenge.ts'
export { backEndRefresh } from './capabilities/back-end-refresh.ts'
export type { BackEndRefreshOptions } from './capabilities/back-end-refresh.ts'
export { signInOnDemand } from './capabilities/on-demand.ts'
export type { SignInOnDemandOptions } from './capabilities/on-demand.ts'
export { resumeAfterSignIn } from './capabilities/resume.ts'
export type { ResumeAfterSignInOptions } from './capabilities/resume.ts'
export { StepUpError } from './capabilities/step-up.ts'
export type { StepUpDemand } from './capabilities/step-up.ts'
export { discoverResource } from './capabilities/discover-resource.ts'
export type {
  DiscoverResourceOptions,
  DiscoveredResource,
} from './capabilities/discover-resource.ts'
export { registerClient } from './capabilities/register-client.ts'
export type { RegisterClientOptions } from './capabilities/register-client.ts'
export type { RequestOptions } from './capabilities/requests.ts'

export { memoryStore } from './storage/memory.ts'
export { webStorageStore } from './storage/web-storage.ts'
export { indexedDbStore } from './storage/indexed-db.ts'
export type { IndexedDbStoreOptions } from './storage/indexed-db.ts'
export type { StorageLike, WebStorageStoreOptions } from './storage/web-storage.ts'
export type { Awaitable, Store, TransactionStore } from './storage/store.ts'

export { externalBrowser } from './navigation/external-browser.ts'
export type { ExternalBrowserOptions } from './navigation/external-browser.ts'
export { redirect } from './navigation/redirect.ts'
export type { RedirectOptions } from './navigation/redirect.ts'
export { popup } from './navigation/popup.ts'
export type { PopupOptions } from './navigation/popup.ts'
export { iframe } from './navigation/iframe.ts'
export { relayAnswer } from './navigation/relay.ts'
export type {
  BroadcastChannelConstructor,
  FrameElement,
  PageDocument,
  PageWindow,
  WindowHandle,
  WindowMessage,
} from './navigation/page-window.ts'
export type {
  Navigation,
  NavigationAnswer,
  NavigationParams,
  NavigationRequest,
  Navigator,
} from './navigation/navigator.ts'
export type { Capability } from './capabilities/capability.ts'
export { dpop } from './capabilities/dpop.ts'
export type { DpopCapability } from './capabilities/dpop.ts'
export type { DpopHeaders, DpopRequest } from './protocol/dpop.ts'
export { pushedRequests } from './capabilities/pushed-requests.ts'
export type { AuthorizationDetail } from './protocol/authorization-details.ts'

export type { Clock } from './clock.ts'
export type { Host } from './host/host.ts'
export type { Lock, LockOptions } from './tabs/lock.ts'
export type { Channel, ChannelConnection, ChannelOptions } from './tabs/channel.ts'
