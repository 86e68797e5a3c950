// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { createAuthServer } from 'pkce-client/testing'
import type { AuthServerOptions } from 'pkce-client/testing'
import { loadApp } from './app.ts'
import { readDocument } from './markdown.ts'

const resource = 'https://mcp.example.com/mcp'

afterEach(() => localStorage.clear())

/** A server that reads who the app is from the document in the guide, and an API that names the server. */
function stage(options: AuthServerOptions = {}) {
  const [, json] = /```json\n([^]+?)```/.exec(readDocument('docs/mcp.md'))!
  const document = JSON.parse(json!) as { client_id: string }
  const server = createAuthServer({
    clientDocuments: { [document.client_id]: document },
    otherApis: [{ url: resource, scopes: ['openid', 'orders:read'] }],
    ...options,
  })
  vi.stubGlobal('fetch', server.fetch)
  return server
}

test('a user pastes the URL of an API, signs in at its server, and the API gets the token', async () => {
  const server = stage()
  const left = vi.spyOn(location, 'assign').mockImplementation(() => {})
  setUrl('https://app.example.com/')
  const { connect } = (await loadApp('docs/mcp.md').run('button')) as {
    connect(url: string): Promise<void>
  }
  void connect(resource)
  await vi.waitFor(() => expect(left).toHaveBeenCalled())
  const url = new URL(left.mock.lastCall![0])
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'https://app.example.com/client.json',
    resource,
    scope: 'openid orders:read',
  })
  setUrl(await server.authorize(url))
  const page = loadApp('docs/mcp.md')
  await page.run('page')
  expect(page.printed).toEqual([200])
  expect(server.requestsTo('/token')[0]!.form).toMatchObject({ resource })
  expect(server.requests.at(-1)).toMatchObject({
    to: 'api',
    headers: { authorization: expect.stringMatching(/^Bearer /) },
  })
})

test('the refusal of an API says which scope a call needs', async () => {
  const server = stage()
  server.fault('api-401', { challenge: 'Bearer scope="orders:read"' })
  const app = loadApp('docs/mcp.md')
  const { discover } = (await app.run('refused')) as { discover(url: string): Promise<unknown> }
  expect(await discover(resource)).toEqual({
    issuer: server.issuer,
    resource,
    scope: 'orders:read',
  })
  expect(app.printed).toEqual([[{ scheme: 'bearer', parameters: { scope: 'orders:read' } }]])
})

test('an app registers itself once at each server', async () => {
  const server = stage({ dynamicRegistration: true })
  const { clientIdAt } = (await loadApp('docs/mcp.md').run('register')) as {
    clientIdAt(issuer: string): Promise<string>
  }
  const clientId = await clientIdAt(server.issuer)
  expect(await clientIdAt(server.issuer)).toBe(clientId)
  expect(server.requestsTo('/register')).toHaveLength(1)
  expect(server.clients.at(-1)).toMatchObject({ clientId, name: 'Example app' })
})

function setUrl(url: string): void {
  const { happyDOM } = window as unknown as { happyDOM: { setURL(url: string): void } }
  happyDOM.setURL(url)
}
