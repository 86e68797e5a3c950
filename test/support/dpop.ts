import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, vi } from 'vitest'
import { dpop } from '../../src/index.ts'
import type { RecordedRequest } from '../../src/testing/index.ts'
import { signedInTab } from './world.ts'
import type { SignedInOptions } from './world.ts'

/** Gives each test of the file an IndexedDB of its own, which all of its tabs share. */
export function withIndexedDb(): void {
  beforeEach(() => void vi.stubGlobal('indexedDB', new IDBFactory()))
  afterEach(() => void vi.unstubAllGlobals())
}

/** What a browser does that clears its IndexedDB and keeps localStorage. */
export const loseKeys = () => vi.stubGlobal('indexedDB', new IDBFactory())

/** Ada is signed in with tokens that are bound to a key. */
export function boundTab({ client, ...options }: SignedInOptions = {}) {
  return signedInTab({ ...options, client: { ...client, use: [dpop(), ...(client?.use ?? [])] } })
}

interface Proof {
  header: { typ: string; alg: string; jwk: JsonWebKey }
  payload: Record<string, unknown>
}

const part = (text: string): unknown => JSON.parse(Buffer.from(text, 'base64url').toString())

/** What the proof of a request says. */
export function proofOf({ headers }: Pick<RecordedRequest, 'headers'>): Proof {
  const [header, payload] = headers['dpop']!.split('.')
  return { header: part(header!), payload: part(payload!) } as Proof
}

/** The thumbprint of a public key (RFC 7638). */
export async function thumbprint({ crv, kty, x, y }: JsonWebKey): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }))
  return Buffer.from(await crypto.subtle.digest('SHA-256', text)).toString('base64url')
}
