import type { Circumstances } from '../faults/fault.ts'
import { audienceAskedFor } from './apis.ts'
import type { Visit } from './context.ts'
import { formOf } from './http.ts'
import type { Call } from './http.ts'

/** What faults are matched with. */
export function circumstancesOf({ context, call }: Visit): Circumstances {
  const { path, method } = call
  return { path, method, on: stepOf(call), api: audienceAskedFor(context, call) }
}

function stepOf(call: Call): 'sign-in' | 'refresh' | undefined {
  if (call.path !== '/token') return undefined
  return formOf(call)?.get('grant_type') === 'refresh_token' ? 'refresh' : 'sign-in'
}
