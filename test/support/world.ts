import { PkceClient } from '../../src/index.ts'
import type { EventMap, EventName, PkceClientOptions, SignInParams } from '../../src/index.ts'
import type { StartResult } from '../../src/index.ts'
import {
  createAuthServer,
  createCookieJar,
  createFakeBrowser,
  createFakeClock,
} from '../../src/testing/index.ts'
import type {
  AuthServer,
  AuthServerOptions,
  AuthorizeOptions,
  CookieJar,
  FakeBrowser,
  FakeClock,
  FakeTab,
} from '../../src/testing/index.ts'

export interface WorldOptions {
  /** How the authorization server differs from the default one, such as `{ accessTokenLifetime: 60 }`. */
  server?: Omit<AuthServerOptions, 'clock'>
  /** How every client differs from the usual one. */
  client?: Partial<PkceClientOptions>
  /** In place of the usual clock. */
  clock?: FakeClock
}

/** Who signs in, how, and asking for what. */
export interface SignInStory {
  params?: SignInParams
  /** How this client differs, before and after the redirect alike. */
  overrides?: Partial<PkceClientOptions>
  person?: AuthorizeOptions
}

export interface HeardEvent {
  name: EventName
  facts: EventMap[EventName]
}

export interface World {
  readonly clock: FakeClock
  readonly server: AuthServer
  readonly browser: FakeBrowser
  /** The first tab, at the front page of the app. */
  readonly tab: FakeTab
  /** The cookies of the browser: whoever signed in to the server once is known there. */
  readonly jar: CookieJar
  /** The options of every client, without the ports of its tab. */
  readonly options: PkceClientOptions
  /** Another client of the page in the tab, as an app constructs it when it loads. */
  client(tab?: FakeTab, overrides?: Partial<PkceClientOptions>): PkceClient
  /** Lets the client send its page away to sign in; resolves to the URL of the authorization request. */
  leave(tab: FakeTab, client: PkceClient, params?: SignInParams): Promise<URL>
  /** Leaves to sign in, and plays the person at the server; resolves to the callback URL, which is not loaded yet. */
  depart(tab?: FakeTab, story?: SignInStory): Promise<string>
  /** Loads the URL in the tab and constructs the app's client on that page. */
  load(tab: FakeTab, url: string, overrides?: Partial<PkceClientOptions>): PkceClient
  /** The whole journey: leaves, signs in, comes back. The client is the one of the page come back to, and started. */
  signIn(tab?: FakeTab, story?: SignInStory): Promise<PkceClient>
  /** The same, with what `start()` said. */
  comeBack(tab?: FakeTab, story?: SignInStory): Promise<{ client: PkceClient; result: StartResult }>
  /** Waits, without letting time pass, until something has happened. */
  until(happened: () => unknown): Promise<void>
  /** What is kept of the session in localStorage, if anything. */
  storedSession(key?: string): Record<string, unknown> | undefined
  /** The names and contents of the sign-ins under way. */
  transactions(): Map<string, Record<string, unknown>>
}

export const appOrigin = 'https://app.example.com'
export const callbackUri = `${appOrigin}/callback`
/** Where the session of the usual client is kept. */
export const usualSessionKey = 'pkce:https://login.example.com|production-app'
export const usualScope = 'openid profile offline_access'

/**
 * An authorization server, a browser and a clock that belong together, and an app in the first tab: everything a
 * journey needs, without network, ports or real time.
 */
export function createWorld(options: WorldOptions = {}): World {
  const clock = options.clock ?? createFakeClock()
  const server = createAuthServer({ ...options.server, clock })
  const browser = createFakeBrowser({ clock })
  const tab = browser.openTab(`${appOrigin}/`)
  const jar = createCookieJar()
  const own: PkceClientOptions = {
    issuer: server.issuer,
    clientId: 'production-app',
    redirectUri: callbackUri,
    scope: usualScope,
    resources: [server.api.url],
    fetch: server.fetch,
    ...options.client,
  }

  const world: World = {
    clock,
    server,
    browser,
    tab,
    jar,
    options: own,
    client: (where = tab, overrides = {}) =>
      new PkceClient({ ...own, ...where.ports, ...overrides }),
    async leave(where, client, params) {
      const before = where.navigations.length
      let failure: { error: unknown } | undefined
      client.signIn(params).catch((error: unknown) => {
        failure = { error }
      })
      await world.until(() => where.navigations.length > before || failure)
      if (failure) throw failure.error
      return new URL(where.navigations.at(-1)!)
    },
    async depart(where = tab, { params, overrides, person } = {}) {
      const url = await world.leave(where, world.client(where, overrides), params)
      return server.authorize(url, { jar, ...person })
    },
    load(where, url, overrides) {
      where.load(url)
      return world.client(where, overrides)
    },
    async signIn(where, story) {
      return (await world.comeBack(where, story)).client
    },
    async comeBack(where = tab, story = {}) {
      const callback = await world.depart(where, story)
      const client = world.load(where, callback, story.overrides)
      return { client, result: await client.start() }
    },
    async until(happened) {
      for (let round = 0; round < 200; round += 1) {
        if (happened()) return
        await clock.settle()
      }
      throw new Error(`This did not happen: ${String(happened)}`)
    },
    storedSession(key = `pkce:${own.issuer}|${own.clientId}`) {
      const text = browser.local.get(key)
      return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>)
    },
    transactions: () =>
      new Map(
        [...browser.local]
          .filter(([name]) => name.includes('|tx|'))
          .map(([name, text]) => [name, JSON.parse(text) as Record<string, unknown>]),
      ),
  }
  return world
}

export interface SignedInOptions extends WorldOptions, SignInStory {
  /** Seconds the access token lives. Default: 15 minutes. */
  expiresIn?: number
}

/** A world in which Ada is signed in in the first tab. */
export async function signedInTab(
  options: SignedInOptions = {},
): Promise<World & { auth: PkceClient }> {
  const { expiresIn, server, client, clock, ...story } = options
  const world = createWorld({
    server: { ...server, ...(expiresIn !== undefined && { accessTokenLifetime: expiresIn }) },
    ...(client && { client }),
    ...(clock && { clock }),
  })
  return Object.assign(world, { auth: await world.signIn(world.tab, story) })
}

/** Another tab of the app, with its client started. */
export async function anotherTab(
  world: World,
  overrides?: Partial<PkceClientOptions>,
): Promise<{ tab: FakeTab; auth: PkceClient }> {
  const tab = world.browser.openTab()
  const auth = world.client(tab, overrides)
  await auth.start()
  return { tab, auth }
}

/** Writes down every event of a client from now on. */
export function listen(client: PkceClient): HeardEvent[] {
  const heard: HeardEvent[] = []
  const names: Record<EventName, true> = {
    'session-changed': true,
    'signed-in': true,
    'signed-out': true,
    'token-refreshed': true,
    'refresh-failed': true,
    'sign-in-started': true,
    'sign-in-failed': true,
    'sign-in-required': true,
    'storage-failed': true,
    request: true,
  }
  for (const name of Object.keys(names) as EventName[]) {
    client.on(name, (facts) => heard.push({ name, facts }))
  }
  return heard
}

/** What a promise rejects with; fails the test when it resolves. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome) return outcome.error
  throw new Error(`This was to reject, and resolved to ${JSON.stringify(outcome.value)}`)
}
