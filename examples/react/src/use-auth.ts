import { CallbackError, unknownSession } from 'pkce-client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { auth } from './auth.ts'

/** Who is signed in, and why a sign-in that just came back failed, if it did. */
export function useAuth() {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession, () => unknownSession)
  const [error, setError] = useState<Error>()
  useEffect(() => {
    // The same promise every time, so StrictMode and remounting change nothing.
    auth.start().then(goBack, (failure: unknown) => {
      if (failure instanceof CallbackError) goBack(failure)
      setError(failure as Error)
    })
  }, [])
  return { session, error }
}

/** Shows the address where the sign-in began. */
function goBack({ returnTo }: { returnTo?: string | undefined }): void {
  if (returnTo !== undefined) history.replaceState(null, '', returnTo)
}
