import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ServerClient, clientSecret } from '../../src/server/index.ts'
import { createAuthServer, createFakeClock, createVisitor } from '../../src/testing/index.ts'
import { freePort } from '../support/free-port.ts'
import { hosts } from '../support/hosts.ts'
import type { AuthServer, FakeClock, Visitor } from '../../src/testing/index.ts'
import type { ServerSession } from '../../src/server/index.ts'

const files = 'https://files.example.com'
const secret = 'the secret of the client'

/** What a script of the page has read at /auth/session. */
interface SessionAnswer {
  status: string
  claims?: { name?: string }
  csrf?: string
}

const front = (session: ServerSession): string =>
  session.status === 'signed-in'
    ? `<p>Hello ${session.claims!.name!}</p><form method="post" action="/auth/logout">
       <input type="hidden" name="csrf_token" value="${session.csrfToken}"></form>`
    : '<a href="/auth/login?returnTo=/me">Sign in</a>'

/** An API for files, as an app's own code would meet it. */
function createFiles() {
  const seen: string[] = []
  const parts = new Map<string, () => void>()
  /** Resolves once this text has arrived. */
  const arrived = (text: string) => new Promise<void>((resolve) => parts.set(text, resolve))
  async function answer(request: Request): Promise<Response> {
    seen.push(`${request.headers.get('authorization')?.split(' ')[0] ?? 'no token'} ${request.url}`)
    expect(request.headers.has('cookie')).toBe(false)
    let text = ''
    for await (const part of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString()
      parts.get(text)?.()
    }
    return Response.json({ received: text }, { headers: { 'set-cookie': 'planted=1' } })
  }
  return { seen, arrived, answer, state: { reply: answer } }
}

describe.each(Object.entries(hosts))('on %s', (_, listen) => {
  let server: AuthServer
  let clock: FakeClock
  let visitor: Visitor
  let origin: string
  let store: ReturnType<typeof createFiles>
  let host: Awaited<ReturnType<typeof listen>>
  let answers: Response[]

  beforeEach(async () => {
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    clock = createFakeClock()
    server = createAuthServer({
      clock,
      clients: [
        {
          clientId: 'my-web-app',
          clientSecret: secret,
          kind: 'internal',
          redirectUris: [`${origin}/auth/callback`],
          postLogoutRedirectUris: [`${origin}/`],
        },
      ],
    })
    store = createFiles()
    const fetch = async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init)
      return request.url.startsWith(files) ? store.state.reply(request) : server.fetch(request)
    }
    const auth = new ServerClient({
      issuer: server.issuer,
      clientId: 'my-web-app',
      clientAuthentication: clientSecret(secret),
      baseUrl: origin,
      secret: 'a secret of this app that nobody guesses',
      scope: 'openid profile offline_access',
      resources: [server.api.url, `${files}/`],
      proxy: { '/files/': `${files}/` },
      clock,
      fetch,
    })
    async function me(request: Request): Promise<Response> {
      const session = await auth.session(request)
      if (session.status !== 'signed-in') return auth.signIn(request)
      return session.fetch(`${server.api.url}users/me`)
    }
    host = await listen({ auth, front, me }, port)
    answers = []
    visitor = createVisitor(
      async (request) => {
        const answer = await host.handle(request)
        if (answer) answers.push(answer.clone())
        return answer
      },
      { origin, server, clock },
    )
  })

  afterEach(() => host.close())

  const sessionOf = async (): Promise<SessionAnswer> =>
    (await visitor.fetch('/auth/session')).json() as Promise<SessionAnswer>

  async function signIn(): Promise<void> {
    await visitor.goto('/me')
    await visitor.signIn()
    await visitor.goto('/')
  }

  /** A request of a script of the page, in parts. */
  async function stream(path: string, init: RequestInit): Promise<Response> {
    const { csrf } = await sessionOf()
    const cookie = visitor.jar.header(new URL(origin))!
    const headers = { cookie, 'sec-fetch-site': 'same-origin', 'x-csrf-token': csrf! }
    const options = { headers, duplex: 'half', ...init } as RequestInit
    return (await host.handle(new Request(origin + path, options)))!
  }

  test('a user signs in at a page that needs it, and is back there (C-114)', async () => {
    await visitor.goto('/me')
    const page = await visitor.signIn()
    expect(page.url).toBe(`${origin}/me`)
    expect(JSON.parse(page.text)).toMatchObject({ name: 'Ada Lovelace' })
    expect((await visitor.goto('/')).text).toContain('Hello Ada Lovelace')
    expect(await sessionOf()).toMatchObject({
      status: 'signed-in',
      claims: { name: 'Ada Lovelace' },
    })
    const callback = answers.find(({ headers }) => headers.getSetCookie().length > 1)!
    const cookies = callback.headers.getSetCookie().map((cookie) => cookie.split('=')[0])
    expect(cookies).toContain('pkce')
    expect(cookies.some((name) => name!.startsWith('pkce-tx-'))).toBe(true)
  })

  test('scripts hear that nobody is signed in, and the app has its own 404 (A-86)', async () => {
    await visitor.goto('/')
    expect((await visitor.fetch('/auth/session')).headers.get('cache-control')).toBe('no-store')
    expect(await sessionOf()).toEqual({ status: 'signed-out' })
    expect((await visitor.fetch('/me')).status).toBe(401)
    expect((await visitor.fetch('/files/a')).status).toBe(401)
    expect((await visitor.goto('/nowhere')).status).toBe(404)
  })

  test('twenty requests with an expired token cause one refresh', async () => {
    await signIn()
    await clock.advance(3_000_000)
    const before = server.requestsTo('/token').length
    const pages = await Promise.all(Array.from({ length: 20 }, () => visitor.fetch('/me')))
    expect(pages.map(({ status }) => status)).toEqual(pages.map(() => 200))
    expect(server.requestsTo('/token').length - before).toBe(1)
  })

  test('the user signs out by a form, here and at the server', async () => {
    await signIn()
    const page = await visitor.submit()
    expect(page.url).toBe(`${origin}/`)
    expect(page.text).toContain('Sign in')
    expect(await sessionOf()).toMatchObject({ status: 'signed-out' })
    await visitor.goto('/me')
    expect(new URL(visitor.page.url).origin).toBe(new URL(server.issuer).origin)
  })

  test('a form of another site signs nobody out (C-115)', async () => {
    await signIn()
    const evil = visitor.openTab('https://evil.example/')
    expect((await evil.submit({ action: `${origin}/auth/logout` })).status).toBe(403)
    expect((await visitor.fetch('/auth/logout', { method: 'POST' })).status).toBe(403)
    expect(await sessionOf()).toMatchObject({ status: 'signed-in' })
  })

  test('the proxy asks for the CSRF token, also where the body is JSON (GHSA-4j63-5v5f-xcc4)', async () => {
    await signIn()
    const body = JSON.stringify({ title: 'notes' })
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', body, headers }
    const refused = await visitor.fetch('/files/a', init)
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: 'csrf_rejected' })
    expect(store.seen).toEqual([])
    const { csrf } = await sessionOf()
    const answer = await visitor.fetch('/files/a?b=1', {
      ...init,
      headers: { ...headers, 'x-csrf-token': csrf! },
    })
    expect(await answer.json()).toEqual({ received: body })
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(store.seen).toEqual([`Bearer ${files}/a?b=1`])
  })

  test('the proxy streams an upload', async () => {
    await signIn()
    const first = store.arrived('first ')
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.from('first '))
        // Whoever collects the body before sending it waits without end.
        await first
        controller.enqueue(Buffer.from('second'))
        controller.close()
      },
    })
    const answer = await stream('/files/upload', { method: 'PUT', body })
    expect(await answer.json()).toEqual({ received: 'first second' })
  })

  test('the proxy streams a download', async () => {
    await signIn()
    let goOn!: () => void
    const read = new Promise<void>((resolve) => (goOn = resolve))
    store.state.reply = async () => {
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.from('first '))
          await read
          controller.enqueue(Buffer.from('second'))
          controller.close()
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/plain' } })
    }
    const answer = await stream('/files/download', {})
    const reader = answer.body!.getReader()
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('first ')
    goOn()
    expect(Buffer.from((await reader.read()).value as Uint8Array).toString()).toBe('second')
  })

  test('a visitor who leaves ends the request to the API, and nothing else', async () => {
    await signIn()
    const leaving = new AbortController()
    let reached!: () => void
    const waiting = new Promise<void>((resolve) => (reached = resolve))
    const ended = new Promise<void>((resolve) => {
      store.state.reply = ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            resolve()
            reject(signal.reason)
          })
          reached()
        })
    })
    const answer = stream('/files/slow', { signal: leaving.signal }).catch(() => undefined)
    await waiting
    leaving.abort()
    await Promise.all([ended, answer])
    store.state.reply = store.answer
    expect((await visitor.fetch('/files/a')).status).toBe(200)
  })

  test('what fails is a page for people and JSON for scripts', async () => {
    const page = await visitor.goto('/auth/callback')
    expect(page.status).toBe(400)
    expect(page.text).toContain('callback_invalid')
    const answer = await visitor.fetch('/auth/callback')
    expect(await answer.json()).toMatchObject({ error: 'callback_invalid' })
    const head = await host.handle(new Request(`${origin}/auth/session`, { method: 'HEAD' }))
    expect(head!.status).toBe(405)
  })
})
