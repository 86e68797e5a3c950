import { useEffect, useState } from 'react'
import type { EventName } from 'pkce-client'
import { auth } from './auth.ts'
import { describe } from './words.ts'

const eventNames: EventName[] = [
  'session-changed',
  'signed-in',
  'signed-out',
  'token-refreshed',
  'refresh-failed',
  'sign-in-required',
  'storage-failed',
  'request',
]

/** Everything the client tells, as it happens. */
export function Events() {
  const [lines, setLines] = useState<{ name: EventName; text: string }[]>([])
  useEffect(() => {
    const stops = eventNames.map((name) =>
      auth.on(name, (facts) => setLines((before) => [{ name, text: describe(facts) }, ...before])),
    )
    return () => stops.forEach((stop) => stop())
  }, [])
  return (
    <section aria-labelledby="events-title">
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
