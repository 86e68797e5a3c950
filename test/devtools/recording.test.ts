import { describe, expect, test, vi } from 'vitest'
import { dpop, popup, pushedRequests, redirect } from '../../src/index.ts'
import { createDevtools } from '../../src/devtools/index.ts'
import type { Devtools, Message } from '../../src/devtools/index.ts'
import { explainValue } from '../../src/devtools/explain.ts'
import { withIndexedDb } from '../support/dpop.ts'
import { endSession } from '../support/end-session.ts'
import { usersMe } from '../support/refreshes.ts'
import { createRecordedWorld, linesOf } from '../support/recorded-world.ts'
import type { RecordedWorld } from '../support/recorded-world.ts'
import { windowWorld } from '../support/windows.ts'
import { rejection } from '../support/world.ts'

const signIn = [
  'app -> client: sign in (redirect)',
  'client -> server: GET /.well-known/openid-configuration',
  'server -> client: 200',
  'note: makes verifier, challenge, state, nonce [code_verifier state nonce code_challenge]',
  'client => server: GET /authorize [response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method]',
  'user -> server: signs in at the server',
  'server => client: 302 /callback [code state iss] +++',
  'client -> server: GET /jwks',
  'client -> server: POST /token [redirect_uri code code_verifier grant_type client_id] +++',
  'server -> client: 200 1 key',
  'server -> client: 200 tokens [access_token token_type expires_in scope id_token refresh_token]',
  'note: ✓ ID token: 7 checks passed +++++++',
  'client -> app: session: signed-in',
]

withIndexedDb()

/** What was recorded meanwhile. */
async function since(world: RecordedWorld, action: () => Promise<unknown>): Promise<string[]> {
  const { length } = world.steps()
  await action()
  await world.clock.settle()
  return linesOf(world.steps().slice(length))
}

const failedChecks = (devtools: Devtools): string[] =>
  devtools.recording
    .steps()
    .flatMap((step) => ('checks' in step ? step.checks : []))
    .filter(({ holds }) => !holds)
    .map(({ text }) => text)

test('a redirect sign-in is one diagram, with every message, value and check', async () => {
  const world = createRecordedWorld()
  await world.signIn()
  expect(linesOf(world.steps())).toEqual(signIn)
  expect(failedChecks(world.devtools)).toEqual([])
})

test('a 401 of the API is seen, the refresh behind it, and the call that is sent again', async () => {
  const world = createRecordedWorld()
  const auth = await world.signIn()
  world.server.fault('api-401', { path: '/users/me', times: 1 })
  const seen = await since(world, () => auth.fetch(`${usersMe}?secret=1`))
  expect(seen.filter((line) => !line.includes('.well-known'))).toEqual([
    'client -> api: GET /users/me [Authorization]',
    'api -x client: 401 invalid_token [www-authenticate]',
    'server -> client: 200',
    'client -> server: POST /token [refresh_token grant_type client_id]',
    'server -> client: 200 new tokens [access_token token_type expires_in scope id_token refresh_token]',
    'note: ✓ ID token: 6 checks passed ++++++',
    'client -> api: GET /users/me, again [Authorization]',
    'api -> app: 200',
  ])
  expect(world.devtools.recording.toJson()).not.toContain('secret=1')
})

test('one value can be followed through the steps that carry it', async () => {
  const world = createRecordedWorld()
  const auth = await world.signIn()
  await auth.fetch(usersMe)
  const carriers = (kind: string) => {
    const marks = world
      .steps()
      .flatMap((step) =>
        'values' in step
          ? step.values
              .filter((value) => value.kind === kind)
              .map((value) => ({ step: step.label, mark: value.fingerprint }))
          : [],
      )
    return marks.filter(({ mark }) => mark === marks[0]?.mark).map(({ step }) => step)
  }
  expect(carriers('state')).toEqual([
    'makes verifier, challenge, state, nonce',
    'GET /authorize',
    '302 /callback',
  ])
  expect(carriers('code')).toEqual(['302 /callback', 'POST /token'])
  expect(carriers('access')).toEqual(['200 tokens', 'GET /users/me'])
  expect(carriers('nonce')).toEqual([
    'makes verifier, challenge, state, nonce',
    'GET /authorize',
    '✓ ID token: 7 checks passed',
  ])
})

test('signing out is seen: the revocation, and the way to the server and back', async () => {
  const world = createRecordedWorld({
    client: { postSignOutRedirectUri: 'https://app.example.com/' },
  })
  const auth = await world.signIn()
  const seen = await since(world, () => auth.signOut())
  expect(seen).toEqual([
    'client -> app: session: signed-out (signed-out)',
    'client -> server: POST /revoke [token client_id]',
    'server -> client: 200',
    'client -> server: POST /revoke [token client_id]',
    'server -> client: 200',
    `client => server: GET ${endSession(world).pathname} [id_token_hint client_id post_logout_redirect_uri state]`,
  ])
  const revoked = world
    .steps()
    .flatMap((step) => ('values' in step ? step.values.filter(({ name }) => name === 'token') : []))
  expect(revoked.map(({ kind }) => kind)).toEqual(['refresh', 'access'])
})

test('a pushed request and DPoP proofs are read and checked like the plain flow', async () => {
  const world = createRecordedWorld({ client: { use: [pushedRequests(), dpop()] } })
  const auth = await world.signIn()
  await auth.fetch(usersMe)
  const lines = linesOf(world.steps())
  expect(lines).toContainEqual(
    expect.stringMatching(/^client -> server: POST \/par \[.*DPoP.*code_challenge.*\]/),
  )
  expect(lines).toContain('client => server: GET /authorize [client_id request_uri]')
  expect(lines).toContainEqual(
    expect.stringMatching(/^client -> server: POST \/token \[.*DPoP alg typ .*\] \+{5}$/),
  )
  expect(lines).toContainEqual(
    expect.stringMatching(/^client -> api: GET \/users\/me \[Authorization DPoP .*ath.*\] \+{3}$/),
  )
  expect(failedChecks(world.devtools)).toEqual([])
})

test('a sign-in in a window is one diagram on the page that waits for it', async () => {
  const devtools = createDevtools()
  const client = devtools.observe({
    issuer: 'https://login.example.com',
    clientId: 'production-app',
    navigator: [popup(), redirect()],
    fetch: (input: RequestInfo | URL, init?: RequestInit) => world.server.fetch(input, init),
  })
  const world = windowWorld({ client, navigator: client.navigator[0]! })
  await world.auth.start()
  devtools.show(world.auth)
  const waiting = await world.click()
  await world.finish(waiting)
  await waiting.signedIn
  await world.clock.settle()
  const expected = signIn.map((line) => line.replace('(redirect)', '(popup)'))
  expect(linesOf(devtools.recording.steps()).sort()).toEqual(expected.sort())
})

describe('what is wrong is red', () => {
  test.each([
    ['callback-iss-wrong', 'iss is the issuer that was asked', 'issuer_mismatch'],
    ['id-token-nonce-wrong', 'nonce is the one of the authorization request', 'id_token_invalid'],
    ['id-token-aud-wrong', 'aud has the client_id', 'id_token_invalid'],
    ['id-token-at-hash-wrong', 'at_hash fits the access token', 'id_token_invalid'],
    ['id-token-bad-signature', expect.stringMatching(/^signature: RS256/), 'id_token_invalid'],
    ['id-token-foreign-key', expect.stringMatching(/^signature: RS256/), 'id_token_invalid'],
    ['id-token-alg-none', expect.stringMatching(/^signature: none/), 'id_token_invalid'],
  ] as const)('%s', async (fault, text, code) => {
    const world = createRecordedWorld()
    world.server.fault(fault)
    expect(await rejection(world.signIn())).toMatchObject({ code })
    await world.clock.settle()
    expect(failedChecks(world.devtools)).toContainEqual(text)
    expect(linesOf(world.steps())).toContain(`client -x app: ${code}`)
  })

  test('a signature that is no base64url', async () => {
    const world = createRecordedWorld()
    const published = await world.server.fetch(`${world.server.issuer}/jwks`)
    const { keys } = (await published.json()) as { keys: { kid: string }[] }
    const part = (value: object) => btoa(JSON.stringify(value)).replaceAll('=', '')
    const value = `${part({ alg: 'RS256', kid: keys[0]!.kid })}.${part({ sub: 'ada' })}.%%%`
    world.server.fault('id-token-garbage', { value })
    expect(await rejection(world.signIn())).toMatchObject({ code: 'id_token_invalid' })
    await world.clock.settle()
    expect(failedChecks(world.devtools)).toContainEqual(expect.stringMatching(/^signature: RS256/))
  })

  test('a callback that nobody asked for, and one that is loaded again', async () => {
    const world = createRecordedWorld()
    await world.signIn()
    const { navigations } = world.tab
    const callback = await world.depart()
    world.load(world.tab, callback)
    world.load(world.tab, callback)
    world.load(world.tab, callback.replace(/state=[^&]+/, 'state=foreign'))
    expect(failedChecks(world.devtools)).toEqual([
      'state was not used before',
      'state is one of a sign-in that began here',
    ])
    expect(navigations.length).toBe(2)
  })

  test('a client that sends another verifier, and one that takes a foreign ID token', async () => {
    const devtools = createDevtools()
    const world = createRecordedWorld({}, devtools)
    const { server } = world
    // The code of this client is wrong, and it thinks all is well.
    const wrong = devtools.observe({ ...world.options, ...world.tab.ports })
    const auth = world.client()
    const { url } = await auth.createAuthorizationUrl()
    wrong.host.navigate(url.href)
    server.fault('ignore-pkce')
    server.fault('id-token-nonce-wrong')
    const callback = new URL(await server.authorize(url, { jar: world.jar }))
    world.tab.load(callback.href)
    devtools.observe({ ...world.options, ...world.tab.ports })
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'production-app',
      code: callback.searchParams.get('code')!,
      redirect_uri: world.options.redirectUri,
      code_verifier: 'another-verifier-of-somebody-who-has-stolen-a-code',
    })
    const answer = await wrong.fetch!(`${server.issuer}/token`, { method: 'POST', body })
    expect(answer.status).toBe(200)
    await world.clock.settle()
    expect(failedChecks(devtools)).toEqual([
      'SHA-256(code_verifier) is the code_challenge of the authorization request',
      'nonce is the one of the authorization request',
    ])
  })
})

test('a server that is down, and a request that gets no answer', async () => {
  const world = createRecordedWorld()
  const auth = await world.signIn()
  world.server.fault('try-later', { path: '/token', times: 1 })
  const seen = await since(world, () => rejection(auth.refresh()))
  expect(seen).toContainEqual(expect.stringMatching(/^server -x client: 503 .*retry-after/))
  expect(seen).toContainEqual(
    expect.stringMatching(/^note: the refresh failed: server_error, tried again later$/),
  )
  await world.clock.advance(600_000)
  world.server.fault('network-error', { path: '/users/me' })
  const unanswered = await since(world, () => rejection(auth.fetch(usersMe)))
  expect(unanswered.at(-1)).toBe('api -x client: no answer')
})

test('every value that was recorded is explained', async () => {
  const world = createRecordedWorld({
    client: { use: [pushedRequests(), dpop()], postSignOutRedirectUri: 'https://app.example.com/' },
  })
  const params = {
    prompt: 'consent',
    loginHint: 'ada',
    maxAge: 600,
    acrValues: 'pwd',
    uiLocales: 'en',
  }
  const auth = await world.signIn(world.tab, { params })
  await auth.fetch(usersMe)
  await auth.getUserInfo()
  await auth.refresh()
  await auth.signOut()
  world.server.fault('callback-error', { error: 'access_denied' })
  await rejection(world.signIn())
  const values = world.steps().flatMap((step) => ('values' in step ? step.values : []))
  const unknown = values.filter((value) => !explainValue(value)).map(({ name }) => name)
  expect([...new Set(unknown)]).toEqual([])
})

test('ports of a class stay what they are', async () => {
  const world = createRecordedWorld()
  class OwnFetch {
    #count = 0
    readonly send: typeof fetch = (input, init) => {
      this.#count += 1
      return world.server.fetch(input, init)
    }
    get count() {
      return this.#count
    }
  }
  class OwnNavigator {
    #inner = redirect()
    open(...given: Parameters<ReturnType<typeof redirect>['open']>) {
      return this.#inner.open(...given)
    }
  }
  const own = new OwnFetch()
  const overrides = { fetch: own.send, navigator: new OwnNavigator() }
  await world.signIn(world.tab, { overrides })
  expect(own.count).toBe(3)
  expect(linesOf(world.steps())).toEqual(signIn)
})

test('at most 500 steps are kept, the latest ones', () => {
  const { recording } = createDevtools()
  for (let count = 1; count <= 600; count += 1) recording.cut(`part ${count}`)
  const labels = recording.steps().map(({ label }) => label)
  expect([labels.length, labels[0], labels.at(-1)]).toEqual([500, 'part 101', 'part 600'])
})

describe('a page that loads again', () => {
  const page = (storage: Partial<Storage>) => {
    vi.stubGlobal('sessionStorage', storage)
    const devtools = createDevtools()
    devtools.observe({ issuer: 'https://login.example.com', clientId: 'app' })
    return devtools
  }
  const storageOf = (map: Map<string, string>) => ({
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
  })

  test('goes on with the recording of its tab', async () => {
    const storage = storageOf(new Map())
    page(storage).recording.cut('before')
    await Promise.resolve()
    const { recording } = page(storage)
    recording.cut('after')
    const [before, after] = recording.steps()
    expect([before?.label, after?.label]).toEqual(['before', 'after'])
    expect(before?.tab).toBe(after?.tab)
  })

  test.each([
    '',
    'no JSON',
    'null',
    '7',
    '{"known":{"tab":"a"},"steps":[{"type":"message"},7,null]}',
  ])('begins anew where it finds %j', (text) => {
    const { recording } = page({ getItem: () => text, setItem: () => {} })
    expect(recording.steps()).toEqual([])
  })

  test.each([
    [
      'is full',
      {
        getItem: () => null,
        setItem: () => {
          throw new Error('QuotaExceededError')
        },
      },
    ],
    [
      'may not be used',
      {
        get getItem(): never {
          throw new Error('SecurityError')
        },
      },
    ],
  ])('records all the same where storage %s', async (_, storage) => {
    const { recording } = page(storage)
    recording.cut('here')
    await Promise.resolve()
    expect(recording.steps()).toHaveLength(1)
  })
})

describe('two tabs', () => {
  test('are one diagram, in which the tabs can be told apart; both are cleared', async () => {
    vi.stubGlobal('document', {})
    const world = createRecordedWorld()
    const other = createRecordedWorld()
    await world.signIn()
    other.client(other.tab)
    world.devtools.recording.cut('in one tab')
    other.devtools.recording.cut('in the other')
    await vi.waitFor(() => {
      const cuts = world.steps().filter(({ type }) => type === 'cut')
      expect(new Set(cuts.map(({ tab }) => tab)).size).toBe(2)
    })
    other.devtools.recording.clear()
    await vi.waitFor(() => expect(world.steps()).toEqual([]))
  })

  test('anything else that a script sends is ignored', async () => {
    vi.stubGlobal('document', {})
    const world = createRecordedWorld()
    world.client()
    const channel = new BroadcastChannel(
      'pkce-client-devtools|https://login.example.com production-app ',
    )
    for (const message of [
      7,
      null,
      'x',
      {},
      { id: 'a', tab: 'b', at: 1, label: 'c', type: 'message' },
    ])
      channel.postMessage(message)
    const step = { id: 'a', tab: 'b', at: 1, label: 'last', type: 'cut' }
    channel.postMessage(step)
    await vi.waitFor(() => expect(world.steps()).toEqual([step]))
    channel.close()
  })
})

test('what an app adds stands between what was recorded', () => {
  const { recording } = createDevtools()
  const heard: number[] = []
  const stop = recording.subscribe(() => heard.push(recording.steps().length))
  recording.cut('You pressed "Call the API"')
  recording.add({ from: 'app', to: 'client', label: 'auth.fetch("/users/me")' })
  recording.verdict('Your code saw one answer: 200.', true)
  stop()
  recording.clear()
  expect(heard).toEqual([1, 2, 3])
  expect(recording.steps()).toEqual([])
})

test('a number of milliseconds is on each answer', async () => {
  const world = createRecordedWorld()
  await world.signIn()
  const answers = world.steps().filter((step): step is Message => 'answers' in step)
  expect(answers.length).toBe(3)
  for (const { milliseconds } of answers) expect(milliseconds).toBeGreaterThanOrEqual(0)
})
