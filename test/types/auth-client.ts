// Components that are written against `AuthClient` take either client. Checked by `npm run typecheck`; never run.
import { PkceClient, backEndSession, logEvents } from 'pkce-client'
import type {
  AuthClient,
  AuthClientSignInParams,
  BackEndSessionOptions,
  PkceClientOptions,
  Session,
  SignedInSession,
} from 'pkce-client'
import { useSyncExternalStore } from 'react'
import { expectTypeOf } from 'vitest'

declare const options: PkceClientOptions

export const clients: AuthClient[] = [new PkceClient(options), backEndSession()]

export const useSession = (auth: AuthClient): Session =>
  useSyncExternalStore(auth.subscribe, auth.getSession)

export async function page(auth: AuthClient): Promise<void> {
  const { returnTo } = await auth.start()
  expectTypeOf(returnTo).toEqualTypeOf<string | undefined>()
  expectTypeOf(await auth.requireSession({ returnTo: '/' })).toEqualTypeOf<SignedInSession>()
  expectTypeOf(await auth.refresh()).toEqualTypeOf<SignedInSession>()
  expectTypeOf(await auth.fetch('/api/me', { method: 'POST' })).toEqualTypeOf<Response>()
  logEvents(auth, console)
  auth.on('signed-in', ({ session }) => expectTypeOf(session).toEqualTypeOf<SignedInSession>())
  // @ts-expect-error -- a page of a back end never has a token
  await auth.getAccessToken()
  // @ts-expect-error -- the back end has one redirect URI
  await auth.signIn({ redirectUri: '/' })
  await auth.signOut({ redirect: false })
}

const params: AuthClientSignInParams = { returnTo: new URL('https://app.example.com/'), maxAge: 60 }
export const given: BackEndSessionOptions = { basePath: '/bff', resources: ['/api/'] }
export const signIn = (auth: AuthClient) => auth.signIn(params)
