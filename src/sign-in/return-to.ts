import { parseUrl } from '../api/resources.ts'

/**
 * Where to go after signing in, if it is a place of this app: an absolute URL of the same origin, or `undefined`.
 * Checked when it comes in, and again when it is used, because storage can be edited. What is checked is what is given
 * back: taking `pathname` out of a URL such as `https://app.example//evil` would make a link to another host.
 */
export function safeReturnTo(returnTo: unknown, base: string): string | undefined {
  // Backslashes, control characters and leading spaces mean different things to different parsers.
  if (typeof returnTo !== 'string' || /[\p{Cc}\\]|^\s/u.test(returnTo)) return undefined
  const url = parseUrl(returnTo, base)
  if (!url) return undefined
  const { origin, protocol, username, password, href } = url
  const isOwn = origin === new URL(base).origin && /^https?:$/.test(protocol)
  return isOwn && !username && !password ? href : undefined
}
