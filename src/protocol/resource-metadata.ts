import {
  customFetch,
  processResourceDiscoveryResponse,
  resourceDiscoveryRequest,
} from 'oauth4webapi'
import { PkceClientError, inert } from '../errors.ts'
import { published } from './published.ts'
import { translateError } from './translate-error.ts'
import type { Transport } from './transport.ts'

/** What an API says about itself (RFC 9728 §2). Any member may be missing, or of another type than it should be. */
export type ResourceMetadata = Readonly<
  Partial<Record<'authorization_servers' | 'scopes_supported', unknown>>
>

interface ResourceMetadataOptions {
  /** The URL that the API calls itself. */
  resource: string
  /** Where its metadata are; at the well-known address when left out. */
  metadataUrl: string | undefined
  transport: Transport
}

/** Asks an API for its metadata (RFC 9728 §3), and refuses those of another resource (§3.3). */
export async function requestResourceMetadata(
  options: ResourceMetadataOptions,
): Promise<ResourceMetadata> {
  const { resource, metadataUrl } = options
  const response = await published(request(options), 'The API')
  if (!response) throw noMetadata(metadataUrl ?? wellKnown(resource))
  const found = await processResourceDiscoveryResponse(new URL(resource), response).catch(
    (error: unknown) => {
      const { body } = ((error as Error).cause ?? {}) as { body?: { resource?: unknown } }
      // oauth4webapi compares as URLs are compared, and its message shows neither.
      if (typeof body?.resource === 'string') throw ofAnother(body.resource, resource)
      throw translateError(error, [
        'discovery_failed',
        `The metadata of ${resource} cannot be used`,
      ])
    },
  )
  if (found.resource !== resource) throw ofAnother(found.resource, resource)
  // Without a prototype, where anybody could have put a member that is missing here.
  return Object.assign(Object.create(null), found) as ResourceMetadata
}

function request({ resource, metadataUrl, transport }: ResourceMetadataOptions): Promise<Response> {
  const options = transport('resource-metadata')
  const headers = { accept: 'application/json' }
  return metadataUrl
    ? options[customFetch](metadataUrl, { headers, redirect: 'manual' })
    : resourceDiscoveryRequest(new URL(resource), options)
}

function wellKnown(resource: string): string {
  const { origin, pathname } = new URL(resource)
  return `${origin}/.well-known/oauth-protected-resource${pathname.replace(/^\/$/, '')}`
}

function noMetadata(address: string): PkceClientError {
  const why = `There are no resource metadata at ${address.slice(0, 300)}; pass the URL that the API calls itself, or its 401 as challenge.`
  return new PkceClientError('discovery_failed', why)
}

function ofAnother(named: string, resource: string): PkceClientError {
  const why = `The API calls itself "${inert(named, 200)}", and the URL is "${resource.slice(0, 200)}"; they must be the same to the letter.`
  return new PkceClientError('discovery_failed', why)
}
