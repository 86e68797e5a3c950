// One machine of an app: a process of its own that shares sessions with others. What it is told comes in `MACHINE`.
import { createServer } from 'node:http'
import { Redis } from 'ioredis'
import pg from 'pg'
import {
  ServerClient,
  redisSessions,
  sqlSessions,
  toNodeHandler,
  withFallback,
} from 'pkce-client/server'

const told = JSON.parse(process.env['MACHINE'] ?? '{}')
let ahead = 0
/** When this process stops itself: `before` or `after` the note that the refresh token is being sent. */
let stops = ''

const clock = {
  now: () => Date.now() + ahead,
  setTimeout(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds)
    return () => clearTimeout(timer)
  },
  random: () => Math.random(),
  systemOffset: () => ahead / 1000,
}

function openStore() {
  if (told.store.startsWith('redis:')) {
    const redis = new Redis(told.store, { maxRetriesPerRequest: 1, retryStrategy: () => 100 })
    redis.on('error', () => {})
    return redisSessions((command) => redis.call(...command), { prefix: told.prefix })
  }
  const pool = new pg.Pool({ connectionString: told.store, max: 10 })
  pool.on('error', () => {})
  return sqlSessions({
    dialect: 'postgres',
    table: told.prefix,
    query: async (text, parameters) => (await pool.query(text, parameters)).rows,
  })
}

function stopHere(where) {
  if (stops !== where) return
  stops = ''
  process.kill(process.pid, 'SIGSTOP')
}

const store = openStore()
/** The first change of a record in a refresh is the note. */
const sessions = {
  ...store,
  async swap(key, change) {
    const isRecord = key.startsWith('session|')
    if (isRecord) stopHere('before')
    const swapped = await store.swap(key, change)
    if (isRecord) stopHere('after')
    return swapped
  },
}

const auth = new ServerClient({
  issuer: told.issuer,
  clientId: 'sandbox-app',
  baseUrl: 'http://localhost:3000',
  redirectUri: '/callback',
  secret: 'the same thirty-two characters on each machine',
  scope: 'openid offline_access',
  resources: [told.api],
  sessions: told.fallback ? withFallback(sessions) : sessions,
  clock,
  fetch: (input, init) => {
    const headers = new Headers(init?.headers)
    headers.set('x-machine', String(told.number))
    return fetch(input, { ...init, headers })
  },
})

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url)
  if (pathname === '/tell') {
    ahead = Number(searchParams.get('ahead') ?? ahead)
    stops = searchParams.get('stops') ?? stops
    return new Response('told')
  }
  const handled = await auth.handle(request)
  if (handled) return handled
  try {
    const session = await auth.session(request)
    if (session.status !== 'signed-in') return Response.json(session, { status: 401 })
    const response = await session.fetch(`${told.api}users/me`)
    return Response.json({ code: response.statusText }, { status: response.status })
  } catch (error) {
    return Response.json({ code: error.code }, { status: error.sessionEnded ? 401 : 503 })
  }
}

const handler = toNodeHandler(answer, { baseUrl: 'http://localhost:3000' })
const server = createServer(handler).listen(0, '127.0.0.1', () =>
  process.send?.({ port: server.address().port }),
)
