import { isPkceClientError } from 'pkce-client'
import { useState, useSyncExternalStore } from 'react'
import { Link } from 'react-router'
import { describeError, describeResponse, describeSession, troubles } from '../../words.ts'
import { api, auth } from './auth.ts'
import { Events } from './events.tsx'
import { OrderForm } from './order.tsx'
import { Waiting } from './waiting.tsx'

export function App() {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession)
  const [result, setResult] = useState<unknown>('Nothing yet.')

  const show = (action: Promise<unknown>) => {
    setResult('One moment…')
    const text = action.then((answer) =>
      answer instanceof Response ? describeResponse(answer) : answer,
    )
    text.then(setResult, (error: unknown) => {
      // They used the back button at the sign-in page: nothing went wrong.
      const wasCancelled = isPkceClientError(error) && error.code === 'sign_in_cancelled'
      setResult(wasCancelled ? 'You are back from the sign-in page.' : error)
    })
  }
  const button = (label: string, action: () => Promise<unknown>) => (
    <button onClick={() => show(action())}>{label}</button>
  )

  const signedIn = session.status === 'signed-in'
  return (
    <>
      <header>
        <h1>React example</h1>
        <p role="status">{describeSession(session)}</p>
      </header>
      <main>
        <section className="actions" aria-labelledby="actions">
          <h2 id="actions">Try it</h2>
          <p className="hint">
            Sign in as <b>ada</b> with the password <b>lovelace</b>. Then make trouble, call the
            API, and watch the events.
          </p>
          <div className="buttons">
            {!signedIn && button('Sign in', () => auth.signIn({ returnTo: location.href }))}
            {button('Call the API', callApi)}
            {button('Refresh the tokens', refresh)}
            {signedIn && button('Sign out', () => auth.signOut())}
          </div>
          <p>
            <Link to="/profile">Your profile</Link>, for signed-in users only
          </p>
          <OrderForm onOrder={show} />
          <fieldset aria-describedby="reason" disabled={!signedIn}>
            <legend>Make trouble</legend>
            <p id="reason" className="hint" hidden={signedIn}>
              Sign in first: there are no tokens to make trouble with.
            </p>
            <div className="buttons">
              {button('Expire the access token', () => make('expire'))}
              {button('Let the API answer 401', () => make('refuse'))}
              {button('Revoke the refresh token', () => make('revoke'))}
            </div>
          </fieldset>
        </section>
        <section className="result" aria-labelledby="result-title">
          <h2 id="result-title">Result</h2>
          <Waiting button={button} />
          {result instanceof Error && <p role="alert">{describeError(result)}</p>}
          <div role="log" aria-labelledby="result-title" tabIndex={0}>
            {typeof result === 'string' && result}
          </div>
        </section>
        <Events />
      </main>
    </>
  )
}

const callApi = () => auth.fetch(new URL('users/me', api))

async function refresh(): Promise<string> {
  await auth.refresh()
  return 'The tokens are refreshed.'
}

/** Asks the reference server to misbehave. Your server has no such thing. */
async function make(trouble: keyof typeof troubles): Promise<string> {
  await fetch(`/control/${trouble}`, { method: 'POST' })
  return troubles[trouble]
}
