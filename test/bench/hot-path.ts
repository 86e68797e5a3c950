import { customFetch, protectedResourceRequest } from 'oauth4webapi'
import { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'
import { Bench } from 'tinybench'
import { hotPathBudgets } from './budgets.ts'
import { heading, row } from './report.ts'

// One call is too short to be timed alone.
const callsPerSample = 200
const rounds = 5

const server = createAuthServer()
const resource = `${server.api.url}users/me`
const url = new URL(resource)
const post = {
  method: 'POST',
  body: '{"amount":1}',
  headers: { 'content-type': 'application/json', accept: 'application/json' },
} satisfies RequestInit

const answer = new Response('{}')
const bare: typeof fetch = () => Promise.resolve(answer)

let platform: typeof fetch = server.fetch
const auth = new PkceClient({
  issuer: server.issuer,
  clientId: 'production-app',
  redirectUri: 'https://app.example.com/callback',
  resources: [server.api.url],
  fetch: (input, init) => platform(input, init),
})
await server.signInTo(auth)
const token = await auth.getAccessToken()
platform = bare

const glue = (method: string, { headers, body }: { headers?: Headers; body?: string } = {}) =>
  protectedResourceRequest(token, method, new URL(resource), headers, body, {
    [customFetch]: () => Promise.resolve(answer),
  })

type Call = () => Promise<Response>
const calls: Record<keyof typeof hotPathBudgets, { bare: Call; ours: Call; glue: Call }> = {
  'GET, string': {
    bare: () => bare(resource),
    ours: () => auth.fetch(resource),
    glue: () => glue('GET'),
  },
  'GET, URL': {
    bare: () => bare(url),
    ours: () => auth.fetch(url),
    glue: () => glue('GET'),
  },
  'POST, plain headers': {
    bare: () => bare(resource, post),
    ours: () => auth.fetch(resource, post),
    glue: () => glue('POST', { headers: new Headers(post.headers), body: post.body }),
  },
}

/** Microseconds per call: the least of several rounds, since other work on the machine only ever adds. */
async function measure(): Promise<Map<string, number>> {
  const best = new Map<string, number>()
  for (let round = 0; round < rounds; round += 1) {
    const bench = new Bench({ time: 200, warmupTime: 50 })
    for (const [name, variants] of Object.entries(calls)) {
      for (const [variant, call] of Object.entries(variants)) {
        bench.add(`${name}: ${variant}`, async () => {
          for (let count = 0; count < callsPerSample; count += 1) await call()
        })
      }
    }
    for (const { name, result } of await bench.run()) {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`)
      const microseconds = (result.latency.p50 * 1000) / callsPerSample
      best.set(name, Math.min(microseconds, best.get(name) ?? Infinity))
    }
  }
  return best
}

const times = await measure()
heading('Hot path: what a call with a fresh token adds to the fetch beneath it')
for (const [name, budget] of Object.entries(hotPathBudgets)) {
  const [base, ours, theirs] = ['bare', 'ours', 'glue'].map((kind) =>
    times.get(`${name}: ${kind}`)!,
  )
  const added = ours! - base!
  row(name, {
    value: `${added.toFixed(2)} us`,
    budget: `${budget.toFixed(1)} us`,
    ok: added <= budget,
    notes: [
      `${(ours! / base!).toFixed(1)} x bare fetch`,
      `${(added / (theirs! - base!)).toFixed(2)} x oauth4webapi glue (${(theirs! - base!).toFixed(2)} us)`,
    ],
  })
}
