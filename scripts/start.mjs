import { createServer } from 'node:net'
import { startBrowser } from '../examples/cli/open-browser.js'
import { readSettings } from '../examples/server/settings.js'
import { mayOpen } from './may-open.mjs'
import { openSite } from './site.mjs'

// None of them is a port that a development server takes by default: the visitor's own app runs beside these.
const variables = {
  issuer: { name: 'ISSUER_PORT', port: 4280 },
  api: { name: 'API_PORT', port: 4281 },
  vanilla: { name: 'VANILLA_PORT', port: 4282 },
  react: { name: 'REACT_PORT', port: 4283 },
  server: { name: 'SERVER_PORT', port: 4284 },
  playground: { name: 'PLAYGROUND_PORT', port: 4285 },
}

const args = process.argv.slice(2)
const problems = []
const ports = {}
for (const [what, { name, port }] of Object.entries(variables)) {
  const text = process.env[name] ?? String(port)
  ports[what] = Number(text)
  const problem = /^\d+$/.test(text) ? await tryPort(ports[what]) : 'is not a port number'
  if (problem)
    problems.push(`${name}=${text} ${problem}; choose another: ${name}=${port + 100} npm start`)
}
const ownApp = process.env.APP_ORIGIN ?? 'http://localhost:5173'
if (!URL.canParse(ownApp) || new URL(ownApp).origin !== ownApp)
  problems.push(`APP_ORIGIN=${ownApp} is not an origin such as http://localhost:5173`)
let settings
try {
  settings = readSettings(args.filter((arg) => arg !== '--no-open'))
} catch ({ message }) {
  problems.push(message)
}
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}

const site = await openSite(ports, { ownApp, settings })
const { urls } = site
const stop = () => void site.close().finally(() => process.exit(0))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)

console.log(`
  Playground             ${urls.playground}

  1. Press "Sign in", as ada with the password lovelace, and click the steps: every message between the app and the server.
  2. Press "API answers 401": the token is renewed, and the app does not notice.
  3. Press "Steal the code": somebody else has it, and cannot use it.

  Vanilla example        ${urls.vanilla}
  React example          ${urls.react}
  Server example         ${urls.server}
  Authorization server   ${urls.issuer}/.well-known/openid-configuration
  API                    ${urls.api}public

In each example, press "Sign in", and sign in as ada with the password lovelace (or as grace with hopper).

npm start -- --no-open does not open the playground in the browser.

The server example keeps the tokens on a back end; npm start -- --store redis --machines 3 --client certificate
(examples/server/README.md).

An example for the command line, in another terminal (sign-in, then me, then sign-out):

  ISSUER=${urls.issuer} API=${urls.api} node examples/cli/cli.js sign-in

Your own app can use this server as well, if it runs at ${ownApp}. Its options:

  issuer: '${urls.issuer}',
  clientId: 'my-app',
  redirectUri: '${ownApp}/callback',
  postSignOutRedirectUri: '${ownApp}/',
  scope: 'openid profile offline_access orders:read',
  resources: ['${urls.api}'],

If it runs somewhere else, say so: APP_ORIGIN=http://localhost:3000 npm start
The ports above are set with ${Object.values(variables)
  .map(({ name }) => name)
  .join(', ')}. Ctrl-C stops everything.
`)
const { env, platform, stdout } = process
if (mayOpen({ args, env, platform, isTerminal: Boolean(stdout.isTTY) }))
  startBrowser(urls.playground)

/** What is wrong with a port, if anything. */
function tryPort(port) {
  return new Promise((resolve) => {
    if (port > 65535) return resolve('is not a port number')
    const probe = createServer()
    probe.once('error', ({ code }) =>
      resolve(code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${code})`),
    )
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(undefined)))
  })
}
