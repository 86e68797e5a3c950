'use client'
import { PkceClient } from 'pkce-client'

// Written out, because there is no `location` while the server renders.
const app = process.env.NEXT_PUBLIC_APP ?? 'http://localhost:3000'

export const auth = new PkceClient({
  issuer: process.env.NEXT_PUBLIC_ISSUER ?? 'http://127.0.0.1:4280',
  clientId: 'my-app',
  redirectUri: `${app}/callback`,
  postSignOutRedirectUri: `${app}/`,
  scope: 'openid profile offline_access',
})
