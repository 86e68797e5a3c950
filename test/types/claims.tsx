// What an app may show of the person signed in, without a cast. Checked by `npm run typecheck`; never run.
import type { Claims, PkceClient, SignedInSession, UserInfo } from 'pkce-client'
import type { JSX } from 'react'
import { expectTypeOf } from 'vitest'

declare const auth: PkceClient

/** The standard claims of OpenID Connect Core §5.1, as they are shown in a page (N1). */
export function Profile({ session }: { session: SignedInSession }): JSX.Element {
  return (
    <>
      <p>Hello {session.claims?.name}</p>
      <img src={session.claims?.picture} alt={session.claims?.nickname} />
      <a href={session.claims?.profile}>{session.claims?.preferred_username}</a>
      <p lang={session.claims?.locale}>
        {session.claims?.given_name} {session.claims?.middle_name} {session.claims?.family_name},{' '}
        {session.claims?.gender}, {session.claims?.birthdate}, {session.claims?.zoneinfo}
      </p>
      <a href={session.claims?.website}>{session.claims?.email}</a>
      <p>
        {session.claims?.phone_number} {session.claims?.address?.formatted}{' '}
        {session.claims?.address?.street_address} {session.claims?.address?.postal_code}{' '}
        {session.claims?.address?.locality} {session.claims?.address?.region}{' '}
        {session.claims?.address?.country}
      </p>
      {session.claims?.email_verified !== true && <p>Confirm your e-mail address.</p>}
      {session.claims?.phone_number_verified !== true && <p>Confirm your phone number.</p>}
    </>
  )
}

export async function userInfo(): Promise<JSX.Element> {
  const { name, updated_at, sub } = await auth.getUserInfo()
  expectTypeOf(updated_at).toEqualTypeOf<number | undefined>()
  return <p key={sub}>Hello {name}</p>
}

export function otherClaims(claims: Claims | UserInfo): unknown {
  // @ts-expect-error -- a claim that a server made up can be anything
  expectTypeOf(claims['groups']).toEqualTypeOf<string[]>()
  return claims['groups']
}
