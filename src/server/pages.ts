import { randomToken } from './bytes.ts'
import type { ErrorCode, PkceClientError } from '../errors.ts'

/** What an error page shows beside the error. */
export interface ErrorPage {
  error: PkceClientError
  status: number
  /** Where the link to sign in again leads; without it the page has none. */
  signInUrl?: string | undefined
}

const statuses: Partial<Record<ErrorCode, number>> = {
  callback_invalid: 400,
  transaction_not_found: 400,
  transaction_consumed: 400,
  issuer_mismatch: 400,
  logout_token_invalid: 400,
  sign_in_required: 401,
  login_required: 401,
  session_ended: 401,
  access_token_invalid: 401,
  csrf_rejected: 403,
  insufficient_scope: 403,
  step_up_required: 403,
  authorization_denied: 403,
  resource_not_allowed: 403,
  server_error: 502,
  discovery_failed: 502,
  id_token_invalid: 502,
  token_response_invalid: 502,
  storage_unavailable: 503,
  rate_limited: 503,
  network: 504,
  timeout: 504,
}

/** The HTTP status that says whose turn it is: the visitor's, the app's, or that of a server behind it. */
export const statusOf = ({ code }: PkceClientError): number => statuses[code] ?? 500

const titles: Record<number, string> = {
  400: 'The sign-in did not complete',
  401: 'Please sign in',
  403: 'The request was refused',
  502: 'The sign-in server gave no usable answer',
  503: 'Please try again in a moment',
  504: 'The sign-in server did not answer',
}

/** Whether whoever asks shows pages; scripts ask for anything, or for JSON. */
export function wantsHtml({ headers }: Request): boolean {
  return /text\/html/i.test(headers.get('accept') ?? '')
}

/** An error for people: its code and our own sentence, nothing that a server or a URL said. */
export function errorPage({ error, status, signInUrl }: ErrorPage): Response {
  const title = titles[status] ?? 'The request did not complete'
  const link =
    signInUrl === undefined ? '' : `<p><a href="${escape(signInUrl)}">Sign in again</a></p>`
  const code = `<p class="code">Error code: <code>${escape(error.code)}</code></p>`
  const body = `<h1>${title}</h1><p>${escape(error.message)}</p>${link}${code}`
  return html({ title, body, status, headers: retryAfter(status) })
}

/** An error for scripts: `{ error, message }`. */
export function errorJson({ code, message }: PkceClientError, status: number): Response {
  return answer(JSON.stringify({ error: code, message }), {
    status,
    headers: { 'content-type': 'application/json', ...retryAfter(status) },
  })
}

/** Goes on to a URL as if a page of ours had linked to it: then browsers send cookies that are SameSite=Strict. */
export function pageInBetween(url: string): Response {
  const to = escape(url)
  return html({
    title: 'One moment',
    head: `<meta http-equiv="refresh" content="0; url=${to}">`,
    body: `<p><a href="${to}">Continue</a></p>`,
    status: 200,
  })
}

/** Goes on to a URL with GET, whatever the method was (RFC 9110 §15.4.4). */
export function redirectTo(url: string): Response {
  return answer(null, { status: 303, headers: { location: url } })
}

interface Html {
  title: string
  head?: string
  body: string
  status: number
  headers?: Record<string, string>
}

function html({ title, head = '', body, status, headers }: Html): Response {
  const nonce = randomToken()
  const page =
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
    `<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">` +
    `${head}<style nonce="${nonce}">${style}</style></head><body><main>${body}</main></body></html>`
  return answer(page, {
    status,
    nonce,
    headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
  })
}

interface Answer {
  status: number
  headers: Record<string, string>
  /** Of the style in the page, if it has one. */
  nonce?: string
}

/** No cache keeps it, no other page frames it, and where it leads learns nothing of its URL (RFC 9700 §4.2.4). */
function answer(body: string | null, { status, headers, nonce }: Answer): Response {
  const styles = nonce ? ` style-src 'nonce-${nonce}';` : ''
  return new Response(body, {
    status,
    headers: {
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none';${styles} base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}

const retryAfter = (status: number): Record<string, string> =>
  status === 503 ? { 'retry-after': '5' } : {}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

// System colours follow light and dark, forced colours too.
const style =
  'body{margin:0;min-height:100vh;display:grid;place-items:center;font:1rem/1.6 system-ui,sans-serif;' +
  'background:Canvas;color:CanvasText}' +
  'main{box-sizing:border-box;width:100%;max-width:34rem;padding:1.5rem;overflow-wrap:anywhere}' +
  'h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem}p{margin:0 0 1rem}' +
  'a{color:LinkText;font-weight:600;text-underline-offset:.2em}.code{opacity:.75;font-size:.875rem}'
