import { keepingPage } from '../../support/navigators.ts'
import fc from 'fast-check'
import { tokenRefusals } from '../../../src/testing/faults/refusals.ts'
import { turn } from './quick-clock.ts'
import { echo, elsewhere, lapse, ownBills, ownerOf, usersMe } from './stage.ts'
import { secondApi } from './wire.ts'
import { redirect } from '../../../src/index.ts'
import type { Navigator } from '../../../src/index.ts'
import type { Actor, Stage, World } from './stage.ts'
import type { Fate } from './wire.ts'

/** Something that happens: what, in which tab, and how much of it. */
export type Step = readonly [what: string, which: number, amount: number]

type Play = (stage: Stage, actor: Actor, amount: number) => unknown

const token = { path: '/token', times: 1 }
const second = 1000
const day = 86_400 * second

/** An app in the tab asks for something, and waits for as long as it takes. */
function ask(stage: Stage, actor: Actor, work: () => Promise<unknown>): void {
  if (actor.state !== 'running') return
  const asked = { by: actor, done: false }
  stage.asked.push(asked)
  void work()
    .catch((error: unknown) => actor.history.rejected(error))
    .then(() => (asked.done = true))
}

async function call({ calls }: Stage, actor: Actor, url = usersMe): Promise<void> {
  const { auth, history } = actor
  const session = auth.getSession()
  const made = { url, owner: ownerOf(actor) }
  const response = await calls.make(made, (to) => auth.fetch(to))
  const { sub } = response?.ok ? ((await response.json()) as { sub: string }) : {}
  if (session.status === 'signed-in' && sub !== undefined)
    history.answered({ asked: session.claims?.sub, got: sub })
}

/** The body is in a Request, which is read when it is sent, or beside the URL. */
async function send({ calls }: Stage, actor: Actor, amount: number): Promise<void> {
  const body = `order ${amount}`
  const init = { method: 'POST', body }
  await calls.make({ url: echo, body, owner: ownerOf(actor) }, (to) =>
    amount % 2 ? actor.auth.fetch(to, init) : actor.auth.fetch(new Request(to, init)),
  )
}

async function signIn(stage: Stage, { auth }: Actor, how: { user: string; scope?: string }) {
  const { url } = await auth.createAuthorizationUrl(how.scope ? { scope: how.scope } : {})
  await auth.handleCallback(await stage.server.authorize(url, { username: how.user }))
}

/** A navigator that does not leave the page, and comes back at once. */
const navigator = ({ server }: Stage, user: string): Navigator =>
  keepingPage(async ({ url }) => new URL(await server.authorize(url, { username: user })))

async function signInTwice(stage: Stage, { auth, history }: Actor): Promise<void> {
  const calls = ['ada', 'grace'].map((user) => auth.signIn({ navigator: navigator(stage, user) }))
  for (const { reason } of (await Promise.allSettled(calls)) as { reason?: unknown }[])
    if (reason) history.rejected(reason)
}

/** The page is left, and another one is loaded with the answer. */
async function signInByRedirect(stage: Stage, actor: Actor): Promise<void> {
  const { tab, deaf, history } = actor
  if (actor.state !== 'running') return
  const before = tab.navigations.length
  ask(stage, actor, () => {
    const params = { navigator: redirect() }
    return Promise.race([actor.auth.signIn(params), actor.auth.signIn(params)])
  })
  await stage.clock.settle()
  const url = tab.navigations.slice(before).find((place) => place.includes('/authorize?'))
  if (url === undefined || !stage.actors.includes(actor)) return
  const callback = await stage.server.authorize(url, { username: 'ada' })
  forget(stage, actor)
  tab.load(callback)
  const next = stage.openTab({ tab, deaf, history })
  ask(stage, next, () => next.auth.start())
}

async function signOut({ auth, history }: Actor, redirect = false): Promise<void> {
  const done = history.signingOut()
  await auth.signOut({ redirect })
  done()
}

/** The later wish wins: the sign-in under way does not outlive the sign-out. */
async function signOutBesideCallback(stage: Stage, actor: Actor, amount: number): Promise<void> {
  const { auth, history } = actor
  const { url } = await auth.createAuthorizationUrl()
  const callback = await stage.server.authorize(url, { username: 'ada' })
  const finishing = auth.handleCallback(callback).catch((error: unknown) => history.rejected(error))
  for (let turns = amount % 16; turns > 0; turns -= 1) await turn()
  await signOut(actor)
  await finishing
  history.outlived(stage.wire.familyOfCode(new URL(callback).searchParams.get('code')!))
}

/** The page is gone, with all its clients, and with it whatever the app waited for. */
function forget(stage: Stage, { tab }: Actor): void {
  const gone = stage.actors.filter((other) => other.tab === tab)
  for (const actor of gone) actor.lapses += 1
  stage.actors = stage.actors.filter((other) => !gone.includes(other))
  for (const asked of stage.asked) if (gone.includes(asked.by)) asked.done = true
}

function leave(stage: Stage, actor: Actor, how: 'crash' | 'close'): void {
  if (stage.actors.every(({ tab }) => tab === actor.tab)) return
  forget(stage, actor)
  actor.tab[how]()
}

function reload(stage: Stage, actor: Actor): void {
  const { tab, deaf, history } = actor
  if (actor.state === 'away') return
  forget(stage, actor)
  tab.load('/')
  stage.openTab({ tab, deaf, history })
}

/** The person duplicates the tab, with the contents of its own store if it has one. */
export function copy(stage: Stage, { tab, deaf, history, state }: Actor): void {
  if (stage.actors.length < 5 && state !== 'away')
    stage.openTab({ tab: tab.duplicate(), deaf, history: history.copy() })
}

export function comeBack(stage: Stage, actor: Actor): void {
  const { tab, state } = actor
  const clients = stage.actors.filter((other) => other.tab === tab)
  for (const client of clients) client.state = 'running'
  if (state === 'frozen') {
    tab.resume()
    // A wake-up that the freeze interrupted goes on now, and lifts whatever back-off it finds.
    for (const client of clients) client.woken()
  }
  if (state === 'away') {
    try {
      tab.restoreFromBackForwardCache()
    } catch {
      // The browser did not keep it: it held a lock.
      forget(stage, actor)
      tab.load('/')
      stage.openTab({ tab, deaf: actor.deaf, history: actor.history })
    }
  }
}

const usual: Record<string, Play> = {
  'calls the API': (stage, actor) => ask(stage, actor, () => call(stage, actor)),
  'sends something to the API': (stage, actor, amount) =>
    ask(stage, actor, () => send(stage, actor, amount)),
  'calls the second API': (stage, actor) => ask(stage, actor, () => call(stage, actor, ownBills)),
  'calls both APIs': (stage, actor) =>
    ask(stage, actor, () => Promise.all([call(stage, actor), call(stage, actor, ownBills)])),
  'wants a token for the second API': (stage, actor) =>
    ask(stage, actor, () => actor.auth.getAccessToken({ for: ownBills, minValidity: 800 })),
  refreshes: (stage, actor) => ask(stage, actor, () => actor.auth.refresh()),
  'wants a token that lasts': (stage, actor) =>
    ask(stage, actor, () => actor.auth.getAccessToken({ minValidity: 800 })),
  'calls somebody else': (stage, actor) => ask(stage, actor, () => actor.auth.fetch(elsewhere)),
  'wakes up': (_, { tab }) => tab.wake(),
  'a moment passes': ({ clock }, _, amount) => clock.advance(amount),
  'half a minute passes': ({ clock }, _, amount) => clock.advance(amount * 60),
  'the token expires': ({ clock }, _, amount) => clock.advance(900 * second + amount),
}

const tabs: Record<string, Play> = {
  'is opened': (stage, _, amount) =>
    stage.actors.length < 5 && stage.openTab({ deaf: amount % 4 === 0 }),
  'is reloaded': reload,
  'is closed': (stage, actor) => leave(stage, actor, 'close'),
  crashes: (stage, actor) => leave(stage, actor, 'crash'),
  'has another client': (stage, { tab, deaf, history, state }) => {
    const clients = stage.actors.filter((other) => other.tab === tab)
    if (state === 'running' && clients.length < 2) stage.openTab({ tab, deaf, history })
  },
  freezes: (stage, { tab, state }) => {
    if (state !== 'running') return
    for (const client of stage.actors) if (client.tab === tab) lapse(client, 'frozen')
    tab.freeze()
  },
  'is left for another page': (stage, { tab, state }) => {
    if (state !== 'running') return
    for (const client of stage.actors) if (client.tab === tab) lapse(client, 'away')
    tab.ports.host.navigate('https://elsewhere.example/')
  },
  'comes back': comeBack,
}

const people: Record<string, Play> = {
  'signs in': (stage, actor) => ask(stage, actor, () => signIn(stage, actor, { user: 'ada' })),
  'signs in as somebody else': (stage, actor) =>
    ask(stage, actor, () => signIn(stage, actor, { user: 'grace' })),
  'signs in for now': (stage, actor) =>
    ask(stage, actor, () => signIn(stage, actor, { user: 'ada', scope: 'openid' })),
  'signs in twice at once': (stage, actor) => ask(stage, actor, () => signInTwice(stage, actor)),
  'signs in by redirect': signInByRedirect,
  'signs out': (stage, actor) => ask(stage, actor, () => signOut(actor)),
  'signs out at the server': (stage, actor) => ask(stage, actor, () => signOut(actor, true)),
  'signs out while a sign-in is finished': (stage, actor, amount) =>
    ask(stage, actor, () => signOutBesideCallback(stage, actor, amount)),
  'sits at the computer': (stage, _, amount) =>
    (stage.user = ([undefined, 'ada', 'ada', 'grace'] as const)[amount % 4]),
}

const respond =
  (status: number, body: unknown = ''): Play =>
  ({ server }) =>
    void server.fault('respond', { ...token, status, body })

const fates: Fate[] = [
  'breaks off before it arrives',
  'never arrives',
  'is processed and its answer lost',
  'is processed and never answered',
  'is processed and its answer held',
]

const network: Record<string, Play> = {
  ...Object.fromEntries(
    fates.map((fate): [string, Play] => [`the next one ${fate}`, ({ wire }) => wire.next(fate)]),
  ),
  'the API executes a call and its answer is lost': ({ calls }) => calls.loseAnswer(),
  'what is held arrives': ({ wire }) => wire.release(),
  'the next answer is slow': ({ server }, _, amount) =>
    server.fault('slow-headers', { ...token, milliseconds: amount * 20 }),
  'discovery fails': ({ server }) =>
    server.fault('network-error', { path: '/.well-known/openid-configuration', times: 1 }),
  'a captive portal': ({ server }) =>
    server.fault('respond', {
      ...token,
      body: '<html>',
      headers: { 'content-type': 'text/html' },
    }),
  'CORS fails': ({ server }) => server.fault('no-cors', { path: '/token', times: 1 }),
}

const refusalsForApi = [
  '400 invalid_target',
  '400 consent_required',
  '400 interaction_required',
  '400 invalid_grant suberror',
  '400 invalid_grant',
] as const

const server: Record<string, Play> = {
  'the server answers 500': respond(500),
  'the server answers 502': respond(502),
  'the server answers 408': respond(408),
  'the server is busy': (stage, _, amount) =>
    stage.server.fault('try-later', {
      ...token,
      status: amount % 2 ? 429 : 503,
      retryAfter: amount,
    }),
  'the server is busy until a date': (stage, _, amount) =>
    stage.server.fault('try-later', {
      ...token,
      status: amount % 2 ? 429 : 503,
      retryAfter: new Date(stage.clock.now() + amount * second).toUTCString(),
    }),
  'the server refuses in some words': ({ server }, _, amount) =>
    server.fault('token-refused', {
      on: 'refresh',
      times: amount % 5 ? 1 : 3,
      as: tokenRefusals[amount % tokenRefusals.length]!,
    }),
  'the server refuses the second API': ({ server }, _, amount) =>
    server.fault('token-refused', {
      on: 'refresh',
      api: secondApi,
      times: 1 + (amount % 3),
      as: refusalsForApi[amount % refusalsForApi.length]!,
    }),
  'the server names another resource for the second API': ({ server }) =>
    server.fault('token-members', {
      on: 'refresh',
      api: secondApi,
      times: 1,
      set: { resource: server.api.url },
    }),
  'the server refuses for long without a reason': ({ server }, _, amount) =>
    server.fault('token-refused', {
      on: 'refresh',
      times: amount % 7,
      as: amount % 2 ? '401 empty' : '400 invalid_request',
    }),
  'the token endpoint moves': ({ server }) =>
    server.fault('metadata', {
      patch: { token_endpoint: `${server.issuer}/token2` },
      times: 1,
    }),
  'the server sends an ID token with other claims': ({ server }, _, amount) => {
    const times = { on: 'refresh', times: 1 } as const
    if (amount % 3 === 0) server.fault('id-token-nonce-wrong', times)
    else if (amount % 3 === 1) server.fault('id-token-auth-time-future', times)
    else server.fault('id-token-aud-wrong', times)
  },
  'the server sends an ID token for somebody else': ({ server }, _, amount) =>
    amount % 4 === 0 && server.fault('id-token-sub-wrong', { on: 'refresh', times: 1 }),
  'the server forgets the access token': ({ server }) =>
    server.fault('no-access-token', { on: 'refresh', times: 1 }),
  'the server sends JSON cut short': (stage) =>
    stage.server.fault('truncated-json', { on: 'refresh', times: 1 }),
  'the server sends an ID token that is none': (stage) =>
    stage.server.fault('id-token-garbage', { on: 'refresh', times: 1 }),
  'the server forgets expires_in': (stage) =>
    stage.server.fault('expires-in', { on: 'refresh', times: 1 }),
  'the server says 30 days': (stage) =>
    stage.server.fault('expires-in', { on: 'refresh', times: 1, value: 30 * 86_400 }),
  'the API refuses all tokens': (stage) => stage.server.expireAccessTokens(),
  'the API says 401': (stage) => stage.server.fault('api-401', { times: 1 }),
  'the API demands a stronger sign-in': (stage) =>
    stage.server.fault('api-401', {
      times: 1,
      challenge: 'Bearer error="insufficient_user_authentication", acr_values="mfa"',
    }),
  'the server ends all sessions': (stage) => {
    stage.server.revokeSessions()
    stage.wire.endAll()
  },
}

const time: Record<string, Play> = {
  'the clock is set': (stage, _, amount) => (stage.skew += (amount - 500) * 30_000),
  'the clock is right again': (stage) => (stage.skew = 0),
  'the computer sleeps': ({ clock }, _, amount) => clock.jump((amount / 1000) * day),
}

const storage: Record<string, Play> = {
  'storage is full': (stage) => stage.failStorage('set'),
  'storage cannot be read': (stage) => stage.failStorage('get'),
  'storage is gone': (stage) => stage.failStorage('all'),
  'storage does not answer': (stage, _, amount) =>
    stage.hangStorage((['before', 'after', 'writes'] as const)[amount % 3]!),
  'storage works': (stage) => stage.failStorage(),
}

const keys: Record<string, Play> = {
  'the key is lost': (stage) => stage.loseKey(),
  'the key is lost, and another page makes one first': (stage) => {
    stage.loseKey()
    return stage.makeKey()
  },
}

const copies: Record<string, Play> = { 'is duplicated': copy }

const table = {
  ...copies,
  ...usual,
  ...tabs,
  ...people,
  ...network,
  ...server,
  ...time,
  ...storage,
  ...keys,
}

export function play(stage: Stage, [what, which, amount]: Step): unknown {
  return table[what]!(stage, stage.actors[which % stage.actors.length]!, amount)
}

const among = (steps: Record<string, Play>): fc.Arbitrary<Step> =>
  fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.nat(4), fc.integer({ min: 1, max: 1000 }))

export const steps = (most: number, world: World): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { arbitrary: among(usual), weight: 14 },
      { arbitrary: among(tabs), weight: 5 },
      { arbitrary: among(people), weight: 2 },
      { arbitrary: among(network), weight: 4 },
      { arbitrary: among(server), weight: 3 },
      { arbitrary: among(time), weight: 1 },
      { arbitrary: among(storage), weight: 1 },
      { arbitrary: among(keys), weight: 1 },
      { arbitrary: among(copies), weight: world === 'a store for each tab' ? 2 : 0 },
    ),
    { minLength: 1, maxLength: most, size: 'max' },
  )
