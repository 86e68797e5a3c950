import { createServer, request as send } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { toNodeHandler, toRequest } from '../../src/server/index.ts'
import type { ServerClient, ServerSession } from '../../src/server/index.ts'

/** An app for any host: a front page, and one that calls an API. */
export interface App {
  auth: ServerClient
  front(session: ServerSession): string
  me(request: Request): Promise<Response>
}

type Handle = (request: Request) => Promise<Response | undefined>

/** Runs an app as the guide for this framework says. */
export type Host = (app: App, port: number) => Promise<{ handle: Handle; close(): Promise<void> }>

export const hosts: Record<string, Host> = {
  async 'the bare handler'({ auth, front, me }) {
    const handle: Handle = async (request) => {
      const { pathname } = new URL(request.url)
      const html = { headers: { 'content-type': 'text/html' } }
      if (pathname === '/') return new Response(front(await auth.session(request)), html)
      if (pathname === '/me') return me(request)
      return auth.handle(request)
    }
    return { handle, close: async () => {} }
  },

  'Node http': ({ auth, front, me }, port) => {
    const handler = toNodeHandler(async (request) => {
      const { pathname } = new URL(request.url)
      const html = { headers: { 'content-type': 'text/html' } }
      if (pathname === '/') return new Response(front(await auth.session(request)), html)
      return pathname === '/me' ? me(request) : auth.handle(request)
    })
    return listen(handler, port)
  },

  Express: ({ auth, front, me }, port) => {
    const app = express()
    app.use(toNodeHandler(auth.handle))
    app.use(express.json(), express.urlencoded())
    app.get('/', async (req, res) => {
      res.type('html').send(front(await auth.session(toRequest(req))))
    })
    app.get('/me', toNodeHandler(me))
    return listen(app, port)
  },

  // Routers take their part off req.url.
  'a router of Express, behind body parsers': ({ auth, front, me }, port) => {
    const app = express()
    app.use(express.json(), express.urlencoded())
    for (const path of ['/auth', '/files']) {
      app.use(path, express.Router().use(toNodeHandler(auth.handle)))
    }
    app.get('/', async (req, res) => {
      res.type('html').send(front(await auth.session(toRequest(req))))
    })
    app.use('/me', express.Router().get('/', toNodeHandler(me)))
    return listen(app, port)
  },

  async Fastify({ auth, front, me }, port) {
    const app = fastify()
    const handler = toNodeHandler(auth.handle)
    app.addHook('onRequest', (request, reply, next) => {
      handler(request.raw, reply.raw, next)
    })
    app.get('/', async (request, reply) => {
      reply.type('text/html')
      return front(await auth.session(toRequest(request.raw)))
    })
    app.get('/me', async (request) => me(toRequest(request.raw)))
    await app.listen({ port, host: '127.0.0.1' })
    return overHttp(app.server, port)
  },

  async Hono({ auth, front, me }, port) {
    const app = new Hono()
    app.use(async (c, next) => (await auth.handle(c.req.raw)) ?? next())
    app.get('/', async (c) => c.html(front(await auth.session(c.req.raw))))
    app.get('/me', (c) => me(c.req.raw))
    const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
    await once(server, 'listening')
    return overHttp(server as Server, port)
  },
}

async function listen(listener: RequestListener, port: number) {
  const server = createServer(listener).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return overHttp(server, port)
}

function overHttp(server: Server, port: number) {
  return {
    handle: (request: Request) => sendTo(port, request),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Node's fetch would add headers of its own, such as Sec-Fetch-Mode. */
export async function sendTo(port: number, request: Request): Promise<Response> {
  const { method, headers, body, signal } = request
  const { pathname, search } = new URL(request.url)
  const bytes = body && request.headers.has('content-length') ? await request.arrayBuffer() : null
  const outgoing = send({
    port,
    host: '127.0.0.1',
    method,
    path: pathname + search,
    headers: { ...Object.fromEntries(headers), host: 'evil.example' },
    signal,
  })
  const answered = new Promise<Response>((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const status = incoming.statusCode!
      const pairs = incoming.rawHeaders.flatMap((name, at, all): [string, string][] =>
        at % 2 === 0 ? [[name, all[at + 1]!]] : [],
      )
      const isEmpty = status === 204 || status === 304
      const stream = isEmpty ? null : (Readable.toWeb(incoming) as unknown as BodyInit)
      resolve(new Response(stream, { status, headers: pairs }))
    })
  })
  if (bytes) outgoing.end(Buffer.from(bytes))
  else if (body) pipeline(Readable.fromWeb(body as never), outgoing).catch(() => {})
  else outgoing.end()
  return answered
}
