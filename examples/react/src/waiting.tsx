import { useSyncExternalStore } from 'react'
import type { ReactNode } from 'react'
import { auth } from './auth.ts'

// Kept outside React: a page that is shown again must not find a request that was sent.
let waiting: { request: Request; body: string } | undefined
const listeners = new Set<() => void>()

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Keeps the request that `start()` gave back until the user sends it or drops it. */
export async function keepWaiting(request: Request): Promise<void> {
  waiting = { request, body: await request.clone().text() }
}

/** Takes the request away first, so that no second click can send it again. */
function takeWaiting(): Request {
  const { request } = waiting!
  waiting = undefined
  listeners.forEach((listener) => listener())
  return request
}

const send = () => auth.fetch(takeWaiting())

async function drop(): Promise<string> {
  takeWaiting()
  return 'The request is dropped. It was not sent.'
}

interface WaitingProps {
  button: (label: string, action: () => Promise<unknown>) => ReactNode
}

/** The request that the user made before signing in. Sent by a click only: an effect may run twice. */
export function Waiting({ button }: WaitingProps) {
  const kept = useSyncExternalStore(subscribe, () => waiting)
  if (!kept) return null
  const { request, body } = kept
  return (
    <div className="waiting" role="group" aria-labelledby="waiting">
      <h3 id="waiting">Not sent yet</h3>
      <p>
        You had to sign in before this request could be sent:{' '}
        <code>
          {request.method} {new URL(request.url).pathname} {body}
        </code>
      </p>
      <p className="hint">Send it now, or drop it. A reload drops it too.</p>
      <div className="buttons">
        {button('Send it', send)}
        {button('Drop it', drop)}
      </div>
    </div>
  )
}
