import { isPkceClientError } from 'pkce-client'
import { useState } from 'react'
import { api, auth } from './auth.ts'
import { Events } from './events.tsx'
import { useAuth } from './use-auth.ts'
import { problem, sentence } from './words.ts'

export function App() {
  const { session, error: signInError } = useAuth()
  const [answer, setAnswer] = useState('Nothing yet.')
  const [failure, setFailure] = useState<{ error?: Error }>()
  // What a button ran into replaces what the sign-in ran into.
  const error = failure ? failure.error : signInError

  function button(label: string, action: () => Promise<unknown>, className = '') {
    const onClick = () => {
      setFailure({})
      action().catch((thrown: unknown) => {
        // They used the back button at the sign-in page: nothing went wrong.
        const wasCancelled = isPkceClientError(thrown) && thrown.code === 'sign_in_cancelled'
        setAnswer(wasCancelled ? 'You are back from the sign-in page.' : 'None.')
        if (!wasCancelled) setFailure({ error: thrown as Error })
      })
    }
    return (
      <button className={className} onClick={onClick}>
        {label}
      </button>
    )
  }

  async function callApi() {
    const response = await auth.fetch(new URL('users/me', api))
    setAnswer(
      response.ok
        ? `${response.status} ${JSON.stringify(await response.json(), null, 2)}`
        : `${response.status} A token younger than ten seconds is not renewed because of a 401. Call again in a moment.`,
    )
  }

  async function renew() {
    await auth.refresh()
    setAnswer('Renewed.')
  }

  /** Asks the reference server to misbehave. Your server has no such thing. */
  async function control(what: string, done: string) {
    await fetch(`/control/${what}`, { method: 'POST' })
    setAnswer(`${done} Now call the API.`)
  }

  return (
    <>
      <header>
        <h1>React example</h1>
        <p role="status">{sentence(session)}</p>
        {error && <p role="alert">{problem(error)}</p>}
      </header>
      <main>
        <section aria-labelledby="actions">
          <h2 id="actions">Try it</h2>
          <div className="buttons">
            {session.status === 'signed-out' &&
              button('Sign in', () => auth.signIn({ returnTo: location.href }), 'main')}
            {button('Call the API', callApi, 'main')}
            {button('Renew the tokens', renew)}
            {session.status === 'signed-in' && button('Sign out', () => auth.signOut())}
          </div>
          <h3>Make trouble</h3>
          <div className="buttons">
            {button('Expire the access token', () =>
              control('expire', 'The server has forgotten all access tokens.'),
            )}
            {button('Let the API answer 401', () =>
              control('refuse', 'The API will refuse the next call.'),
            )}
            {button('Revoke the refresh token', () =>
              control('revoke', 'The server has ended the session.'),
            )}
          </div>
          <h3 id="answer-title">Answer</h3>
          <pre role="log" aria-labelledby="answer-title" tabIndex={0}>
            {answer}
          </pre>
        </section>
        <Events />
      </main>
    </>
  )
}
