import type { Fetch } from '../api/scheme.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../host/host.ts'
import type { Navigator } from '../navigation/navigator.ts'
import type { Log } from './log.ts'
import type { Classified } from './requests.ts'
import type { Message } from './steps.ts'

/** The options of a client that are read or wrapped. */
export interface ObservedOptions {
  /** The authorization server; without one, it is a back end that signs users in. */
  issuer?: string | undefined
  /** The name of the app there. */
  clientId?: string | undefined
  /** Where users come back to. */
  redirectUri?: string | undefined
  /** Tells several sessions of one app apart. */
  sessionKey?: string | undefined
  /** Where a back end answers. */
  basePath?: string | undefined
  /** What is known of the server. */
  metadata?: object | undefined
  /** What the client goes by; it is not wrapped. */
  clock?: Clock | undefined
  /** How users get to the server and back. */
  navigator?: Navigator | readonly Navigator[] | undefined
  /** The page around the client. */
  host?: Host | undefined
  /** Used for every request. */
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
