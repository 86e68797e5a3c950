import type { AuthClient } from './auth-client.ts'
import type { EventName } from './events.ts'

const names: Record<EventName, true> = {
  'session-changed': true,
  'signed-in': true,
  'signed-out': true,
  'token-refreshed': true,
  'refresh-failed': true,
  'sign-in-required': true,
  'sign-in-started': true,
  'sign-in-failed': true,
  'storage-failed': true,
  request: true,
}

/**
 * Writes every event of a client, with its facts: `logEvents(auth, console)`. Nothing in them is secret.
 * @returns the way to stop
 */
export function logEvents(auth: Pick<AuthClient, 'on'>, target: Pick<Console, 'log'>): () => void {
  const stops = (Object.keys(names) as EventName[]).map((name) =>
    auth.on(name, (facts) => target.log('pkce-client', name, facts)),
  )
  return () => stops.forEach((stop) => stop())
}
