import type { CallbackError } from 'pkce-client'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { auth } from './auth.ts'

// Finishes a sign-in if this page is its answer, else restores the session; index.html shows something meanwhile.
const started = await auth.start().catch((error: unknown) => error as CallbackError)
if (started.returnTo) history.replaceState(null, '', started.returnTo)

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App signInError={started instanceof Error ? started : undefined} />
  </StrictMode>,
)
