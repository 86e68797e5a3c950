'use client'
import { useRouter } from 'next/navigation'
import { unknownSession } from 'pkce-client'
import type { CallbackError, StartResult } from 'pkce-client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { auth } from './auth'

/** Once, in the layout: finishes a sign-in or restores the session, and goes back to the page where the user was. */
export function StartAuth() {
  const router = useRouter()
  const [result, setResult] = useState<StartResult | CallbackError>()
  useEffect(() => void auth.start().then(setResult, setResult), [])
  useEffect(() => {
    if (result?.returnTo) router.replace(result.returnTo)
  }, [result, router])
  return result instanceof Error && <p role="alert">{result.message}</p>
}

/** Anywhere in the app. The server, and the first render in the browser, do not know the user yet. */
export function User() {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession, () => unknownSession)
  if (session.status === 'unknown') return <p>One moment…</p>
  if (session.status === 'signed-out')
    return <button onClick={() => auth.signIn({ returnTo: location.href })}>Sign in</button>
  return (
    <p>
      Hello {session.claims?.name} <button onClick={() => auth.signOut()}>Sign out</button>
    </p>
  )
}
