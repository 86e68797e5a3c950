import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createAuthServer } from 'pkce-client/testing'

export const secrets = {
  client: 'the secret of the client',
  app: 'a secret of this app that nobody guesses, long enough for all',
}
export const clientId = 'bench-app'
export const scope = 'openid profile offline_access'

/** The reference server on a port, with one confidential client whose apps may be on these ports. */
export async function startServer(ports, options = {}) {
  const server = createAuthServer({
    clients: [
      {
        clientId,
        clientSecret: secrets.client,
        kind: 'internal',
        environment: 'sandbox',
        redirectUris: ports.flatMap((port) => [
          `http://localhost:${port}/auth/callback`,
          `http://localhost:${port}/callback`,
        ]),
      },
    ],
    ...options,
  })
  const listening = await server.listen({ port: 0 })
  return Object.assign(server, { stop: () => listening.close?.() })
}

/** Token requests with a refresh token, since so many requests. */
export const refreshes = (server, since = 0) =>
  server.requests.slice(since).filter(({ form }) => form?.grant_type === 'refresh_token').length

/** One app in a process of its own. */
export async function startApp(name, { port, origin = `http://localhost:${port}`, server }) {
  const child = fork(join(import.meta.dirname, 'app.js'), [name], {
    env: {
      ...process.env,
      PORT: String(port),
      ORIGIN: origin,
      ISSUER: server.issuer,
      NODE_ENV: 'production',
    },
  })
  await once(child, 'message')
  return { port, origin, stop: () => child.kill() }
}

export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => server.address().port)
  servers.forEach((server) => server.close())
  return ports
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 100 })

/** A request whose headers say exactly what is wanted, which fetch does not allow. */
export function request(url, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { agent, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body }),
      )
    })
    sent.on('error', reject).end()
  })
}

/** Signs ada in at an app; resolves to the Cookie header of her browser. */
export async function signIn(server, { port }, path = '/auth/login') {
  const jar = new Map()
  const visit = async (url) => {
    const local = new URL(url)
    local.port = port
    const response = await request(local, {
      cookie: cookieOf(jar),
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-site': 'none',
    })
    for (const cookie of response.headers['set-cookie'] ?? []) {
      const [name, value] = cookie.split(';')[0].split(/=(.*)/s)
      if (value && !/max-age=0|1970/i.test(cookie)) jar.set(name, value)
      else jar.delete(name)
    }
    return response
  }
  const leave = await visit(`http://localhost:${port}${path}`)
  const callback = await server.authorize(leave.headers.location)
  const back = await visit(callback)
  if (back.status >= 400) throw new Error(`The callback answered ${back.status}: ${back.body}`)
  return cookieOf(jar)
}

const cookieOf = (jar) => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

export function table(title, rows) {
  console.log(`\n${title}`)
  for (const [name, ...values] of rows) console.log(`  ${name.padEnd(58)} ${values.join('  ')}`)
}
