import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { schema } from '../../../src/server/index.ts'
import { createAuthServer } from '../../../src/testing/index.ts'
import type { ChildProcess } from 'node:child_process'
import type { IncomingHttpHeaders } from 'node:http'
import type { AuthServerOptions } from '../../../src/testing/index.ts'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Milliseconds it took. */
  took: number
}

interface Ask {
  method?: string
  headers?: Record<string, string>
}

export type App = Awaited<ReturnType<typeof startApp>>
export type Machine = Awaited<ReturnType<typeof startMachine>>

const agent = new Agent({ maxSockets: Infinity })
let apps = 0

/** An app on three machines, which share a store, and its authorization server, all listening. */
export async function startApp({
  store,
  fallback = false,
  count = 3,
  ...options
}: AuthServerOptions & { store: string; fallback?: boolean; count?: number }) {
  const server = createAuthServer(options)
  const { url, apiUrl, close } = await server.listen()
  const prefix = `machines_${process.pid}_${(apps += 1)}`
  if (store.startsWith('postgres:')) await createTables(store, prefix)
  const told = { issuer: url, api: apiUrl, store, prefix, fallback }
  const machines = await Promise.all(
    Array.from({ length: count }, (_, number) => startMachine({ ...told, number })),
  )
  const refreshes = () =>
    server
      .requestsTo('/token')
      .filter(({ body }) => new URLSearchParams(body).get('grant_type') === 'refresh_token')

  return {
    server,
    machines,
    refreshes,
    /** The number of the machine that sent a request. */
    senderOf: (index: number) => Number(refreshes()[index]?.headers['x-machine']),

    /** A user signs in: away from one machine, back at the other. Resolves to the session cookie. */
    async signIn([from, to] = [machines[0]!, machines[1]!]) {
      const navigation = { 'sec-fetch-mode': 'navigate', accept: 'text/html' }
      const away = await from.ask('/auth/login', { headers: navigation })
      const callback = new URL(await server.authorize(away.headers.location!))
      const cookie = cookieOf(away)
      const headers = { ...navigation, 'sec-fetch-site': 'same-origin', cookie }
      return cookieOf(await to.ask(callback.pathname + callback.search, { headers }))
    },

    /** Requests of one user that need an access token, in equal parts at all machines. */
    requests: (cookie: string, each: number) =>
      machines.flatMap((machine) =>
        Array.from({ length: each }, () => machine.ask('/me', { headers: { cookie } })),
      ),

    async signOut(cookie: string, machine: Machine) {
      const headers = { cookie, 'sec-fetch-site': 'same-origin' }
      const { csrf } = JSON.parse((await machine.ask('/auth/session', { headers })).text)
      const leave = { ...headers, 'x-csrf-token': csrf, 'sec-fetch-mode': 'cors' }
      return machine.ask('/auth/logout', { method: 'POST', headers: leave })
    },

    async close() {
      await Promise.all(machines.map((machine) => machine.kill()))
      await close()
    },
  }
}

async function createTables(connectionString: string, table: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  for (const statement of schema('postgres', { table })) await client.query(statement)
  await client.end()
}

async function startMachine(told: { number: number }) {
  const child: ChildProcess = fork(join(import.meta.dirname, 'machine.js'), {
    env: { ...process.env, MACHINE: JSON.stringify(told) },
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const ask = (path: string, options: Ask = {}) => send({ port, path, ...options })
  return {
    number: told.number,
    ask,
    /** How far its clock is ahead, in milliseconds, and where it stops itself. */
    tell: (facts: { ahead?: number; stops?: 'before' | 'after' }) =>
      ask(`/tell?${new URLSearchParams(facts as Record<string, string>).toString()}`),
    isStopped: () =>
      execFileSync('ps', ['-o', 'state=', '-p', `${child.pid}`], { encoding: 'utf8' })
        .trim()
        .startsWith('T'),
    wake: () => child.kill('SIGCONT'),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const over = once(child, 'exit')
      child.kill('SIGKILL')
      await over
    },
  }
}

/** By hand, because `fetch` says of each request that a script made it. */
function send({ port, path, method = 'GET', headers = {} }: Ask & { port: number; path: string }) {
  const began = Date.now()
  return new Promise<Answer>((resolve, reject) => {
    const sent = httpRequest({ agent, port, path, method, headers, host: '127.0.0.1' })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let text = ''
      response.on('data', (part: Buffer) => (text += part.toString()))
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text, took: Date.now() - began })
      })
      response.on('error', reject)
    })
    sent.end()
  })
}

function cookieOf({ headers }: Answer): string {
  const set = (headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]!)
  const found = set.find((cookie) => !cookie.endsWith('='))
  if (found === undefined) throw new Error('No cookie was set.')
  return found
}

/** How many answers have each status. */
export function countsOf(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 20))
}
