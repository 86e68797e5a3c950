import { IDBFactory } from 'fake-indexeddb'
import { vi } from 'vitest'
import { dpop, memoryStore, PkceClient, signInOnDemand } from '../../../src/index.ts'
import type { Capability, Lock, Navigator, Session, Store } from '../../../src/index.ts'
import { createAuthServer, createFakeBrowser } from '../../../src/testing/index.ts'
import { createKeyPair } from '../../../src/protocol/dpop.ts'
import { keyStore } from '../../../src/storage/key-store.ts'
import { localLock } from '../../../src/tabs/local-lock.ts'
import type {
  AuthServer,
  AuthServerOptions,
  FakeBrowser,
  FakeClock,
  FakePorts,
  FakeTab,
} from '../../../src/testing/index.ts'
import { callbackUri, listen, usualScope } from '../../support/world.ts'
import type { HeardEvent } from '../../support/world.ts'
import { keepingPage } from '../../support/navigators.ts'
import { createCalls } from './calls.ts'
import type { Calls } from './calls.ts'
import { createHistory } from './history.ts'
import type { History, StorageTrouble } from './history.ts'
import { createQuickClock, turn } from './quick-clock.ts'
import { createWire, secondApi } from './wire.ts'
import type { Sender, Wire } from './wire.ts'

/** What the tabs have in common: a store and locks, a store only, or locks only. */
export type World = 'one store' | 'no Web Locks' | 'a store for each tab'

/** How one run differs from the next before anything happens. */
export interface Setting {
  world: World
  seed: number
  /** Seconds. */
  accessTokenLifetime: number
  /** What the server does about refresh tokens. */
  server: 'strict' | 'forgiving' | 'with a grace period' | 'without rotation'
  /** Whether the store answers at once, as localStorage does, or later, as IndexedDB does; or ends with the page. */
  store: 'prompt' | 'late' | 'memory'
  /** Whether the storage may fail. Once it has, many rules no longer hold. */
  storeFails: boolean
  /** Whether the tabs hear of each other; some never do. */
  channel: boolean
  /** Whether every other page signs the user in when a call needs it. */
  onDemand: boolean
  /** Whether tokens are bound to a key of the browser. */
  dpop: boolean
}

/** A page of the app. */
export interface Actor extends Sender {
  readonly tab: FakeTab
  readonly auth: PkceClient
  /** The history of the store it uses. */
  readonly history: History
  readonly heard: HeardEvent[]
  /** It hears nothing of the other tabs. */
  readonly deaf: boolean
  /** Whom the page has worked for; `undefined` when it has known nobody, or that user has signed out. */
  owner: string | undefined
  state: 'running' | 'frozen' | 'away'
}

/** What an app asked for, and will get an answer to. */
export interface Asked {
  readonly by: Actor
  /** Whether the answer has come. */
  done: boolean
}

export interface Stage {
  readonly clock: FakeClock
  readonly server: AuthServer
  readonly browser: FakeBrowser
  readonly wire: Wire
  readonly calls: Calls
  /** Who signs in when a window opens. Nobody: no window opens. */
  user: 'ada' | 'grace' | undefined
  readonly histories: readonly History[]
  /** Whether the tabs have locks in common. */
  readonly locks: boolean
  actors: Actor[]
  readonly asked: Asked[]
  /** Milliseconds that the local clock is ahead of the server's. */
  skew: number
  /** What a store leaves waiting for now: all that it is asked, what it has done, or what it is to write. */
  hangs: 'before' | 'after' | 'writes' | undefined
  /** What waits for a store that does not answer. */
  readonly hung: (() => void)[]
  /** How many listeners and channels each client has open. */
  readonly doors: Map<PkceClient, number>
  openTab(options?: Opening): Actor
  /** The browser loses the key that tokens are bound to; pages that have used it keep it in their memory. */
  loseKey(): void
  /** Another page puts a key there, unless there is one. */
  makeKey(): Promise<void>
  failStorage(kind?: 'get' | 'set' | 'all'): void
  /** Makes stores that answer later not answer at all, until {@link failStorage} is called without a kind. */
  hangStorage(how: 'before' | 'after' | 'writes'): void
}

export interface Opening {
  deaf?: boolean
  /** In place of a new one. */
  tab?: FakeTab
  /** The history of the tab's own store, when the tab has one already. */
  history?: History | undefined
}

const key = 'pkce:https://login.example.com|production-app'

const servers: Record<Setting['server'], AuthServerOptions> = {
  strict: {},
  forgiving: {},
  'with a grace period': { reuseGraceSeconds: 60 },
  'without rotation': { rotation: false },
}

export function createStage(setting: Setting): Stage {
  if (setting.dpop) vi.stubGlobal('indexedDB', new IDBFactory())
  const clock = createQuickClock(setting.seed)
  const server = createAuthServer({
    ...servers[setting.server],
    clock,
    otherApis: [{ url: secondApi }],
    accessTokenLifetime: setting.accessTokenLifetime,
  })
  const browser = createFakeBrowser({ clock })
  const now = () => clock.now() + stage.skew
  const forgiving = setting.server === 'forgiving'
  const keys = keyStore(clock)
  const hasKey = async (x: string) => {
    const pair = await keys.get(key)
    return pair !== undefined && (await crypto.subtle.exportKey('jwk', pair.publicKey)).x === x
  }
  const wire = createWire({ server, clock, now, forgiving, hasKey })
  const trouble: StorageTrouble = {}
  const locks = setting.world !== 'no Web Locks'
  const shared = isShared(setting)
  let skew = 0
  let everSkewed = false
  let opened = 0
  const skewed = () => everSkewed
  const newHistory = () =>
    createHistory({ wire, now, skew: () => stage.skew, skewed, trouble, locks, shared })
  const common = shared ? newHistory() : undefined
  if (common) watchStore(browser, common)
  const histories = new Set<History>()
  const stage: Stage = {
    ...{ calls: createCalls(wire), user: 'ada' },
    ...{ clock, server, browser, wire, locks, actors: [], asked: [], doors: new Map() },
    hangs: undefined,
    hung: [],
    get skew() {
      return skew
    },
    set skew(milliseconds) {
      skew = milliseconds
      everSkewed ||= milliseconds !== 0
    },
    get histories() {
      return [...histories]
    },
    openTab({ deaf = false, tab = browser.openTab(), ...known } = {}) {
      const left = setting.store === 'memory' ? undefined : known.history
      const history = common ?? left ?? newHistory()
      const isDeaf = deaf || !setting.channel
      const onDemand = setting.onDemand && (opened += 1) % 2 === 1
      const actor = enter(stage, { setting, deaf: isDeaf, tab, history, onDemand })
      histories.add(history)
      stage.actors.push(actor)
      return actor
    },
    loseKey() {
      if (!setting.dpop) return
      vi.stubGlobal('indexedDB', new IDBFactory())
      wire.loseKeys()
    },
    async makeKey() {
      if (setting.dpop) await keys.add(key, await createKeyPair())
    },
    failStorage(kind) {
      if (!setting.storeFails || (!kind && !trouble.kind)) return
      trouble.kind = kind
      trouble.since = wire.sendings.length
      browser.failStorage(kind)
      stage.hangs = undefined
      for (const goOn of stage.hung.splice(0)) goOn()
    },
    hangStorage(how) {
      if (!setting.storeFails || setting.store !== 'late') return
      trouble.kind = how
      trouble.writesLate = true
      trouble.since = wire.sendings.length
      stage.hangs = how
    },
  }
  return stage
}

const isShared = ({ world }: Setting): boolean => world !== 'a store for each tab'

interface Entrance {
  setting: Setting
  deaf: boolean
  tab: FakeTab
  history: History
  onDemand: boolean
}

function enter(stage: Stage, { setting, deaf, tab, history, onDemand }: Entrance): Actor {
  const { server, wire, calls } = stage
  const count = (change: number) => stage.doors.set(auth, (stage.doors.get(auth) ?? 0) + change)
  const wokenNow = () => ({
    wokenAt: history.records.length,
    wokenWhen: stage.clock.now() + stage.skew,
  })
  const woken = () => void Object.assign(sender, wokenNow())
  const left = () => {
    for (const one of stage.actors) if (one.tab === tab) lapse(one, 'away')
  }
  const ports = portsOf(stage, { setting, deaf, tab, count, woken, left })
  const sender: Sender = {
    lapses: 0,
    ...wokenNow(),
    woken,
    runs: () => ports.host.whenShown(),
    departing: history.departing,
  }
  const auth: PkceClient = new PkceClient({
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: callbackUri,
    scope: usualScope,
    resources: [server.api.url, { url: secondApi, params: { audience: secondApi } }],
    ...ports,
    ...(setting.store === 'late' && { store: lateStore(stage, ports) }),
    ...(!isShared(setting) && { store: ownStore(setting, { tab, history }) }),
    ...(onDemand && { navigator: windowOf(stage, sender) }),
    use: [...(setting.dpop ? [dpop()] : []), ...(onDemand ? [onDemandOf(stage)] : [])],
    fetch: calls.watching(wire.fetchOf(sender)),
  })
  const actor: Actor = Object.assign(sender, {
    ...{ tab, auth, history, deaf, heard: listen(auth), state: 'running' as const },
    owner: undefined,
  })
  auth.on('session-changed', ({ session }) => {
    history.published(session)
    if (session.status === 'signed-in') actor.owner = session.claims?.sub
    else if (hasSignedOut(session)) actor.owner = undefined
  })
  auth.on('signed-out', ({ session }) => history.signedOut(session))
  auth.start().catch(history.rejected)
  return actor
}

/** The user signs in, if there is somebody, in a window that takes its time. */
function windowOf(stage: Stage, { runs }: Sender): Navigator {
  const { clock, server } = stage
  return keepingPage(async ({ url }) => {
    const seconds = Math.floor(clock.random() * 20)
    if (seconds > 9) await new Promise<void>((done) => void clock.setTimeout(done, seconds * 1000))
    await runs()
    return new URL(await server.authorize(url, stage.user && { username: stage.user }))
  })
}

const onDemandOf = (stage: Stage): Capability =>
  signInOnDemand({ ask: (params) => stage.user !== undefined && params })

interface Fittings {
  setting: Setting
  deaf: boolean
  tab: FakeTab
  /** Something was opened (1) or closed (-1). */
  count: (change: number) => void
  woken: () => void
  /** The page is left. */
  left: () => void
}

type WakeListener = Parameters<FakePorts['host']['onWake']>[0]

/** The ports of the page, counted, with the clock of the computer and, for the deaf, without a channel. */
function portsOf(stage: Stage, { setting, deaf, tab, count, woken, left }: Fittings): FakePorts {
  const { clock, host, channel, ...ports } = tab.ports
  const pageLock = localLockOf(tab.ports)
  const hear: (listener: WakeListener) => WakeListener = (listener) => (wake) => {
    woken()
    listener(wake)
  }
  const counted = (release: () => void) => {
    let open = 1
    count(open)
    return () => {
      count(-open)
      open = 0
      release()
    }
  }
  return {
    ...ports,
    ...(setting.world === 'no Web Locks' && {
      lock: {
        request(name, options, task) {
          const release = counted(() => undefined)
          return pageLock.request(name, options, task).finally(release)
        },
      },
    }),
    clock: {
      ...clock,
      now: () => clock.now() + stage.skew,
      systemOffset: () => clock.systemOffset() + stage.skew / 1000,
    },
    host: {
      ...host,
      navigate(url) {
        left()
        host.navigate(url)
      },
      onWake: (listener) => counted(host.onWake(hear(listener))),
    },
    channel: {
      open(name, onMessage, options) {
        if (deaf) return { post: () => undefined, close: () => undefined }
        const connection = channel.open(name, onMessage, options)
        return { ...connection, close: counted(connection.close) }
      },
    },
  }
}

const localLocks = new WeakMap<FakePorts, Lock>()

/** The lock that the clients of one page have in common. */
function localLockOf(page: FakePorts): Lock {
  const lock = localLocks.get(page) ?? localLock()
  localLocks.set(page, lock)
  return lock
}

/** What was asked of it while the page ran is done even if the page is stopped; the page hears of it when it runs again. */
function lateStore(stage: Stage, { store, host }: FakePorts): Store {
  const wait = () => new Promise<void>((resolve) => stage.hung.push(resolve))
  const later = async <T>(work: () => T, writes = true): Promise<Awaited<T>> => {
    await turn()
    if (stage.hangs === 'before' || (stage.hangs === 'writes' && writes)) await wait()
    const outcome = await work()
    if (stage.hangs === 'after') await wait()
    await host.whenShown()
    return outcome
  }
  return {
    shared: true,
    get: (name) => later(() => store.get(name), false),
    set: (name, value) => later(() => store.set(name, value)),
    remove: (name) => later(() => store.remove(name)),
  }
}

/** The store of a tab that keeps its session to itself. */
function ownStore({ store }: Setting, { tab, history }: Pick<Entrance, 'tab' | 'history'>): Store {
  const own = store === 'memory' ? memoryStore() : tab.sessionStore
  return {
    ...own,
    set(name, value) {
      const note = () => {
        if (name === key) history.stored(JSON.parse(value))
      }
      const writing = own.set(name, value)
      return writing ? writing.then(note) : note()
    },
  }
}

/** Everything that is ever written of the session goes into the history. */
function watchStore(browser: FakeBrowser, history: History): void {
  const set = browser.local.set.bind(browser.local)
  browser.local.set = (name, value) => {
    const done = set(name, value)
    if (name === key) history.stored(JSON.parse(value))
    return done
  }
}

/** The page is stopped. */
export function lapse(actor: Actor, state: Actor['state']): void {
  actor.lapses += 1
  actor.state = state
}

/** What the store has of the session, as an app would be shown it. */
export function storedSession({ records }: History): unknown {
  const record = records.at(-1)
  if (!record) return { status: 'signed-out' }
  if (record.signedOut) return { status: 'signed-out', reason: record.signedOut }
  const { expiresAt } = record.access.default!
  return {
    status: 'signed-in',
    claims: record.claims,
    scope: record.scope,
    ...(expiresAt && { expiresAt }),
    stale: (record.pending?.failures ?? 0) > 0,
  }
}

/** Whose call it is that the app in the page makes now. */
export function ownerOf({ auth, owner }: Actor): string | undefined {
  const session = auth.getSession()
  if (session.status === 'signed-in') return session.claims?.sub
  return hasSignedOut(session) ? undefined : owner
}

const hasSignedOut = (session: Session): boolean =>
  session.status === 'signed-out' && session.reason === 'signed-out'

export const usersMe = 'https://api.example.com/users/me'
export const echo = 'https://api.example.com/echo'
export const ownBills = `${secondApi}users/me`
export const elsewhere = 'https://elsewhere.example/users/me'
