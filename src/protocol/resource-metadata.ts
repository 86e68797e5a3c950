import { customFetch, resourceDiscoveryRequest } from 'oauth4webapi'
import { PkceClientError, inert } from '../errors.ts'
import { readObject } from './answer.ts'
import { published } from './published.ts'
import type { Transport } from './transport.ts'

/** What an API says about itself (RFC 9728 §2). Any member may be missing, or of another type than it should be. */
export type ResourceMetadata = Readonly<Record<string, unknown>>

interface ResourceMetadataOptions {
  /** The URL that the API calls itself. */
  resource: string
  /** Where its metadata are; at the well-known address when left out. */
  metadataUrl: string | undefined
  transport: Transport
}

/** Asks an API for its metadata (RFC 9728 §3), and refuses those of another resource (§3.3). */
export async function requestResourceMetadata({
  resource,
  metadataUrl,
  transport,
}: ResourceMetadataOptions): Promise<ResourceMetadata> {
  const { [customFetch]: send, ...options } = transport('resource-metadata')
  let address!: string
  const request = resourceDiscoveryRequest(new URL(resource), {
    ...options,
    [customFetch](wellKnown, init) {
      address = metadataUrl ?? wellKnown
      return send(address, init)
    },
  })
  const response = await published(request, 'The API')
  // Without a prototype, where anybody could have put a member that is missing here.
  const found: Record<string, unknown> = {
    __proto__: null,
    ...(response && (await readObject(response))),
  }
  // oauth4webapi would compare as URLs are compared. It is compared character by character, and the message shows both.
  if (found['resource'] === resource) return found
  const other = inert(found['resource'], 200)
  throw new PkceClientError(
    'discovery_failed',
    `${address.slice(0, 200)} has no metadata of "${resource.slice(0, 200)}"${other ? `, only those of "${other}"` : ''}; pass the URL that the API calls itself, or its 401 as challenge.`,
  )
}
