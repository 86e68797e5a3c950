import { isLoopback } from './client-registration.ts'
import { parseUrl } from './url.ts'

/** Where a server lives. */
export interface Place {
  issuer: string
  apiUrl: string
  otherApis: { url: string; audience: string | undefined; scopes: readonly string[] }[]
  /** While people can open it in a browser. */
  listens: boolean
}

/** An API beside the one at `apiUrl`. It has the same routes, and refuses tokens that are for another API. */
export interface ApiRegistration {
  /** Its base. Default: `https://api-2.example.com/` and so on, or a loopback address once listening. */
  url?: string | undefined
  /** What its tokens are for: the value of `resource` (RFC 8707) or `audience` (Auth0) that asks for one. Default: its URL. */
  audience?: string | undefined
  /** Scopes that are for this API only: they pick it in a token request (Entra), and tokens for other APIs lack them. Default: none. */
  scopes?: readonly string[] | undefined
}

/** A protected API. */
export interface Api {
  /** Its base. */
  url: string
  /** What its tokens are for. */
  audience: string
  /** The scopes that no token for another API has. */
  scopes: readonly string[]
}

interface Wanted {
  issuer?: string | undefined
  apiUrl?: string | undefined
  otherApis?: readonly ApiRegistration[] | undefined
}

export function createPlace({ issuer, apiUrl, otherApis = [] }: Wanted): Place {
  return {
    issuer: checkPlace(issuer ?? 'https://login.example.com', 'issuer'),
    apiUrl: checkPlace(apiUrl ?? 'https://api.example.com/', 'apiUrl'),
    otherApis: otherApis.map(({ url, audience, scopes = [] }, index) => ({
      url: checkPlace(url ?? `https://api-${index + 2}.example.com/`, 'url of an API'),
      audience,
      scopes,
    })),
    listens: false,
  }
}

/** Refuses an issuer or API that would send tokens in clear over a network. */
function checkPlace(url: string, what: 'issuer' | 'apiUrl' | 'url of an API'): string {
  const parsed = parseUrl(url)
  if (!parsed) throw new Error(`The ${what} ${url} is not a URL.`)
  const { protocol, search, hash } = parsed
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(url))) {
    throw new Error(`The ${what} ${url} must use https, or http on this machine.`)
  }
  if (search !== '' || hash !== '') {
    throw new Error(`The ${what} ${url} must not have a query or a fragment.`)
  }
  return url
}

/** The API at `apiUrl` first. */
export function apisOf({ apiUrl, otherApis }: Place): [Api, ...Api[]] {
  return [
    { url: apiUrl, audience: apiUrl, scopes: [] },
    ...otherApis.map((api) => ({ ...api, audience: api.audience ?? api.url })),
  ]
}

const wellKnownResource = '/.well-known/oauth-protected-resource'

/** Where an API's metadata are: RFC 9728 §3.1 puts the path of the resource behind the well-known one. */
export function resourceMetadataUrl({ url, audience }: Api): string | undefined {
  const resource = parseUrl(audience)
  if (resource?.origin !== new URL(url).origin) return undefined
  return resource.origin + wellKnownResource + resource.pathname.replace(/^\/$/, '')
}

/** Which server a URL belongs to, and the path as the endpoints know it. */
export interface Location {
  to: 'issuer' | 'api' | 'elsewhere'
  path: string
  /** The API, if it is one. */
  api: Api | undefined
}

export function locate(place: Place, url: URL): Location {
  const described = apisOf(place).find(
    (api) => resourceMetadataUrl(api) === url.origin + url.pathname,
  )
  if (described) return { to: 'api', path: wellKnownResource, api: described }
  const issuer = new URL(place.issuer)
  const apis = apisOf(place).filter((api) => new URL(api.url).origin === url.origin)
  const api = innermost(apis.filter((candidate) => isInside(url, { api: candidate, issuer })))
  if (api) return atApi(url, api)
  if (url.origin === issuer.origin) {
    return { to: 'issuer', path: issuerPath(url, issuer), api: undefined }
  }
  const outside = innermost(apis)
  return outside ? atApi(url, outside) : { to: 'elsewhere', path: url.pathname, api: undefined }
}

function atApi(url: URL, api: Api): Location {
  return { to: 'api', path: below(url.pathname, new URL(api.url).pathname), api }
}

function innermost(apis: readonly Api[]): Api | undefined {
  return [...apis].sort((one, other) => other.url.length - one.url.length)[0]
}

/** Below the API, and not below an issuer that lies in the API's own folder. */
function isInside(url: URL, { api, issuer }: { api: Api; issuer: URL }): boolean {
  const { origin, pathname } = new URL(api.url)
  const holdsIssuer = origin === issuer.origin && isBelow(issuer.pathname, pathname)
  const isIssuers = holdsIssuer && !issuerPath(url, issuer).startsWith('/..')
  return isBelow(url.pathname, pathname) && !isIssuers
}

/** RFC 8414 §3.1 puts the issuer's path behind the well-known one, OpenID Connect before it. */
function issuerPath(url: URL, issuer: URL): string {
  const wellKnown = '/.well-known/oauth-authorization-server'
  const isInserted = url.pathname === wellKnown + issuer.pathname.replace(/\/$/, '')
  return isInserted ? wellKnown : below(url.pathname, issuer.pathname)
}

function isBelow(path: string, base: string): boolean {
  const prefix = base.replace(/\/$/, '')
  return path === prefix || path.startsWith(`${prefix}/`)
}

/** `/token` for `/tenant/token`, and `/../token` for what lies outside the base. */
function below(path: string, base: string): string {
  if (!isBelow(path, base)) return `/..${path}`
  return path.slice(base.replace(/\/$/, '').length) || '/'
}

/** What a tester reads who gave the app another issuer, or forgot to answer for an API of its own. */
export function nobodyAnswers(origin: string, { issuer, apiUrl }: Place): TypeError {
  return new TypeError(
    `fetch failed: nobody answers at ${origin}; this server is ${issuer} (option issuer), its API is ${apiUrl} (option apiUrl)`,
  )
}
