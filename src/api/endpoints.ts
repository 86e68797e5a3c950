import { addressOf, secureUrl } from './resources.ts'

export type Endpoints = ReturnType<typeof createEndpoints>

/** The endpoints of all clients of the page. No replaced global fetch adds a token to a request of another client to its server. */
const ofAllClients = new Set<string>()

/** Where the authorization server's endpoints are, as far as it is known yet. Fetch puts no access token on a request there. */
export function createEndpoints(issuer: string) {
  const addresses = new Set<string>()
  const origins = new Set<string>()
  let isComplete = false

  function add(among: object): void {
    for (const value of Object.values(among)) {
      const url = secureUrl(value)
      if (!url) continue
      const address = decodePath(addressOf(url.href))
      origins.add(url.origin)
      addresses.add(address)
      ofAllClients.add(address)
    }
  }

  add([issuer, ...metadataUrls(new URL(issuer))])

  return {
    /** Adds every URL among the values; there may be more endpoints. */
    add,

    /** Adds every URL among the values; these are all endpoints. */
    complete(all: object): void {
      add(all)
      isComplete = true
    },

    has: (address: string): boolean => addresses.has(decodePath(address)),

    /** All are known, and none is at this origin. */
    noneAt: (origin: string): boolean => isComplete && !origins.has(origin),
  }
}

/** Whether a client of this page, this one or another, sends requests of its own to the URL. */
export const isOAuthRequest = (url: string): boolean => ofAllClients.has(decodePath(addressOf(url)))

/** Where discovery asks (OpenID Connect Discovery §4, RFC 8414 §3). */
function metadataUrls({ origin, pathname }: URL): string[] {
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

// As servers read paths: "/t%6Fken" is "/token". decodeURIComponent would throw at what is not UTF-8.
// eslint-disable-next-line @typescript-eslint/no-deprecated -- old, but here to stay (ECMA-262 B.2.1), and fast
const decodePath: (address: string) => string = unescape
