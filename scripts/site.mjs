import { createAuthServer } from 'pkce-client/testing'
import { build, preview } from 'vite'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { createCredentials } from '../examples/server/credentials.js'
import { startServerExample } from '../examples/server/index.js'

/** @typedef {import('../examples/server/settings.js').Settings} Settings */

const host = '127.0.0.1'

/** `127.0.0.1` is registered for every port (RFC 8252 §7.3); `localhost` is a name like any other, and needs its port. */
function app(clientId, { name, origin }) {
  const origins = [`http://${host}`, ...(origin ? [origin] : [])]
  return {
    clientId,
    name,
    kind: 'external',
    redirectUris: origins.map((origin) => `${origin}/callback`),
    postLogoutRedirectUris: origins.map((origin) => `${origin}/`),
  }
}

const localhost = (port) => port && `http://localhost:${port}`

/**
 * Starts the reference server with its API, builds the examples against it, and serves them.
 * @param {{ issuer?: number, api?: number, playground?: number, vanilla?: number, react?: number, server?: number }} ports any free one where left out
 * @param {{ outDir?: string, users?: import('pkce-client/testing').User[], ownApp?: string, settings?: Settings, quiet?: boolean }} options
 *   `outDir` is where the built examples go, each in a folder of its own; beside their sources when left out. `ownApp` is the
 *   origin of an app that is not ours and may use the server as `my-app`. `settings` are those of the server example, which
 *   is not started when they are left out
 */
export async function openSite(ports = {}, { outDir, users, ownApp, settings, quiet } = {}) {
  const { credentials, registration } = createCredentials(settings?.client ?? 'public')
  const server = createAuthServer({
    clients: [
      app('playground', { name: 'Playground', origin: localhost(ports.playground) }),
      app('vanilla-example', { name: 'Vanilla example', origin: localhost(ports.vanilla) }),
      app('react-example', { name: 'React example', origin: localhost(ports.react) }),
      app('cli-example', { name: 'Command-line example' }),
      { ...backEnd(ports.server), ...registration },
      app('my-app', { name: 'Your own app', origin: ownApp }),
    ],
    ...(users && { users }),
  })
  const door = await server.listen({ port: ports.issuer, apiPort: ports.api, host })
  const closers = [() => door.close()]
  const close = async () => void (await Promise.all(closers.map((end) => end())))
  try {
    const urls = { playground: '', vanilla: '', react: '' }
    for (const name of Object.keys(urls)) {
      const served = await serveExample(name, { server, port: ports[name], outDir })
      closers.push(served.close)
      urls[name] = served.url
    }
    const all = { issuer: door.url, api: door.apiUrl, ...urls }
    if (!settings) return { server, urls: { ...all, server: '' }, processes: [], close }
    const example = await startBackEnd({
      all,
      settings,
      credentials,
      outDir,
      quiet,
      port: ports.server,
    })
    closers.push(example.close)
    return { server, urls: { ...all, server: example.url }, processes: example.processes, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The client of the server example. Its sign-ins come back to the route of `ServerClient`. */
function backEnd(port) {
  const origins = [`http://${host}`, ...(port ? [localhost(port)] : [])]
  return {
    clientId: 'server-example',
    name: 'Server example',
    kind: 'external',
    redirectUris: origins.map((origin) => `${origin}/auth/callback`),
    postLogoutRedirectUris: origins.map((origin) => `${origin}/`),
  }
}

/** Builds the React page of the server example, and starts its processes. */
async function startBackEnd({ all, settings, credentials, outDir, quiet, port }) {
  const options = common('server/page', outDir ? `${outDir}/server` : '../dist')
  await build({ ...options, base: '/app/', define: development })
  const built = resolve(options.root, options.build.outDir)
  port ??= await freePort()
  const { issuer, api } = all
  const example = await startServerExample({
    issuer,
    api,
    port,
    built,
    settings,
    credentials,
    quiet,
  })
  return { ...example, url: `http://${host}:${port}/` }
}

/** It must be known before the app starts, because the app's own address is one of its options. */
function freePort() {
  return new Promise((found, failed) => {
    const probe = createServer()
    probe.once('error', failed).listen(0, host, () => {
      const { port } = probe.address()
      probe.close(() => found(port))
    })
  })
}

// Only a development build of React runs every effect twice under StrictMode, which the examples must withstand, and only
// there the React example has devtools.
const development = {
  'process.env.NODE_ENV': '"development"',
  'import.meta.env.DEV': 'true',
}

const common = (name, outDir) => ({
  configFile: false,
  root: new URL(`../examples/${name}`, import.meta.url).pathname,
  build: {
    outDir,
    emptyOutDir: true,
    minify: false,
    sourcemap: true,
    chunkSizeWarningLimit: Infinity,
    rollupOptions: {
      onwarn: (warning, report) => {
        // Means something to a server that renders, which there is none.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') report(warning)
      },
    },
  },
  logLevel: 'warn',
})

async function serveExample(name, { server, port = 0, outDir }) {
  const options = common(name, outDir ? `${outDir}/${name}` : 'dist')
  await build({
    ...options,
    define: {
      ...development,
      'import.meta.env.VITE_ISSUER': JSON.stringify(server.issuer),
      'import.meta.env.VITE_API': JSON.stringify(server.api.url),
    },
  })
  const served = await preview({
    ...options,
    plugins: [control(server)],
    preview: { host, port, strictPort: true },
  })
  return {
    url: `http://${host}:${served.httpServer.address().port}/`,
    close: () => served.close(),
  }
}

/** What stays on until it is switched off. `hotel` answers in place of the server, as a network does that wants a login first. */
const switches = {
  slow: ['slow-headers', { path: '/token', milliseconds: 3000 }],
  busy: ['try-later', { path: '/token', retryAfter: 30 }],
  hotel: [
    'respond',
    {
      path: '/token',
      headers: { 'content-type': 'text/html' },
      body: '<!doctype html><title>Log in to the network</title><h1>Welcome to the hotel</h1>',
    },
  ],
}

/** What happens to the next request or sign-in. */
const once = {
  refuse: ['api-401', { path: '/users/me' }],
  'foreign-state': ['callback-state-wrong'],
  'foreign-issuer': ['callback-iss-wrong'],
  'foreign-key': ['id-token-foreign-key', { on: 'sign-in' }],
  'foreign-nonce': ['id-token-nonce-wrong', { on: 'sign-in' }],
}

/** What the buttons of the examples do to the reference server. No real app has such a thing. */
function control(server) {
  const armed = new Map()
  const disarm = (name) => {
    armed.get(name)?.()
    armed.delete(name)
  }
  const arm = (name, [fault, options], more) => {
    disarm(name)
    armed.set(name, server.fault(fault, { ...options, ...more }))
  }
  const orders = new Map([
    ['/expire', () => server.expireAccessTokens()],
    ['/revoke', () => server.revokeSessions()],
    ['/rotate', () => server.rotateKeys()],
    ['/reset', () => server.clearFaults()],
    ['/disarm', () => Object.keys(once).forEach(disarm)],
    ...Object.entries(once).map(([name, fault]) => [
      `/${name}`,
      () => arm(name, fault, { times: 1 }),
    ]),
    ...Object.entries(switches).flatMap(([name, fault]) => [
      [`/${name}`, () => arm(name, fault)],
      [`/${name}-off`, () => disarm(name)],
    ]),
  ])
  return {
    name: 'control',
    configurePreviewServer({ middlewares }) {
      middlewares.use('/control', (request, response) => {
        const order = orders.get(request.url)
        const allowed =
          request.method === 'POST' && request.headers['sec-fetch-site'] !== 'cross-site'
        if (order && allowed) order()
        response.statusCode = order ? (allowed ? 204 : 403) : 404
        response.end()
      })
    },
  }
}
