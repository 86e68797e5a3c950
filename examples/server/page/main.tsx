import { backEndSession } from 'pkce-client'
import type { AuthClient } from 'pkce-client'
import { StrictMode, useEffect, useState, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { describeError, describeEvent, describeSession, eventNames } from '../../words.ts'

/** The page never has a token: the back end keeps them. */
const auth: AuthClient = backEndSession()

// Kept outside React, because the first events happen before the first render.
let events: readonly string[] = []
const listeners = new Set<() => void>()
for (const name of eventNames)
  auth.on(name, (facts) => {
    events = [`${name}: ${describeEvent(facts)}`, ...events]
    listeners.forEach((listener) => listener())
  })
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function App() {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession)
  const lines = useSyncExternalStore(subscribe, () => events)
  const [result, setResult] = useState<unknown>('Nothing yet.')
  useEffect(() => {
    auth.start().catch(setResult)
  }, [])
  const show = (work: Promise<unknown>) => {
    setResult('One moment…')
    work.then(setResult, setResult)
  }
  const signedIn = session.status === 'signed-in'
  return (
    <>
      <header>
        <h1>React page of the server example</h1>
        <p role="status">{describeSession(session)}</p>
      </header>
      <main>
        <section className="actions" aria-labelledby="actions">
          <h2 id="actions">Try it</h2>
          <p className="hint">
            The tokens are on the back end. This page asks it who is signed in, and calls it with a
            cookie that scripts cannot read.
          </p>
          <div className="buttons">
            {session.status === 'signed-out' && (
              <button onClick={() => show(auth.signIn({ returnTo: location.href }))}>
                Sign in
              </button>
            )}
            <button onClick={() => show(calculate())}>What is 6 × 7?</button>
            <button onClick={() => show(auth.refresh().then(() => 'The session is fresh.'))}>
              Refresh
            </button>
            {signedIn && <button onClick={() => show(auth.signOut())}>Sign out</button>}
          </div>
          <p>
            <a href="/">Home</a>
          </p>
        </section>
        <section className="result" aria-labelledby="result-title">
          <h2 id="result-title">Result</h2>
          {result instanceof Error && <p role="alert">{describeError(result)}</p>}
          <div role="log" aria-labelledby="result-title" tabIndex={0}>
            {typeof result === 'string' && result}
          </div>
        </section>
        <section className="events" aria-labelledby="events-title">
          <h2 id="events-title">Events</h2>
          <ol role="log" aria-labelledby="events-title" tabIndex={0}>
            {lines.map((line, index) => (
              <li key={lines.length - index}>{line}</li>
            ))}
          </ol>
        </section>
      </main>
    </>
  )
}

/** A route of the back end that wants the CSRF token, which `auth.fetch` sends along. */
async function calculate(): Promise<string> {
  const response = await auth.fetch('/api/calculate', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ a: 6, operation: '×', b: 7 }),
  })
  const { result } = (await response.json()) as { result: number }
  return `6 × 7 = ${result}`
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
