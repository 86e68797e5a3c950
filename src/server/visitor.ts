import { sha256 } from './bytes.ts'
import type { Cookies } from './cookies.ts'
import type { ResolvedServerOptions } from './options.ts'
import type { Seal } from './seal.ts'

/** Whose session a request is about: that of a cookie, or that of an account of the app. */
export interface Visitor {
  /** Where the record is kept. */
  key: string
  /** The CSRF tokens that count: of each secret one, the newest first. */
  csrfTokens: () => Promise<string[]>
}

export const sessionKeyOf = async (cookie: string): Promise<string> =>
  `session|${await sha256(cookie)}`

interface VisitorParts {
  options: Pick<ResolvedServerOptions, 'owner'>
  cookies: Cookies
  seal: Seal
}

export type Visitors = ReturnType<typeof createVisitors>

export function createVisitors({ options, cookies, seal }: VisitorParts) {
  // A copy of the store must not make tokens, so they are made of what it does not have.
  const csrfOf = (secret: string) => () => seal.macs(`csrf|${secret}`)

  async function ofOwner(owner: string): Promise<Visitor> {
    return { key: `account|${await sha256(owner)}`, csrfTokens: csrfOf(owner) }
  }

  async function ofCookie(cookie: string): Promise<Visitor> {
    return { key: await sessionKeyOf(cookie), csrfTokens: csrfOf(cookie) }
  }

  return {
    ofOwner,
    ofCookie,

    /** Nobody, without a cookie that can be ours or an owner. */
    async of(request: Request): Promise<Visitor | undefined> {
      if (options.owner) {
        const owner = await options.owner(request)
        return owner === undefined || owner === '' ? undefined : ofOwner(owner)
      }
      const cookie = cookies.readSession(request)
      return cookie === undefined ? undefined : ofCookie(cookie)
    },
  }
}
