import { secureUrl } from './resources.ts'

export type Endpoints = ReturnType<typeof createEndpoints>

/** Where the OAuth endpoints are, as far as it is known yet: addresses that never get an access token from fetch. */
export function createEndpoints() {
  const known = new Set<string>()
  return {
    /** Every URL among the values is one. */
    add(among: object): void {
      for (const value of Object.values(among)) {
        const url = secureUrl(value)
        if (url) known.add(decodePath(url.pathname)).add(decodePath(url.origin + url.pathname))
      }
    },

    // On the hot path of fetch: nearly always the path alone settles it, without a new string for the whole address.
    has: (url: URL): boolean =>
      known.has(decodePath(url.pathname)) && known.has(decodePath(url.origin + url.pathname)),
  }
}

// As servers read paths: "/t%6Fken" is "/token". decodeURIComponent would throw at what is not UTF-8.
// eslint-disable-next-line @typescript-eslint/no-deprecated -- old, but here to stay (ECMA-262 B.2.1), and fast
const decodePath: (path: string) => string = unescape
