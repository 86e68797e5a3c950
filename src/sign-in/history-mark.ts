import type { Host } from '../host/host.ts'

/** The member of `history.state` that holds the state of a sign-in. */
const member = 'pkce-client'

/**
 * Which sign-in is being finished, where the next page finds it: the answer is cleaned out of the address before it is used,
 * and a reload would forget what the user was doing. What else is in `history.state` is the router's, and stays.
 */
export function createHistoryMark(host: Host) {
  /** `undefined` when nothing can be added to it. */
  function members(): Record<string, unknown> | undefined {
    const state = host.historyState() ?? {}
    return Object.prototype.toString.call(state) === '[object Object]' ? { ...state } : undefined
  }

  return {
    /** Cleans the address and leaves the mark, in one step. */
    set(cleaned: string, state: string | undefined): void {
      const own = members()
      if (own && state !== undefined)
        host.replaceUrl(cleaned, { state: { ...own, [member]: state } })
      else host.replaceUrl(cleaned)
    },

    get(): unknown {
      const own = members() ?? {}
      return Object.hasOwn(own, member) ? own[member] : undefined
    },

    /** Removes the mark of this sign-in, if it is still there: the app may have moved on. */
    remove(state: string): void {
      const { [member]: mark, ...others } = members() ?? {}
      const url = host.url()
      if (mark !== state || url === undefined) return
      host.replaceUrl(url, { state: Object.keys(others).length > 0 ? others : null })
    },
  }
}
