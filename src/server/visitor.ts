import { sha256, sha512Halves } from './bytes.ts'
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

/**
 * The cookie is a secret of 256 bits, so one digest gives all that is made of it: whoever copies the store has the first half,
 * which opens no session and makes no CSRF token. On the hot path: each call of WebCrypto costs as much as all the rest.
 */
async function ofCookie(cookie: string): Promise<Visitor> {
  const [key, csrf] = await sha512Halves(cookie)
  return { key: `session|${key}`, csrfTokens: async () => [csrf] }
}

/** Where the session of this cookie is kept. */
export const sessionKeyOf = async (cookie: string): Promise<string> => (await ofCookie(cookie)).key

const mostDigests = 1000

interface VisitorParts {
  options: Pick<ResolvedServerOptions, 'owner'>
  cookies: Cookies
  seal: Seal
}

export type Visitors = ReturnType<typeof createVisitors>

export function createVisitors({ options, cookies, seal }: VisitorParts) {
  /** The digests of the last cookies, because a page makes several requests. Whoever sends others pushes them out, no more. */
  const digests = new Map<string, Promise<Visitor>>()

  function remembered(cookie: string): Promise<Visitor> {
    const found = digests.get(cookie) ?? ofCookie(cookie)
    digests.delete(cookie)
    digests.set(cookie, found)
    if (digests.size > mostDigests) digests.delete(digests.keys().next().value!)
    return found
  }

  /** Anybody can guess the id of a user, so the CSRF token is made with the app's secret. */
  async function ofOwner(owner: string): Promise<Visitor> {
    return { key: `account|${await sha256(owner)}`, csrfTokens: () => seal.macs(`csrf|${owner}`) }
  }

  return {
    ofOwner,

    /** Nobody, without a cookie that can be ours or an owner. */
    async of(request: Request): Promise<Visitor | undefined> {
      if (options.owner) {
        const owner = await options.owner(request)
        return owner === undefined || owner === '' ? undefined : ofOwner(owner)
      }
      const cookie = cookies.readSession(request)
      return cookie === undefined ? undefined : remembered(cookie)
    },
  }
}
