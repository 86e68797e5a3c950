import { useSyncExternalStore } from 'react'
import { describeError, describeSession } from '../../words.ts'
import { auth } from './auth.ts'

/** In place of a page: why the user is not signed in, and a button to try again. */
export function Problem({ error }: { error: Error }) {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession)
  return (
    <>
      <header>
        <h1>React example</h1>
        <p role="status">{describeSession(session)}</p>
      </header>
      <section>
        <p role="alert">{describeError(error)}</p>
        <div className="buttons">
          <button onClick={() => auth.signIn({ returnTo: location.href })}>Sign in</button>
        </div>
        <p>
          <a href="/">Home</a>
        </p>
      </section>
    </>
  )
}
