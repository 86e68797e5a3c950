import type { Fetch } from '../api/scheme.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { Log } from './log.ts'
import type { Classified } from './requests.ts'
import type { Message } from './steps.ts'

/** The options of a client that are read or wrapped. */
export interface ObservedOptions {
  issuer?: string | undefined
  clientId?: string | undefined
  redirectUri?: string | undefined
  sessionKey?: string | undefined
  basePath?: string | undefined
  metadata?: object | undefined
  clock?: Clock | undefined
  navigator?: Navigator | readonly Navigator[] | undefined
  host?: Host | undefined
  fetch?: Fetch | undefined
}

/** What recording one client needs. */
export interface Observed {
  log: Log
  options: ObservedOptions
  host: Host
  /** Milliseconds since 1970. */
  now: () => number
  /** Of what is known only for as long as the page lives: nothing here is ever stored. */
  secrets: PageSecrets
  counts: Counts
}

export interface Counts {
  /** How often this page was given new tokens, so that those of another tab can be told from them. */
  received: number
  /** How often a sign-in was seen to begin of which no event has told yet. */
  begun: number
}

export interface PageSecrets {
  /** ID tokens that wait for the keys of the server, by the step that brought them. */
  unverified: Map<string, string>
  keys: JsonWebKey[]
}

/** Recording never gets in the way of what it records. */
export function safely<T>(task: () => T): T | undefined {
  try {
    return task()
  } catch {
    return undefined
  }
}

/** What a request is for, and the step that recorded it. */
export interface Sent extends Classified {
  step: Message
}
