export { createAuthServer } from './server/server.ts'
export type { AuthServer, Held, RecordedRequest, SignInClient } from './server/server.ts'
export type {
  AccessTokenFormat,
  AuthServerOptions,
  Deliver,
  SigningAlgorithm,
  User,
} from './server/options.ts'
export type {
  ClientAuthentication,
  ClientRegistration,
  GrantType,
  RegisteredClient,
} from './server/client-registration.ts'
export type { LogoutDelivery } from './server/back-channel-logout.ts'
export type { ClientMetadata } from './server/client-metadata.ts'
export type { ApiRegistration } from './server/place.ts'
export type { ListenOptions } from './server/listen.ts'
export type { AuthorizeOptions, PageAnswers } from './person/person.ts'
export { createCookieJar } from './person/cookie-jar.ts'
export type { CookieJar, CookieReach, CookieSource } from './person/cookie-jar.ts'
export type { Cookie } from './person/set-cookie.ts'
export { createVisitor } from './visitor/visitor.ts'
export type { LoadOptions, Visitor, VisitorOptions } from './visitor/visitor.ts'
export type { VisitorPage } from './visitor/load.ts'
export type { FormToSend } from './visitor/form.ts'
export type { Handle, VisitedServer } from './visitor/network.ts'
export type {
  At,
  FaultArguments,
  FaultName,
  FaultOptions,
  On,
  Patch,
  Seal,
  Spoiled,
  Times,
} from './faults/fault.ts'
export type { TokenRefusal } from './faults/refusals.ts'
export type { RevocationReason, RevokedGrant } from './server/grants.ts'

export { createFakeClock, type FakeClock, type FakeClockOptions } from './fakes/clock.ts'
export { createFakeBrowser, type FakeBrowser } from './fakes/browser.ts'
export type { FakePorts, FakeTab } from './fakes/tab.ts'
