import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorld } from './chaos/machines.ts'
import type { Machine, Setting, Visitor, World } from './chaos/machines.ts'
import { call, play, signIn, steps } from './chaos/steps.ts'
import type { Step } from './chaos/steps.ts'

// The same stories every time, so that a change that is tested is the reason when they fail; any other seed tells new ones.
const { CHAOS_RUNS = '2000', CHAOS_SEED = '2026', CHAOS_PATH } = process.env
const seed = CHAOS_SEED === 'random' ? Date.now() : Number(CHAOS_SEED)

const settings: fc.Arbitrary<Setting> = fc.record({
  seed: fc.nat(999),
  accessTokenLifetime: fc.constantFrom(900, 900, 60, 5),
  rotation: fc.constantFrom(true, true, true, false),
})

/** Takes all troubles away, and lets whatever is under way come to its end. */
async function calmDown(world: World): Promise<void> {
  const { server, clock, machines } = world
  server.clearFaults()
  world.storeFails = world.losesNext = false
  for (const machine of machines) machine.thaw()
  for (let round = 0; round < 40 && (round < 2 || world.open > 0); round += 1)
    await clock.advance(5000)
  expect(world.open).toBe(0)
  // The longest that a failed refresh is put off.
  await clock.advance(400_000)
}

async function answerOf(
  world: World,
  { machine, visitor }: { machine: Machine; visitor: Visitor },
): Promise<number> {
  let status: number | undefined
  void call(world, machine, visitor).then((found) => (status = found))
  for (let round = 0; round < 30 && status === undefined; round += 1)
    await world.clock.advance(1000)
  expect(status).toBeDefined()
  return status!
}

/** At every machine the same: who is signed in is served, and who is not is not. */
async function agree(world: World): Promise<void> {
  for (const machine of world.machines.filter(({ state }) => state === 'running'))
    for (const visitor of world.visitors) {
      let status = await answerOf(world, { machine, visitor })
      // A machine whose clock is wrong can put the next try off for the others, too.
      if (status === 0) {
        await world.clock.advance(400_000)
        status = await answerOf(world, { machine, visitor })
      }
      if (visitor.signedOut) expect(status).not.toBe(200)
      else if (!visitor.excused) expect([visitor.name, status]).toEqual([visitor.name, 200])
    }
}

async function run(setting: Setting, script: readonly Step[]): Promise<void> {
  const world = createWorld(setting)
  const machines = [world.addMachine(), world.addMachine(), world.addMachine()]
  for (const name of ['ada', 'grace']) {
    const visitor = { name, cookie: undefined, csrf: undefined, excused: false, signedOut: false }
    world.visitors.push(visitor)
    const signedIn = signIn(world, { visitor, begun: machines[0]!, finished: machines[1]! })
    await world.clock.settle()
    expect(await signedIn).toBe(true)
  }
  for (const step of script) await play(world, step)
  await calmDown(world)
  await agree(world)
  expect(world.wrongs).toEqual([])
}

test('in random stories of machines, users, stores and clocks nobody loses a session that was not ended', async () => {
  await fc.assert(fc.asyncProperty(settings, steps(30), run), {
    numRuns: Number(CHAOS_RUNS) / 10,
    seed,
    ...(CHAOS_PATH && { path: CHAOS_PATH }),
    // A story that takes so long goes round in circles.
    timeout: 20_000,
    includeErrorInReport: true,
  })
}, 3_600_000)
