import fc from 'fast-check'
import { test } from 'vitest'
import { run } from './chaos/run.ts'
import type { Setting, World } from './chaos/stage.ts'
import { steps } from './chaos/steps.ts'

// The same stories every time, so that a change that is tested is the reason when they fail; any other seed tells new ones.
const { CHAOS_RUNS = '2000', CHAOS_SEED = '2026', CHAOS_PATH, CHAOS_SHRINK } = process.env
const seed = CHAOS_SEED === 'random' ? Date.now() : Number(CHAOS_SEED)

const common = {
  seed: fc.nat(999),
  accessTokenLifetime: fc.constantFrom(900, 900, 900, 60, 5, 1, 2_592_000),
  server: fc.constantFrom('strict', 'strict', 'with a grace period', 'without rotation'),
  store: fc.constantFrom('prompt', 'late'),
  channel: fc.constantFrom(true, true, false),
  storeFails: fc.constantFrom(false, false, false, true),
  onDemand: fc.boolean(),
  dpop: fc.constantFrom(false, false, true),
} as const

/** What is drawn in another way than in the first world. */
const differences: Record<World, Partial<Record<keyof Setting, fc.Arbitrary<unknown>>>> = {
  'one store': {},
  'a store for each tab': { store: fc.constantFrom('prompt', 'prompt', 'prompt', 'memory') },
  'no Web Locks': {
    server: fc.constantFrom('strict', 'forgiving', 'with a grace period', 'without rotation'),
    // Between reading from a late store and writing to it, another tab could come in: without locks nothing prevents that.
    store: fc.constant('prompt'),
    // Nor while a proof is made.
    dpop: fc.constant(false),
  },
}

const settings = (world: World) =>
  fc.record({
    world: fc.constant(world),
    ...common,
    ...differences[world],
  }) as fc.Arbitrary<Setting>

/** The default message, and how to see the failure again. */
const reporter =
  (world: World) =>
  async <Story>(details: fc.RunDetails<Story>): Promise<void> => {
    if (!details.failed) return
    const { seed, counterexamplePath } = details
    const replay = `CHAOS_SEED=${seed} CHAOS_PATH=${counterexamplePath} npx vitest run test/session/chaos.test.ts -t '${world}'`
    throw new Error(`${fc.defaultReportMessage(details)}\n\nTo see it again: ${replay}`, {
      cause: details.errorInstance,
    })
  }

test.each<[World, number]>([
  ['one store', Number(CHAOS_RUNS)],
  ['a store for each tab', Number(CHAOS_RUNS) / 4],
  ['no Web Locks', Number(CHAOS_RUNS) / 4],
])(
  '%s, in %i random stories of tabs, people, networks, servers, clocks and storage: nobody loses a session that was not ended',
  async (world, numRuns) => {
    await fc.assert(fc.asyncProperty(settings(world), steps(40, world), run), {
      numRuns,
      seed,
      ...(CHAOS_PATH && { path: CHAOS_PATH }),
      // A story that takes so long goes round in circles.
      timeout: 20_000,
      endOnFailure: CHAOS_SHRINK === 'no',
      includeErrorInReport: true,
      asyncReporter: reporter(world),
    })
  },
  3_600_000,
)
