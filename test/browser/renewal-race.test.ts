import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import type { PkceClient, PkceClientError } from 'pkce-client'
import { expired, openApp, sessionOf } from './app.ts'
import type { App } from './app.ts'
import { engineNames, launch } from './browser.ts'
import { countStaleReads, takeTrace, toldTrace, traceTabs } from './traced-tab.ts'
import type { Entry } from './traced-tab.ts'

// Globals of the page.
declare const auth: PkceClient
declare const ahead: number

// A few rounds, so that this does not rot. CONTRIBUTING.md says how it is run for an hour under load.
const { RACE_ROUNDS = '20', RACE_BUSY = '0', RACE_MINUTES = '60', RACE_SEED = '2026' } = process.env
const { RACE_BROWSER, RACE_TIMING = 'mixed' } = process.env
const seed = RACE_SEED === 'random' ? Date.now() : Number(RACE_SEED)
const limit = Number(RACE_MINUTES) * 60_000
// Under which any process can be stopped from outside.
const posix = existsSync('/proc/self')

/** How two tabs meet in one round. All in milliseconds. */
interface Round {
  /** The tab that needs a token first. */
  leader: number
  /** How much later the other one does. */
  offset: number
  /** For how long, from the leader's beginning, the other one computes and takes no notice of anything. */
  busy: number
  /** Before the round. */
  pause: number
}

const sometimes = (max: number) => fc.oneof(fc.constant(0), fc.integer({ min: 0, max }))
const timings: Record<string, fc.Arbitrary<Round>> = {
  together: fc.record({
    leader: fc.constantFrom(0, 1),
    offset: fc.constant(0),
    busy: fc.constant(0),
    pause: fc.constant(0),
  }),
  mixed: fc.record({
    leader: fc.constantFrom(0, 1),
    offset: sometimes(150),
    busy: fc.oneof(fc.constant(0), sometimes(300)),
    pause: sometimes(150),
  }),
}

interface Race {
  app: App
  browser: Browser
  tabs: Page[]
}

describe.each(RACE_BROWSER ? [RACE_BROWSER] : engineNames)('two tabs in %s', (engine) => {
  test(
    'that need a new token at the same moment send one token request, round after round (F25)',
    async () => {
      const race = await openRace(engine)
      for (let left = Number(RACE_BUSY); left > 0; left -= 1) {
        const busy = spawn(process.execPath, ['-e', 'for (;;);'])
        onTestFinished(() => void busy.kill())
      }
      await run(race, { timing: RACE_TIMING, rounds: Number(RACE_ROUNDS) })
    },
    limit + 600_000,
  )

  // Only Chromium keeps localStorage in a process of its own.
  if (engine !== 'chromium' || !posix) return

  test('that get a lock before the process of localStorage has said what was written under it do not send a spent token (F25)', async () => {
    const race = await openRace(engine)
    const storage = await storageProcess(race.browser)
    await run(race, {
      timing: 'together',
      rounds: 10,
      async duringRound(begin) {
        await sleepUntil(begin)
        process.kill(storage, 'SIGSTOP')
        await sleepUntil(begin + 400)
        process.kill(storage, 'SIGCONT')
      },
    })
  })
})

async function openRace(engine: string): Promise<Race> {
  const browser = await launch(engine)
  onTestFinished(() => browser.close())
  const person = await browser.newContext()
  await traceTabs(person)
  const app = await openApp()
  return { app, browser, tabs: await app.signedIn(person, 2) }
}

async function storageProcess(browser: Browser): Promise<number> {
  const devtools = await browser.newBrowserCDPSession()
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo')
  const found = processInfo.find(({ type }) => type.startsWith('storage.'))
  expect(found, JSON.stringify(processInfo)).toBeDefined()
  return found!.id
}

interface Plan {
  timing: string
  rounds: number
  /** What else happens, given the moment the leader begins. */
  duringRound?: (begin: number) => Promise<void>
}

/** Stops at the first round in which a token is sent twice or a tab is signed out, and tells what happened in it. */
async function run({ app, tabs }: Race, { timing, rounds, duringRound }: Plan): Promise<void> {
  const stale = countStaleReads()
  const end = Date.now() + limit
  let before: Entry[] = []
  let done = 0
  const report = () => {
    console.log(`${done} rounds, timing ${timing}, seed ${seed}: ${stale.told()}`)
  }
  for (const round of fc.sample(timings[timing]!, { seed, numRuns: rounds })) {
    if (Date.now() > end) break
    const begin = Date.now() + 40 + round.pause
    const [tokens] = await Promise.all([renewAtOnce(tabs, { round, begin }), duringRound?.(begin)])
    done += 1
    const trace = await takeTraces(app, tabs)
    stale.add(trace)
    const found = {
      requests: app.refreshes(),
      tokens: new Set(tokens).size,
      sessions: await Promise.all(tabs.map(sessionOf)),
    }
    const story = `round ${done}: ${JSON.stringify(round)}\n${toldTrace([...before, ...trace])}\n`
    const sessions = ['signed-in', 'signed-in']
    expect(found, story).toEqual({ requests: done, tokens: 1, sessions })
    before = trace
    if (done % 100 === 0) report()
  }
  expect(app.server.revoked).toEqual([])
  report()
}

/** Both tabs find that their token has expired. Resolves to what each has then: a new token, or the code of an error. */
function renewAtOnce(
  tabs: Page[],
  { round: { leader, offset, busy }, begin }: { round: Round; begin: number },
): Promise<string[]> {
  const renew = async ([start, busyUntil, seconds]: readonly [number, number, number]) => {
    const now = () => performance.timeOrigin + performance.now()
    // A timer is late by some milliseconds.
    await new Promise((resolve) => setTimeout(resolve, start - now() - 2))
    while (now() < Math.max(start, busyUntil));
    Object.assign(globalThis, { ahead: ahead + seconds })
    return auth.getAccessToken().catch((error: unknown) => (error as PkceClientError).code)
  }
  const calls = tabs.map((tab, index) => {
    if (index === leader) return tab.evaluate(renew, [begin, 0, expired] as const)
    return tab.evaluate(renew, [begin + (busy ? 0 : offset), begin + busy, expired] as const)
  })
  return Promise.all(calls)
}

/** What the tabs and the server did since last time, in order. */
async function takeTraces(app: App, tabs: Page[]): Promise<Entry[]> {
  const traces = await Promise.all(tabs.map((tab, index) => takeTrace(tab, `tab ${'AB'[index]}`)))
  const since = Math.min(...traces.flat().map(({ at }) => at))
  const arrivals = app.server
    .requestsTo('/token')
    .filter(({ at }) => at >= since)
    .map(({ at, form }): Entry => {
      const detail = `token ...${form?.['refresh_token']?.slice(-4)}`
      return { tab: 'server', at, what: 'gets', detail, locks: [] }
    })
  return [...traces.flat(), ...arrivals].sort((a, b) => a.at - b.at)
}

const sleepUntil = (moment: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, moment - Date.now()))
