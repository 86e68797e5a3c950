import { describe, expect, it } from 'vitest'
import { createCookieJar } from '../../../src/testing/index.ts'
import {
  authorizationUrl,
  hiddenFields,
  internalApp,
  open,
  post,
  redirectOf,
  strictServer,
} from '../support.ts'

const policy = 'cross-origin-opener-policy'
const cutOff = (response: Response) => response.headers.get(policy)

/** How every page of a sign-in and a sign-out is reached. */
async function everyPage(server = strictServer()) {
  const browse = server.withCookies(createCookieJar())
  const login = await browse(authorizationUrl(server))
  const page = await login.clone().text()
  const send = (fields: Record<string, string>) =>
    browse(`${server.issuer}/login`, {
      method: 'POST',
      body: new URLSearchParams({ ...hiddenFields(page), ...fields }),
    })
  return {
    server,
    pages: {
      login,
      'wrong password': await send({ username: 'ada', password: 'x' }),
      consent: await send({ username: 'ada', password: 'lovelace' }),
      error: await browse(authorizationUrl(server, { client_id: 'nobody' })),
      'sign out?': await browse(`${server.issuer}/end_session`),
      'signed out': await server.fetch(`${server.issuer}/end_session`),
    },
  }
}

describe('pages in a popup', () => {
  it('are cut off from their opener, every one', async () => {
    const { pages } = await everyPage()
    for (const [name, page] of Object.entries(pages)) {
      expect([name, cutOff(page)]).toEqual([name, 'same-origin'])
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    }
  })

  it('no-coop: are not cut off', async () => {
    const server = strictServer()
    server.fault('no-coop')
    const { pages } = await everyPage(server)
    expect(Object.values(pages).map(cutOff)).toEqual(Array(6).fill(null))
  })

  it('no-coop: lasts for as many pages as told, and answers to programs do not count', async () => {
    const server = strictServer()
    server.fault('no-coop', { times: 1 })
    expect(cutOff(await server.fetch(`${server.issuer}/jwks`))).toBeNull()
    expect(cutOff(await post(server, '/token', {}))).toBeNull()
    expect(cutOff(await open(server, authorizationUrl(server)))).toBeNull()
    expect(cutOff(await open(server, authorizationUrl(server)))).toBe('same-origin')
  })

  it('no-coop: is for one path if told so', async () => {
    const server = strictServer()
    server.fault('no-coop', { path: '/login' })
    const { pages } = await everyPage(server)
    expect(cutOff(pages.login)).toBe('same-origin')
    expect(cutOff(pages['wrong password'])).toBeNull()
  })
})

describe('pages in a frame', () => {
  it('are shown in none (S-11)', async () => {
    const { pages } = await everyPage()
    for (const page of Object.values(pages)) {
      expect(page.headers.get('x-frame-options')).toBe('DENY')
      expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    }
  })

  it('are not needed by prompt=none, which is answered by redirect (S-07)', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await server.authorize(authorizationUrl(server, internalApp), { jar })
    const url = authorizationUrl(server, { ...internalApp, prompt: 'none' })
    const answer = await server.withCookies(jar)(url, { redirect: 'manual' })
    expect(redirectOf(answer).get('code')).toHaveLength(43)
    expect(cutOff(answer)).toBeNull()
    expect(redirectOf(await open(server, url)).get('error')).toBe('login_required')
  })

  it('silent-page: the login page comes in place of an answer, signed in or not', async () => {
    const server = strictServer()
    const jar = createCookieJar()
    await server.authorize(authorizationUrl(server, internalApp), { jar })
    const url = authorizationUrl(server, { ...internalApp, prompt: 'none' })
    const browse = server.withCookies(jar)
    server.fault('silent-page', { times: 1 })
    const page = await browse(url, { redirect: 'manual' })
    expect([page.status, page.headers.get('x-frame-options')]).toEqual([200, 'DENY'])
    expect(await page.text()).toContain('<h1>Sign in</h1>')
    expect(redirectOf(await browse(url, { redirect: 'manual' })).get('code')).toHaveLength(43)
  })

  it('silent-hangs: there is no answer, and other requests get theirs', async () => {
    const server = strictServer()
    server.fault('silent-hangs', { times: 1 })
    const signal = AbortSignal.timeout(50)
    const url = authorizationUrl(server, { prompt: 'none' })
    const waiting = server.fetch(url, { redirect: 'manual', signal })
    const page = await open(server, authorizationUrl(server))
    expect(page.status).toBe(200)
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(redirectOf(await open(server, url)).get('error')).toBe('login_required')
  })

  it('silent-hangs: is for requests that were pushed as well', async () => {
    const server = strictServer()
    server.fault('silent-hangs')
    const parameters = new URL(authorizationUrl(server, { prompt: 'none' })).searchParams
    const pushed = await post(server, '/par', Object.fromEntries(parameters))
    const { request_uri: requestUri } = (await pushed.json()) as { request_uri: string }
    const search = new URLSearchParams({ client_id: 'sandbox-app', request_uri: requestUri })
    const signal = AbortSignal.timeout(50)
    const waiting = server.fetch(`${server.issuer}/authorize?${search.toString()}`, { signal })
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})
