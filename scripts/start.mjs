import { createServer } from 'node:net'
import { openSite } from './site.mjs'

const variables = {
  issuer: { name: 'ISSUER_PORT', port: 4000 },
  api: { name: 'API_PORT', port: 4001 },
  vanilla: { name: 'VANILLA_PORT', port: 5173 },
  react: { name: 'REACT_PORT', port: 5174 },
}

const problems = []
const ports = {}
for (const [what, { name, port }] of Object.entries(variables)) {
  const text = process.env[name] ?? String(port)
  ports[what] = Number(text)
  const problem = /^\d+$/.test(text) ? await tryPort(ports[what]) : 'is not a port number'
  if (problem)
    problems.push(`${name}=${text} ${problem}; choose another: ${name}=${port + 100} npm start`)
}
if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}

const site = await openSite(ports)
const { urls } = site
const stop = () => void site.close().finally(() => process.exit(0))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)

console.log(`
  Vanilla example        ${urls.vanilla}
  React example          ${urls.react}
  Authorization server   ${urls.issuer}/.well-known/openid-configuration
  API                    ${urls.api}public

Open an example, press "Sign in", and sign in as ada with the password lovelace (or as grace with hopper).
The ports are set with ${Object.values(variables)
  .map(({ name }) => name)
  .join(', ')}. Ctrl-C stops everything.
`)

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
