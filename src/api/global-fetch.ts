import { readInput } from './fetch.ts'
import type { AuthorizedFetch } from './fetch.ts'
import type { Fetch } from './scheme.ts'

export interface GlobalFetch {
  replace: () => () => void
  restore: () => void
}

export type PlatformFetch = ReturnType<typeof createPlatformFetch>

/** The platform's fetch for this client's own calls: never its own replacement, or it would wait for itself. */
export function createPlatformFetch() {
  let replaced: Fetch | undefined
  return {
    current: (): Fetch => replaced ?? globalThis.fetch,
    /** Remembers what was replaced, until it is put back. */
    keep: (original: Fetch | undefined): void => void (replaced = original),
  }
}

/** Lets the listed resources get a token through `globalThis.fetch` as well, and can be undone. */
export function createGlobalFetch(
  { fetch, isTarget }: AuthorizedFetch,
  platformFetch: PlatformFetch,
): GlobalFetch {
  let undo: (() => void) | undefined

  return {
    restore: () => undo?.(),
    replace() {
      if (undo) return undo
      const original = globalThis.fetch
      platformFetch.keep(original)
      const ours: Fetch = async (input, init) => {
        if (undo !== restore) return original(input, init)
        const request = readInput(input)
        // An option `fetch` may call this function with our own requests. `isTarget` lets them pass: a call by its Authorization
        // header, a request to the authorization server by its address.
        return isTarget(request, init)
          ? fetch(request, init)
          : original(typeof request === 'string' ? input : request, init)
      }
      globalThis.fetch = ours
      const restore = () => {
        if (undo !== restore) return
        undo = undefined
        platformFetch.keep(undefined)
        // Somebody may have wrapped ours since; then it stays, and passes everything through.
        if (globalThis.fetch === ours) globalThis.fetch = original
      }
      return (undo = restore)
    },
  }
}
