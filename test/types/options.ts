// What the options allow, and what they leave no room for. Checked by `npm run typecheck`; never run.
import {
  PkceClient,
  dpop,
  indexedDbStore,
  memoryStore,
  popup,
  pushedRequests,
  redirect,
  webStorageStore,
} from 'pkce-client'
import type {
  AccessTokenOptions,
  IndexedDbStoreOptions,
  PkceClientOptions,
  RedirectOptions,
  ServerMetadata,
  SignInParams,
  SignOutOptions,
  WaitOptions,
  WebStorageStoreOptions,
} from 'pkce-client'
import type {
  AuthServerOptions,
  AuthorizeOptions,
  ClientRegistration,
  User,
} from 'pkce-client/testing'

const least = {
  issuer: 'https://login.example.com',
  clientId: 'my-spa',
  redirectUri: 'https://app.example.com/callback',
} satisfies PkceClientOptions

export const smallest = new PkceClient(least)

export const encrypted = new PkceClient({
  ...least,
  store: indexedDbStore(),
  transactionStore: indexedDbStore({ name: 'sign-ins' }),
})

// @ts-expect-error -- how it encrypts is not a matter of choice
indexedDbStore({ key: 'secret' })

export const everything = new PkceClient({
  ...least,
  scope: 'openid profile offline_access',
  resources: ['https://api.example.com/', '/api/', { url: 'https://files.example.com/' }] as const,
  metadata: { revocation_endpoint: 'https://login.example.com/revoke' },
  authorizationParams: { audience: 'https://api.example.com/' },
  postSignOutRedirectUri: 'https://app.example.com/',
  sessionKey: 'second',
  timeout: 5_000,
  store: memoryStore(),
  transactionStore: webStorageStore(localStorage),
  navigator: redirect(),
  fetch: globalThis.fetch,
})

export const severalApis = new PkceClient({
  ...least,
  resources: [
    { url: 'https://api.example.com/', resource: 'https://api.example.com' },
    { url: 'https://graph.example.com/', scope: 'api://graph/read' },
    { url: 'https://reports.example.com/', params: { audience: 'reports' } },
  ],
})

// @ts-expect-error -- a token is for one API
new PkceClient({ ...least, resources: [{ url: '/api/', resource: ['urn:a', 'urn:b'] }] })
// @ts-expect-error -- what a vendor calls it goes into params
new PkceClient({ ...least, resources: [{ url: '/api/', audience: 'reports' }] })
export const capable = new PkceClient({
  ...least,
  navigator: [redirect(), popup({ fallback: redirect() })],
  use: [dpop(), pushedRequests()],
})

// @ts-expect-error -- a capability is made by one of the functions, and not named
new PkceClient({ ...least, use: ['dpop'] })
// @ts-expect-error -- nor made by the app
new PkceClient({ ...least, use: [{ name: 'mine', hooks: () => ({}) }] })
// @ts-expect-error -- the function is to be called
new PkceClient({ ...least, use: [pushedRequests] })
// @ts-expect-error -- nobody can be sent anywhere without an issuer
new PkceClient({ clientId: 'my-spa', redirectUri: 'https://app.example.com/callback' })
// @ts-expect-error -- PKCE cannot be switched off
new PkceClient({ ...least, pkce: false })
// @ts-expect-error -- the challenge method is S256, always
new PkceClient({ ...least, codeChallengeMethod: 'plain' })
// @ts-expect-error -- the server says how it signs ID tokens; an app that chose could choose badly
new PkceClient({ ...least, alg: 'HS256' })
// @ts-expect-error -- a token cannot be had from an authorization response
new PkceClient({ ...least, responseType: 'token' })
// @ts-expect-error -- an app that runs on people's devices has no secret
new PkceClient({ ...least, clientSecret: 'hush' })
// @ts-expect-error -- ID tokens are validated, always
new PkceClient({ ...least, validateIdToken: false })
// @ts-expect-error -- scopes are one string, as the server writes them
new PkceClient({ ...least, scope: ['openid', 'profile'] })
// @ts-expect-error -- where tokens may go is a list of places, never a function of the moment
new PkceClient({ ...least, resources: () => true })
// @ts-expect-error -- what nobody can do without has a value
new PkceClient({ ...least, issuer: undefined })

export const asked: SignInParams = {
  scope: 'openid',
  prompt: 'consent',
  loginHint: 'ada@example.com',
  maxAge: 0,
  resource: ['https://api.example.com/', 'https://files.example.com/'],
  authorizationDetails: [{ type: 'payment_initiation', amount: '45' }],
  returnTo: '/basket',
  appState: { step: 2 },
  signal: new AbortController().signal,
}

export const wrong: SignInParams[] = [
  // @ts-expect-error -- state is made for every sign-in; what an app wants back is appState
  { state: 'abc' },
  // @ts-expect-error -- so is the nonce
  { nonce: 'abc' },
  // @ts-expect-error -- and the verifier, which never leaves the client
  { codeVerifier: 'abc' },
  // @ts-expect-error -- authorization details have a type (RFC 9396 §2)
  { authorizationDetails: [{ amount: '45' }] },
  // @ts-expect-error -- seconds are a number
  { maxAge: '60' },
]

// @ts-expect-error -- a store has to remove what it no longer should have
export const leaky: PkceClientOptions = { ...least, store: { get: () => null, set: () => {} } }

// Under exactOptionalPropertyTypes, what may be left out may be undefined: `scope: x ? 'openid' : undefined` (N8).
type OptionalNames<Options> = {
  [Name in keyof Options]-?: object extends Pick<Options, Name> ? Name : never
}[keyof Options]
type AllUndefined<Options> = { [Name in OptionalNames<Options>]: undefined }
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- a value of any type, to be given to another
declare function given<Value>(): Value

export const undefinedOptions: PkceClientOptions = {
  ...least,
  ...given<AllUndefined<PkceClientOptions>>(),
}
export const undefinedParams: SignInParams = given<AllUndefined<SignInParams>>()
export const undefinedSignOut: SignOutOptions = given<AllUndefined<SignOutOptions>>()
export const undefinedToken: AccessTokenOptions = given<AllUndefined<AccessTokenOptions>>()
export const undefinedWait: WaitOptions = given<AllUndefined<WaitOptions>>()
export const undefinedMetadata: PkceClientOptions['metadata'] =
  given<Record<keyof ServerMetadata, undefined>>()
export const undefinedStores: [IndexedDbStoreOptions, WebStorageStoreOptions, RedirectOptions] = [
  given<AllUndefined<IndexedDbStoreOptions>>(),
  given<AllUndefined<WebStorageStoreOptions>>(),
  given<AllUndefined<RedirectOptions>>(),
]
export const undefinedInTests: [AuthServerOptions, AuthorizeOptions, ClientRegistration, User] = [
  given<AllUndefined<AuthServerOptions>>(),
  given<AllUndefined<AuthorizeOptions>>(),
  given<AllUndefined<ClientRegistration> & Pick<ClientRegistration, 'clientId' | 'redirectUris'>>(),
  given<AllUndefined<User> & Pick<User, 'username' | 'password' | 'sub'>>(),
]
