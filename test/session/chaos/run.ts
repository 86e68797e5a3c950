import { expect, vi } from 'vitest'
import { turn } from './quick-clock.ts'
import { createStage, storedSession, usersMe } from './stage.ts'
import type { History } from './history.ts'
import type { Actor, Setting, Stage } from './stage.ts'
import { comeBack, copy, play } from './steps.ts'
import type { Step } from './steps.ts'

const week = 7 * 86_400_000

/** Plays the script on a new stage, and checks the rules on the way and once all is quiet. */
export async function run(setting: Setting, script: readonly Step[]): Promise<void> {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  try {
    const stage = createStage(setting)
    await playAll(stage, script)
    await calmDown(stage)
    blameless(stage)
    agree(stage)
    expect(leaks(stage)).toEqual([])
    await works(stage)
    await close(stage)
    blameless(stage)
    expect(rejections.map((error) => (error as Error).stack)).toEqual([])
  } finally {
    process.off('unhandledRejection', onRejection)
    vi.unstubAllGlobals()
  }
}

/** Ada is signed in in one of two tabs, or both, and then things happen; some of them before the last one is over. */
async function playAll(stage: Stage, script: readonly Step[]): Promise<void> {
  const first = stage.openTab()
  const second = stage.openTab()
  await inTime(stage, stage.server.signInTo(first.auth))
  await stage.clock.settle()
  if (first.history !== second.history) copy(stage, first)
  for (const step of script) {
    await play(stage, step)
    if (step[2] % 4) await stage.clock.settle()
    // Even without locks, no other tab comes between what a page does in one turn; so that turn is finished first.
    else if (!stage.locks) await turn()
    blameless(stage)
  }
}

/** Takes all faults away, brings all pages back, and lets whatever is under way come to its end. */
async function calmDown(stage: Stage): Promise<void> {
  const { server, wire, clock, browser } = stage
  server.clearFaults()
  wire.calm()
  stage.calls.calm()
  // A session that is lost is not made good by another sign-in.
  stage.user = undefined
  stage.failStorage()
  const allComeBack = async () => {
    for (const actor of [...stage.actors]) await turn().then(() => comeBack(stage, actor))
    await clock.settle()
  }
  await allComeBack()
  const busy = () =>
    stage.asked.some(({ done }) => !done) ||
    browser.locks.held > 0 ||
    stage.actors.some(({ state }) => state !== 'running')
  for (let round = 0; round < 40 && busy(); round += 1) {
    await clock.advance(5000)
    // Some of what was under way leaves the page.
    await allComeBack()
  }
  expect(stage.asked.filter(({ done }) => !done)).toHaveLength(0)
  // Three times: a tab that looks may write something, which a tab without a channel notices when it looks again.
  for (let look = 0; look < 3; look += 1) {
    for (const { tab } of stage.actors) await turn().then(() => tab.wake())
    await clock.settle()
    for (let round = 0; round < 40 && clock.timers > 0; round += 1) await clock.advance(5000)
  }
}

function blameless({ histories, wire, calls }: Stage): void {
  const wrongs = [
    ...histories.flatMap((history) => history.wrongs),
    ...calls.wrongs,
    ...wire.astray.map((url) => `a refresh token was sent to ${url}`),
    ...wire.unproven.map((token) => `${token} was sent without a proof of its key`),
    ...wire.misused.map((use) => `a token went to an API it was not issued for: ${use}`),
  ]
  if (wrongs.length > 0) throw new Error(wrongs.join('\n'))
}

function agree({ actors }: Stage): void {
  for (const { auth, history } of actors) expect(auth.getSession()).toEqual(storedSession(history))
}

/** The tokens that have gone where none belongs. */
function leaks({ server, wire, browser, actors }: Stage): string[] {
  const takesTokens = ['/token', '/revoke']
  const others = server.requests.filter(
    ({ to, path }) => to === 'elsewhere' || (to === 'issuer' && !takesTokens.includes(path)),
  )
  const outside = JSON.stringify([others, browser.posted, actors.map(({ heard }) => heard)])
  return [...wire.tokens()].filter((token) => outside.includes(token))
}

/** A session that neither a person nor the server has ended works in every tab, after a reload at the latest. */
async function works(stage: Stage): Promise<void> {
  const isOver = ({ latest }: History) =>
    !latest ||
    latest.refused ||
    latest.ended ||
    latest.mistaken ||
    latest.keyLost ||
    stage.clock.now() >= latest.since + week
  for (const actor of [...stage.actors]) {
    if (isOver(actor.history)) continue
    const { response, history } = await served(stage, actor)
    if (isOver(history)) continue
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ sub: history.latest!.sub })
  }
}

async function served(
  stage: Stage,
  { auth, tab, deaf, history }: Actor,
): Promise<{ response: Response; history: History }> {
  const response = await inTime(stage, auth.fetch(usersMe)).catch(() => undefined)
  if (response?.ok) return { response, history }
  auth.close()
  // A token from a refresh after a 401 is not refreshed again so soon.
  await stage.clock.advance(11_000)
  tab.load('/')
  const next = stage.openTab({ tab, deaf, history })
  const again = await inTime(stage, next.auth.fetch(usersMe)).catch(() => Response.error())
  return { response: again, history: next.history }
}

/** Lets time pass until the work is done, which must not take more than a minute. */
async function inTime<T>({ clock }: Stage, work: Promise<T>): Promise<T> {
  let done = false as boolean
  const finished = work.finally(() => (done = true))
  finished.catch(() => undefined)
  await clock.settle()
  for (let round = 0; round < 60 && !done; round += 1) await clock.advance(1000)
  expect(done).toBe(true)
  return finished
}

/** Closed clients leave nothing behind, and do nothing any more. */
async function close({ actors, clock, browser, server, doors }: Stage): Promise<void> {
  for (const { auth } of actors) auth.close()
  await clock.settle()
  expect(clock.timers).toBe(0)
  expect(browser.locks).toMatchObject({ held: 0, waiting: 0 })
  for (const { auth } of actors) expect(doors.get(auth) ?? 0).toBe(0)
  const before = server.requests.length
  for (const { tab } of actors) tab.wake()
  await clock.advance(600_000)
  expect(server.requests).toHaveLength(before)
}
