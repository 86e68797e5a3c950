import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** oidc-provider on a loopback port, with an API of its own beside it that wants its access tokens. */
export interface CertifiedServer {
  readonly issuer: string
  /** Answers `{ sub, name }` under any path. */
  readonly api: string
  /** What it was asked, as `'POST /token'`, without preflights. */
  readonly asked: string[]
  close(): Promise<unknown>
}

/** APIs that want tokens of their own (RFC 8707): the path below `api`, and the resource indicator. */
export const resourceServers = { 'stock/': 'urn:stock', 'bills/': 'urn:bills' }

export const spa = 'single-page-app'

/** Only these scopes may be asked for; another one is `invalid_scope`. */
export const fullScope = 'openid profile offline_access'

/**
 * Starts the server with one public client, which must use PKCE, and with refresh token rotation, PAR, DPoP, revocation and
 * RP-initiated logout. The app may open once it is known where the server will be; people come back to `/callback` of its
 * origin, and to `/` after signing out. A demanding server wants pushed requests and DPoP with nonces, and its pages cut off
 * the window that opened them.
 */
export async function startCertifiedServer(
  openApp: (server: Pick<CertifiedServer, 'issuer' | 'api'>) => string | Promise<string>,
  { isDemanding = false } = {},
): Promise<CertifiedServer> {
  // It wants Node 22, and on Node 20 this is all it lacks.
  const platform = URL as Partial<Pick<typeof URL, 'parse'>>
  platform.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null)
  const { Provider, errors } = await import('oidc-provider')
  const asked: string[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const api = `${issuer}/api/`
  const { origin } = new URL(await openApp({ issuer, api }))
  const provider = new Provider(issuer, configuration(origin, { errors, isDemanding }))
  const oauth = provider.callback()
  server.on('request', (request, response) => {
    const path = request.url!.split('?')[0]!
    if (request.method !== 'OPTIONS') asked.push(`${request.method} ${path}`)
    if (isDemanding) response.setHeader('cross-origin-opener-policy', 'same-origin')
    if (path.startsWith('/api/')) void answerApi(provider, { request, response, isDemanding })
    else oauth(request, response)
  })
  return {
    issuer,
    api,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}

const nameOf = (sub: string) => `${sub} of the test`

interface Demands {
  errors: { InvalidTarget: new () => Error }
  isDemanding: boolean
}

function configuration(appOrigin: string, { errors, isDemanding }: Demands): object {
  return {
    clients: [
      {
        client_id: spa,
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [`${appOrigin}/callback`],
        post_logout_redirect_uris: [`${appOrigin}/`],
        scope: fullScope,
        require_pushed_authorization_requests: isDemanding,
        dpop_bound_access_tokens: isDemanding,
      },
    ],
    clientBasedCORS: (_: unknown, origin: string) => origin === appOrigin,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    findAccount: (_: unknown, accountId: string) => ({
      accountId,
      claims: () => ({ sub: accountId, name: nameOf(accountId) }),
    }),
    features: {
      devInteractions: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => isDemanding },
      pushedAuthorizationRequests: {
        enabled: true,
        requirePushedAuthorizationRequests: isDemanding,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => false,
        getResourceServerInfo(_: unknown, resource: string) {
          if (!Object.values(resourceServers).includes(resource)) throw new errors.InvalidTarget()
          return { scope: '', audience: resource, accessTokenTTL: 900, accessTokenFormat: 'opaque' }
        },
      },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      userinfo: { enabled: true },
    },
    cookies: { keys: ['only for tests'] },
    ttl: {
      AccessToken: 900,
      AuthorizationCode: 60,
      IdToken: 900,
      RefreshToken: 86_400,
      Interaction: 600,
      Session: 86_400,
      Grant: 86_400,
    },
  }
}

interface FoundToken {
  accountId: string
  aud?: string | undefined
  /** Of the key that the token is bound to. */
  jkt?: string | undefined
}

async function answerApi(
  { AccessToken }: { AccessToken: { find(value: string): Promise<FoundToken | undefined> } },
  { request, response, isDemanding }: Exchange,
): Promise<void> {
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-allow-headers', 'authorization, dpop')
  if (request.method === 'OPTIONS') return void response.writeHead(204).end()
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ')
  const token = await AccessToken.find(value)
  const wanted = Object.entries(resourceServers).find(([path]) =>
    request.url!.startsWith(`/api/${path}`),
  )?.[1]
  const isBound =
    !isDemanding || (scheme === 'DPoP' && token?.jkt === thumbprint(request.headers['dpop']))
  const isGood = token !== undefined && token.aud === wanted && isBound
  response
    .writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' })
    .end(JSON.stringify(isGood ? { sub: token.accountId, name: nameOf(token.accountId) } : {}))
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  isDemanding: boolean
}

/** Of the key that a DPoP proof names (RFC 7638). */
function thumbprint(proof: string | string[] = ''): string {
  const header = Buffer.from(String(proof).split('.')[0]!, 'base64url').toString()
  const { crv, kty, x, y } = (JSON.parse(header) as { jwk: Record<string, string> }).jwk
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}
