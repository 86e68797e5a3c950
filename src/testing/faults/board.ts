import { answerFaults } from './answers.ts'
import { callbackFaults } from './callbacks.ts'
import { checkValue } from '../check-options.ts'
import { seals } from './fault.ts'
import type {
  At,
  Circumstances,
  FaultBoard,
  FaultName,
  FaultOptions,
  On,
  Seal,
  Times,
} from './fault.ts'
import { idTokenFaults } from './id-tokens.ts'
import { logoutTokenFaults } from './logout-tokens.ts'
import { tokenRefusals } from './refusals.ts'
import type { TokenRefusal } from './refusals.ts'

interface ActiveFault {
  name: FaultName
  options: Record<string, unknown>
  left: number
}

/** Where a fault strikes that was not told a path. The others without one strike everywhere. */
const defaultPaths: Partial<Record<FaultName, string>> = Object.fromEntries(
  [
    'token-refused',
    'redirect-token',
    'proto-member',
    'duplicate-member',
    'bom',
    'html-200',
    'html-502',
    'empty-200',
    'no-content',
    'json-array',
    'json-null',
    'json-string',
    'truncated-json',
    'wrong-content-type',
    'huge-body',
  ].map((name) => [name, '/token']),
)

const tables = { ...answerFaults, ...callbackFaults, ...idTokenFaults, ...logoutTokenFaults }
/** The faults that change more than one thing in one place. */
const others: Record<Exclude<FaultName, keyof typeof tables>, true> = {
  respond: true,
  'network-error': true,
  'drop-response': true,
  hang: true,
  'slow-headers': true,
  'slow-body': true,
  'infinite-body': true,
  'try-later': true,
  'token-refused': true,
  'redirect-token': true,
  'no-cors': true,
  'no-expose-headers': true,
  'key-rotation': true,
  'jwks-error': true,
  'jwks-keys': true,
  'clock-offset': true,
  'introspection-members': true,
  'access-token-claims': true,
  metadata: true,
  'resource-metadata': true,
  'ignore-pkce': true,
  'api-401': true,
  'no-coop': true,
  'silent-page': true,
  'silent-hangs': true,
  'par-expired': true,
  'par-200': true,
  'par-status': true,
  'dpop-nonce-for-ever': true,
  'dpop-nonce-rotates': true,
  'dpop-nonce-hidden': true,
  'dpop-bearer-answer': true,
  'insufficient-for-ever': true,
  'challenge-hidden': true,
  'user-info-claims': true,
  'user-info-jwt': true,
  'end-session-state-missing': true,
  'end-session-state-wrong': true,
}

// A test whose misbehaviour never happens passes, and test runners do not look at types.
function check(
  name: string,
  { path, method, on, api, as, seal }: Partial<At & { as: TokenRefusal; seal: Seal }>,
): void {
  if (!Object.hasOwn(tables, name) && !Object.hasOwn(others, name)) {
    throw new Error(`There is no fault ${name}; the type FaultName lists them all.`)
  }
  checkPath(path)
  if (on !== undefined) checkValue('on', { value: on, choice: ['sign-in', 'refresh'] })
  for (const [option, value] of Object.entries({ on, api })) {
    if (value === undefined || path === undefined || path === '/token') continue
    throw new Error(`Only the path /token can have the option "${option}"; the path is ${path}.`)
  }
  if (as !== undefined) checkValue('as', { value: as, choice: tokenRefusals })
  if (seal !== undefined) checkValue('seal', { value: seal, choice: seals })
  if (method !== undefined && method !== method.toUpperCase()) {
    throw new Error(`A method is in capitals, as POST is; it is ${method}.`)
  }
}

export function checkPath(path = '/'): void {
  if (path.startsWith('/')) return
  throw new Error(`A path must begin with a slash, as /token does; it is ${JSON.stringify(path)}.`)
}

function checkApi(api: string | undefined, audiences: readonly string[]): void {
  if (api === undefined || audiences.includes(api)) return
  throw new Error(`No API has the audience ${api}; there are ${audiences.join(', ')}.`)
}

export function createFaultBoard(audiences: () => readonly string[]): FaultBoard {
  let active: ActiveFault[] = []
  const find = (name: FaultName, circumstances: Circumstances): ActiveFault | undefined =>
    active.find((fault) => fault.name === name && fits(fault.options, circumstances))
  return {
    turnOn(name, options) {
      check(name, options as Partial<At>)
      checkApi((options as On).api, audiences())
      const times = (options as Times).times ?? Infinity
      const path = defaultPaths[name]
      const fault: ActiveFault = { name, options: { path, ...options }, left: times }
      if (times > 0) active.push(fault)
      return () => {
        active = active.filter((other) => other !== fault)
      }
    },
    clear() {
      active = []
    },
    use(name, circumstances = {}) {
      const fault = find(name, circumstances)
      if (!fault) return undefined
      fault.left -= 1
      if (fault.left === 0) active = active.filter((other) => other !== fault)
      return fault.options as FaultOptions[typeof name]
    },
    see: (name, circumstances = {}) =>
      find(name, circumstances)?.options as FaultOptions[typeof name] | undefined,
  }
}

function fits(options: Record<string, unknown>, circumstances: Circumstances): boolean {
  return (['path', 'method', 'on', 'api'] as const).every(
    (name) =>
      options[name] === undefined ||
      circumstances[name] === undefined ||
      options[name] === circumstances[name],
  )
}

type Change<Subject> = (subject: Subject, options: object) => void

/** Uses up every fault of a table that is on, in the table's order. */
export function useAll<Subject>(
  board: FaultBoard,
  work: {
    table: {
      readonly [Name in FaultName]?: (subject: Subject, options: FaultOptions[Name]) => void
    }
    subject: Subject
    circumstances?: Circumstances
  },
): void {
  for (const [name, change] of Object.entries(work.table)) {
    const options = board.use(name as FaultName, work.circumstances)
    if (options) (change as Change<Subject>)(work.subject, options)
  }
}
