// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from 'vitest'
import { createAuthServer } from 'pkce-client/testing'
import { loadApp } from './app.ts'
import { readDocument } from './markdown.ts'

const resource = 'https://mcp.example.com/mcp'

afterEach(() => localStorage.clear())

/** A server that knows the app by the document of the guide, and an API that names the server. */
function stage() {
  const { client_id, redirect_uris } = JSON.parse(
    /```json\n([^]+?)```/.exec(readDocument('docs/mcp.md'))![1]!,
  ) as { client_id: string; redirect_uris: string[] }
  const server = createAuthServer({
    apiUrl: resource,
    clients: [{ clientId: client_id, redirectUris: redirect_uris }],
  })
  const metadata = {
    resource,
    authorization_servers: [server.issuer],
    scopes_supported: ['openid', 'orders:read'],
  }
  const place = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
  vi.stubGlobal('fetch', async (input: string, init?: RequestInit) =>
    input === place ? Response.json(metadata) : server.fetch(input, init),
  )
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
  expect(page.printed).toEqual([404])
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
  const server = stage()
  const registration_endpoint = 'https://login.example.com/register'
  server.fault('metadata', { patch: { registration_endpoint } })
  const registered: unknown[] = []
  vi.stubGlobal('fetch', (async (input, init) => {
    if (input !== registration_endpoint) return server.fetch(input, init)
    registered.push(JSON.parse(init!.body as string))
    return Response.json({ client_id: 'app-1' }, { status: 201 })
  }) satisfies typeof fetch)
  const { clientIdAt } = (await loadApp('docs/mcp.md').run('register')) as {
    clientIdAt(issuer: string): Promise<string>
  }
  expect(await clientIdAt(server.issuer)).toBe('app-1')
  expect(await clientIdAt(server.issuer)).toBe('app-1')
  expect(registered).toEqual([expect.objectContaining({ client_name: 'Example app' })])
})

function setUrl(url: string): void {
  const { happyDOM } = window as unknown as { happyDOM: { setURL(url: string): void } }
  happyDOM.setURL(url)
}
