import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { PkceClient, memoryStore } from '../../src/index.ts'
import { createDevtools } from '../../src/devtools/index.ts'
import type { Devtools } from '../../src/devtools/index.ts'
import { seals } from '../../src/testing/faults/fault.ts'
import { tokenRefusals } from '../../src/testing/faults/refusals.ts'
import type { FaultName, FaultOptions } from '../../src/testing/index.ts'
import { usersMe } from '../support/refreshes.ts'
import { createWorld, listen, rejection } from '../support/world.ts'
import type { HeardEvent, World } from '../support/world.ts'

const token = { path: '/token' }
const any = {}

/** What no client in a browser meets. */
type BackEndFault = `logout-token-${string}` | 'introspection-members'

/** Everything that can go wrong at the server, by the names of its faults; the compiler misses none. */
const faults: { [Name in Exclude<FaultName, BackEndFault>]: readonly FaultOptions[Name][] } = {
  respond: ['/token', '/jwks', '/userinfo', '/revoke', '/users/me'].flatMap((path) => [
    { path, status: 400, body: { error: 'invalid_grant', error_description: 'no' } },
    { path, status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } },
    { path, status: 500, body: 'oh' },
  ]),
  'network-error': [token, { path: '/jwks' }, { path: '/userinfo' }, { path: '/revoke' }],
  'drop-response': [token, { path: '/revoke' }],
  hang: [token, { ...token, processed: true }, { path: '/jwks' }, { path: '/revoke' }],
  'slow-headers': [{ ...token, milliseconds: 60_000 }],
  'slow-body': [{ ...token, milliseconds: 14_000 }],
  'infinite-body': [token],
  'token-refused': tokenRefusals.map((as) => ({ as })),
  'try-later': [token, { path: '/userinfo' }],
  'redirect-token': [any],
  'no-cors': [any, token],
  'no-expose-headers': [any],
  'callback-iss-missing': [any],
  'callback-iss-wrong': [any],
  'callback-iss-empty': [any],
  'callback-iss-duplicate': [any],
  'callback-state-missing': [any],
  'callback-state-wrong': [any],
  'callback-state-empty': [any],
  'callback-state-duplicate': [any],
  'callback-code-missing': [any],
  'callback-code-empty': [any],
  'callback-code-wrong': [any],
  'callback-code-duplicate': [any],
  'callback-code-in-fragment': [any],
  'callback-error-and-code': [any],
  'callback-error': [any],
  'callback-error-duplicate': [any],
  'callback-access-token': [any],
  'callback-id-token': [any],
  'callback-parameters': [{ set: { response: 'x' } }, { append: [['response', 'x']] }],
  'id-token-alg-none': [any],
  'id-token-alg-hs256': [any],
  'id-token-alg-other': [any],
  'id-token-bad-signature': [any],
  'id-token-foreign-key': [any],
  'id-token-unknown-kid': [any],
  'id-token-no-kid': [any],
  'id-token-crit': [any],
  'id-token-typ': [any, { typ: 'at+jwt' }],
  'id-token-missing': [any],
  'id-token-garbage': [any, { value: 'a.b.c' }, { value: 7 }],
  'id-token-iss-missing': [any],
  'id-token-iss-wrong': [any],
  'id-token-aud-missing': [any],
  'id-token-aud-wrong': [any],
  'id-token-aud-extra': [any],
  'id-token-aud-array': [any],
  'id-token-azp-wrong': [any],
  'id-token-exp-missing': [any],
  'id-token-exp-past': [any],
  'id-token-iat-missing': [any],
  'id-token-iat-past': [any],
  'id-token-iat-future': [any],
  'id-token-nonce-missing': [any],
  'id-token-nonce-wrong': [any],
  'id-token-nonce-empty': [any],
  'id-token-nonce-array': [any],
  'id-token-sub-missing': [any],
  'id-token-sub-empty': [any],
  'id-token-sub-number': [any],
  'id-token-sub-wrong': [any, { on: 'refresh' }],
  'id-token-auth-time-missing': [any],
  'id-token-auth-time-old': [any],
  'id-token-auth-time-future': [any],
  'id-token-at-hash-wrong': [any],
  'id-token-claims': [{ set: { iat: 'x' } }, { set: { exp: null } }],
  'token-type': [any, { value: 'DPoP' }],
  'token-type-inverted-case': [any],
  'expires-in': [any, { value: -1 }, { raw: 'NaN' }],
  'no-access-token': [any],
  'no-refresh-token': [any],
  'other-resource': [any],
  'granted-scope': [any],
  'error-200': [any],
  'proto-member': [any],
  'duplicate-member': [any],
  'token-members': [{ set: { scope: 7 } }, { set: { token_type: null } }],
  bom: [any],
  'html-200': [any],
  'html-502': [any],
  'empty-200': [any],
  'no-content': [any],
  'json-array': [any],
  'json-null': [any],
  'json-string': [any],
  'truncated-json': [any],
  'wrong-content-type': [any],
  'huge-body': [any],
  'key-rotation': [any],
  'jwks-error': [any],
  'jwks-keys': [{ keys: [] }, { keys: [null, 7, 'x'] }],
  'clock-offset': [{ seconds: 7200 }],
  metadata: [
    { patch: { token_endpoint: 'http://login.example.com/token' } },
    { patch: { issuer: 'https://attacker.example' } },
  ],
  'resource-metadata': [{ patch: { resource: 'https://attacker.example/' } }],
  'ignore-pkce': [any],
  'api-401': [any, { challenge: 'Bearer error="invalid_token"' }],
  'user-info-claims': [{ set: { sub: 'somebody-else' } }, { remove: ['sub'] }],
  'user-info-jwt': seals.map((seal) => ({ seal })),
  'no-coop': [any],
  'silent-page': [any],
  'silent-hangs': [any],
  'dpop-nonce-for-ever': [any],
  'dpop-nonce-rotates': [any],
  'dpop-nonce-hidden': [any],
  'dpop-bearer-answer': [any],
  'insufficient-for-ever': [any, { scope: 'orders:write' }],
  'challenge-hidden': [any],
  'par-expired': [any],
  'par-200': [any],
  'par-status': [any, { status: 429, retryAfter: 30 }],
  'end-session-state-missing': [any],
  'end-session-state-wrong': [any],
  'access-token-claims': [{ set: { aud: 'x' } }],
}
const cases = Object.entries(faults).flatMap(([name, variants]) =>
  variants.map((options) => ({ name: name as FaultName, options })),
)

/** What came out of the client in any way. */
interface Shown {
  errors: unknown[]
  events: HeardEvent[][]
  values: unknown[]
  clients: PkceClient[]
  /** The devtools that watch all of it. */
  devtools: Devtools
}

/** Every secret that was on its way in either direction, by what it is. */
function createCollector() {
  const secrets = new Map<string, string>()
  /** Codes and verifiers that tokens were given for. */
  const spent = new Set<string>()
  const add = (value: string | null | undefined, what: string) => {
    // Shorter ones are made up by faults, and may be part of any word.
    if (value && value.length > 15) secrets.set(value, what)
  }
  return {
    secrets,
    add,
    spent,
    /** Off while answers never end, which nobody can listen to. */
    listening: true,
    /** The tokens in an answer, whatever state it is in. */
    harvest(text: string) {
      for (const [, what, value] of text.matchAll(/"((?:access|refresh|id)_token)":\s*"([^"]+)"/g))
        add(value, what!)
    },
    /** Tokens were given for a code, and nobody can use it again. */
    spend(text: string, form: URLSearchParams) {
      const answer = JSON.parse(text) as { access_token?: unknown } | null
      if (typeof answer?.access_token === 'string')
        for (const name of ['code', 'code_verifier']) spent.add(form.get(name) ?? '')
    },
    /** The way of the person there and back. */
    travel(url: string) {
      const { searchParams, hash } = new URL(url)
      for (const part of [searchParams, new URLSearchParams(hash.slice(1))]) {
        for (const name of ['code', 'nonce', 'access_token', 'id_token', 'id_token_hint'])
          for (const value of part.getAll(name)) add(value, name)
        for (const value of part.getAll('state')) add(value.split('.').at(-1), 'state')
      }
    },
  }
}

type Collector = ReturnType<typeof createCollector>

/** A world that lets nothing pass unseen. */
function watchedWorld(collector: Collector, { devtools }: Shown): World {
  const world = createWorld({ server: { accessTokenLifetime: 60 } })
  const { server } = world
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await server.fetch(input, init)
    if (collector.listening && init?.method === 'POST')
      void response
        .clone()
        .text()
        .then((text) => {
          collector.harvest(text)
          collector.spend(text, init.body as URLSearchParams)
        })
        .catch(() => undefined)
    return response
  }
  Object.assign(world.options, { fetch })
  world.client = (where = world.tab, overrides = {}) => {
    const auth = new PkceClient(
      devtools.observe({ ...world.options, ...where.ports, ...overrides }),
    )
    devtools.show(auth)
    return auth
  }
  return world
}

/** Does it, lets time pass as long as it takes, and writes down what came of it. */
async function attempt(world: World, shown: Shown, work: () => Promise<unknown>): Promise<void> {
  const outcome = { settled: false }
  work()
    .then(
      (value) => shown.values.push(value),
      (error: unknown) => shown.errors.push(error),
    )
    .finally(() => (outcome.settled = true))
  // Time passes only when there is nothing left to do without: cryptography takes some turns.
  for (let round = 1; round < 120 && !outcome.settled; round += 1) {
    await world.clock.settle()
    if (round % 10 === 0) await world.clock.advance(8000)
  }
}

function newClient(world: World, shown: Shown, url: string): PkceClient {
  const client = world.load(world.tab, url)
  shown.clients.push(client)
  shown.events.push(listen(client))
  return client
}

/** Signs in, and comes back; undefined when there was no way back. */
async function signIn(world: World, shown: Shown, collector: Collector) {
  const leaving = newClient(world, shown, '/')
  let url: URL | undefined
  await attempt(world, shown, async () => {
    url = (await leaving.createAuthorizationUrl({ returnTo: '/x' })).url
  })
  if (!url) return leaving
  collector.travel(url.href)
  for (const { verifier, nonce } of world.transactions().values()) {
    collector.add(verifier as string, 'verifier')
    collector.add(nonce as string, 'nonce')
  }
  const callback = await world.server.authorize(url, { jar: world.jar }).catch(() => undefined)
  if (!callback) return leaving
  collector.travel(callback)
  const auth = newClient(world, shown, callback)
  await attempt(world, shown, () => auth.start())
  await attempt(world, shown, () => auth.handleCallback(callback))
  return auth
}

/** All an app can ask of a client. */
async function live(world: World, shown: Shown, auth: PkceClient): Promise<void> {
  const calls = [
    () => auth.getAccessToken().then(() => 'a token'),
    () => auth.fetch(usersMe).then(({ status }) => status),
    () => auth.fetch('https://attacker.example/?a=b'),
    () => auth.getUserInfo(),
    () => auth.refresh(),
    () => auth.refresh(),
    () => auth.fetch(new Request(usersMe, { method: 'POST', body: 'x' })).then(() => 'sent'),
    () => auth.signOut(),
  ]
  for (const call of calls) {
    await attempt(world, shown, call)
    await world.clock.advance(61_000)
  }
}

/** Everything in it, in every way a program would print it. */
function print(value: unknown): string {
  const parts = [
    inspect(value, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    JSON.stringify(value),
  ]
  for (let error = value; error instanceof Error; error = error.cause)
    parts.push(error.message, error.stack ?? '', JSON.stringify(error), String(error))
  return parts.join('\n')
}

function expectSilence(world: World, shown: Shown, collector: Collector): void {
  for (const { form, headers } of world.server.requests) {
    for (const name of ['code', 'code_verifier', 'refresh_token', 'token'])
      collector.add(form?.[name], name)
    collector.add(headers['authorization']?.split(' ')[1], 'access_token')
  }
  const events = shown.events.flat().map(({ facts }) => facts)
  const errors = [
    ...shown.errors,
    ...events.flatMap((facts) => ('error' in facts ? [facts.error] : [])),
  ]
  const said = [...errors, ...shown.clients, ...shown.values].map(print).join('\n')
  const told = said + events.map(print).join('\n')
  const failed = errors.map(print).join('\n')
  const { recording } = shown.devtools
  const recorded = [recording.toJson(), recording.toMermaid()].join('\n')
  expect(recording.steps().length).toBeGreaterThan(1)
  for (const [secret, what] of collector.secrets) {
    // A nonce is part of the claims, and worth nothing once they are there.
    const text = what === 'nonce' ? failed : told
    expect(text.includes(secret), `${what} in what the client shows`).toBe(false)
    if (!collector.spent.has(secret))
      expect(recorded.includes(secret), `${what} in what the devtools keep`).toBe(false)
  }
}

const nothing = (): Shown => ({
  errors: [],
  events: [],
  values: [],
  clients: [],
  devtools: createDevtools(),
})
const endless: FaultName[] = ['infinite-body', 'huge-body', 'hang', 'slow-headers', 'slow-body']

/** Whether the answers of the token endpoint end. */
const isHeard = (name: FaultName, options: object): boolean =>
  !endless.includes(name) || ('path' in options && options.path !== token.path)

describe('no token, code, verifier, nonce or state in an error, an event or the client itself (A-40)', () => {
  it.each(cases)('signing in while the server has $name $options', async ({ name, options }) => {
    const [collector, shown] = [createCollector(), nothing()]
    const world = watchedWorld(collector, shown)
    collector.listening = isHeard(name, options)
    world.server.fault(name, options)
    await live(world, shown, await signIn(world, shown, collector))
    if (world.transactions().size > 0) expect(collector.secrets.size).toBeGreaterThan(2)
    expectSilence(world, shown, collector)
  })

  it.each(cases)('signed in when the server begins $name $options', async ({ name, options }) => {
    const [collector, shown] = [createCollector(), nothing()]
    const world = watchedWorld(collector, shown)
    const auth = await signIn(world, shown, collector)
    expect(shown.errors).toEqual([])
    expect(auth.getSession().status).toBe('signed-in')
    // Code, verifier, nonce, state, and three tokens.
    expect(new Set(collector.secrets.values()).size).toBe(7)
    collector.listening = isHeard(name, options)
    world.server.fault(name, options)
    await world.clock.advance(61_000)
    await live(world, shown, auth)
    expectSilence(world, shown, collector)
  })

  it('nor when a fetch of the app puts the whole request into its errors', async () => {
    const [collector, shown] = [createCollector(), nothing()]
    const world = watchedWorld(collector, shown)
    await signIn(world, shown, collector)
    const { issuer } = world.server
    const metadata = {
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
    }
    const fetch: typeof globalThis.fetch = (_, request) =>
      Promise.reject(
        Object.assign(new Error(`failed: ${inspect(request)}`), {
          request,
          body: String(request?.body as URLSearchParams),
        }),
      )
    await world.clock.advance(61_000)
    const next = world.load(world.tab, '/', { fetch, metadata })
    shown.clients.push(next)
    shown.events.push(listen(next))
    shown.errors.push(await rejection(next.refresh()))
    shown.errors.push(await rejection(next.getUserInfo()))
    expect(shown.errors).toMatchObject([{ code: 'network' }, { code: 'network' }])
    expectSilence(world, shown, collector)
  })

  it('nor when the browser says under which name it could not save, as Chromium does', async () => {
    const world = createWorld()
    let trouble: ((key: string) => DOMException) | undefined
    const store = memoryStore()
    const set = (key: string, value: string) => {
      if (trouble) throw trouble(key)
      return store.set(key, value)
    }
    const overrides = { transactionStore: { ...store, set, volatile: false } }
    const callback = await world.depart(world.tab, { overrides })
    const { searchParams } = new URL(callback)

    trouble = (key) =>
      new DOMException(`Setting the value of '${key}' exceeded the quota.`, 'QuotaExceededError')
    const back = await rejection(world.load(world.tab, callback, overrides).start())
    const leaving = await rejection(world.client(world.tab, overrides).createAuthorizationUrl())
    expect([back, leaving]).toMatchObject(Array(2).fill({ code: 'storage_unavailable' }))
    expect(print(back)).not.toContain(searchParams.get('state'))
    expect(print(leaving)).not.toContain('|tx|')

    // What says nothing of it is there to see.
    trouble = () => new DOMException('The quota has been exceeded.', 'QuotaExceededError')
    expect(
      await rejection(world.client(world.tab, overrides).createAuthorizationUrl()),
    ).toMatchObject({ cause: { name: 'QuotaExceededError' } })
  })
})
