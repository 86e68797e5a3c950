import { useSyncExternalStore } from 'react'
import { describeError, describeSession } from '../../words.ts'
import { auth } from './auth.ts'

/** In place of a page: why the user is not signed in, and a button to try again. */
export function Problem({ error }: { error: Error }) {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession)
  const signIn = () => {
    // Who comes back by the back button sees this page again.
    auth.signIn({ returnTo: location.href }).catch(() => {})
  }
  return (
    <>
      <header>
        <h1>React example</h1>
        <p role="status">{describeSession(session)}</p>
      </header>
      <section>
        <p role="alert">{describeError(error)}</p>
        <div className="buttons">
          <button onClick={signIn}>Sign in</button>
        </div>
        <p>
          <a href="/">Home</a>
        </p>
      </section>
    </>
  )
}
