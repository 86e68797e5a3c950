import { createAuthServer } from 'pkce-client/testing'
import { build, preview } from 'vite'

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
 * @param {{ issuer?: number, api?: number, vanilla?: number, react?: number }} ports any free one where left out
 * @param {{ outDir?: string, users?: import('pkce-client/testing').User[], ownApp?: string }} options `outDir` is where the
 *   built examples go, each in a folder of its own; beside their sources when left out. `ownApp` is the origin of an app that
 *   is not ours and may use the server as `my-app`
 */
export async function openSite(ports = {}, { outDir, users, ownApp } = {}) {
  const server = createAuthServer({
    clients: [
      app('vanilla-example', { name: 'Vanilla example', origin: localhost(ports.vanilla) }),
      app('react-example', { name: 'React example', origin: localhost(ports.react) }),
      app('cli-example', { name: 'Command-line example' }),
      app('my-app', { name: 'Your own app', origin: ownApp }),
    ],
    ...(users && { users }),
  })
  const door = await server.listen({ port: ports.issuer, apiPort: ports.api, host })
  const closers = [() => door.close()]
  const close = async () => void (await Promise.all(closers.map((end) => end())))
  try {
    const urls = {}
    for (const name of ['vanilla', 'react']) {
      const served = await serveExample(name, { server, port: ports[name], outDir })
      closers.push(served.close)
      urls[name] = served.url
    }
    return {
      server,
      urls: { issuer: door.url, api: door.apiUrl, vanilla: urls.vanilla, react: urls.react },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function serveExample(name, { server, port = 0, outDir }) {
  const common = {
    configFile: false,
    root: new URL(`../examples/${name}`, import.meta.url).pathname,
    build: {
      outDir: outDir ? `${outDir}/${name}` : 'dist',
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
  }
  await build({
    ...common,
    define: {
      // Only a development build of React runs every effect twice under StrictMode, which the example must withstand.
      'process.env.NODE_ENV': '"development"',
      'import.meta.env.VITE_ISSUER': JSON.stringify(server.issuer),
      'import.meta.env.VITE_API': JSON.stringify(server.api.url),
    },
  })
  const served = await preview({
    ...common,
    plugins: [control(server)],
    preview: { host, port, strictPort: true },
  })
  return {
    url: `http://${host}:${served.httpServer.address().port}/`,
    close: () => served.close(),
  }
}

/** What the buttons of the examples do to the reference server. No real app has such a thing. */
function control(server) {
  const orders = {
    '/expire': () => server.expireAccessTokens(),
    '/refuse': () => server.fault('api-401', { path: '/users/me', times: 1 }),
    '/revoke': () => server.revokeSessions(),
  }
  return {
    name: 'control',
    configurePreviewServer({ middlewares }) {
      middlewares.use('/control', (request, response) => {
        const order = orders[request.url]
        const allowed =
          request.method === 'POST' && request.headers['sec-fetch-site'] !== 'cross-site'
        if (order && allowed) order()
        response.statusCode = order ? (allowed ? 204 : 403) : 404
        response.end()
      })
    },
  }
}
