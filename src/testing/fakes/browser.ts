import type { Host } from '../../host/host.ts'
import type { TransactionStore } from '../../storage/store.ts'
import type { Channel } from '../../tabs/channel.ts'
import { checkOptions, checkValue } from '../check-options.ts'
import { createFakeChannels } from './channels.ts'
import { createFakeClock, turn } from './clock.ts'
import type { FakeClock } from './clock.ts'
import { createFakeLocks } from './locks.ts'
import { createFakePage, pageClock, pageStorage } from './page.ts'
import type { FakePage, StorageFailure } from './page.ts'
import { createFakeWindow, cut, postMessage } from './windows.ts'
import type { FakePorts, FakeTab } from './tab.ts'
import type { FakeContext } from './windows.ts'

/** A browser without a network: tabs whose pages share storage, locks and channels with those of the same origin, and with no others. */
export interface FakeBrowser {
  /** Where tabs open, unless told otherwise. */
  readonly origin: string
  /** The clock of all tabs. */
  readonly clock: FakeClock
  /** The open tabs, oldest first. */
  readonly tabs: readonly FakeTab[]
  /** The contents of {@link origin}'s `localStorage`, to be read or tampered with. */
  readonly local: Map<string, string>
  /** Every channel message ever posted, oldest first. */
  readonly posted: readonly string[]
  /** How many locks are held, and how many requests wait for one. */
  readonly locks: { readonly held: number; readonly waiting: number }
  /** Opens a tab at the URL, by default the front page. A path is one of {@link origin}. */
  openTab(url?: string): FakeTab
  /** Makes every storage throw on reading (`'get'`), on writing (`'set'`), on all, or not any more. */
  failStorage(kind?: 'get' | 'set' | 'all'): void
}

/** Makes a fake browser whose tabs open at `origin`, by default `https://app.example.com`. */
export function createFakeBrowser(
  options: { clock?: FakeClock; origin?: string } = {},
): FakeBrowser {
  const choices = { clock: 'anything', origin: 'anything' } as const
  checkOptions(options, { of: 'createFakeBrowser', choices })
  const { clock = createFakeClock(), origin = 'https://app.example.com' } = options
  const local = new Map<string, string>()
  const localStorages: Storages = new Map([[new URL(origin).origin, local]])
  const locks = createFakeLocks()
  const channels = createFakeChannels()
  const tabs: FakeTab[] = []
  let failure: StorageFailure

  const platform: Platform = {
    clock,
    resolve: (url) => new URL(url, origin).href,
    open(url, { session, opener }) {
      const tab = createFakeTab(platform, { url, session, opener })
      tabs.push(tab)
      tab.focus()
      return tab
    },
    closed(tab) {
      const index = tabs.indexOf(tab)
      if (index >= 0) tabs.splice(index, 1)
    },
    inFront: undefined,
    usesLocks: (page) => locks.uses(page),
    refuses: (kind) => failure === 'all' || failure === kind,
    channelOf: (page) => channels.of(page),
    equip(page, { host, session }) {
      const storage = (values: Map<string, string>, shared: boolean) =>
        pageStorage(page, { values, shared, failure: () => failure })
      const store = storage(storageOf(localStorages, page), true)
      return {
        ports: {
          store,
          transactionStore: store,
          lock: locks.of(page),
          channel: channels.of(page),
          host,
          clock: pageClock(page, clock),
        },
        sessionStore: storage(storageOf(session, page), false),
      }
    },
  }

  return {
    origin,
    clock,
    tabs,
    local,
    posted: channels.posted,
    locks,
    openTab: (url = '/') => platform.open(platform.resolve(url), { session: new Map() }),
    failStorage(kind) {
      if (kind) checkValue('failStorage', { value: kind, choice: ['get', 'set', 'all'] })
      failure = kind
    },
  }
}

/** A storage for each origin. */
type Storages = Map<string, Map<string, string>>

function storageOf(storages: Storages, { origin }: FakePage): Map<string, string> {
  const values = storages.get(origin) ?? new Map<string, string>()
  storages.set(origin, values)
  return values
}

/** What a tab needs of its browser. */
interface Platform {
  readonly clock: FakeClock
  resolve(url: string): string
  open(url: string, facts: { session: Storages; opener?: FakeContext | undefined }): FakeTab
  closed(tab: FakeTab): void
  /** Where keys would be typed into. */
  inFront: FakeContext | undefined
  channelOf(page: FakePage): Channel
  usesLocks(page: FakePage): boolean
  /** Whether storage fails on this now. */
  refuses(kind: 'get' | 'set'): boolean
  equip(
    page: FakePage,
    facts: { host: Host; session: Storages },
  ): { ports: FakePorts; sessionStore: TransactionStore }
}

type Wake = { restored: boolean }

interface InitialTab {
  url: string
  session: Storages
  opener?: FakeContext | undefined
  parent?: FakeContext | undefined
}

/** The context of each tab. */
const contexts = new WeakMap<FakeTab, FakeContext>()

function createFakeTab(platform: Platform, { session, ...initial }: InitialTab): FakeTab {
  const navigations: string[] = []
  const reportedErrors: unknown[] = []
  const warnings: string[] = []
  const replaced: string[] = []
  let shown = initial.url
  let closed = false
  let gesture = false
  const awaitingActivation: (() => void)[] = []
  const frames: FakeTab[] = []
  const context: FakeContext = {
    get page() {
      return current.page
    },
    get isClosed() {
      return closed
    },
    opener: initial.opener,
    parent: initial.parent,
    group: {},
    load: (url) => tab.load(url),
    close: () => tab.close(),
    focus: () => tab.focus(),
    onLoad: () => undefined,
  }
  let current = loadPage(shown)

  function loadPage(url: string, historyState: unknown = null) {
    const page = createFakePage(url)
    page.historyState = historyState
    const wakeListeners = new Set<(wake: Wake) => void>()
    const gestureListeners = new Set<() => void>()
    const host = createHost(page, { wakeListeners, gestureListeners })
    const click = () => page.run(() => [...gestureListeners].forEach((listener) => listener()))
    const emit = (wake: Wake) =>
      page.run(() =>
        [...wakeListeners].forEach((listener) => wakeListeners.has(listener) && listener(wake)),
      )
    return { page, emit, click, leaving: false, ...platform.equip(page, { host, session }) }
  }

  function createHost(
    page: FakePage,
    {
      wakeListeners,
      gestureListeners,
    }: { wakeListeners: Set<(wake: Wake) => void>; gestureListeners: Set<() => void> },
  ): Host {
    return {
      url: () => page.url,
      baseUrl: () => page.url,
      historyState: () => structuredClone<unknown>(page.historyState),
      replaceUrl: (url, options) =>
        page.run(() => {
          const target = new URL(url, page.url)
          // A page cannot show an address of another origin.
          if (target.origin !== new URL(page.url).origin) return
          page.url = target.href
          if (options) page.historyState = structuredClone(options.state)
          if (!current.leaving) shown = target.href
          replaced.push(target.href)
        }),
      navigate: (url) => page.run(() => leave(new URL(url, page.url).href)),
      onWake(listener) {
        const own = (wake: Wake) => listener(wake)
        wakeListeners.add(own)
        return () => void wakeListeners.delete(own)
      },
      whenShown: () =>
        new Promise((resolve) => {
          const shownNow = () => page.run(resolve)
          if (tab.prerendering) awaitingActivation.push(shownNow)
          else shownNow()
        }),
      isVisible: () => page.state === 'running' && !tab.prerendering,
      hasUserGesture: () => page.state === 'running' && tab.gesture,
      onGesture(listener) {
        const own = () => listener()
        gestureListeners.add(own)
        return () => void gestureListeners.delete(own)
      },
      getTabItem: (key) =>
        platform.refuses('get') ? undefined : storageOf(session, page).get(key),
      setTabItem: (key, value) =>
        page.run(() => {
          if (!platform.refuses('set')) storageOf(session, page).set(key, value)
        }),
      reportError: (error) => void reportedErrors.push(error),
      warn: (message) => void warnings.push(message),
      isSecureContext: () => true,
      window: createFakeWindow({
        context,
        page,
        channel: platform.channelOf(page),
        clock: pageClock(page, platform.clock),
        openWindow: () => (tab.blocksWindows ? undefined : contexts.get(openWindow())),
        openFrame: () => contexts.get(openFrame())!,
        hasFocus: () => platform.inFront === context,
      }),
    }
  }

  // It begins with a copy of this tab's `sessionStorage`.
  const openWindow = () =>
    platform.open('about:blank', { session: structuredClone(session), opener: context })

  function openFrame(): FakeTab {
    const frame = createFakeTab(platform, { url: 'about:blank', session, parent: context })
    frames.push(frame)
    return frame
  }

  // What the page does in the same turn still happens, as in a browser.
  function leave(url: string) {
    const left = current
    navigations.push(url)
    shown = url
    left.leaving = true
    void turn().then(() => {
      if (left.leaving) putAway(left.page)
    })
  }

  // A page that holds a lock is not kept in the back/forward cache.
  function putAway(page: FakePage) {
    if (platform.usesLocks(page)) page.discard()
    else page.freeze('cached')
  }

  function replacePage(url: string, historyState: unknown) {
    if (closed) throw new Error('This tab was closed.')
    current.page.discard()
    for (const frame of frames.splice(0)) frame.close()
    shown = url
    tab.gesture = false
    current = loadPage(url, historyState)
  }

  const tab: FakeTab = {
    get url() {
      return shown
    },
    get ports() {
      return current.ports
    },
    get sessionStore() {
      return current.sessionStore
    },
    navigations,
    reportedErrors,
    warnings,
    replaced,
    get gesture() {
      return gesture
    },
    set gesture(isActive) {
      gesture = isActive
      if (isActive) current.click()
    },
    prerendering: false,
    blocksWindows: false,
    frames,
    focus() {
      platform.inFront = context
    },
    cutOff: () => cut(context),
    loaded: () => context.onLoad(),
    postMessage: (to, message) =>
      postMessage(current.page, { from: context, to: contexts.get(to)!, message }),
    load(url) {
      // Without a URL it is a reload, which keeps `history.state`.
      if (url === undefined) replacePage(shown, current.page.historyState)
      else replacePage(platform.resolve(url), null)
    },
    duplicate: () => platform.open(shown, { session: structuredClone(session) }),
    close() {
      closed = true
      current.page.discard()
      if (platform.inFront === context) platform.inFront = initial.opener
      platform.closed(tab)
    },
    crash: () => current.page.discard(),
    freeze: () => current.page.freeze(),
    resume() {
      if (!current.leaving) current.page.resume()
    },
    restoreFromBackForwardCache() {
      if (current.leaving) putAway(current.page)
      if (!current.leaving || current.page.state === 'gone') {
        throw new Error('No page of this tab is in the back/forward cache.')
      }
      current.leaving = false
      shown = current.page.url
      current.page.resume(() => current.emit({ restored: true }))
    },
    wake: () => current.emit({ restored: false }),
    activate() {
      tab.prerendering = false
      for (const show of awaitingActivation.splice(0)) show()
    },
  }
  contexts.set(tab, context)
  return tab
}
