import { recordSignIn } from './observe.ts'
import { safely } from './observed.ts'
import { withoutTokens } from './shorten.ts'
import type { AuthClient } from '../auth-client.ts'
import type { PkceClientError } from '../errors.ts'
import type { Session } from '../session/state.ts'
import type { Log } from './log.ts'
import type { Counts } from './observed.ts'
import type { Purpose } from './steps.ts'

interface WatchOptions {
  log: Log
  counts: Counts
}

/** Records what the client tells its app. Returns a function that stops it. */
export function watch(
  auth: Pick<AuthClient, 'on' | 'getSession'>,
  { log, counts }: WatchOptions,
): () => void {
  let before = auth.getSession()
  let receivedBefore = counts.received

  function tell(
    label: string,
    purpose: Purpose,
    more: { refused?: true; detail?: string } = {},
  ): void {
    safely(() =>
      log.add({
        type: 'message',
        purpose,
        from: 'client',
        to: 'app',
        label,
        ...more,
        values: [],
        checks: [],
      }),
    )
  }

  function note(what: string, error: PkceClientError): void {
    const when = error.retryable ? ', tried again later' : ''
    safely(() =>
      log.add({
        type: 'note',
        purpose: 'failure',
        lane: 'client',
        label: `${what}: ${error.code}${when}`,
        refused: true,
        // Some messages name an address of the app, where anything can be.
        detail: withoutTokens(error.message),
        values: [],
        checks: [],
      }),
    )
  }

  const stops = [
    auth.on('sign-in-started', ({ mode }) => {
      if (counts.begun > 0) counts.begun = 0
      else safely(() => recordSignIn(log, mode))
    }),
    auth.on('session-changed', ({ session }) => {
      const isNews = nameOf(session) !== nameOf(before) || subOf(session) !== subOf(before)
      const isOwn = counts.received !== receivedBefore
      if (isNews) tell(`session: ${nameOf(session)}`, 'session')
      else if (!isOwn && expiryOf(session) !== expiryOf(before))
        tell('session: the tokens of another tab are taken over', 'session')
      before = session
      receivedBefore = counts.received
    }),
    auth.on('sign-in-failed', ({ error }) =>
      tell(error.code, 'failure', { refused: true, detail: withoutTokens(error.message) }),
    ),
    auth.on('refresh-failed', ({ error }) => note('the refresh failed', error)),
    auth.on('sign-in-required', ({ error }) => note('nobody is signed in', error)),
    auth.on('storage-failed', ({ error }) => note('the store failed', error)),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** A session in a few words. */
export function nameOf(session: Session): string {
  if (session.status === 'signed-in') return session.stale ? 'signed-in, stale' : 'signed-in'
  if (session.status === 'signed-out' && session.reason) return `signed-out (${session.reason})`
  return session.status
}

const subOf = (session: Session) =>
  session.status === 'signed-in' ? session.claims?.sub : undefined
const expiryOf = (session: Session) =>
  session.status === 'signed-in' ? session.expiresAt : undefined
