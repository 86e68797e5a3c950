export { createAuthServer } from './server.ts'
export type { AuthServer, Held, RecordedRequest, SignInClient } from './server.ts'
export type {
  AccessTokenFormat,
  AuthServerOptions,
  ClientRegistration,
  GrantType,
  RegisteredClient,
  SigningAlgorithm,
  User,
} from './options.ts'
export type { ListenOptions } from './listen.ts'
export type { AuthorizeOptions } from './person.ts'
export { createCookieJar } from './cookie-jar.ts'
export type { CookieJar } from './cookie-jar.ts'
export type {
  At,
  FaultArguments,
  FaultName,
  FaultOptions,
  On,
  Patch,
  Spoiled,
  Times,
} from './faults.ts'
export type { RevocationReason, RevokedGrant } from './grants.ts'

export { createFakeClock, type FakeClock, type FakeClockOptions } from './fake-clock.ts'
export {
  createFakeBrowser,
  type FakeBrowser,
  type FakePorts,
  type FakeTab,
} from './fake-browser.ts'
