import { PkceClientError } from '../errors.ts'
import type { ErrorCode, ErrorFacts } from '../errors.ts'

/** What the caller of the API is told. The reasons in `message` are for the logs of the API. */
const sentences = {
  400: 'The request must have one access token, in the Authorization header.',
  401: 'The request needs a valid access token.',
  403: 'The access token lacks a scope that the request needs.',
  503: 'The access token could not be verified; try again later.',
}

type Status = keyof typeof sentences

/** An access token that an API must not accept, or could not verify. */
export class AccessTokenError extends PkceClientError {
  /** Written out, because minifiers rename classes. */
  override name = 'AccessTokenError'
  /** The status of {@link AccessTokenError.challenge}: 400, 401, 403 or 503. */
  readonly status: number
  readonly #parameters: string

  /** With the parameters of the challenge (RFC 6750 §3). */
  constructor(
    code: ErrorCode,
    message: string,
    {
      status,
      parameters = {},
      ...facts
    }: ErrorFacts & {
      status: Status
      parameters?: Readonly<Record<string, string>>
    },
  ) {
    super(code, message, facts)
    this.status = status
    this.#parameters = Object.entries(parameters)
      .map(([name, value]) => `${name}="${value}"`)
      .join(', ')
  }

  /** The answer of the API: `WWW-Authenticate` as RFC 6750 §3 has it, or 503 with `Retry-After`. */
  challenge(): Response {
    const headers = new Headers({ 'cache-control': 'no-store', 'content-type': 'application/json' })
    if (this.status === 503) headers.set('retry-after', '5')
    else headers.set('www-authenticate', `Bearer ${this.#parameters}`)
    const { code: error, status } = this
    const body = JSON.stringify({ error, message: sentences[status as Status] })
    return new Response(body, { status, headers })
  }
}

/** 401 with `invalid_token`: for this token nothing but another one helps. */
export const invalidToken = ({ message, cause }: PkceClientError): AccessTokenError =>
  new AccessTokenError('access_token_invalid', message, {
    status: 401,
    parameters: { error: 'invalid_token' },
    cause,
  })

/** Whatever else failed: the token may be good. */
export const notVerified = ({ code, message, cause }: PkceClientError): AccessTokenError =>
  new AccessTokenError(code, message, { status: 503, retryable: true, cause })
