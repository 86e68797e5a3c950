import { asksForMore } from '../api/scheme.ts'
import { PkceClientError } from '../errors.ts'
import type { Challenge } from '../api/scheme.ts'

/** What an API asks for beyond the sign-in that there is. Untrusted: the API says so, and only the server can judge it. */
export interface StepUpDemand {
  /** Authentication context classes, separated by spaces, in order of preference. */
  readonly acrValues: string | undefined
  /** Seconds that may have passed since the user authenticated. */
  readonly maxAge: number | undefined
  /** Scopes, separated by spaces. */
  readonly scope: string | undefined
}

/** An API refused a call because it asks for a stronger or more recent sign-in (RFC 9470 §3), or for more scope (RFC 6750 §3.1). */
export class StepUpError extends PkceClientError implements StepUpDemand {
  /** Written out, because minifiers rename classes. */
  override name = 'StepUpError'
  /** Authentication context classes, separated by spaces, in order of preference; `undefined` when the API names none. */
  readonly acrValues: string | undefined
  /** Seconds that may have passed since the user authenticated; `undefined` when the API does not care. */
  readonly maxAge: number | undefined
  /** Scopes that the API asks for, separated by spaces; `undefined` when it names none. */
  readonly scope: string | undefined

  /** Takes what the API asks for. */
  constructor({ acrValues, maxAge, scope }: StepUpDemand) {
    super(
      'step_up_required',
      'The API asks for another sign-in; call signIn() with acrValues, maxAge and scope of this error.',
    )
    this.acrValues = acrValues
    this.maxAge = maxAge
    this.scope = scope
  }
}

/** What the challenges of an answer ask for; `undefined` when they name nothing that a sign-in could bring. */
export function readStepUp(challenges: readonly Challenge[]): StepUpError | undefined {
  const challenge = challenges.find((one) => asksForMore([one]))
  if (!challenge) return undefined
  const { acr_values: acr, max_age: age = '', scope } = challenge.parameters
  const demand = {
    acrValues: words(acr),
    maxAge: /^\d{1,9}$/.test(age) ? Number(age) : undefined,
    scope: words(scope),
  }
  const isEmpty = Object.values(demand).every((value) => value === undefined)
  return isEmpty ? undefined : new StepUpError(demand)
}

/** RFC 6749 §3.3: visible ASCII without quotes and backslash. */
const words = (text = ''): string | undefined =>
  /^[ !#-[\]-~]+$/.test(text) ? text.match(/\S+/g)?.join(' ') : undefined

/** The scopes of all lists, each once. */
export const union = (...lists: (string | undefined)[]): string =>
  [...new Set(lists.join(' ').match(/\S+/g))].join(' ')

/** Whether every scope of the list was granted. */
export const includesAll = (granted: string, wanted: string): boolean =>
  union(granted, wanted) === union(granted)
