/** Who sends or receives: the user's browser, the app, this library, the authorization server (or the app's back end), an API. */
export type Lane = 'user' | 'app' | 'client' | 'server' | 'api'

export const lanes: readonly Lane[] = ['user', 'app', 'client', 'server', 'api']

/** Values that can be followed through the steps. `pkce` is the verifier and its challenge. */
export type ValueKind = 'pkce' | 'state' | 'nonce' | 'code' | 'access' | 'refresh' | 'id'

export const valueKinds: Readonly<Record<ValueKind, string>> = {
  pkce: 'verifier, challenge',
  state: 'state',
  nonce: 'nonce',
  code: 'code',
  access: 'access token',
  refresh: 'refresh token',
  id: 'ID token',
}

/** Where in a message a value is. */
export type ValuePlace = 'query' | 'form' | 'header' | 'body' | 'claim' | 'memory'

/** One value of a step, as it may be shown. */
export interface StepValue {
  /** As on the wire: `code_challenge`, `access_token`, `sub`. */
  name: string
  /** Shortened where the whole value still opens something. */
  text: string
  /** Where in the message it is. */
  place: ValuePlace
  /** Which of the values that can be followed it is, if it is one. */
  kind?: ValueKind
  /** A short hash: equal values have the same one, so that a value can be found in other steps. */
  fingerprint?: string
}

/** Something that was computed again from what was recorded. */
export interface Check {
  /** What was compared. */
  text: string
  /** Whether it is as it must be. */
  holds: boolean
}

/** What a message or note is about; `explain.ts` has a sentence for each. */
export type Purpose =
  | 'sign-in'
  | 'discovery'
  | 'resource-metadata'
  | 'registration'
  | 'values'
  | 'pushed-request'
  | 'authorize'
  | 'person'
  | 'callback'
  | 'token'
  | 'refresh'
  | 'keys'
  | 'user-info'
  | 'revocation'
  | 'introspection'
  | 'end-session'
  | 'api'
  | 'back-end'
  | 'session'
  | 'failure'
  | 'app'

interface Common {
  /** Different for each step of all tabs. */
  id: string
  /** Which tab: equal for the steps of one tab. */
  tab: string
  /** Milliseconds since 1970, by the clock of the machine. */
  at: number
  /** What stands over the arrow or in the box; plain text. */
  label: string
}

/** An arrow from one lane to another. */
export interface Message extends Common {
  /** Tells it from the other steps. */
  type: 'message'
  /** What it is for. */
  purpose: Purpose
  /** Who sends it. */
  from: Lane
  /** Who receives it. */
  to: Lane
  /** The `id` of the request that this answers: its arrow is dashed. */
  answers?: string
  /** The browser navigates: what the message carries is in an address. */
  navigates?: boolean
  /** A refusal or a failure: red. */
  refused?: boolean
  /** Of a request, such as `GET`. */
  method?: string
  /** Without query and fragment. */
  url?: string
  /** Of an answer, such as 200. */
  status?: number
  /** Of an answer: milliseconds since its request. */
  milliseconds?: number
  /** One line below the label in the inspector, such as `grant_type=refresh_token`. */
  detail?: string
  /** What it carries. */
  values: StepValue[]
  /** What was computed again of it. */
  checks: Check[]
}

/** Something that happens within one lane. */
export interface Note extends Common {
  /** Tells it from the other steps. */
  type: 'note'
  /** What it is about. */
  purpose: Purpose
  /** Whose it is. */
  lane: Lane
  /** A failure: red. */
  refused?: boolean
  /** One line below the label in the inspector. */
  detail?: string
  /** The values that it is about. */
  values: StepValue[]
  /** What was computed again of them. */
  checks: Check[]
}

/** Begins a new part of the recording: somebody pressed a button. */
export interface Cut extends Common {
  /** Tells it from the other steps. */
  type: 'cut'
}

/** Ends a part: what came of it. */
export interface Verdict extends Common {
  /** Tells it from the other steps. */
  type: 'verdict'
  /** Whether it is what should have come of it. */
  holds: boolean
}

/** One row of a recording. */
export type Step = Message | Note | Cut | Verdict
export type NumberedStep = Message | Note

/** The numbers of the steps that have one: arrows and notes, from 1. */
export function numberSteps(steps: readonly Step[]): ReadonlyMap<string, number> {
  const numbered = steps.filter(({ type }) => type === 'message' || type === 'note')
  return new Map(numbered.map(({ id }, index) => [id, index + 1]))
}
