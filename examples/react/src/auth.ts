import { PkceClient, resumeAfterSignIn } from 'pkce-client'
import { createDevtools } from 'pkce-client/devtools'
import type { PkceClientOptions } from 'pkce-client'

export const api = import.meta.env.VITE_API

/** A picture of what is sent and received, while the app is developed. A production build leaves it out. */
const devtools = import.meta.env.DEV ? createDevtools() : undefined

const options: PkceClientOptions = {
  issuer: import.meta.env.VITE_ISSUER,
  clientId: 'react-example',
  redirectUri: new URL('/callback', location.origin).href,
  postSignOutRedirectUri: new URL('/', location.origin).href,
  scope: 'openid profile email offline_access orders:write',
  resources: [api],
  // A call that needs a sign-in starts one, and is there to be sent afterwards.
  use: [resumeAfterSignIn({ methods: ['GET', 'POST'] })],
}

/** One client for the whole app, made outside React: it outlives every component. */
export const auth = new PkceClient(devtools ? devtools.observe(options) : options)
devtools?.show(auth)
