import { parseUrl } from '../api/resources.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'

interface ReminderOptions {
  host: Host
  clock: Clock
  /** What the state of this client's sign-ins begins with. */
  tag: string
  /** Whether start() or handleCallback() was called. */
  begun: () => boolean
}

/** Milliseconds an app may take before it calls start(). */
const patience = 2000

/**
 * Warns the developer of an app that never calls start(): the page users come back to would show the code in its address and
 * do nothing. Nothing is read before the constructor has returned. Returns a function that stops it.
 */
export function remindOfStart({ host, clock, tag, begun }: ReminderOptions): () => void {
  let cancel = () => {}
  let stopped = false
  const warn = () => {
    if (begun()) return
    host.warn(
      'pkce-client: this page is the answer to a sign-in, and nothing has finished it. Call auth.start() when the app loads.',
    )
  }
  void Promise.resolve().then(() => {
    const query = parseUrl(host.url() ?? '')?.searchParams
    const isAnswer =
      query?.get('state')?.startsWith(`${tag}.`) && (query.has('code') || query.has('error'))
    if (isAnswer && !begun() && !stopped) cancel = clock.setTimeout(warn, patience)
  })
  return () => {
    stopped = true
    cancel()
  }
}
