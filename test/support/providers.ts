import type { PkceClient, PkceClientOptions, SignInParams, StartResult } from '../../src/index.ts'
import { createWorld } from './world.ts'
import type { World, WorldOptions } from './world.ts'

/**
 * What a provider publishes and how its answers look, after its own public documentation; the tenants are made up. Only
 * members that some client could read are here, and for each provider some that no client of ours knows.
 */
export interface Provider {
  /** The option an app writes. */
  issuer: string
  /** What is found behind the issuer, under `/.well-known/openid-configuration`. */
  metadata: Record<string, unknown>
  /** Claims of ID tokens beside those that every provider sends; `undefined` takes one away. */
  claims: Record<string, unknown>
  /** What the callback has beside code and state. */
  callback: Record<string, string>
  /** What the token response has beside the tokens. */
  answer: Record<string, unknown>
}

export const tenant = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'
export const otherTenant = '82229342-1101-4ab6-817b-70c0747630f3'

/** Microsoft Entra, as `access-tokens` and `v2-protocols-oidc` of the Microsoft identity platform tell it. */
const entra = (
  path: string,
  { host = 'login.microsoftonline.com', names = path } = {},
): Provider => ({
  issuer: `https://${host}/${path}/v2.0`,
  metadata: {
    token_endpoint: `https://${host}/${path}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
    jwks_uri: `https://${host}/${path}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `https://${host}/${names}/v2.0`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
    authorization_endpoint: `https://${host}/${path}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `https://${host}/${path}/oauth2/v2.0/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `https://${host}/${path}/oauth2/v2.0/logout`,
    kerberos_endpoint: `https://${host}/${path}/kerberos`,
    tenant_region_scope: null,
    cloud_instance_name: 'microsoftonline.com',
    rbac_url: 'https://pas.windows.net',
  },
  claims: {
    iss: `https://${host}/${tenant}/v2.0`,
    tid: tenant,
    oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
    ver: '2.0',
    rh: '0.AAAA.',
    at_hash: undefined,
    auth_time: undefined,
  },
  callback: { session_state: 'f7e0a5d5-0000-4000-8000-000000000000' },
  answer: { ext_expires_in: 3599 },
})

export const entraOf = (path: 'organizations' | 'common', host?: string): Provider =>
  entra(path, { names: '{tenantid}', ...(host !== undefined && { host }) })

const auth0 = 'https://tenant.eu.auth0.com'
const okta = 'https://dev-000000.okta.com/oauth2/default'
const keycloak = 'https://sso.example.com/realms/shop'
const authentik = 'https://id.example.com/application/o/shop'

export const providers: Record<string, Provider> = {
  'Microsoft Entra, one tenant': entra(tenant),
  'Microsoft Entra, work and school accounts': entraOf('organizations'),
  'Microsoft Entra, all accounts': entraOf('common'),
  'Microsoft Entra of a national cloud': entraOf('organizations', 'login.microsoftonline.us'),
  Auth0: {
    issuer: `${auth0}/`,
    metadata: {
      issuer: `${auth0}/`,
      authorization_endpoint: `${auth0}/authorize`,
      token_endpoint: `${auth0}/oauth/token`,
      device_authorization_endpoint: `${auth0}/oauth/device/code`,
      userinfo_endpoint: `${auth0}/userinfo`,
      mfa_challenge_endpoint: `${auth0}/mfa/challenge`,
      jwks_uri: `${auth0}/.well-known/jwks.json`,
      registration_endpoint: `${auth0}/oidc/register`,
      revocation_endpoint: `${auth0}/oauth/revoke`,
      end_session_endpoint: `${auth0}/oidc/logout`,
      code_challenge_methods_supported: ['S256', 'plain'],
      id_token_signing_alg_values_supported: ['HS256', 'RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    },
    claims: {
      iss: `${auth0}/`,
      'https://app.example.com/roles': ['editor'],
      updated_at: '2026-01-01T00:00:00.000Z',
      at_hash: undefined,
    },
    callback: {},
    answer: {},
  },
  Okta: {
    issuer: okta,
    metadata: {
      issuer: okta,
      authorization_endpoint: `${okta}/v1/authorize`,
      token_endpoint: `${okta}/v1/token`,
      userinfo_endpoint: `${okta}/v1/userinfo`,
      registration_endpoint: 'https://dev-000000.okta.com/oauth2/v1/clients',
      jwks_uri: `${okta}/v1/keys`,
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
      code_challenge_methods_supported: ['S256'],
      introspection_endpoint: `${okta}/v1/introspect`,
      revocation_endpoint: `${okta}/v1/revoke`,
      end_session_endpoint: `${okta}/v1/logout`,
      dpop_signing_alg_values_supported: ['RS256', 'ES256'],
    },
    claims: { iss: okta, ver: 1, jti: 'ID.0000', idp: '00o0000', amr: ['pwd', 'mfa'] },
    callback: {},
    answer: {},
  },
  Keycloak: {
    issuer: keycloak,
    metadata: {
      issuer: keycloak,
      authorization_endpoint: `${keycloak}/protocol/openid-connect/auth`,
      token_endpoint: `${keycloak}/protocol/openid-connect/token`,
      introspection_endpoint: `${keycloak}/protocol/openid-connect/token/introspect`,
      userinfo_endpoint: `${keycloak}/protocol/openid-connect/userinfo`,
      end_session_endpoint: `${keycloak}/protocol/openid-connect/logout`,
      jwks_uri: `${keycloak}/protocol/openid-connect/certs`,
      check_session_iframe: `${keycloak}/protocol/openid-connect/login-status-iframe.html`,
      revocation_endpoint: `${keycloak}/protocol/openid-connect/revoke`,
      id_token_signing_alg_values_supported: ['PS384', 'RS256', 'HS256', 'ES256', 'EdDSA'],
      code_challenge_methods_supported: ['plain', 'S256'],
      authorization_response_iss_parameter_supported: true,
      mtls_endpoint_aliases: { token_endpoint: `${keycloak}/protocol/openid-connect/token` },
    },
    claims: { iss: keycloak, typ: 'ID', azp: 'production-app', acr: '1', email_verified: false },
    callback: { iss: keycloak, session_state: 'c0ffee00-0000-4000-8000-000000000000' },
    answer: {
      refresh_expires_in: 1800,
      'not-before-policy': 0,
      session_state: 'c0ffee00-0000-4000-8000-000000000000',
    },
  },
  'a server whose issuer has a path and ends in a slash': {
    issuer: `${authentik}/`,
    metadata: {
      issuer: `${authentik}/`,
      authorization_endpoint: 'https://id.example.com/application/o/authorize/',
      token_endpoint: 'https://id.example.com/application/o/token/',
      userinfo_endpoint: 'https://id.example.com/application/o/userinfo/',
      end_session_endpoint: `${authentik}/end-session/`,
      revocation_endpoint: 'https://id.example.com/application/o/revoke/',
      jwks_uri: `${authentik}/jwks/`,
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['plain', 'S256'],
    },
    claims: { iss: `${authentik}/`, groups: [] },
    callback: {},
    answer: {},
  },
  Google: {
    issuer: 'https://accounts.google.com',
    metadata: {
      issuer: 'https://accounts.google.com',
      authorization_endpoint: 'https://accounts.google.com/o/oauth2/v2/auth',
      device_authorization_endpoint: 'https://oauth2.googleapis.com/device/code',
      token_endpoint: 'https://oauth2.googleapis.com/token',
      userinfo_endpoint: 'https://openidconnect.googleapis.com/v1/userinfo',
      revocation_endpoint: 'https://oauth2.googleapis.com/revoke',
      jwks_uri: 'https://www.googleapis.com/oauth2/v3/certs',
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
      code_challenge_methods_supported: ['plain', 'S256'],
    },
    claims: {
      iss: 'https://accounts.google.com',
      azp: 'production-app',
      hd: 'example.com',
      auth_time: undefined,
    },
    callback: { scope: 'openid profile', authuser: '0', hd: 'example.com', prompt: 'consent' },
    answer: {},
  },
}

/** Without OpenID Connect and without metadata to be found: the app says where the endpoints are. */
const plain = (
  issuer: string,
  endpoints: { authorization_endpoint: string; token_endpoint: string },
): Pick<Provider, 'issuer' | 'metadata' | 'claims' | 'callback'> => ({
  issuer,
  metadata: endpoints,
  claims: {},
  callback: {},
})

export const spotify: Provider = {
  ...plain('https://accounts.spotify.com', {
    authorization_endpoint: 'https://accounts.spotify.com/authorize',
    token_endpoint: 'https://accounts.spotify.com/api/token',
  }),
  answer: { id_token: undefined, scope: 'user-read-private user-read-email' },
}

export const gitHub: Provider = {
  ...plain('https://github.com', {
    authorization_endpoint: 'https://github.com/login/oauth/authorize',
    token_endpoint: 'https://github.com/login/oauth/access_token',
  }),
  answer: {
    ...{ id_token: undefined, refresh_token: undefined, expires_in: undefined },
    ...{ token_type: 'bearer', scope: 'repo,gist' },
  },
}

/** The path of the reference server behind each endpoint that metadata can name. */
const paths: Record<string, string> = {
  authorization_endpoint: '/authorize',
  token_endpoint: '/token',
  jwks_uri: '/jwks',
  userinfo_endpoint: '/userinfo',
  revocation_endpoint: '/revoke',
  end_session_endpoint: '/end_session',
}

export interface ProviderWorld extends World {
  /** Every URL that was asked for, oldest first. */
  readonly asked: string[]
  /** Changes claims of ID tokens from now on, of sign-ins, of refreshes or of both; `undefined` takes one away. */
  claims(changed: Record<string, unknown>, when?: 'sign-in' | 'refresh'): void
  /** Signs in, and comes back with these parameters beside code and state. */
  visit(
    callback?: Record<string, string>,
    params?: SignInParams,
  ): Promise<{ client: PkceClient; result: StartResult }>
}

/** A world whose reference server is known by the addresses, and answers in the words, of the provider. */
export function worldOf(
  provider: Provider,
  client: Partial<PkceClientOptions> = {},
  server: WorldOptions['server'] = {},
): ProviderWorld {
  const { issuer, metadata } = provider
  const asked: string[] = []
  const wellKnown = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const world = createWorld({
    server,
    client: {
      issuer,
      ...client,
      async fetch(input, init) {
        const url = new Request(input).url
        asked.push(url)
        if (url === wellKnown) return Response.json(metadata)
        const endpoint = Object.keys(paths).find((name) => metadata[name] === url)
        if (endpoint !== undefined) return world.server.fetch(behind(paths[endpoint]!), init)
        if (url.startsWith(world.server.api.url)) return world.server.fetch(input, init)
        return Response.json({}, { status: 404 })
      },
    },
  })
  const behind = (path: string) => world.server.issuer + path
  const sent = { 'sign-in': {}, refresh: {} }
  let mend: (() => void)[] = []
  const claims: ProviderWorld['claims'] = (changed, when) => {
    for (const end of mend) end()
    mend = (['sign-in', 'refresh'] as const).map((on) => {
      if (when === undefined || when === on) Object.assign(sent[on], changed)
      const remove = Object.entries(sent[on]).flatMap(([n, v]) => (v === undefined ? [n] : []))
      return world.server.fault('id-token-claims', { on, set: sent[on], remove })
    })
  }
  claims(provider.claims)
  world.server.fault('token-members', { set: provider.answer })
  return Object.assign(world, {
    asked,
    claims,
    async visit(callback = provider.callback, params?: SignInParams) {
      const url = await world.leave(world.tab, world.client(), params)
      if (url.origin + url.pathname !== metadata['authorization_endpoint'])
        throw new Error(`This is not the provider: ${url.href}`)
      const back = new URL(
        await world.server.authorize(behind(`/authorize${url.search}`), { jar: world.jar }),
      )
      back.searchParams.delete('iss')
      for (const [name, value] of Object.entries(callback)) back.searchParams.set(name, value)
      const auth = world.load(world.tab, back.href)
      return { client: auth, result: await auth.start() }
    },
  })
}
