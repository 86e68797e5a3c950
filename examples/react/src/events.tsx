import type { EventName } from 'pkce-client'
import { useSyncExternalStore } from 'react'
import { describeEvent, eventNames } from '../../words.ts'
import { auth } from './auth.ts'

// Kept outside React, because the first events happen before the first render.
let events: readonly { name: EventName; text: string }[] = []
const listeners = new Set<() => void>()
for (const name of eventNames) {
  auth.on(name, (facts) => {
    events = [{ name, text: describeEvent(facts) }, ...events]
    listeners.forEach((listener) => listener())
  })
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Everything the client tells, as it happens. */
export function Events() {
  const lines = useSyncExternalStore(subscribe, () => events)
  return (
    <section className="events" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      <ol role="log" aria-labelledby="events-title" tabIndex={0}>
        {lines.map(({ name, text }, index) => (
          <li key={lines.length - index}>
            <strong>{name}</strong> {text}
          </li>
        ))}
      </ol>
    </section>
  )
}
