import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PkceClient } from '../../src/index.ts'
import type { FakeTab } from '../../src/testing/index.ts'
import { refreshes, sentTokens, usersMe } from '../support/refreshes.ts'
import { listen, signedInTab } from '../support/world.ts'
import type { HeardEvent, World } from '../support/world.ts'

const at = { path: '/token' }

interface OpenTab {
  tab: FakeTab
  auth: PkceClient
  heard: HeardEvent[]
}

interface Play {
  world: World
  tabs: OpenTab[]
  /** Calls that were made and have not been waited for. */
  calls: Promise<unknown>[]
}

type Step = [name: string, which: number, amount: number]

async function open(world: World): Promise<OpenTab> {
  const tab = world.browser.openTab()
  const auth = world.client(tab)
  const heard = listen(auth)
  await auth.start()
  return { tab, auth, heard }
}

/** Time passes only when no request is out: a request that waits in vain for its answer is another story. */
async function quiet({ world, calls }: Play): Promise<void> {
  await Promise.all(calls)
  await world.clock.settle()
  await world.until(() => world.browser.locks.held === 0)
}

/** Nothing in here makes the server rotate a token whose answer is then lost, and nobody ends the session. */
const harmless: Record<string, (play: Play, tab: OpenTab, amount: number) => Promise<unknown>> = {
  fetch: async ({ calls }, { auth }) =>
    calls.push(auth.fetch(usersMe).catch((error: unknown) => error)),
  refresh: async ({ calls }, { auth }) =>
    calls.push(auth.refresh().catch((error: unknown) => error)),
  'wait a moment': ({ world }, _, amount) => world.clock.advance(amount),
  'wait for the expiry': async (play) => {
    await quiet(play)
    // With a back-off running something would be sent on the way.
    if (play.world.clock.timers === 0) await play.world.clock.advance(900_000)
  },
  'the API refuses all tokens': async ({ world }) => world.server.expireAccessTokens(),
  'wake up': async (_, { tab }) => tab.wake('online'),
  'the clock jumps': async ({ world }, _, amount) => world.clock.jump((amount - 500) * 10_000),
  'a request is lost': async ({ world }) =>
    world.server.fault('network-error', { ...at, times: 1 }),
  'the server is busy': async ({ world }) =>
    world.server.fault('try-later', { ...at, times: 1, retryAfter: 5 }),
  'the server is broken': async ({ world }) =>
    world.server.fault('respond', { ...at, status: 500, times: 1 }),
  'one more tab': async ({ world, tabs }) => tabs.length < 4 && tabs.push(await open(world)),
  'storage works': async ({ world }) => world.browser.failStorage(),
  settle: ({ world }) => world.clock.settle(),
}

/** Sessions end here, and in no other way than the ones asked for. */
const ends: typeof harmless = {
  ...harmless,
  'storage cannot be read': async ({ world }) => world.browser.failStorage('get'),
  'an answer is lost': async ({ world }) =>
    world.server.fault('drop-response', { ...at, times: 1 }),
  'sign out': async ({ calls }, { auth }) => calls.push(auth.signOut({ redirect: false })),
  'the server ends it': async ({ world }) => world.server.revokeSessions(),
  'sign in': async ({ world }, { auth }, amount) =>
    world.server.signInTo(auth, amount % 2 ? 'ada' : 'grace').catch(() => undefined),
  'a tab crashes': async (play, { tab }) => {
    if (play.tabs.length < 2) return
    play.tabs = play.tabs.filter((open) => open.tab !== tab)
    play.calls.length = 0
    tab.crash()
  },
}

const steps = (table: typeof harmless) =>
  fc.array(
    fc.tuple(fc.constantFrom(...Object.keys(table)), fc.nat(3), fc.integer({ min: 1, max: 1000 })),
    { minLength: 5, maxLength: 25 },
  )

async function play(table: typeof harmless, script: Step[]): Promise<Play> {
  const world = await signedInTab()
  const first = { tab: world.tab, auth: world.auth, heard: listen(world.auth) }
  const state: Play = { world, tabs: [first], calls: [] }
  for (const [name, which, amount] of script) {
    await table[name]!(state, state.tabs[which % state.tabs.length]!, amount)
  }
  world.server.clearFaults()
  world.browser.failStorage()
  for (const { tab } of state.tabs) tab.wake('online')
  await world.clock.settle()
  await Promise.all(state.calls)
  return state
}

/** What holds whatever happens. */
async function expectNothingWrong({ world, tabs }: Play): Promise<void> {
  await world.until(() => world.browser.locks.held === 0)
  await world.clock.settle()
  const [first, ...others] = tabs
  for (const { auth } of others) expect(auth.getSession()).toEqual(first!.auth.getSession())
  const text = JSON.stringify([world.browser.posted, tabs.map(({ heard }) => heard)])
  for (const token of sentTokens(world)) expect(text).not.toContain(token)
  for (const { url, headers } of world.server.requests)
    if (headers.authorization) expect(new URL(url).origin).toBe('https://api.example.com')
}

test('whatever passes by in whatever order, nobody is signed out and no spent token is sent', async () => {
  await fc.assert(
    fc.asyncProperty(steps(harmless), async (script) => {
      const result = await play(harmless, script)
      await expectNothingWrong(result)
      const { world, tabs } = result
      expect(world.server.revoked).toEqual([])
      for (const { auth, heard } of tabs) {
        expect(auth.getSession()).toMatchObject({ status: 'signed-in' })
        expect(heard.filter(({ name }) => name === 'signed-out')).toEqual([])
      }
      await world.until(() => world.clock.timers === 0)
      await world.clock.advance(900_000)
      for (const { tab } of tabs) tab.wake('online')
      for (const { auth } of tabs) expect((await auth.fetch(usersMe)).status).toBe(200)
    }),
    { numRuns: 30, endOnFailure: true },
  )
}, 120_000)

test('however sessions end, all tabs agree, and the server sees a spent token after a lost answer only', async () => {
  await fc.assert(
    fc.asyncProperty(steps(ends), async (script) => {
      const result = await play(ends, script)
      await expectNothingWrong(result)
      const { world } = result
      const mayBeLost = script.some(([name]) => /lost|crashes|read/.test(name))
      if (!mayBeLost)
        expect(
          world.server.revoked.filter(({ reason }) => reason === 'refresh-token-reused'),
        ).toEqual([])
      expect(refreshes(world).length).toBeLessThan(script.length * 3)
    }),
    { numRuns: 30, endOnFailure: true },
  )
}, 120_000)
