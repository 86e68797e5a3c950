// Requests per second of a route that asks for the session, and what the app's process spends on one.
import { freePorts, median, request, signIn, startApp, startServer, table } from './world.js'

const names = [
  'pkce-client',
  'openid-client and Redis by hand',
  'pkce-client on Express',
  'express-openid-connect',
]
const rounds = 5
const count = 2000
const parallel = 32

const ports = await freePorts(names.length)
const server = await startServer(ports)
const apps = []
for (const [at, name] of names.entries()) {
  const app = await startApp(name, { port: ports[at], server })
  apps.push({ ...app, name, cookie: await signIn(server, app), seconds: [], cpu: [] })
}

async function load({ port, cookie }) {
  let left = count
  const worker = async () => {
    while (left-- > 0) {
      const { status, body } = await request(`http://localhost:${port}/me`, { cookie })
      if (status !== 200 || !body.includes('"sub"')) throw new Error(`${status} ${body}`)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}

const cpuOf = async ({ port }) => Number((await request(`http://localhost:${port}/cpu`)).body)

for (const app of apps) await load(app)
// In turns, so that what else the machine does falls on all of them.
for (let round = 0; round < rounds; round++) {
  for (const app of apps) {
    const [spent, started] = [await cpuOf(app), performance.now()]
    await load(app)
    app.seconds.push((performance.now() - started) / 1000)
    app.cpu.push(((await cpuOf(app)) - spent) / count)
  }
}
table(
  `A route that asks for the session, Redis, ${parallel} at a time`,
  apps.map(({ name, seconds, cpu }) => [
    name,
    `${String(Math.round(count / median(seconds))).padStart(6)} requests/s`,
    `${String(Math.round(median(cpu))).padStart(5)} us of CPU per request`,
  ]),
)
for (const app of apps) app.stop()
process.exit(0)
