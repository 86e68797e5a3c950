import { PkceClientError } from '../errors.ts'
import { AccessTokenError } from './access-token-error.ts'

/** RFC 6750 §2.1. */
const token68 = /^[\w\-.~+/]+=*$/
/** Tokens with groups have some thousands of characters. */
const maximumLength = 16_384

/**
 * The token of the Authorization header (RFC 6750 §2.1); one in the body or the query counts for nothing (OAuth 2.1 §5.1).
 * Throws `access_token_invalid`: 400 for more than one, 401 for none, or for one that cannot be a token.
 */
export function readBearerToken({ headers, url }: Request): string {
  const header = headers.get('authorization') ?? ''
  const [, token = ''] = /^Bearer(?: +(.*))?$/i.exec(header) ?? throwNoToken()
  if (token.includes(',') || hasTokenInQuery(url)) throw twoTokens()
  if (!token68.test(token) || token.length > maximumLength)
    throw new PkceClientError(
      'access_token_invalid',
      'The access token is not valid: it is empty, too long, or has characters that no token has.',
    )
  return token
}

const hasTokenInQuery = (url: string) => new URLSearchParams(url.split('?')[1]).has('access_token')

/** Without an error in the challenge: nothing was wrong with the request (RFC 6750 §3.1). */
function throwNoToken(): never {
  const why = 'The request has no bearer token.'
  throw new AccessTokenError('access_token_invalid', why, { status: 401 })
}

const twoTokens = () =>
  new AccessTokenError('access_token_invalid', 'The request has more than one access token.', {
    status: 400,
    parameters: { error: 'invalid_request' },
  })
