import { customFetch, protectedResourceRequest } from 'oauth4webapi'
import { PkceClient } from 'pkce-client'
import { createAuthServer } from 'pkce-client/testing'

/** Microseconds that a call takes beyond the fetch beneath it: ours, and a fetch written by hand on oauth4webapi. */
export type HotPathTimes = Record<string, { ours: number; glue: number }>

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>
type Call = () => Promise<Response>
type Calls = Record<(typeof variants)[number], Call>

const variants = ['bare', 'ours', 'glue'] as const
const rounds = 301
// Long against the 20 microseconds that browsers round their clocks to, and short against the turns that a busy machine gives.
const sampleMilliseconds = 1.5

const server = createAuthServer()
const api = server.api.url
const path = `${api}users/me`

const answer = new Response('{}')
const stub: Fetch = () => Promise.resolve(answer)

/** A client with a fresh token for this resource, whose requests are answered by the stub. */
async function signedInClient(resource: string): Promise<PkceClient> {
  let platform: typeof fetch = server.fetch
  const auth = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: 'https://app.example.com/callback',
    resources: [resource],
    sessionKey: resource,
    fetch: (input, init) => platform(input, init),
  })
  await server.signInTo(auth)
  platform = stub
  return auth
}

/** The same by hand: a fetch that puts the token on every request, by what oauth4webapi has for it. */
function glueFetch(token: string): Fetch {
  const options = { [customFetch]: (url: string, init: object) => stub(url, init) }
  return (input, init) => {
    const request = input instanceof Request ? input : undefined
    const given = init?.headers ?? request?.headers
    const headers = given && !(given instanceof Headers) ? new Headers(given) : given
    return protectedResourceRequest(
      token,
      init?.method ?? request?.method ?? 'GET',
      new URL(request?.url ?? (input as string | URL)),
      headers,
      (init?.body ?? request?.body) as string | undefined,
      options,
    )
  }
}

/** What is called, through each of the three fetches. */
async function prepareCalls(): Promise<Record<string, Calls>> {
  const whole = await signedInClient(api)
  const limited = await signedInClient(`${api}users/`)
  const glue = glueFetch(await whole.getAccessToken())
  const through = (fetch: Fetch, input: string | URL | Request, init?: RequestInit) => ({
    bare: () => stub(input, init),
    ours: () => fetch(input, init),
    glue: () => glue(input, init),
  })
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  const post = { method: 'POST', body: '{"amount":1}' }
  return {
    'GET, string': through(whole.fetch, path),
    'GET, URL': through(whole.fetch, new URL(path)),
    'GET, Request': through(whole.fetch, new Request(path)),
    'GET, string, entry with a path': through(limited.fetch, path),
    'POST, plain headers': through(whole.fetch, path, { ...post, headers }),
    'POST, Headers': through(whole.fetch, path, { ...post, headers: new Headers(headers) }),
  }
}

async function time(call: Call, calls: number): Promise<number> {
  const begin = performance.now()
  for (let count = 0; count < calls; count += 1) await call()
  return performance.now() - begin
}

/** How many calls fill a sample; trying it out warms the code up as well. */
async function callsPerSample(call: Call): Promise<number> {
  let calls = 100
  while ((await time(call, calls)) < sampleMilliseconds * 10) calls *= 2
  return Math.ceil(calls / 10)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Medians of many rounds. In each, the three are timed in turn, so that whatever else is going on meets all alike. */
async function compare(calls: Calls): Promise<{ ours: number; glue: number }> {
  const entries: { call: Call; size: number; times: number[] }[] = []
  for (const variant of variants) {
    const call = calls[variant]
    entries.push({ call, size: await callsPerSample(call), times: [] })
  }
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < entries.length; turn += 1) {
      const { call, size, times } = entries[(round + turn) % entries.length]!
      // What the one before left to clear away is not to be paid for by this one.
      await time(call, size / 4)
      times.push(((await time(call, size)) * 1000) / size)
    }
  }
  const [bare, ours, glue] = entries.map(({ times }) => times)
  const beyondBare = (times: number[]) => median(times.map((one, round) => one - bare![round]!))
  return { ours: beyondBare(ours!), glue: beyondBare(glue!) }
}

export async function measureHotPath(): Promise<HotPathTimes> {
  const times: HotPathTimes = {}
  for (const [name, calls] of Object.entries(await prepareCalls()))
    times[name] = await compare(calls)
  return times
}
