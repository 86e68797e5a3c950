import { readCallback } from '../protocol/callback.ts'
import type { Callback } from '../protocol/callback.ts'
import type { Transaction, Transactions } from './transactions.ts'

export const signOutMode = 'sign-out'

interface CallbackUrlsOptions {
  redirectUri: string
  transactions: Transactions
}

/** A URL that is an answer to a request of this client, or the return from a sign-out. */
export interface OwnCallback extends Callback {
  /** The address without the answer, with the app's own fragment if that is not part of the answer. */
  cleaned: string
}

export type CallbackUrls = ReturnType<typeof createCallbackUrls>

/** The one judge of whether a URL is an answer, and this client's. */
export function createCallbackUrls({ redirectUri: usual, transactions }: CallbackUrlsOptions) {
  const { tag } = transactions

  function isOurs(state: string): boolean {
    return state.startsWith(`${tag}.`) && /^\w+\.[\w-]{43}$/.test(state)
  }

  async function find(state: string | undefined): Promise<Transaction | undefined> {
    return state ? transactions.find(state).catch(() => undefined) : undefined
  }

  return {
    /** Reads a URL; `undefined` when it does not concern this client. */
    async read(url: URL): Promise<OwnCallback | undefined> {
      const callback = readCallback(url, isOurs)
      if (!callback) return undefined
      const found = await find(callback.state)
      const redirectUri = found?.redirectUri ?? usual
      const concernsUs = callback.isAnswer || found?.mode === signOutMode
      return isAt(url, redirectUri) && concernsUs
        ? { ...callback, cleaned: cleaned(redirectUri, url) }
        : undefined
    },
  }
}

function isAt(url: URL, redirectUri: string): boolean {
  const { protocol, host, pathname } = new URL(redirectUri)
  return url.protocol === protocol && url.host === host && url.pathname === pathname
}

function cleaned(redirectUri: string, { hash }: URL): string {
  return /[#&](?:code|state|access_token|id_token|refresh_token)=/.test(hash)
    ? redirectUri
    : redirectUri + hash
}
