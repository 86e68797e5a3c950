import { readJwt, toValue, withoutTokens } from './shorten.ts'
import type { Purpose, StepValue } from './steps.ts'

/** A request on its way, as far as the recording reads it. */
export interface SentRequest {
  method: string
  url: URL
  headers: Headers
  /** The parameters of a form; empty for all else. */
  form: URLSearchParams
}

export interface Classified {
  purpose: Purpose
  /** `grant_type=refresh_token` and the like. */
  detail?: string
}

const metadataPurposes: Readonly<Record<string, Purpose>> = {
  token_endpoint: 'token',
  jwks_uri: 'keys',
  userinfo_endpoint: 'user-info',
  revocation_endpoint: 'revocation',
  introspection_endpoint: 'introspection',
  registration_endpoint: 'registration',
  pushed_authorization_request_endpoint: 'pushed-request',
  authorization_endpoint: 'authorize',
  end_session_endpoint: 'end-session',
}

/** Never throws: what cannot be read is sent all the same, and is an answer of the platform's to give. */
export function readRequest(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  base: string | undefined,
): SentRequest | undefined {
  try {
    const request = typeof input === 'string' || input instanceof URL ? undefined : input
    const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url, base)
    const headers = new Headers(init?.headers ?? request?.headers)
    const method = (init?.method ?? request?.method ?? 'GET').toUpperCase()
    return { method, url, headers, form: readForm(init?.body) }
  } catch {
    return undefined
  }
}

function readForm(body: unknown): URLSearchParams {
  if (body instanceof URLSearchParams) return body
  return new URLSearchParams(typeof body === 'string' && /^\w+=/.test(body) ? body : '')
}

/** The endpoints in the metadata of a server, by address. */
export function readEndpoints(metadata: unknown): Record<string, string> {
  const members = Object.entries({ ...(metadata as object | null) })
  const named = members.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(
    named.flatMap(([name, value]) => {
      const purpose = metadataPurposes[name]
      return purpose ? [[value.split('?')[0]!, purpose]] : []
    }),
  )
}

/** What a request is for: told by what it says, and by where it goes. */
export function classify(
  { url, form }: Pick<SentRequest, 'url' | 'form'>,
  { endpoints, backEnd }: { endpoints: Record<string, string>; backEnd: string | undefined },
): Classified {
  const grant = form.get('grant_type')
  if (grant === 'refresh_token') return { purpose: 'refresh', detail: `grant_type=${grant}` }
  if (grant !== null) return { purpose: 'token', detail: `grant_type=${withoutTokens(grant)}` }
  const known = endpoints[`${url.origin}${url.pathname}`]
  if (known !== undefined) return { purpose: known as Purpose }
  if (url.pathname.includes('/.well-known/oauth-protected-resource'))
    return { purpose: 'resource-metadata' }
  if (url.pathname.includes('/.well-known/')) return { purpose: 'discovery' }
  if (backEnd !== undefined && url.pathname.startsWith(`${backEnd}/`))
    return { purpose: 'back-end' }
  if (url.pathname.endsWith('/refresh_token'))
    return { purpose: 'refresh', detail: 'by the back end' }
  return { purpose: 'api' }
}

/** The values of a request that may be kept. What an app sends to its API is its own. */
export function valuesOf(request: SentRequest, purpose: Purpose): StepValue[] {
  const values: StepValue[] = []
  const [scheme = '', token] = (request.headers.get('authorization') ?? '').split(' ')
  if (token) {
    const value = toValue('access_token', token, 'header')
    values.push({ ...value, name: 'Authorization', text: `${withoutTokens(scheme)} ${value.text}` })
  }
  const proof = request.headers.get('dpop')
  if (proof) values.push(...valuesOfProof(proof))
  if (purpose !== 'api' && purpose !== 'back-end') values.push(...valuesOfForm(request.form))
  return values
}

const valuesOfForm = (form: URLSearchParams): StepValue[] =>
  [...form].map(([name, value]) => toValue(name, value, 'form'))

/** A proof is good for one request to one address, and it is sent by now; its signature is left out all the same. */
function valuesOfProof(proof: string): StepValue[] {
  const { header, payload } = { ...readJwt(proof) }
  return [
    toValue('DPoP', proof, 'header'),
    ...['alg', 'typ'].flatMap((name) =>
      header?.[name] ? [toValue(name, header[name], 'claim')] : [],
    ),
    // Its nonce is the header of an answer, not the nonce of the ID token.
    ...Object.entries({ ...payload }).map(([name, value]) => ({
      ...toValue(name === 'nonce' ? 'dpop-nonce' : name, value, 'claim'),
      name,
    })),
  ]
}

/** What is in the answer of an authorization server. */
export function valuesOfAnswer(body: unknown): StepValue[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return []
  return Object.entries(body)
    .slice(0, 50)
    .map(([name, value]) => toValue(name, value, 'body'))
}

/** The names and values of an address that the browser is sent to or comes back to. */
export function valuesOfUrl(url: URL): StepValue[] {
  return [...url.searchParams].slice(0, 50).map(([name, value]) => toValue(name, value, 'query'))
}
