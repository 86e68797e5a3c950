import { serve } from '@hono/node-server'
import { clientCertificate, clientSecret } from 'pkce-client/server'
import { createApp } from './app.js'
import { createAuth, logTo } from './auth.js'
import { createLimits } from './limits.js'
import { openStore } from './stores.js'

/**
 * @typedef {object} Machine
 * @property {string} issuer
 * @property {string} api
 * @property {string} baseUrl
 * @property {number} port where this process listens
 * @property {string} secret the same in all processes
 * @property {string} built where the React page was built to
 * @property {import('./settings.js').Settings} settings
 * @property {import('./credentials.js').Credentials} credentials
 * @property {boolean} behindProxy
 * @property {boolean} [quiet] writes no log
 */

/**
 * One process of the app: connects to its store, and listens.
 * @param {Machine} machine
 */
export async function startMachine({ settings, credentials, ...machine }) {
  const { issuer, api, baseUrl, secret, quiet = false } = machine
  const { client, perHour, perDay, development } = settings
  const store = await openStore(settings.store)
  const auth = createAuth({
    issuer,
    api,
    baseUrl,
    secret,
    clientAuthentication: methodOf(credentials),
    sessions: store.sessions,
  })
  if (!quiet) logTo(auth, console.log)
  const app = createApp({
    ...machine,
    auth,
    limits: createLimits({ perHour, perDay, limiter: store.limiter }),
    development,
    about: { machine: String(process.pid), store: settings.store, client },
  })
  const server = serve({ fetch: app.fetch, port: machine.port, hostname: '127.0.0.1' })
  await new Promise((listening, failed) =>
    server.once('listening', listening).once('error', failed),
  )
  return {
    port: /** @type {import('node:net').AddressInfo} */ (server.address()).port,
    async close() {
      await new Promise((closed) => {
        server.close(closed)
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
      auth.close()
      await store.close()
    },
  }
}

/** @param {import('./credentials.js').Credentials} credentials */
function methodOf({ secret, certificate, privateKey }) {
  if (certificate && privateKey) return clientCertificate({ certificate, privateKey })
  return secret ? clientSecret(secret) : undefined
}

// As a process of its own, it is told everything in one message, and says when it listens.
if (process.send && process.argv[1] === import.meta.filename)
  process.once('message', async (machine) => {
    process.once('disconnect', () => process.exit())
    const { port } = await startMachine(/** @type {Machine} */ (machine))
    process.send?.({ port })
  })
