import type { Context } from './context.ts'

// Cookies do not tell ports apart: two servers of one machine would overwrite each other's.
const suffix = (context: Context): string => {
  const { port } = new URL(context.place.issuer)
  return port === '' ? '' : `-${port}`
}

export const browserCookie = (context: Context): string => `auth-browser${suffix(context)}`
export const sessionCookie = (context: Context): string => `auth-session${suffix(context)}`
export const refreshCookie = (context: Context): string => `refresh-token${suffix(context)}`

interface Cookie {
  name: string
  value: string
  path?: string
  sameSite?: 'Lax' | 'Strict'
  /** Seconds; 0 removes the cookie. */
  maxAge?: number
}

export function cookie(
  context: Context,
  { name, value, path, sameSite = 'Lax', maxAge }: Cookie,
): ['set-cookie', string] {
  const issuer = new URL(context.place.issuer)
  const attributes = [
    `${name}=${value}`,
    `Path=${path ?? issuer.pathname}`,
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(issuer.protocol === 'https:' ? ['Secure'] : []),
    ...(maxAge === undefined ? [] : [`Max-Age=${maxAge}`]),
  ]
  return ['set-cookie', attributes.join('; ')]
}
