// What each event brings. Checked by `npm run typecheck`; never run.
import type {
  EventMap,
  EventName,
  PkceClient,
  PkceClientError,
  RequestPurpose,
  Session,
  SignedInSession,
  SignedOutSession,
} from 'pkce-client'
import { expectTypeOf } from 'vitest'

declare const auth: PkceClient

expectTypeOf<EventName>().toEqualTypeOf<
  | 'session-changed'
  | 'signed-in'
  | 'signed-out'
  | 'token-refreshed'
  | 'refresh-failed'
  | 'sign-in-started'
  | 'sign-in-failed'
  | 'sign-in-required'
  | 'storage-failed'
  | 'request'
>()

auth.on('session-changed', ({ session }) => expectTypeOf(session).toEqualTypeOf<Session>())
auth.on('signed-in', ({ session }) => expectTypeOf(session).toEqualTypeOf<SignedInSession>())
auth.on('signed-out', ({ session }) => expectTypeOf(session).toEqualTypeOf<SignedOutSession>())
auth.on('refresh-failed', ({ error }) => expectTypeOf(error).toEqualTypeOf<PkceClientError>())
auth.on('sign-in-started', ({ mode }) => expectTypeOf(mode).toEqualTypeOf<string>())
auth.on('sign-in-failed', ({ error }) => expectTypeOf(error).toEqualTypeOf<PkceClientError>())
auth.on('request', ({ what, url, status, ms }) => {
  expectTypeOf(what).toEqualTypeOf<RequestPurpose>()
  expectTypeOf(url).toEqualTypeOf<string>()
  expectTypeOf(status).toEqualTypeOf<number | undefined>()
  expectTypeOf(ms).toEqualTypeOf<number>()
})

expectTypeOf<ReturnType<typeof auth.on>>().toEqualTypeOf<() => void>()

// A listener for all of them, as a devtool would have it.
export const log = <Name extends EventName>(name: Name, facts: EventMap[Name]): void =>
  console.log(name, facts)

// @ts-expect-error -- there is no such event
auth.on('signed_in', () => {})
// @ts-expect-error -- no event carries a token
auth.on('token-refreshed', ({ accessToken }) => accessToken)
// @ts-expect-error -- and none carries what was sent
auth.on('request', ({ body }) => body)
