import { PkceClientError } from '../errors.ts'
import { equalInConstantTime, fromUtf8 } from './bytes.ts'

/** Tells whether a request is the app's own, by what browsers let no page forge (RFC 10017 §6.1.3.3). */
export interface Guard {
  /** Sent by a page of our origin, or by the user, who typed a URL or opened a bookmark. */
  isOwn(request: Request): boolean
  /** A header says that another site caused the request. Another origin of our own site is none, yet not our own either. */
  isCrossSite(request: Request): boolean
  /** The browser will show the answer as a page, now: no script, image or prefetch asks. */
  isNavigation(request: Request): boolean
  /** `csrf_rejected`, unless the request is our own and, where it may change something, brings the session's token. */
  check(request: Request, csrf: CsrfTokens): PkceClientError | undefined
}

export interface CsrfTokens {
  /** The tokens that the session accepts. */
  expected: readonly string[]
  /** What the request brought. */
  given: string | undefined
}

export function createGuard({ origin }: { origin: string }): Guard {
  function isOwn(request: Request): boolean {
    const site = request.headers.get('sec-fetch-site')
    if (site === null) return request.headers.get('origin') === origin
    return site === 'same-origin' || (site === 'none' && isNavigation(request))
  }

  return {
    isOwn,
    isNavigation,

    isCrossSite({ headers }) {
      const site = headers.get('sec-fetch-site')
      if (site !== null) return site === 'cross-site'
      return headers.has('origin') && headers.get('origin') !== origin
    },

    check(request, { expected, given }) {
      const { headers, method } = request
      // Browsers before 2023 send neither with GET, and programs never do: then only the token can tell.
      const says = headers.has('sec-fetch-site') || headers.has('origin')
      if (says && !isOwn(request)) return foreign(origin)
      if (says && /^(?:GET|HEAD|OPTIONS)$/.test(method)) return undefined
      const matches = expected.some((token) => equalInConstantTime(token, given ?? ''))
      return matches ? undefined : withoutToken(method)
    },
  }
}

/** A prefetched sign-in would be under way before anybody wants it. */
function isNavigation({ headers }: Request): boolean {
  if (/prefetch/.test(headers.get('sec-purpose') ?? headers.get('purpose') ?? '')) return false
  const mode = headers.get('sec-fetch-mode')
  return mode === null ? /text\/html/i.test(headers.get('accept') ?? '') : mode === 'navigate'
}

const longestForm = 64 * 1024

/** The CSRF token that a request brings: in the header `x-csrf-token`, or in the field `csrf_token` of a form. */
export async function csrfTokenOf(request: Request): Promise<string | undefined> {
  const { headers } = request
  const header = headers.get('x-csrf-token')
  if (header !== null) return header
  const isForm = /^application\/x-www-form-urlencoded(?:;|$)/i.test(
    headers.get('content-type') ?? '',
  )
  if (!isForm || !request.body || request.bodyUsed) return undefined
  // The body itself stays unread, for whoever handles the request.
  const text = await beginOf(request.clone().body!)
  return new URLSearchParams(text).get('csrf_token') ?? undefined
}

/** As much as we read of a form; its end is missing when it is longer, or when the visitor leaves. */
async function beginOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const reader = body.getReader()
  let text = ''
  try {
    while (text.length < longestForm) {
      const { done, value } = await reader.read()
      if (done) break
      text += fromUtf8(value)
    }
    // Not waited for: it ends when the other branch of the body does.
    void reader.cancel().catch(() => {})
  } catch {
    // The connection is gone, and nobody waits for an answer.
  }
  return text.slice(0, longestForm)
}

const foreign = (origin: string): PkceClientError =>
  new PkceClientError(
    'csrf_rejected',
    `The request was sent by another origin; send it from a page of ${origin}, the origin of baseUrl.`,
  )

const withoutToken = (method: string): PkceClientError =>
  new PkceClientError(
    'csrf_rejected',
    `The ${method} request has not the CSRF token of this session; send the session's csrfToken in the header x-csrf-token, or in the form field csrf_token.`,
  )
