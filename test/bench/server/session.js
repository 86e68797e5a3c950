// What auth.session() costs over the read of the store, and how often the store is asked.
import { createClient } from 'redis'
import { ServerClient, clientSecret, redisSessions } from 'pkce-client/server'
import { createAuthServer } from 'pkce-client/testing'
import { clientId, median, scope, secrets, table } from './world.js'

const redis = createClient({ url: process.env.REDIS_URL })
await redis.connect()

const origin = 'https://app.example.com'
const server = createAuthServer({
  clients: [
    {
      clientId,
      clientSecret: secrets.client,
      kind: 'internal',
      redirectUris: [`${origin}/auth/callback`],
    },
  ],
})
const commands = []
/** Commands that left together are one round trip. */
let trips = 0
let leaving = false
const auth = new ServerClient({
  issuer: server.issuer,
  clientId,
  clientAuthentication: clientSecret(secrets.client),
  baseUrl: origin,
  secret: secrets.app,
  scope,
  resources: [server.api.url],
  fetch: server.fetch,
  sessions: redisSessions((command) => {
    commands.push(command)
    if (!leaving) trips += 1
    leaving = true
    setImmediate(() => (leaving = false))
    return redis.sendCommand(command)
  }),
})

const page = { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' }
const cookiesOf = (response) =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .filter((one) => !one.endsWith('='))
    .join('; ')
const leave = await auth.handle(new Request(`${origin}/auth/login`, { headers: page }))
const callback = await server.authorize(leave.headers.get('location'))
const back = await auth.handle(
  new Request(callback, { headers: { ...page, cookie: cookiesOf(leave) } }),
)
const headers = { cookie: cookiesOf(back) }
const ask = () => auth.session(new Request(`${origin}/`, { headers }))

if ((await ask()).status !== 'signed-in') throw new Error('Nobody is signed in.')
const count = async (task) => {
  commands.length = trips = 0
  const result = await task()
  return { result, trips, names: commands.map(([name]) => name).join(' ') }
}
const warm = await count(ask)
const read = commands.find(([name]) => name === 'GET')
const rounds = 9
const calls = 2000

async function measure(task) {
  const [started, cpu] = [performance.now(), process.cpuUsage()]
  for (let i = 0; i < calls; i++) await task()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: ((performance.now() - started) / calls) * 1000, cpu: (user + system) / calls }
}
const tasks = { bare: () => redis.sendCommand(read), session: ask }
const times = { bare: [], session: [] }
for (const [name, task] of Object.entries(tasks)) await measure(task, name)
for (let round = 0; round < rounds; round++)
  for (const [name, task] of Object.entries(tasks)) times[name].push(await measure(task))
const of = (name, kind) => median(times[name].map((time) => time[kind]))
const over = (kind) => `${Math.round(of('session', kind) - of('bare', kind))} us`

const refresh = await count(() => warm.result.refresh())

table('One request with a fresh token, and one refresh', [
  ['the bare read of the store', `${Math.round(of('bare', 'wall'))} us`],
  ['auth.session(request) over it, wall clock', over('wall'), 'of 100 us'],
  ['auth.session(request) over it, CPU', over('cpu')],
  ['round trips of a request', String(warm.trips), `of 1 (${warm.names})`],
  ['round trips of a refresh', String(refresh.trips), `of 8 (${refresh.names})`],
])
process.exit(0)
