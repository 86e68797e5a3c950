import { jsonObject } from '../server/encoding.ts'
import type { Circumstances, FaultBoard, FaultOptions } from './fault.ts'
import { reply } from '../server/http.ts'
import type { Reply } from '../server/http.ts'

type Members = Record<string, unknown>

type MemberFault =
  | 'token-type'
  | 'token-type-inverted-case'
  | 'expires-in'
  | 'no-access-token'
  | 'no-refresh-token'
  | 'other-resource'
  | 'granted-scope'
  | 'id-token-missing'
  | 'id-token-garbage'
  | 'token-members'
  | 'error-200'

/** `undefined` takes the member away: it does not survive JSON. */
const memberFaults: {
  [Name in MemberFault]: (members: Members, options: FaultOptions[Name]) => void
} = {
  'token-type': (members, { value }) => {
    members['token_type'] = value
  },
  'token-type-inverted-case': (members) => {
    members['token_type'] = String(members['token_type']).replace(/[a-z]/gi, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    )
  },
  'expires-in': (members, { value, raw }) => {
    members['expires_in'] = raw === undefined ? value : rawMark
  },
  'no-access-token': (members) => {
    members['access_token'] = undefined
  },
  'no-refresh-token': (members) => {
    members['refresh_token'] = undefined
  },
  'other-resource': (members, { resource = 'https://other.example.com/' }) => {
    members['resource'] = resource
  },
  'granted-scope': (members, { scope }) => {
    members['scope'] = scope
  },
  'id-token-missing': (members) => {
    members['id_token'] = undefined
  },
  'id-token-garbage': (members, { value = 'not.a.token' }) => {
    members['id_token'] = value
  },
  'token-members': (members, { set = {}, remove = [] }) => {
    for (const name of remove) members[name] = undefined
    // Defined, because an assignment to __proto__ would put no member of that name into the answer.
    for (const name of Object.keys(set))
      Object.defineProperty(members, name, Object.getOwnPropertyDescriptor(set, name)!)
  },
  'error-200': (members, { error = 'invalid_grant' }) => {
    for (const name of Object.keys(members)) members[name] = undefined
    members['error'] = error
  },
}

const rawMark = '\u0000raw'

type BodyFault =
  | 'proto-member'
  | 'duplicate-member'
  | 'bom'
  | 'html-200'
  | 'html-502'
  | 'empty-200'
  | 'no-content'
  | 'json-array'
  | 'json-null'
  | 'json-string'
  | 'truncated-json'
  | 'wrong-content-type'
  | 'huge-body'

const page = '<!doctype html><title>Sign in to the network</title><h1>Welcome to the hotel</h1>'

export function html(status: number): Reply {
  return reply(status, { headers: [['content-type', 'text/html; charset=utf-8']], body: page })
}

function typed(answer: Reply, contentType: string): Reply {
  const others = answer.headers.filter(([name]) => name !== 'content-type')
  return { ...answer, headers: [...others, ['content-type', contentType]] }
}

const textOf = (answer: Reply): string => (typeof answer.body === 'string' ? answer.body : '')

/** How each fault spoils a whole answer. */
const bodyFaults: {
  [Name in BodyFault]: (answer: Reply, options: FaultOptions[Name]) => Reply
} = {
  'proto-member': (answer) => ({
    ...answer,
    body: textOf(answer).replace(
      '{',
      '{"__proto__":{"polluted":true,"scope":"admin"},"constructor":{"prototype":{"polluted":true}},',
    ),
  }),
  'duplicate-member': (answer, { goodOne = 'last' }) => {
    const bad = '"access_token":"a-token-of-somebody-else"'
    const body = textOf(answer)
    return {
      ...answer,
      body: goodOne === 'last' ? body.replace('{', `{${bad},`) : body.replace(/\}$/, `,${bad}}`),
    }
  },
  bom: (answer) => ({ ...answer, body: `\ufeff${textOf(answer)}` }),
  'html-200': () => html(200),
  'html-502': () => html(502),
  'empty-200': (answer) => ({ ...answer, body: '' }),
  'no-content': () => reply(204),
  'json-array': (answer) => ({ ...answer, body: `[${textOf(answer)}]` }),
  'json-null': (answer) => ({ ...answer, body: 'null' }),
  'json-string': (answer) => ({ ...answer, body: JSON.stringify(textOf(answer)) }),
  'truncated-json': (answer) => ({ ...answer, body: textOf(answer).slice(0, -10) }),
  'wrong-content-type': (answer, { contentType = 'text/plain' }) => typed(answer, contentType),
  'huge-body': (answer, { bytes = 5 * 1024 * 1024 }) => ({
    ...answer,
    body: `${textOf(answer).replace(/\}$/, '')},"padding":"${'x'.repeat(bytes)}"}`,
  }),
}

/** Every fault of this file. */
export const answerFaults = { ...memberFaults, ...bodyFaults }

const openerPolicy = 'cross-origin-opener-policy'

/** A page is spoiled in its headers only. */
export function spoilPage(
  answer: Reply,
  { faults, circumstances }: { faults: FaultBoard; circumstances: Circumstances },
): Reply {
  if (!answer.headers.some(([name]) => name === openerPolicy)) return answer
  if (!faults.use('no-coop', circumstances)) return answer
  return { ...answer, headers: answer.headers.filter(([name]) => name !== openerPolicy) }
}

/** Spoils a successful answer with every fault that is on. Refusals are left alone. */
export function spoil(
  answer: Reply,
  { faults, circumstances }: { faults: FaultBoard; circumstances: Circumstances },
): Reply {
  if (answer.status !== 200 && answer.status !== 201) return answer
  let spoiled =
    circumstances.path === '/token' ? spoilMembers(answer, { faults, circumstances }) : answer
  for (const name of Object.keys(bodyFaults) as BodyFault[]) {
    const options = faults.use(name, circumstances)
    const change = bodyFaults[name]
    if (options) spoiled = change(spoiled, options)
  }
  return spoiled
}

function spoilMembers(
  answer: Reply,
  { faults, circumstances }: { faults: FaultBoard; circumstances: Circumstances },
): Reply {
  const members = jsonObject(textOf(answer))
  if (!members) return answer
  const before = JSON.stringify(members)
  let raw = ''
  for (const name of Object.keys(memberFaults) as MemberFault[]) {
    const options = faults.use(name, circumstances)
    if (!options) continue
    raw = (options as { raw?: string }).raw ?? raw
    const change = memberFaults[name]
    change(members, options)
  }
  const after = JSON.stringify(members)
  return after === before
    ? answer
    : { ...answer, body: after.replace(JSON.stringify(rawMark), raw) }
}
