import * as libSql from '@libsql/client'
import * as honoServer from '@hono/node-server'
import * as express from 'express'
import * as fastify from 'fastify'
import * as hono from 'hono'
import * as react from 'react'
import * as jsxRuntime from 'react/jsx-runtime'
import { renderToStaticMarkup } from 'react-dom/server'
import { createAuthServer, createVisitor } from 'pkce-client/testing'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ReactNode } from 'react'
import type { AuthServer, Visitor } from 'pkce-client/testing'
import { freePort } from '../support/free-port.ts'
import { sendTo } from '../support/hosts.ts'
import { loadApp } from './app.ts'
import { namesInTables } from './markdown.ts'
import type { ServerClient, ServerClientOptions, SessionStore } from 'pkce-client/server'

let origin: string
let port: number
let server: AuthServer

/** What the guides tell to register and to put into the environment. */
async function setUp(): Promise<void> {
  port = await freePort()
  origin = `http://localhost:${port}`
  server = registered(origin, 'the secret of the client')
  vi.stubGlobal('fetch', server.fetch)
  vi.stubEnv('ISSUER', server.issuer)
  vi.stubEnv('CLIENT_SECRET', 'the secret of the client')
  vi.stubEnv('SESSION_SECRET', 'a secret of this app that nobody guesses')
  vi.stubEnv('BASE_URL', origin)
  vi.stubEnv('PORT', String(port))
  onTestFinished(() => void vi.unstubAllEnvs())
}

const registered = (app: string, clientSecret?: string): AuthServer =>
  createAuthServer({
    clients: [
      {
        clientId: 'my-web-app',
        clientSecret,
        redirectUris: [`${app}/auth/callback`],
        postLogoutRedirectUris: [`${app}/`],
        kind: 'internal',
      },
    ],
  })

const listening = {
  'server-express': { express },
  'server-fastify': { fastify },
  'server-hono': { hono, '@hono/node-server': honoServer },
}

interface Closable {
  close(): unknown
}

/** Runs the app of a guide until the test is over. */
async function start(guide: keyof typeof listening): Promise<Visitor> {
  await setUp()
  const exports = await loadApp(`docs/${guide}.md`, listening[guide]).run('server')
  const running = (exports.server ?? exports.app) as Closable
  onTestFinished(() => void running.close())
  return createVisitor((request) => sendTo(port, request), { origin, server })
}

describe.each(['server-express', 'server-fastify', 'server-hono'] as const)('%s', (guide) => {
  let visitor: Visitor

  beforeEach(async () => {
    visitor = await start(guide)
  })

  test('leads from an empty folder to a signed-in user, and out again', async () => {
    await visitor.goto('/')
    await visitor.follow('Sign in')
    expect((await visitor.signIn()).text).toContain('You are signed in.')
    const me = await visitor.follow('Who am I?')
    expect(JSON.parse(me.text)).toMatchObject({ name: 'Ada Lovelace' })
    await visitor.goto('/')
    expect((await visitor.submit()).text).toContain('Sign in')
    await visitor.goto('/me')
    expect(new URL(visitor.page.url).origin).toBe(new URL(server.issuer).origin)
  })

  test('takes a note of its own pages only, body and all', async () => {
    await visitor.goto('/me')
    await visitor.signIn()
    const { text } = await visitor.goto('/')
    const csrf = /name="csrf_token" value="([^"]+)"/.exec(text)![1]!
    const json = guide === 'server-hono' ? 'application/x-www-form-urlencoded' : 'application/json'
    const body = json === 'application/json' ? '{"text":"hello"}' : 'text=hello'
    const headers = { 'content-type': json, 'x-csrf-token': csrf }
    const taken = await visitor.fetch('/note', { method: 'POST', body, headers })
    expect(await taken.json()).toEqual({ text: 'hello' })
    const refused = await visitor.fetch('/note', {
      method: 'POST',
      body,
      headers: { 'content-type': json },
    })
    expect(refused.status).toBe(403)
    const evil = visitor.openTab('https://evil.example/')
    expect(
      (await evil.submit({ action: `${origin}/note`, fields: { text: 'x' } })).status,
    ).not.toBe(200)
  })
})

test.each(['server-express', 'server-hono'] as const)(
  '%s takes a form with the token in a field',
  async (guide) => {
    const visitor = await start(guide)
    await visitor.goto('/me')
    await visitor.signIn()
    const { text } = await visitor.goto('/')
    const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(text)![1]!
    const page = await visitor.submit({ action: '/note', fields: { csrf_token, text: 'hello' } })
    expect(JSON.parse(page.text)).toEqual({ csrf_token, text: 'hello' })
  },
)

describe('server-next', () => {
  interface Guide {
    GET(request: Request): Promise<Response>
    proxy(request: Request): Promise<Response>
    default(): Promise<ReactNode>
  }

  test('signs a user in at a page of Server Components, and out again', async () => {
    await setUp()
    vi.stubGlobal('auth', undefined)
    let current!: Request
    const redirected = (href: string) => {
      throw Object.assign(new Error('NEXT_REDIRECT'), { href })
    }
    const app = loadApp('docs/server-next.md', {
      react,
      'react/jsx-runtime': jsxRuntime,
      'next/headers': { headers: async () => current.headers },
      'next/navigation': { redirect: redirected },
      'next/server': { NextResponse: { next: () => new Response(null, { status: 204 }) } },
    })
    const guide = {} as Guide
    for (const name of ['route', 'proxy', 'page']) Object.assign(guide, await app.run(name))
    async function render(request: Request): Promise<Response> {
      const before = await guide.proxy(request)
      if (before.status !== 204) return before
      current = request
      try {
        const html = renderToStaticMarkup(await guide.default())
        return new Response(html, { headers: { 'content-type': 'text/html' } })
      } catch (error) {
        const { href } = error as { href: string }
        return new Response(null, { status: 307, headers: { location: href } })
      }
    }
    const visitor = createVisitor(
      (request) =>
        new URL(request.url).pathname.startsWith('/auth/') ? guide.GET(request) : render(request),
      { origin, server },
    )
    await visitor.goto('/')
    expect((await visitor.signIn()).text).toContain('Hello Ada Lovelace')
    const post = await visitor.fetch('/', { method: 'POST' })
    expect(post.status).toBe(403)
    await visitor.submit()
    expect(new URL(visitor.page.url).origin).toBe(new URL(server.issuer).origin)
    expect((await visitor.fetch('/auth/nothing')).status).toBe(404)
  })
})

describe('docs/server.md', () => {
  const app = 'https://app.example.com'

  function load() {
    server = registered(app, 'the secret of the client')
    vi.stubGlobal('fetch', server.fetch)
    vi.stubEnv('CLIENT_SECRET', 'the secret of the client')
    vi.stubEnv('SESSION_SECRET', 'a secret of this app that nobody guesses')
    onTestFinished(() => void vi.unstubAllEnvs())
    return loadApp('docs/server.md')
  }

  test('has every option of ServerClient', () => {
    const all: Record<keyof ServerClientOptions, true> = {
      ...{ issuer: true, clientId: true, baseUrl: true, secret: true, clientAuthentication: true },
      ...{ scope: true, resources: true, sessions: true, basePath: true, redirectUri: true },
      ...{ postSignOutRedirectUri: true, idleTimeout: true, lifetime: true, timeout: true },
      ...{ cookie: true, proxy: true, refreshEndpoint: true, owner: true, accept: true },
      ...{ onError: true, metadata: true, authorizationParams: true, clock: true, fetch: true },
    }
    expect(namesInTables('docs/server.md', '## Options')).toEqual(Object.keys(all).sort())
  })

  test('signs a user in with ten lines, and guards a route', async () => {
    const loaded = load()
    const { app: handle } = (await loaded.run('app')) as {
      app: (request: Request) => Promise<Response>
    }
    const { orders, page } = (await loaded.run('orders')) as Record<
      'orders' | 'page',
      (request: Request) => Promise<Response>
    >
    const routes: Record<string, typeof orders> = { 'POST /orders': orders, 'GET /page': page }
    const visitor = createVisitor(
      (request) =>
        (routes[`${request.method} ${new URL(request.url).pathname}`] ?? handle)(request),
      { origin: app, server },
    )
    await visitor.goto('/')
    const me = await visitor.signIn()
    expect(JSON.parse(me.text)).toMatchObject({ name: 'Ada Lovelace' })
    await visitor.goto('/page')
    const ordered = await visitor.submit()
    expect(JSON.parse(ordered.text)).toMatchObject({ orderedBy: expect.any(String) })
    expect((await visitor.fetch('/orders', { method: 'POST' })).status).toBe(403)
  })

  test('keeps sessions in a database, here in SQLite', async () => {
    const { sqlite } = (await loadApp('docs/server.md', {
      ...{ '@libsql/client': libSql, ioredis: {}, pg: {}, redis: {} },
    }).run('stores')) as { sqlite: (url: string) => Promise<SessionStore> }
    const store = await sqlite(':memory:')
    expect(await store.add('key', 'value', { ttl: 60_000 })).toBe(true)
    expect(await store.get('key')).toBe('value')
  })

  test('has a proxy whose options are right', async () => {
    expect(await load().run('proxy')).toHaveProperty('auth')
  })

  test('calls the service of an account at night', async () => {
    const loaded = load()
    server = createAuthServer({
      issuer: 'https://accounts.music.example',
      apiUrl: 'https://api.music.example/',
      clients: [
        {
          clientId: 'my-web-app',
          clientSecret: 'a secret',
          scopes: ['playlist-read'],
          redirectUris: [`${app}/music/callback`],
        },
      ],
    })
    vi.stubGlobal('fetch', server.fetch)
    vi.stubGlobal('userOf', async () => 'user-17')
    vi.stubEnv('MUSIC_SECRET', 'a secret')
    const { music, playlists } = (await loaded.run('accounts')) as {
      music: ServerClient
      playlists: (user: string) => Promise<unknown>
    }
    expect(await playlists('user-17')).toBeUndefined()
    const visitor = createVisitor(music.handle, { origin: app, server })
    await visitor.goto('/music/login')
    await visitor.signIn()
    await playlists('user-17')
    const { url, headers } = server.requests.at(-1)!
    expect(url).toBe('https://api.music.example/playlists')
    expect(headers.authorization).toMatch(/^Bearer ./)
    expect(visitor.jar.header(new URL(app))).toBeUndefined()
    expect(await playlists('user-18')).toBeUndefined()
  })
})
