import { PkceClient } from 'pkce-client'
import { clientId, redirectUri, scope, server } from './cold-start-server.ts'

const auth = new PkceClient({
  issuer: server.issuer,
  clientId,
  redirectUri,
  scope,
  resources: ['https://api.example.com/'],
  metadata: server,
})
const { url } = await auth.createAuthorizationUrl()
if (!url.searchParams.has('code_challenge')) throw new Error(`This is no authorization URL: ${url}`)
