import { useSyncExternalStore } from 'react'
import { Link } from 'react-router'
import { describeSession } from '../../words.ts'
import { auth } from './auth.ts'

/** Only a signed-in user gets here. Who is signed out later, here or in another tab, is told so and not sent away. */
export function Profile() {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession)
  const claims = session.status === 'signed-in' ? session.claims : undefined
  return (
    <>
      <header>
        <h1>React example: your profile</h1>
        <p role="status">{describeSession(session)}</p>
      </header>
      <section>
        <p className="hint">
          A protected page: its route calls <code>auth.requireSession()</code>.
        </p>
        {claims && (
          <dl>
            <dt>Name</dt>
            <dd>{claims.name}</dd>
            <dt>E-mail</dt>
            <dd>{claims.email ?? 'not known'}</dd>
          </dl>
        )}
        <div className="buttons">
          {claims ? (
            <button onClick={() => auth.signOut()}>Sign out</button>
          ) : (
            <button onClick={() => auth.signIn({ returnTo: location.href })}>Sign in</button>
          )}
        </div>
        <p>
          <Link to="/">Home</Link>
        </p>
      </section>
    </>
  )
}
