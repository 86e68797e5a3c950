// Many requests at once when the access token has expired, at a server that rotates refresh tokens.
import { Hono } from 'hono'
import { createAuthServer } from 'pkce-client/testing'
import {
  clientId,
  freePorts,
  refreshes,
  request,
  secrets,
  signIn,
  startApp,
  startServer,
  table,
} from './world.js'

const lifetime = 6
const expired = () => new Promise((resolve) => setTimeout(resolve, lifetime * 1000 + 500))

/** So many requests to each of the processes; who was answered, and whether the user is still signed in afterwards. */
async function storm(name, { processes, each }) {
  const ports = await freePorts(processes)
  const server = await startServer(ports, { accessTokenLifetime: lifetime })
  const origin = `http://localhost:${ports[0]}`
  const apps = await Promise.all(ports.map((port) => startApp(name, { port, origin, server })))
  const cookie = await signIn(server, apps[0])
  for (const { port } of apps) await request(`http://localhost:${port}/me`, { cookie })
  await expired()
  const since = server.requests.length
  const started = performance.now()
  const all = ports.flatMap((port) =>
    Array.from({ length: each }, () => request(`http://localhost:${port}/me`, { cookie })),
  )
  const answers = await Promise.all(all)
  const ms = Math.round(performance.now() - started)
  const sent = refreshes(server, since)
  await expired()
  const after = await request(`http://localhost:${ports[0]}/me`, { cookie })
  for (const app of apps) app.stop()
  return row(name, {
    asked: all.length,
    processes,
    sent,
    ok: answers.filter(({ status }) => status === 200).length,
    alive: after.status === 200,
    ms,
  })
}

const row = (name, { asked, processes, sent, ok, alive, ms }) => [
  `${name}, ${processes} x ${asked / processes}`,
  `${String(sent).padStart(3)} token requests`,
  `${String(ok).padStart(3)} of ${asked} answered`,
  alive ? 'signed in ' : 'SIGNED OUT',
  `${ms} ms`,
]

/** It speaks to https only, so its server is in this process. */
async function honoStorm(each) {
  const origin = 'https://app.example.com'
  const server = createAuthServer({
    clients: [
      {
        clientId,
        clientSecret: secrets.client,
        kind: 'internal',
        redirectUris: [`${origin}/callback`],
      },
    ],
  })
  globalThis.fetch = server.fetch
  const { getAuth, oidcAuthMiddleware, processOAuthCallback } = await import('@hono/oidc-auth')
  // On Node, it reads the environment of the process.
  Object.assign(process.env, {
    OIDC_AUTH_SECRET: secrets.app,
    OIDC_AUTH_REFRESH_INTERVAL: String(lifetime),
    OIDC_ISSUER: server.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: secrets.client,
    OIDC_REDIRECT_URI: `${origin}/callback`,
    OIDC_SCOPES: 'openid profile offline_access',
  })
  const app = new Hono()
  app.get('/callback', (c) => processOAuthCallback(c))
  app.use('*', oidcAuthMiddleware())
  app.get('/me', async (c) => c.json({ sub: (await getAuth(c)).sub }))
  app.onError((error, c) => c.text(String(error), 500))
  const jar = new Map()
  const ask = async (url, keeps) => {
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ')
    const response = await app.request(url, { headers: { cookie } })
    for (const one of keeps ? response.headers.getSetCookie() : []) {
      const [name, value] = one.split(';')[0].split(/=(.*)/s)
      if (value) jar.set(name, value)
      else jar.delete(name)
    }
    return response
  }
  const leave = await ask(`${origin}/me`, true)
  await ask(await server.authorize(leave.headers.get('location')), true)
  await expired()
  const since = server.requests.length
  const started = performance.now()
  const answers = await Promise.all(Array.from({ length: each }, () => ask(`${origin}/me`)))
  const ms = Math.round(performance.now() - started)
  const sent = refreshes(server, since)
  // The browser keeps the cookie of the last answer that sets one.
  for (const { headers } of answers)
    for (const one of headers.getSetCookie()) {
      const [name, value] = one.split(';')[0].split(/=(.*)/s)
      if (value) jar.set(name, value)
      else jar.delete(name)
    }
  await expired()
  const after = await ask(`${origin}/me`, true)
  const ok = answers.filter(({ status }) => status === 200).length
  return row('@hono/oidc-auth', {
    asked: each,
    processes: 1,
    sent,
    ok,
    alive: after.status === 200,
    ms,
  })
}

table('An expired token, all requests at once', [
  await storm('pkce-client', { processes: 3, each: 100 }),
  await storm('pkce-client', { processes: 1, each: 20 }),
  await storm('openid-client and Redis by hand', { processes: 1, each: 20 }),
  await storm('express-openid-connect', { processes: 1, each: 20 }),
  await honoStorm(20),
])
process.exit(0)
