import type { Api } from './place.ts'

/** One request, however it came in. */
export interface Call {
  /** Which of the two servers it reached. */
  to: 'issuer' | 'api'
  method: string
  url: URL
  /** The API, if it reached one. */
  api: Api | undefined
  /** Relative to the issuer or the API, so `/token` for an issuer with a path too. */
  path: string
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  body: string
}

export interface Reply {
  status: number
  headers: [name: string, value: string][]
  body: string | ReadableStream<Uint8Array>
  /** What a browser would show to a page of another origin, when not everything. */
  visible?: 'nothing' | 'safe-listed headers' | { allBut: readonly string[] }
}

/** What a call ends in: a reply, or a connection that breaks, or silence. */
export type Outcome = Reply | 'connection-lost' | 'silence'

const noStore: [string, string][] = [
  ['cache-control', 'no-store'],
  ['pragma', 'no-cache'],
]

export function reply(status: number, parts: Partial<Omit<Reply, 'status'>> = {}): Reply {
  return { status, headers: parts.headers ?? [], body: parts.body ?? '' }
}

/** JSON that must not be kept: tokens, claims and errors. */
export function json(value: unknown, status = 200): Reply {
  return reply(status, {
    headers: [['content-type', 'application/json'], ...noStore],
    body: JSON.stringify(value),
  })
}

/** Metadata and keys, which anybody may keep for a while. */
export function publicJson(value: unknown): Reply {
  return reply(200, {
    headers: [
      ['content-type', 'application/json'],
      ['cache-control', 'public, max-age=300'],
    ],
    body: JSON.stringify(value),
  })
}

export function oauthError(problem: Problem, status = 400): Reply {
  return json({ error: problem.error, error_description: problem.description }, status)
}

/** 303, because 307 and 308 would send a password on to the app. */
export function redirect(to: string): Reply {
  return reply(303, { headers: [['location', to], ...noStore] })
}

export function withHeader(answer: Reply, header: [name: string, value: string]): Reply {
  return { ...answer, headers: [...answer.headers, header] }
}

/** An OAuth error: a code for programs and one sentence for people. */
export interface Problem {
  error: string
  description: string
}

export interface Parameters {
  get: (name: string) => string | undefined
  /** Every value of a parameter that may be repeated. */
  all: (name: string) => string[]
  /** The first parameter that came twice and may not. */
  duplicate: string | undefined
}

/** RFC 6749 §3.1: an empty parameter counts as omitted, none but `resource` may be repeated. */
export function readParameters(search: URLSearchParams): Parameters {
  const seen = new Set<string>()
  return {
    get: (name) => search.get(name) || undefined,
    all: (name) => search.getAll(name).filter((value) => value !== ''),
    duplicate: [...search.keys()].find(
      (name) => name !== 'resource' && seen.size === seen.add(name).size,
    ),
  }
}

/** The body's parameters, or `undefined` when the body is not form-encoded. */
export function formOf(call: Pick<Call, 'headers' | 'body'>): URLSearchParams | undefined {
  const type = call.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  return type === 'application/x-www-form-urlencoded' ? new URLSearchParams(call.body) : undefined
}

/** The parameters of a form-encoded body, each sent once and none in the URL, or the refusal. */
export function readBody(call: Call): Parameters | Reply {
  const refuse = (description: string): Reply =>
    oauthError({ error: 'invalid_request', description })
  const form = formOf(call)
  if (!form) return refuse('the body is not form-encoded')
  if (call.url.search !== '') return refuse('parameters must be sent in the body')
  const parameters = readParameters(form)
  return parameters.duplicate === undefined ? parameters : refuse('a parameter was sent twice')
}

/** The parameters of a page that people reach by a link or by a form: in the query, or in the body of a POST. */
export function parametersOf(call: Call): Parameters {
  return readParameters(
    call.method === 'POST' ? (formOf(call) ?? new URLSearchParams()) : call.url.searchParams,
  )
}

export function readCookie(call: Call, name: string): string | undefined {
  for (const pair of (call.headers['cookie'] ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

/** `scheme credentials` of an Authorization header, the scheme in lower case. */
export function readAuthorization(call: Call): { scheme: string; credentials: string } | undefined {
  const match = /^(\S+) +(\S.*)$/.exec(call.headers['authorization']?.trim() ?? '')
  return match ? { scheme: match[1]!.toLowerCase(), credentials: match[2]! } : undefined
}
