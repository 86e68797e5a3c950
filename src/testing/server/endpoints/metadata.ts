import { knownPrompts, supportedAcr } from '../authorization-request.ts'
import { assertionAlgs } from '../client-assertion.ts'
import { endpoint } from '../context.ts'
import type { Visit } from '../context.ts'
import { proofAlgs } from '../dpop.ts'
import { publicJson, reply } from '../http.ts'
import type { Reply } from '../http.ts'
import { apisOf, resourceMetadataUrl } from '../place.ts'

const authMethods = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** OpenID Connect Discovery 1.0 §3 and RFC 8414 §2. */
export function metadata({ context }: Visit): Reply {
  const { settings, place } = context
  const patch = context.faults.use('metadata')?.patch
  return publicJson({
    issuer: place.issuer,
    authorization_endpoint: endpoint(context, '/authorize'),
    token_endpoint: endpoint(context, '/token'),
    userinfo_endpoint: endpoint(context, '/userinfo'),
    jwks_uri: endpoint(context, '/jwks'),
    revocation_endpoint: endpoint(context, '/revoke'),
    end_session_endpoint: endpoint(context, '/end_session'),
    registration_endpoint: settings.dynamicRegistration
      ? endpoint(context, '/register')
      : undefined,
    client_id_metadata_document_supported: settings.hasClientDocuments || undefined,
    protected_resources: apisOf(place)
      .filter((api) => resourceMetadataUrl(api) !== undefined)
      .map((api) => api.audience),
    scopes_supported: [
      ...new Set([...settings.scopes, ...settings.clients.flatMap(({ scopes }) => scopes)]),
    ],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      ...(settings.legacyPasswordGrant ? ['password'] : []),
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [settings.idTokenAlg],
    userinfo_signing_alg_values_supported: settings.userInfoAlg && [settings.userInfoAlg],
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    introspection_endpoint: endpoint(context, '/introspect'),
    introspection_endpoint_auth_methods_supported: authMethods.filter(
      (method) => method !== 'none',
    ),
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    backchannel_logout_supported: settings.deliver ? true : undefined,
    backchannel_logout_session_supported: settings.deliver ? true : undefined,
    code_challenge_methods_supported: ['S256'],
    dpop_signing_alg_values_supported: proofAlgs,
    authorization_response_iss_parameter_supported: true,
    pushed_authorization_request_endpoint: endpoint(context, '/par'),
    require_pushed_authorization_requests: settings.clients.every(
      (client) => client.requirePushedRequests,
    ),
    authorization_details_types_supported:
      settings.authorizationDetailsTypes.length > 0
        ? settings.authorizationDetailsTypes
        : undefined,
    prompt_values_supported: knownPrompts,
    acr_values_supported: supportedAcr,
    claims_supported: [
      ...['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'amr', 'azp', 'at_hash'],
      ...['sid', 'name', 'preferred_username', 'email', 'email_verified'],
    ],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    ...patch,
  })
}

export async function jwks({ context }: Visit): Promise<Reply> {
  const broken = context.faults.use('jwks-error')
  if (broken) return reply(broken.status ?? 500)
  const replaced = context.faults.use('jwks-keys')
  return publicJson(replaced ? { keys: replaced.keys } : await context.keys.jwks())
}
