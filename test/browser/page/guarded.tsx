// A React app in StrictMode, whose effects run twice, with a guard as the guide has it.
import { StrictMode, useEffect, useState, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { PkceClient } from 'pkce-client'
import type { PkceClientOptions } from 'pkce-client'

declare global {
  var auth: PkceClient
}

const { clients } = JSON.parse(document.getElementById('options')!.textContent) as {
  clients: [PkceClientOptions]
}
const auth = (globalThis.auth = new PkceClient({
  ...clients[0],
  redirectUri: `${location.origin}/callback`,
  postSignOutRedirectUri: `${location.origin}/`,
}))

const subscribeToPath = (listener: () => void) => {
  addEventListener('popstate', listener)
  return () => removeEventListener('popstate', listener)
}
const go = (url: string) => {
  history.pushState(null, '', url)
  dispatchEvent(new PopStateEvent('popstate'))
}

function Protected({ path }: { path: string }) {
  const session = useSyncExternalStore(auth.subscribe, auth.getSession)
  const [error, setError] = useState<{ code: string }>()
  const guard = () => {
    setError(undefined)
    auth.requireSession().catch(setError)
  }
  useEffect(guard, [path, session.status])
  if (session.status === 'signed-in')
    return (
      <>
        <h1>Secrets of {path}</h1>
        <button onClick={() => void auth.signOut()}>Sign out</button>
        <button onClick={() => void auth.signOut({ redirect: false })}>Sign out here</button>
      </>
    )
  return (
    <>
      <p role="alert">{error?.code}</p>
      <button onClick={guard}>Try again</button>
    </>
  )
}

function Callback() {
  const [error, setError] = useState<{ code: string; returnTo?: string }>()
  useEffect(() => {
    auth.start().then(({ returnTo }) => go(returnTo ?? '/'), setError)
  }, [])
  return (
    <>
      <p role="alert">{error?.code}</p>
      {error && <button onClick={() => go(error.returnTo ?? '/')}>Try again</button>}
    </>
  )
}

function App() {
  const path = useSyncExternalStore(subscribeToPath, () => location.pathname)
  return (
    <>
      <nav>
        <button onClick={() => go('/')}>Home</button>
        <button onClick={() => go('/account')}>Account</button>
        <button onClick={() => go('/orders')}>Orders</button>
      </nav>
      {path === '/callback' ? (
        <Callback />
      ) : path === '/' ? (
        <h1>Welcome</h1>
      ) : (
        <Protected path={path} key={path} />
      )}
    </>
  )
}

createRoot(document.body.appendChild(document.createElement('main'))).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
