import { statusError } from './translate-error.ts'
import type { OAuthServerError } from '../errors.ts'

/** A metadata document as it was answered, or `undefined` when nothing is there, and will not be in a minute. */
export async function published(
  request: Promise<Response>,
  publisher?: string,
): Promise<Response | undefined> {
  const response = await request.catch((error: unknown) => {
    if (!isGone((error as Partial<OAuthServerError>).status)) throw error
  })
  if (!response || isGone(response.status)) return undefined
  if (response.status !== 200) throw statusError(response.status, {}, publisher)
  return response
}

/**
 * Not only 404 (Cognito answers 400), and a redirect for good, which a browser shows with status 0. A captive portal
 * redirects with 302 and without CORS.
 */
function isGone(status = NaN): boolean {
  return (
    [0, 301, 308].includes(status) ||
    (/^4/.test(String(status)) && ![408, 425, 429].includes(status))
  )
}
