import fc from 'fast-check'
import { elsewhere, usersMe } from './stage.ts'
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

async function call({ auth, history }: Actor): Promise<void> {
  const session = auth.getSession()
  const response = await auth.fetch(usersMe)
  const { sub } = response.ok ? ((await response.json()) as { sub: string }) : {}
  if (session.status === 'signed-in' && sub !== undefined)
    history.answered({ asked: session.claims?.sub, got: sub })
}

async function signIn(stage: Stage, { auth }: Actor, how: { user: string; scope?: string }) {
  const { url } = await auth.createAuthorizationUrl(how.scope ? { scope: how.scope } : {})
  await auth.handleCallback(await stage.server.authorize(url, { username: how.user }))
}

async function signOut({ auth, history }: Actor): Promise<void> {
  const done = history.signingOut()
  await auth.signOut({ redirect: false })
  done()
}

function lapse(actor: Actor, state: Actor['state']): void {
  actor.lapses += 1
  actor.state = state
}

/** The page is gone, and with it whatever the app waited for. */
function forget(stage: Stage, actor: Actor): void {
  actor.lapses += 1
  stage.actors = stage.actors.filter((other) => other !== actor)
  for (const asked of stage.asked) if (asked.by === actor) asked.done = true
}

function leave(stage: Stage, actor: Actor, how: 'crash' | 'close'): void {
  if (stage.actors.length < 2) return
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
  const { tab } = actor
  if (actor.state === 'frozen') {
    tab.resume()
    // A wake-up that the freeze interrupted goes on now, and lifts whatever back-off it finds.
    actor.wokenAt = actor.history.records.length
  }
  if (actor.state === 'away') {
    try {
      tab.restoreFromBackForwardCache()
    } catch {
      // The browser did not keep it: it held a lock.
      forget(stage, actor)
      tab.load('/')
      stage.openTab({ tab, deaf: actor.deaf, history: actor.history })
    }
  }
  actor.state = 'running'
}

const usual: Record<string, Play> = {
  'calls the API': (stage, actor) => ask(stage, actor, () => call(actor)),
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
  freezes: (_, actor) => {
    if (actor.state !== 'running') return
    lapse(actor, 'frozen')
    actor.tab.freeze()
  },
  'is left for another page': (_, actor) => {
    if (actor.state !== 'running') return
    lapse(actor, 'away')
    actor.tab.ports.host.navigate('https://elsewhere.example/')
  },
  'comes back': comeBack,
}

const people: Record<string, Play> = {
  'signs in': (stage, actor) => ask(stage, actor, () => signIn(stage, actor, { user: 'ada' })),
  'signs in as somebody else': (stage, actor) =>
    ask(stage, actor, () => signIn(stage, actor, { user: 'grace' })),
  'signs in for now': (stage, actor) =>
    ask(stage, actor, () => signIn(stage, actor, { user: 'ada', scope: 'openid' })),
  'signs out': (stage, actor) => ask(stage, actor, () => signOut(actor)),
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
  'the server says invalid_client': respond(401, { error: 'invalid_client' }),
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
  'storage works': (stage) => stage.failStorage(),
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
      { arbitrary: among(people), weight: 1 },
      { arbitrary: among(network), weight: 4 },
      { arbitrary: among(server), weight: 3 },
      { arbitrary: among(time), weight: 1 },
      { arbitrary: among(storage), weight: 1 },
      { arbitrary: among(copies), weight: world === 'a store for each tab' ? 2 : 0 },
    ),
    { minLength: 1, maxLength: most, size: 'max' },
  )
