// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { loadApp } from './app.ts'

beforeEach(() => {
  const { happyDOM } = window as unknown as { happyDOM: { setURL(url: string): void } }
  happyDOM.setURL('https://app.example.com/')
})
afterEach(() => localStorage.clear())

const callback = 'https://app.example.com/callback'
const graph = 'https://graph.microsoft.com/'

/** What each block needs: the server's name, the app's, and the APIs. */
const blocks = {
  rfc8707: {
    issuer: 'https://login.example.com',
    clientId: 'my-app',
    urls: ['https://api.example.com/', 'https://bills.example.com/v1/'],
    otherApis: [
      { url: 'https://bills.example.com/v1/', audience: 'urn:bills', scopes: ['bills:read'] },
    ],
  },
  entra: {
    issuer: 'https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0',
    clientId: '535fb089-9ff3-47b6-9bfb-4f1264799865',
    urls: ['https://api.example.com/', `${graph}v1.0/`],
    otherApis: [
      { url: `${graph}v1.0/`, audience: graph, scopes: ['https://graph.microsoft.com/User.Read'] },
    ],
  },
  auth0: {
    issuer: 'https://my-tenant.eu.auth0.com/',
    clientId: 'Zk3dJ5xQ0bFAXm1CYrLnT8hVgE2uWs9P',
    urls: ['https://api.example.com/', 'https://reports.example.com/'],
    otherApis: [{ url: 'https://reports.example.com/', audience: 'reports' }],
  },
}

async function signedIn(name: keyof typeof blocks) {
  const { issuer, clientId, otherApis } = blocks[name]
  const scopes = ['openid', 'profile', 'offline_access', 'orders:read', 'api://orders/Orders.Read']
  const server = createAuthServer({
    issuer,
    otherApis,
    clients: [
      {
        clientId,
        redirectUris: [callback],
        scopes: [...scopes, ...otherApis.flatMap((api) => ('scopes' in api ? api.scopes : []))],
      },
    ],
  })
  vi.stubGlobal('fetch', server.fetch)
  const app = loadApp('docs/several-apis.md')
  const auth = (await app.run(name)).auth as PkceClient
  await server.signInTo(auth)
  return { server, app, auth }
}

test.each(Object.keys(blocks) as (keyof typeof blocks)[])(
  'with the options of %s, each API takes the token it gets',
  async (name) => {
    const { server, auth } = await signedIn(name)
    for (const url of blocks[name].urls) expect((await auth.fetch(`${url}echo`)).status).toBe(200)
    expect(server.requestsTo('/token')).toHaveLength(2)
  },
)

test('the calls of the example get a token each', async () => {
  const { app } = await signedIn('rfc8707')
  await app.run('call')
  expect(app.printed).toEqual([false])
})

test('the example tells apart why there are no bills', async () => {
  const { server, app, auth } = await signedIn('rfc8707')
  const { loadBills } = (await app.run('bills')) as {
    loadBills(auth: PkceClient): Promise<unknown>
  }
  const refused = async (as: '400 interaction_required' | '400 invalid_target') => {
    server.fault('token-refused', { api: 'urn:bills', as, times: 1 })
    return loadBills(auth)
  }
  expect(await refused('400 interaction_required')).toBe('To see your bills, please sign in again.')
  await server.signInTo(auth)
  expect(await refused('400 invalid_target')).toBe('Your bills are not available.')
  await server.signInTo(auth)
  expect(await loadBills(auth)).toMatchObject({ authorized: true })
})
