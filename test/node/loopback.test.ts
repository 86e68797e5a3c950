import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { PkceClient } from '../../src/index.ts'
import type { Clock } from '../../src/index.ts'
import { loopback } from '../../src/node/index.ts'
import type { LoopbackOptions } from '../../src/node/index.ts'
import { createAuthServer, createFakeClock } from '../../src/testing/index.ts'
import { freePort } from '../support/free-port.ts'
import { rejection } from '../support/world.ts'

/** A program in a terminal, and the browser beside it. */
function createTerminal(
  { clock, ...options }: Partial<LoopbackOptions> & { clock?: Clock } = {},
  redirectPath = '/callback',
) {
  const server = createAuthServer({
    ...(clock && { clock }),
    clients: [{ clientId: 'cli', redirectUris: [`http://127.0.0.1${redirectPath}`] }],
  })
  const opened: URL[] = []
  const auth = new PkceClient({
    issuer: server.issuer,
    clientId: 'cli',
    redirectUri: `http://127.0.0.1${redirectPath}`,
    fetch: server.fetch,
    clock,
    navigator: loopback({ open: (url) => void opened.push(new URL(url)), ...options }),
  })
  return {
    ...{ server, auth, opened },
    /** Resolves once the browser shows the sign-in page. */
    async signIn(params?: Parameters<PkceClient['signIn']>[0]) {
      const before = opened.length
      const session = auth.signIn(params)
      session.catch(() => {})
      await expect.poll(() => opened.length).toBe(before + 1)
      const url = opened.at(-1)!
      return { session, url, redirectUri: new URL(url.searchParams.get('redirect_uri')!) }
    },
  }
}

/** What the listener answers; `undefined` when nobody listens. */
const visit = (url: string | URL, init?: RequestInit) => fetch(url, init).catch(() => undefined)

/** Sends a request as it is written, which fetch would put right first. */
const ask = (redirectUri: URL, options: { path: string; method?: string }) =>
  new Promise<number | undefined>((resolve, reject) => {
    request({ host: '127.0.0.1', port: redirectUri.port, ...options }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .once('error', reject)
      .end()
  })

describe('a program that signs in from a terminal', () => {
  test('is signed in when the browser comes back to it (C-111, C-112)', async () => {
    const terminal = createTerminal()
    const { session, url, redirectUri } = await terminal.signIn()
    expect(redirectUri.href).toMatch(/^http:\/\/127\.0\.0\.1:\d{2,5}\/callback$/)
    const response = await visit(await terminal.server.authorize(url))
    expect(response?.status).toBe(200)
    expect(await response?.text()).toContain('go back to the terminal')
    expect(await session).toMatchObject({ status: 'signed-in' })
    const [exchange] = terminal.server.requestsTo('/token')
    expect(exchange?.form).toMatchObject({ redirect_uri: redirectUri.href })
  })

  test('listens only while the sign-in lasts (C-112)', async () => {
    const terminal = createTerminal()
    const { session, url, redirectUri } = await terminal.signIn()
    const early = await visit(redirectUri)
    expect(early?.status).toBe(404)
    expect(early?.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await early?.text()).toBe('Not found.\n')
    await visit(await terminal.server.authorize(url))
    await session
    await expect.poll(() => visit(redirectUri)).toBeUndefined()
  })

  test('listens on no other address of this machine (C-112)', async () => {
    const { redirectUri } = await createTerminal().signIn()
    redirectUri.hostname = '127.0.0.2'
    expect(await visit(redirectUri)).toBeUndefined()
  })

  test('shows a page that loads nothing, and says nothing about the user to anybody', async () => {
    const terminal = createTerminal()
    const { url } = await terminal.signIn()
    const response = await visit(await terminal.server.authorize(url))
    expect(Object.fromEntries(response!.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'",
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
  })

  test('hears that the user clicked Deny, and the browser sees the page all the same', async () => {
    const terminal = createTerminal()
    const { session, url } = await terminal.signIn()
    const response = await visit(await terminal.server.authorize(url, { consent: false }))
    expect(response?.status).toBe(200)
    expect(await rejection(session)).toMatchObject({ code: 'authorization_denied' })
  })

  test('says how it signs in', async () => {
    const terminal = createTerminal()
    const modes: string[] = []
    terminal.auth.on('sign-in-started', ({ mode }) => modes.push(mode))
    await terminal.signIn()
    expect(modes).toEqual(['loopback'])
  })

  test('may listen at another path, and at a port that a server insists on', async () => {
    const port = await freePort()
    const terminal = createTerminal({ port, path: '/done' }, '/done')
    const { session, url, redirectUri } = await terminal.signIn()
    expect(redirectUri.href).toBe(`http://127.0.0.1:${port}/done`)
    await visit(await terminal.server.authorize(url))
    expect(await session).toMatchObject({ status: 'signed-in' })
  })

  test('sends what the caller says in place of its own address', async () => {
    const terminal = createTerminal()
    const redirectUri = 'http://127.0.0.1:8123/callback'
    expect((await terminal.signIn({ redirectUri })).redirectUri.href).toBe(redirectUri)
  })
})

describe('everybody else gets 404, and the wait goes on', () => {
  test.each([
    ['another path', (path: string) => ({ path: path.replace('/callback', '/favicon.ico') })],
    ['a path below', (path: string) => ({ path: path.replace('/callback', '/callback/') })],
    ['no query', () => ({ path: '/callback' })],
    ['another state', () => ({ path: '/callback?code=1&state=x' })],
    ['no state', () => ({ path: '/callback?error=access_denied' })],
    ['POST', (path: string) => ({ path, method: 'POST' })],
    ['another host in the request', (path: string) => ({ path: `//attacker.example${path}` })],
    ['a whole URL', (path: string) => ({ path: `http://attacker.example${path}` })],
  ])('%s (C-112)', async (_, change) => {
    const terminal = createTerminal()
    const { session, url, redirectUri } = await terminal.signIn()
    const answer = new URL(await terminal.server.authorize(url))
    expect(await ask(redirectUri, change(answer.pathname + answer.search))).toBe(404)
    expect((await visit(answer))?.status).toBe(200)
    expect(await session).toMatchObject({ status: 'signed-in' })
  })

  test('two programs do not hear each other', async () => {
    const terminal = createTerminal()
    const [one, other] = [await terminal.signIn(), await terminal.signIn()]
    const answer = new URL(await terminal.server.authorize(one.url))
    expect(one.redirectUri.port).not.toBe(other.redirectUri.port)
    const stray = new URL(answer)
    stray.port = other.redirectUri.port
    expect((await visit(stray))?.status).toBe(404)
    await visit(answer)
    expect(await one.session).toMatchObject({ status: 'signed-in' })
  })
})

describe('the port is closed again', () => {
  test('when the program gives up', async () => {
    const terminal = createTerminal()
    const controller = new AbortController()
    const { session, redirectUri } = await terminal.signIn({ signal: controller.signal })
    controller.abort(new Error('Ctrl-C'))
    expect(await rejection(session)).toMatchObject({ message: 'Ctrl-C' })
    await expect.poll(() => visit(redirectUri)).toBeUndefined()
  })

  test('after five minutes', async () => {
    const clock = createFakeClock()
    const terminal = createTerminal({ clock })
    const { session, redirectUri } = await terminal.signIn()
    await clock.advance(299_999)
    expect((await visit(redirectUri))?.status).toBe(404)
    await clock.advance(1)
    expect(await rejection(session)).toMatchObject({
      code: 'sign_in_cancelled',
      message: 'Nobody signed in within five minutes.',
    })
    await expect.poll(() => visit(redirectUri)).toBeUndefined()
  })

  test('and no timer is left when it went well', async () => {
    const clock = createFakeClock()
    const terminal = createTerminal({ clock })
    const { session, url } = await terminal.signIn()
    await visit(await terminal.server.authorize(url))
    await session
    expect(clock.timers).toBe(0)
  })

  test('when the browser cannot be opened', async () => {
    const ports: string[] = []
    const terminal = createTerminal({
      open: (url) => {
        ports.push(new URL(url).searchParams.get('redirect_uri')!)
        throw new Error('There is no browser.')
      },
    })
    expect(await rejection(terminal.auth.signIn())).toMatchObject({
      message: 'There is no browser.',
    })
    await expect.poll(() => visit(ports[0]!)).toBeUndefined()
  })

  test('when the request cannot be made', async () => {
    const port = await freePort()
    const terminal = createTerminal({ port })
    terminal.server.fault('metadata', { patch: { issuer: 'https://other.example' } })
    const held = terminal.server.hold('/.well-known/openid-configuration')
    const session = rejection(terminal.auth.signIn())
    await expect.poll(() => visit(`http://127.0.0.1:${port}/`)).toBeDefined()
    // Too early to be an answer.
    expect((await visit(`http://127.0.0.1:${port}/callback?state=x`))?.status).toBe(404)
    held.release()
    expect(await session).toMatchObject({ code: 'issuer_mismatch' })
    await expect.poll(() => visit(`http://127.0.0.1:${port}/`)).toBeUndefined()
  })

  test('although a browser has opened a connection in advance', async () => {
    const terminal = createTerminal()
    const { session, url, redirectUri } = await terminal.signIn()
    const early = connect(Number(redirectUri.port), '127.0.0.1')
    await new Promise((connected) => early.once('connect', connected))
    const ended = new Promise((closed) => early.once('close', closed))
    early.resume().on('error', () => {})
    await visit(await terminal.server.authorize(url))
    await session
    await ended
  })
})

describe('a port that is taken', () => {
  test('is said to be taken, and no browser is opened', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((listening) => taken.once('listening', listening))
    const { port } = taken.address() as { port: number }
    const terminal = createTerminal({ port })
    const error = await rejection(terminal.auth.signIn())
    taken.close()
    expect(error).toMatchObject({
      code: 'invalid_option',
      retryable: true,
      message: expect.stringContaining(`port ${port} of 127.0.0.1`),
      cause: expect.objectContaining({ code: 'EADDRINUSE' }),
    })
    expect(terminal.opened).toEqual([])
  })
})
