import type { CallbackError } from 'pkce-client'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { RouterProvider, createBrowserRouter, useRouteError } from 'react-router'
import { App } from './app.tsx'
import { auth } from './auth.ts'
import { Problem } from './problem.tsx'
import { Profile } from './profile.tsx'
import { keepWaiting } from './waiting.tsx'

const createRouter = () =>
  createBrowserRouter([
    { path: '/', Component: App },
    {
      path: '/profile',
      loader: ({ request }) => auth.requireSession({ returnTo: request.url }), // the guard
      Component: Profile,
      HydrateFallback: () => null,
      ErrorBoundary: () => <Problem error={useRouteError() as Error} />,
    },
  ])

// Finishes a sign-in if this page is its answer, else restores the session; index.html shows something meanwhile.
const started = await auth.start().catch((error: unknown) => error as CallbackError)
if (started.returnTo) history.replaceState(null, '', started.returnTo)
if ('resumed' in started && started.resumed) await keepWaiting(started.resumed)

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    {started instanceof Error ? (
      <Problem error={started} />
    ) : (
      <RouterProvider router={createRouter()} />
    )}
  </StrictMode>,
)
