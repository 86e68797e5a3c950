import type { AuthorizedFetch, Fetch } from './fetch.ts'

const ambient: Fetch = (input, init) => globalThis.fetch(input, init)

export interface GlobalFetch {
  replace: () => () => void
  restore: () => void
  /** The platform's fetch for this client's own calls: never its own replacement, or it would wait for itself. */
  platform: () => Fetch
}

/** Lets the listed resources get a token through `globalThis.fetch` as well, and can be undone. */
export function createGlobalFetch({ fetch, target, isAuthorized }: AuthorizedFetch): GlobalFetch {
  let undo: (() => void) | undefined
  let replaced: Fetch | undefined

  function isTarget(input: RequestInfo | URL, init?: RequestInit): boolean {
    try {
      target(input)
      // What already has the header may be our own request, on its way through an option `fetch` that calls the global one:
      // it must not come back here.
      return !isAuthorized(input, init)
    } catch {
      return false
    }
  }

  return {
    platform: () => replaced ?? ambient,
    restore: () => undo?.(),
    replace() {
      if (undo) return undo
      const original = globalThis.fetch
      let active = true
      const ours: Fetch = (input, init) =>
        active && isTarget(input, init) ? fetch(input, init) : original(input, init)
      replaced = (input, init) => original(input, init)
      globalThis.fetch = ours
      return (undo = () => {
        if (!active) return
        active = false
        undo = replaced = undefined
        // Somebody may have wrapped ours since; then it stays, and passes everything through.
        if (globalThis.fetch === ours) globalThis.fetch = original
      })
    },
  }
}
