// What an app knows about a session once it has looked at its status. Checked by `npm run typecheck`; never run.
import { unknownSession } from 'pkce-client'
import type {
  CallbackResult,
  PkceClient,
  Session,
  SignedInSession,
  SignedOutReason,
  StartResult,
} from 'pkce-client'
import { useSyncExternalStore } from 'react'
import { expectTypeOf } from 'vitest'

declare const auth: PkceClient

export function greeting(session: Session): string {
  // @ts-expect-error -- claims are there only when somebody is signed in
  expectTypeOf(session.claims)
  switch (session.status) {
    case 'unknown':
      return ''
    case 'signed-out':
      expectTypeOf(session.reason).toEqualTypeOf<SignedOutReason | undefined>()
      // @ts-expect-error -- nobody is signed in
      expectTypeOf(session.scope)
      return `Bye (${session.reason ?? 'never here'})`
    case 'signed-in':
      expectTypeOf(session.expiresAt).toEqualTypeOf<number | undefined>()
      expectTypeOf(session.stale).toEqualTypeOf<boolean>()
      return `Hello ${session.claims?.sub ?? 'you'}, ${session.scope}`
    default:
      // A new status would have to be dealt with here.
      return session satisfies never
  }
}

// @ts-expect-error -- a session does not change; another one takes its place
unknownSession.status = 'signed-in'

export function noTokens(session: SignedInSession): void {
  // @ts-expect-error -- tokens are not part of a session, so that they do not end up in a log or a component
  expectTypeOf(session.accessToken)
  // @ts-expect-error -- nor is the ID token; its claims are
  expectTypeOf(session.idToken)
  // @ts-expect-error -- claims are the server's word and nobody else's
  if (session.claims) session.claims.sub = 'somebody else'
}

export function afterStart(result: StartResult): void {
  if (result.kind === 'restored' || result.kind === 'relayed') {
    expectTypeOf(result.session).toEqualTypeOf<Session>()
    expectTypeOf(result.returnTo).toEqualTypeOf<undefined>()
  } else {
    expectTypeOf(result.session).toEqualTypeOf<SignedInSession>()
    expectTypeOf(result.returnTo).toEqualTypeOf<string | undefined>()
    expectTypeOf(result.appState).toEqualTypeOf<unknown>()
  }
  // Whatever it was, this much is the same.
  if (result.returnTo) history.replaceState(null, '', result.returnTo)
}

export async function promises(): Promise<void> {
  expectTypeOf<Awaited<ReturnType<typeof auth.handleCallback>>>().toEqualTypeOf<
    CallbackResult | undefined
  >()
  expectTypeOf<Awaited<ReturnType<typeof auth.signIn>>>().toEqualTypeOf<SignedInSession>()
  expectTypeOf<Awaited<ReturnType<typeof auth.refresh>>>().toEqualTypeOf<SignedInSession>()
  const { url, state } = await auth.createAuthorizationUrl()
  expectTypeOf(url).toEqualTypeOf<URL>()
  expectTypeOf(state).toEqualTypeOf<string>()
  expectTypeOf<Awaited<ReturnType<typeof auth.getAccessToken>>>().toEqualTypeOf<string>()
  // @ts-expect-error -- the answer may belong to somebody else's URL
  expectTypeOf((await auth.handleCallback()).session)
}

// Bound, so that they can be handed over as they are.
const { getSession, subscribe } = auth
export const useSession = (): Session =>
  useSyncExternalStore(subscribe, getSession, () => unknownSession)
