import { parseUrl } from '../api/resources.ts'
import { readCallback, readStatelessError, withoutAnswer } from '../protocol/callback.ts'
import type { Host } from '../host/host.ts'
import type { Departures } from './departures.ts'
import type { Transaction, Transactions } from './transactions.ts'

export const signOutMode = 'sign-out'

interface CallbackUrlsOptions {
  redirectUri: string
  host: Host
  transactions: Transactions
  departures: Departures
  isSignedIn: () => boolean
}

/** A URL that is an answer to a request of this client, or the return from a sign-out. */
export interface OwnCallback {
  /** Missing when a server answered with an error and without it. */
  state?: string | undefined
  /** It is an answer to a sign-in, or claims to be. */
  isAnswer: boolean
  /** Why nothing in it can be used. */
  problem?: string | undefined
  /** How the user was sent to sign in; missing when this browser does not know the sign-in. */
  mode?: string | undefined
  /** The address without the answer. */
  cleaned: string
}

export type CallbackUrls = ReturnType<typeof createCallbackUrls>

/** The one judge of whether a URL is an answer, and this client's. */
export function createCallbackUrls(parts: CallbackUrlsOptions) {
  const { redirectUri: usual, host, transactions, departures, isSignedIn } = parts
  const { tag } = transactions

  const isOurs = (state: string): boolean =>
    state.startsWith(`${tag}.`) && /^\w+\.[\w-]{43}$/.test(state)

  const find = (state: string): Promise<Transaction | undefined> =>
    transactions.find(state).catch(() => undefined)

  /**
   * Hosts rewrite paths ("/callback/", "/callback.html"), and only this browser knows a state that is stored. A listener on
   * this machine and a private-use scheme compare exactly: other apps may be at other paths (RFC 8252 §8.10).
   */
  function isAtOriginOf(url: URL, redirectUri: string): boolean {
    const isPage = parseUrl(host.url() ?? '')?.origin === url.origin
    const isWeb = url.protocol === 'https:' || (url.protocol === 'http:' && isPage)
    return isAt(url, redirectUri) || (isWeb && url.origin === new URL(redirectUri).origin)
  }

  /** Some servers leave the state out of an error. Anybody else's parameter may be called so too: this tab must be signing in. */
  async function readRefusal(url: URL): Promise<OwnCallback | undefined> {
    const error = readStatelessError(url)
    if (error === undefined || isSignedIn()) return undefined
    for (const { state } of departures.all()) {
      const begun = await find(state)
      if (begun && !begun.taken && isAt(url, begun.redirectUri)) {
        const problem = `it says ${error}, and has no state`
        return { isAnswer: true, problem, cleaned: withoutAnswer(url, begun.redirectUri) }
      }
    }
    return undefined
  }

  return {
    isOurs,

    /** Reads a URL; `undefined` when it does not concern this client. */
    async read(url: URL): Promise<OwnCallback | undefined> {
      const callback = readCallback(url, isOurs)
      if (!callback) return readRefusal(url)
      const found = await find(callback.state)
      const isHere = found ? isAtOriginOf(url, found.redirectUri) : isAt(url, usual)
      const concernsUs = callback.isAnswer || found?.mode === signOutMode
      if (!isHere || !concernsUs) return undefined
      return {
        ...callback,
        mode: found?.mode,
        cleaned: withoutAnswer(url, found?.redirectUri ?? usual),
      }
    },
  }
}

function isAt(url: URL, redirectUri: string): boolean {
  const { protocol, host, pathname } = new URL(redirectUri)
  return url.protocol === protocol && url.host === host && url.pathname === pathname
}
