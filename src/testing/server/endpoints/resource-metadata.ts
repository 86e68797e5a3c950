import type { Context } from '../context.ts'
import { proofAlgs } from '../dpop.ts'
import { publicJson } from '../http.ts'
import type { Reply } from '../http.ts'
import type { Api } from '../place.ts'
import { apiScopes } from '../scopes.ts'

/** What an API says of itself (RFC 9728 §2). */
export function resourceMetadata(context: Context, api: Api): Reply {
  const { settings, place } = context
  const patch = context.faults.use('resource-metadata')?.patch
  return publicJson({
    resource: api.audience,
    authorization_servers: [place.issuer],
    scopes_supported: api.scopes.length > 0 ? api.scopes : apiScopes,
    bearer_methods_supported: ['header', 'body'],
    dpop_signing_alg_values_supported: proofAlgs,
    dpop_bound_access_tokens_required: settings.clients.every((client) => client.dpopBound),
    ...patch,
  })
}
