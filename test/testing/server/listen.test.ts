import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthServer, createCookieJar } from '../../../src/testing/index.ts'
import type { AuthServer, AuthServerOptions, ListenOptions } from '../../../src/testing/index.ts'
import { authorizationUrl, claimsOf, hiddenFields, signIn } from '../support.ts'

const open: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function listening(options: AuthServerOptions = {}, how: ListenOptions = {}) {
  const server = createAuthServer(options)
  const doors = await server.listen(how)
  open.push(doors)
  return { server, ...doors }
}

describe('a listening server', () => {
  it('is its own issuer, on this machine', async () => {
    const { server, url, apiUrl } = await listening()
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect([server.issuer, server.api.url]).toEqual([url, apiUrl])
    expect(new URL(apiUrl).origin).not.toBe(url)
    const response = await fetch(`${url}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({ issuer: url, token_endpoint: `${url}/token` })
  })

  const hints = (page: string) =>
    [...page.matchAll(/<li><code>([^<]*)<\/code>, password <code>([^<]*)</g)].map(
      ([, name, password]) => `${name!}/${password!}`,
    )

  it('names the test users and their passwords on its login page, also after a wrong one', async () => {
    const { server } = await listening()
    const jar = createCookieJar()
    const browse = server.withCookies(jar)
    const page = await (await browse(authorizationUrl(server))).text()
    expect(hints(page)).toEqual(['ada/lovelace', 'grace/hopper'])
    const body = new URLSearchParams({ ...hiddenFields(page), username: 'ada', password: 'x' })
    const again = await (await browse(`${server.issuer}/login`, { method: 'POST', body })).text()
    expect(again).toContain('Wrong username or password.')
    expect(hints(again)).toEqual(['ada/lovelace', 'grace/hopper'])
  })

  it('names the first five of many users, escaped', async () => {
    const users = ['<b>', 'b', 'c', 'd', 'e', 'f'].map((name) => ({
      username: name,
      password: `${name}"`,
      sub: name,
    }))
    const { server } = await listening({ users })
    const page = await (await fetch(authorizationUrl(server))).text()
    expect(hints(page)).toHaveLength(5)
    expect(hints(page)[0]).toBe('&#60;b&#62;/&#60;b&#62;&#34;')
  })

  it('names nobody before it listens, and after it was closed', async () => {
    const server = createAuthServer()
    const page = async () => (await server.fetch(authorizationUrl(server))).text()
    expect(await page()).not.toContain('lovelace')
    const { close } = await server.listen()
    expect(await page()).toContain('lovelace')
    await close()
    expect(await page()).not.toContain('lovelace')
  })

  it('can be closed once more', async () => {
    const { close } = await listening()
    await close()
    await expect(close()).resolves.toBeUndefined()
  })

  it('keeps the issuer and the API it was given', async () => {
    const given = { issuer: 'https://login.example.com', apiUrl: 'https://api.example.com/v1/' }
    const { server, url, apiUrl } = await listening(given)
    expect([server.issuer, server.api.url]).toEqual([given.issuer, given.apiUrl])
    const response = await fetch(`${url}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({ issuer: given.issuer })
    expect((await fetch(`${apiUrl}v1/public`)).status).toBe(200)
  })

  it('refuses access tokens of the issuer it was before (S-42)', async () => {
    const server = createAuthServer({ accessTokenFormat: 'HS256' })
    const { access_token: token } = await signIn(server)
    open.push(await server.listen())
    const headers = { authorization: `Bearer ${token}` }
    const response = await server.fetch(`${server.issuer}/userinfo`, { headers })
    expect(response.status).toBe(401)
  })

  it('signs a person in over real connections', async () => {
    const { server, apiUrl } = await listening()
    const tokens = await signIn(overTheNetwork(server))
    expect(claimsOf(tokens.id_token)['iss']).toBe(server.issuer)
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    const response = await fetch(`${apiUrl}users/me`, { headers })
    expect(await response.json()).toMatchObject({ sub: 'user-ada' })
  })

  it('sets cookies, several at once, that no other port overwrites', async () => {
    const { server } = await listening()
    const response = await fetch(authorizationUrl(server))
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^auth-browser-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
  })

  it('takes a preflight', async () => {
    const { url } = await listening()
    const response = await fetch(`${url}/token`, {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST', origin: 'http://localhost:3000' },
    })
    expect(response.status).toBe(204)
  })

  it('remembers what came over the network', async () => {
    const { server, apiUrl } = await listening()
    await fetch(`${apiUrl}public`, { method: 'POST', body: 'ü', headers: { 'x-a': '1' } })
    expect(server.requests).toMatchObject([
      { to: 'api', method: 'POST', path: '/public', body: 'ü', headers: { 'x-a': '1' } },
    ])
  })

  it('is not led elsewhere by a path with two slashes', async () => {
    const { server, url } = await listening()
    expect((await fetch(`${url}//elsewhere.example/token`)).status).toBe(404)
    expect(server.requests[0]!.to).toBe('issuer')
  })

  it.each(['network-error', 'drop-response'] as const)('breaks connections: %s', async (name) => {
    const { server, url } = await listening()
    server.fault(name, { path: '/jwks' })
    await expect(fetch(`${url}/jwks`)).rejects.toThrow(TypeError)
  })

  it('keeps silent, and closes all the same', async () => {
    const { server, url } = await listening()
    server.fault('hang', { path: '/jwks' })
    const attempt = fetch(`${url}/jwks`)
    const settled = expect(attempt).rejects.toThrow(TypeError)
    while (server.requestsTo('/jwks').length === 0) await new Promise((go) => setImmediate(go))
    await open.pop()!.close()
    await settled
  })

  it('streams without end until the reader has enough', async () => {
    const { server, url } = await listening()
    server.fault('infinite-body', { path: '/jwks' })
    const response = await fetch(`${url}/jwks`)
    const reader = response.body!.getReader()
    let bytes = 0
    while (bytes < 1_000_000) bytes += (await reader.read()).value!.length
    await reader.cancel()
    expect(bytes).toBeGreaterThanOrEqual(1_000_000)
  })

  it('says which port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(createAuthServer().listen({ port })).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is taken.`,
    )
    await new Promise((resolve) => other.close(resolve))
  })

  it('lets go of its first port when the second is taken, and stays who it was', async () => {
    const { url, apiUrl } = await listening()
    const port = Number(new URL(url).port)
    await open.pop()!.close()
    const taken = await listening({}, { apiPort: Number(new URL(apiUrl).port) })
    const server = createAuthServer()
    const apiPort = Number(new URL(taken.apiUrl).port)
    await expect(server.listen({ port, apiPort })).rejects.toThrow('is taken')
    expect(server.issuer).toBe('https://login.example.com')
    expect((await listening({}, { port })).url).toBe(url)
  })

  it('listens on this machine only', async () => {
    const host = '0.0.0.0' as ListenOptions['host'] & string
    await expect(createAuthServer().listen({ host })).rejects.toThrow('this machine only')
  })
})

/** The same server, reached through the platform's own fetch. */
function overTheNetwork(server: AuthServer): AuthServer {
  return Object.create(server, { fetch: { value: fetch } }) as AuthServer
}
